/** A PACS that is asked to commit to what it has taken, and reports as a test tells it. */
import type { AdmittedPeer, ReverseLink } from '../../src/dimse/provider-options.ts';
import { listenForAssociations } from '../../src/dimse/service-provider.ts';
import { openAssociation } from '../../src/dimse/service-user.ts';
import {
  type CommitmentReport,
  type CommitmentRequest,
  decodeCommitmentRequest,
  encodeCommitmentReport,
  eventTypeOf,
  FAILURE_REASON,
  type SopReference,
  STORAGE_COMMITMENT,
} from '../../src/dimse/storage-commitment.ts';

export const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const { sopClassUid, sopInstanceUid } = STORAGE_COMMITMENT;

export interface ReceivedRequest extends CommitmentRequest {
  readonly association: AdmittedPeer;
  /** Reports on the association that the request came on. */
  reportBack(report: CommitmentReport): Promise<number>;
}

export interface CommittingPeerOptions {
  readonly port?: number;
  /** Answer to N-ACTION; 0 unless told otherwise. */
  readonly answer?: (request: ReceivedRequest, count: number) => number | Promise<number>;
  /** Called once the answer has been given. */
  readonly onRequest?: (request: ReceivedRequest, count: number) => void | Promise<void>;
  readonly acceptsCommitment?: boolean;
}

export interface CommittingPeer {
  readonly port: number;
  /** SOP Instance UIDs in the order they came. */
  readonly stored: readonly string[];
  readonly requests: readonly ReceivedRequest[];
  stop(): Promise<void>;
}

export async function startCommittingPeer(options: CommittingPeerOptions = {}): Promise<CommittingPeer> {
  const stored: string[] = [];
  const requests: ReceivedRequest[] = [];
  const provider = await listenForAssociations({
    host: '127.0.0.1',
    port: options.port ?? 0,
    associationsMax: 100,
    maxPduLengthBytes: 131_072,
    timeouts: { associationMs: 5000, pduMs: 5000, idleMs: 60_000 },
    transferSyntaxUids: [EXPLICIT_LE, '1.2.840.10008.1.2'],
    acceptsAbstractSyntax: (uid) => options.acceptsCommitment !== false || uid !== sopClassUid,
    admit: () => ({ admitted: true, source: 'gateway' }),
    store: (request) => ({
      write: () => true,
      onWritable() {},
      async end() {
        stored.push(request.sopInstanceUid);
        return { status: 0 };
      },
      discard() {},
    }),
    async action({ association, reverse, transferSyntaxUid, dataSet }) {
      const request: ReceivedRequest = {
        ...decodeCommitmentRequest(dataSet ?? new Uint8Array(), transferSyntaxUid),
        association,
        reportBack: (report) => reportBack(reverse, report),
      };
      requests.push(request);
      const status = (await options.answer?.(request, requests.length)) ?? 0;
      const count = requests.length;
      setImmediate(() => void options.onRequest?.(request, count));
      return { status };
    },
  });
  return {
    port: provider.address.port,
    stored,
    requests,
    stop: () => provider.stop({ drainMs: 0 }),
  };
}

/** Everything that was asked is committed, but what is named. */
export function reportOf(
  { transactionUid, references }: CommitmentRequest,
  failing: readonly string[] = [],
  failureReason: number = FAILURE_REASON.noSuchObjectInstance,
): CommitmentReport {
  const fails = (reference: SopReference) => failing.includes(reference.sopInstanceUid);
  return {
    transactionUid,
    committed: references.filter((reference) => !fails(reference)),
    failed: references.filter(fails).map((reference) => ({ ...reference, failureReason })),
  };
}

/** Opens an association to report on, as an SCP does. Resolves with the status that was answered. */
export async function reportTo(
  port: number,
  report: CommitmentReport,
  titles: { readonly calling?: string; readonly called?: string } = {},
): Promise<number> {
  const user = await openAssociation(
    {
      host: '127.0.0.1',
      port,
      calledAeTitle: titles.called ?? 'SLIDEGATE',
      callingAeTitle: titles.calling ?? 'PACS',
      connectTimeoutMs: 5000,
      associationTimeoutMs: 5000,
      responseTimeoutMs: 10_000,
      maxPduLengthBytes: 131_072,
    },
    [
      {
        abstractSyntaxUid: sopClassUid,
        transferSyntaxUids: [EXPLICIT_LE],
        roles: { scu: false, scp: true },
      },
    ],
  );
  const command = {
    sopClassUid,
    sopInstanceUid,
    typeId: eventTypeOf(report),
    transferSyntaxUid: EXPLICIT_LE,
  };
  const { status } = await user.eventReport(command, encodeCommitmentReport(report, EXPLICIT_LE));
  await user.release();
  return status;
}

/** Reports on the association that the request came on. Resolves with the status that was answered. */
export async function reportBack(reverse: ReverseLink, report: CommitmentReport): Promise<number> {
  const transferSyntaxUid = reverse.transferSyntaxOf(sopClassUid) ?? EXPLICIT_LE;
  const dataSet = encodeCommitmentReport(report, transferSyntaxUid);
  const event = { sopClassUid, sopInstanceUid, eventTypeId: eventTypeOf(report), dataSet };
  return (await reverse.eventReport(event, 5000)).status;
}
