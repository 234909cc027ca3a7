/**
 * # Storage Commitment, Push Model
 *
 * The data sets of a request (N-ACTION) and of a report (N-EVENT-REPORT): values to bytes and back. Pure.
 * PS3.4 Annex J.
 */
import { DataSet, readDataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { isTolerableUid } from '../dicom/uid.ts';
import { GatewayError } from '../errors.ts';
import { CommitmentFormatError } from './errors.ts';
import { NORMALIZED_STATUS } from './status.ts';

export const STORAGE_COMMITMENT = {
  sopClassUid: '1.2.840.10008.1.20.1',
  /** Well known, and the only one. */
  sopInstanceUid: '1.2.840.10008.1.20.1.1',
  /** Action Type ID. */
  request: 1,
  /** Event Type IDs. */
  allCommitted: 1,
  failuresExist: 2,
} as const;

/** Failure Reason (0008,1197). PS3.3 C.14.1.1. */
export const FAILURE_REASON = {
  processingFailure: 0x0110,
  noSuchObjectInstance: 0x0112,
  classInstanceConflict: 0x0119,
  resourceLimitation: 0x0213,
} as const;

/** More references than this are refused, in a request as in a report. */
export const REFERENCES_MAX = 60_000;

export interface SopReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

export interface FailedReference extends SopReference {
  readonly failureReason: number;
}

export interface CommitmentRequest {
  readonly transactionUid: string;
  readonly references: readonly SopReference[];
}

export interface CommitmentReport {
  readonly transactionUid: string;
  readonly committed: readonly SopReference[];
  readonly failed: readonly FailedReference[];
}

export function encodeCommitmentRequest(request: CommitmentRequest, transferSyntaxUid: string): Uint8Array {
  const dataSet = new DataSet()
    .set('TransactionUID', request.transactionUid)
    .set('ReferencedSOPSequence', request.references.map(itemOf));
  return encodeDataSet(dataSet, transferSyntaxUid);
}

/** @throws {CommitmentFormatError} */
export function decodeCommitmentRequest(bytes: Uint8Array, transferSyntaxUid: string): CommitmentRequest {
  const dataSet = read(bytes, transferSyntaxUid);
  const references = dataSet.items('ReferencedSOPSequence').map(referenceOf);
  if (references.length === 0) {
    throw new CommitmentFormatError(
      'Cannot take commitment request: it must reference an instance, it references none',
      NORMALIZED_STATUS.noSuchArgument,
    );
  }
  checkCount(references.length);
  return { transactionUid: transactionUidOf(dataSet), references };
}

export function eventTypeOf({ failed }: CommitmentReport): number {
  return failed.length > 0 ? STORAGE_COMMITMENT.failuresExist : STORAGE_COMMITMENT.allCommitted;
}

/** A sequence without an item is left out: PS3.4 Table J.3-2. */
export function encodeCommitmentReport(report: CommitmentReport, transferSyntaxUid: string): Uint8Array {
  const { transactionUid, committed, failed } = report;
  const dataSet = new DataSet().set('TransactionUID', transactionUid);
  if (failed.length > 0) {
    const items = failed.map((reference) => itemOf(reference).set('FailureReason', reference.failureReason));
    dataSet.set('FailedSOPSequence', items);
  }
  if (committed.length > 0) dataSet.set('ReferencedSOPSequence', committed.map(itemOf));
  return encodeDataSet(dataSet, transferSyntaxUid);
}

/**
 * An instance that is in both sequences has failed.
 *
 * @throws {CommitmentFormatError}
 */
export function decodeCommitmentReport(bytes: Uint8Array, transferSyntaxUid: string): CommitmentReport {
  const dataSet = read(bytes, transferSyntaxUid);
  const failed = dataSet.items('FailedSOPSequence').map((item) => ({
    ...referenceOf(item),
    failureReason: item.number('FailureReason') ?? FAILURE_REASON.processingFailure,
  }));
  const failedUids = new Set(failed.map(({ sopInstanceUid }) => sopInstanceUid));
  const committed = dataSet
    .items('ReferencedSOPSequence')
    .map(referenceOf)
    .filter(({ sopInstanceUid }) => !failedUids.has(sopInstanceUid));
  checkCount(failed.length + committed.length);
  return { transactionUid: transactionUidOf(dataSet), committed, failed };
}

function itemOf({ sopClassUid, sopInstanceUid }: SopReference): DataSet {
  return new DataSet()
    .set('ReferencedSOPClassUID', sopClassUid)
    .set('ReferencedSOPInstanceUID', sopInstanceUid);
}

function read(bytes: Uint8Array, transferSyntaxUid: string): DataSet {
  try {
    return readDataSet(bytes, { transferSyntaxUid }).dataSet;
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    throw new CommitmentFormatError(
      `Cannot read data set of storage commitment: ${cause.message}`,
      NORMALIZED_STATUS.invalidArgumentValue,
      { cause },
    );
  }
}

function transactionUidOf(dataSet: DataSet): string {
  return uidOf(dataSet, 'TransactionUID');
}

function referenceOf(item: DataSet): SopReference {
  return {
    sopClassUid: uidOf(item, 'ReferencedSOPClassUID'),
    sopInstanceUid: uidOf(item, 'ReferencedSOPInstanceUID'),
  };
}

function uidOf(dataSet: DataSet, keyword: string): string {
  const uid = dataSet.text(keyword);
  if (uid !== undefined && isTolerableUid(uid)) return uid;
  throw new CommitmentFormatError(
    `Cannot take data set of storage commitment: ${keyword} must be a UID, it is ${uid === undefined ? 'missing' : 'none'}`,
    uid === undefined ? NORMALIZED_STATUS.noSuchArgument : NORMALIZED_STATUS.invalidArgumentValue,
  );
}

function checkCount(count: number): void {
  if (count <= REFERENCES_MAX) return;
  throw new CommitmentFormatError(
    `Cannot take data set of storage commitment: it must reference ${REFERENCES_MAX} instances at most, it references ${count}`,
    NORMALIZED_STATUS.resourceLimitation,
  );
}
