/**
 * Takes reports on storage commitment to whoever asked: over the association that is open, or one of its own.
 * PS3.4 J.3.3.
 */
import { EXPLICIT_LE, IMPLICIT_LE } from '../dicom/transfer-syntax.ts';
import type { ReverseLink } from '../dimse/provider-options.ts';
import { openAssociation, type ServiceUser } from '../dimse/service-user.ts';
import { formatStatus } from '../dimse/status.ts';
import {
  type CommitmentReport,
  encodeCommitmentReport,
  eventTypeOf,
  STORAGE_COMMITMENT,
} from '../dimse/storage-commitment.ts';
import { GatewayError } from '../errors.ts';
import type { TlsTarget } from '../tls/client.ts';

/** Where reports of a caller go. */
export interface ReportTarget {
  readonly host: string;
  readonly port: number;
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly tls?: TlsTarget;
}

export type ReportOutcome =
  | { readonly delivered: true }
  | {
      readonly delivered: false;
      readonly reason: string;
      /** It was answered, with a failure. */
      readonly isRefused: boolean;
    };

const { sopClassUid, sopInstanceUid } = STORAGE_COMMITMENT;
const CONNECT_MS = 10_000;
const RESPONSE_MS = 60_000;
const SAME_ASSOCIATION_RESPONSE_MS = 10_000;
const MAX_PDU_LENGTH_BYTES = 131_072;

/** Over an association that the caller has opened. */
export async function reportBack(link: ReverseLink, report: CommitmentReport): Promise<ReportOutcome> {
  const transferSyntaxUid = link.transferSyntaxOf(sopClassUid) ?? IMPLICIT_LE;
  const dataSet = encodeCommitmentReport(report, transferSyntaxUid);
  const event = { sopClassUid, sopInstanceUid, eventTypeId: eventTypeOf(report), dataSet };
  return outcomeOf(() => link.eventReport(event, SAME_ASSOCIATION_RESPONSE_MS));
}

/** An association on which we are the SCP, to report one request after the other. */
export class ReportAssociation {
  readonly #user: ServiceUser;
  readonly #transferSyntaxUid: string;

  constructor(user: ServiceUser, transferSyntaxUid: string) {
    this.#user = user;
    this.#transferSyntaxUid = transferSyntaxUid;
  }

  report(report: CommitmentReport): Promise<ReportOutcome> {
    const transferSyntaxUid = this.#transferSyntaxUid;
    const command = { sopClassUid, sopInstanceUid, typeId: eventTypeOf(report), transferSyntaxUid };
    return outcomeOf(() =>
      this.#user.eventReport(command, encodeCommitmentReport(report, transferSyntaxUid)),
    );
  }

  get isOpen(): boolean {
    return this.#user.isOpen;
  }

  async close(): Promise<void> {
    try {
      await this.#user.release();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error; // It is over all the same.
    }
  }
}

/** @returns why there is none, for whoever reads the log */
export async function openReportAssociation(
  target: ReportTarget,
  signal: AbortSignal,
): Promise<ReportAssociation | string> {
  const context = {
    abstractSyntaxUid: sopClassUid,
    transferSyntaxUids: [EXPLICIT_LE, IMPLICIT_LE],
    roles: { scu: false, scp: true },
  };
  let user: ServiceUser;
  try {
    user = await openAssociation(
      {
        ...target,
        connectTimeoutMs: CONNECT_MS,
        associationTimeoutMs: CONNECT_MS,
        responseTimeoutMs: RESPONSE_MS,
        maxPduLengthBytes: MAX_PDU_LENGTH_BYTES,
      },
      [context],
      signal,
    );
  } catch (error) {
    if (error instanceof GatewayError || signal.aborted) return String((error as Error).message);
    throw error;
  }
  const abort = () => user.abort();
  signal.addEventListener('abort', abort, { once: true });
  user.onClose(() => signal.removeEventListener('abort', abort));
  const [transferSyntaxUid] = user.acceptedTransferSyntaxes(sopClassUid);
  // Some say nothing of roles, and take the report all the same.
  const isScp = user.grantedRoles(sopClassUid)?.scp ?? true;
  if (transferSyntaxUid !== undefined && isScp) return new ReportAssociation(user, transferSyntaxUid);
  user.abort();
  return `Cannot report to "${target.calledAeTitle}": it must accept Storage Commitment with us as the SCP`;
}

async function outcomeOf(send: () => Promise<{ readonly status: number }>): Promise<ReportOutcome> {
  try {
    const { status } = await send();
    if (status === 0) return { delivered: true };
    const reason = `Report was answered with ${formatStatus(status)}`;
    return { delivered: false, isRefused: true, reason };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { delivered: false, isRefused: false, reason: error.message };
  }
}
