import { createHash } from 'node:crypto';
import { transferSyntaxes } from '../../src/dicom/transfer-syntax.ts';
import { listenForAssociations } from '../../src/dimse/service-provider.ts';
import {
  type CommitmentReport,
  decodeCommitmentRequest,
  FAILURE_REASON,
  type SopReference,
} from '../../src/dimse/storage-commitment.ts';
import { reportBack } from './committing-peer.ts';

export interface Received {
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly digest: string;
}

/**
 * A PACS that takes everything and remembers what it was given, by UID and digest of the data set, in order. Asked to
 * commit, it does to what it was given, over the same association.
 */
export async function startRecordingPacs() {
  const received: Received[] = [];
  const asked = new Set<string>();
  const provider = await listenForAssociations({
    host: '127.0.0.1',
    port: 0,
    associationsMax: 20,
    maxPduLengthBytes: 131_072,
    timeouts: { associationMs: 10_000, pduMs: 30_000, idleMs: 60_000 },
    admit: () => ({ admitted: true, source: 'gateway' }),
    acceptsAbstractSyntax: () => true,
    transferSyntaxUids: transferSyntaxes.map(({ uid }) => uid),
    store(request) {
      const hash = createHash('sha256');
      return {
        write(bytes) {
          hash.update(bytes);
          return true;
        },
        onWritable: (resume) => resume(),
        async end() {
          const { sopInstanceUid, sopClassUid } = request;
          received.push({ sopInstanceUid, sopClassUid, digest: hash.digest('hex') });
          return { status: 0 };
        },
        discard() {},
      };
    },
    async action({ reverse, transferSyntaxUid, dataSet }) {
      const { transactionUid, references } = decodeCommitmentRequest(
        dataSet ?? new Uint8Array(),
        transferSyntaxUid,
      );
      for (const { sopInstanceUid } of references) asked.add(sopInstanceUid);
      const isHere = ({ sopInstanceUid }: SopReference) =>
        received.some((one) => one.sopInstanceUid === sopInstanceUid);
      const report: CommitmentReport = {
        transactionUid,
        committed: references.filter(isHere),
        failed: references
          .filter((one) => !isHere(one))
          .map((one) => ({ ...one, failureReason: FAILURE_REASON.noSuchObjectInstance })),
      };
      // Once this has been answered. When nobody is there any more, it is asked for again.
      setImmediate(() => void reportBack(reverse, report).catch(() => {}));
      return { status: 0 };
    },
  });
  return { port: provider.address.port, received, asked, stop: () => provider.stop({ drainMs: 500 }) };
}
