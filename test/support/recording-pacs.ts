import { createHash } from 'node:crypto';
import { transferSyntaxes } from '../../src/dicom/transfer-syntax.ts';
import { listenForAssociations } from '../../src/dimse/service-provider.ts';

export interface Received {
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly digest: string;
}

/** A PACS that takes everything and remembers what it was given, by UID and digest of the data set. */
export async function startRecordingPacs() {
  const received: Received[] = [];
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
  } as Parameters<typeof listenForAssociations>[0]);
  return { port: provider.address.port, received, stop: () => provider.stop({ drainMs: 500 }) };
}
