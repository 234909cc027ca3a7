/** Serving the messages of Storage Commitment: what a peer is answered. PS3.4 J.3.2 and J.3.3. */
import { CommitmentFormatError } from './errors.ts';
import { NORMALIZED_STATUS } from './status.ts';
import {
  type CommitmentReport,
  type CommitmentRequest,
  decodeCommitmentReport,
  decodeCommitmentRequest,
  STORAGE_COMMITMENT,
} from './storage-commitment.ts';

/** What both an acceptor and a requestor know of a request. */
interface Message {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly typeId: number;
  readonly transferSyntaxUid: string;
  readonly dataSet?: Uint8Array;
}

export interface CommitmentAnswer {
  readonly status: number;
  readonly errorComment?: string;
}

/**
 * Serves an N-ACTION.
 *
 * @param take called with a request that is as it should be; what it resolves to is the answer
 */
export async function serveCommitmentRequest(
  message: Message,
  take: (request: CommitmentRequest) => Promise<CommitmentAnswer>,
): Promise<CommitmentAnswer> {
  const isRequest = message.typeId === STORAGE_COMMITMENT.request;
  return serve(message, isRequest ? undefined : NORMALIZED_STATUS.noSuchActionType, async (dataSet) =>
    take(decodeCommitmentRequest(dataSet, message.transferSyntaxUid)),
  );
}

/**
 * Serves an N-EVENT-REPORT.
 *
 * @param take resolves when the report is kept: only then it is answered
 */
export async function serveCommitmentReport(
  message: Message,
  take: (report: CommitmentReport) => Promise<void>,
): Promise<CommitmentAnswer> {
  const { allCommitted, failuresExist } = STORAGE_COMMITMENT;
  const isReport = message.typeId === allCommitted || message.typeId === failuresExist;
  return serve(message, isReport ? undefined : NORMALIZED_STATUS.noSuchEventType, async (dataSet) => {
    await take(decodeCommitmentReport(dataSet, message.transferSyntaxUid));
    return { status: NORMALIZED_STATUS.success };
  });
}

async function serve(
  { sopClassUid, sopInstanceUid, dataSet }: Message,
  wrongType: number | undefined,
  take: (dataSet: Uint8Array) => Promise<CommitmentAnswer>,
): Promise<CommitmentAnswer> {
  if (sopClassUid !== STORAGE_COMMITMENT.sopClassUid) return { status: NORMALIZED_STATUS.noSuchSopClass };
  if (sopInstanceUid !== STORAGE_COMMITMENT.sopInstanceUid) {
    return { status: NORMALIZED_STATUS.noSuchSopInstance };
  }
  if (wrongType !== undefined) return { status: wrongType };
  if (dataSet === undefined) {
    return { status: NORMALIZED_STATUS.noSuchArgument, errorComment: 'The request has no data set' };
  }
  try {
    return await take(dataSet);
  } catch (error) {
    if (!(error instanceof CommitmentFormatError)) throw error;
    return { status: error.status, errorComment: 'The data set is not as it should be' };
  }
}
