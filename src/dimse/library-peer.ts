/**
 * A Storage SCP on dcmjs-dimse: an implementation of DICOM that shares no code with ours. The demo's PACS, and
 * a peer for tests. It keeps every data set byte for byte.
 *
 * Deliberately absent: anything of the gateway. The library is not used on the data path (docs/adr/0002).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import dimse from 'dcmjs-dimse';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { isUid } from '../dicom/uid.ts';

export interface LibraryPeer {
  readonly port: number;
  close(): void;
}

type Context = InstanceType<typeof dimse.association.PresentationContext>;
type StoreRequest = InstanceType<typeof dimse.requests.CStoreRequest>;

/** Collects one data set. The high-water mark lies beyond any demo image: the library loses PDVs when a write waits. */
class DataSetCollector extends Writable {
  readonly fragments: Buffer[] = [];

  constructor() {
    super({ highWaterMark: 2 ** 31 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.fragments.push(Buffer.from(chunk));
    done();
  }
}

/**
 * Listens on loopback and writes each received instance to `<folder>/<SOP Instance UID>.dcm`.
 *
 * @param onStored called after the file is complete, before the response leaves
 */
export function startLibraryPeer(options: {
  folder: string;
  port?: number;
  onStored?: (file: { path: string; sizeBytes: number }) => void;
}): Promise<LibraryPeer> {
  dimse.log.setLevel('silent');
  const stored = new WeakMap<Writable, StoreRequest>();

  class Peer extends dimse.Scp {
    override associationRequested(association: InstanceType<typeof dimse.association.Association>): void {
      for (const { context } of association.getPresentationContexts()) {
        const [first] = context.getTransferSyntaxUids();
        context.setResult(
          first === undefined
            ? dimse.constants.PresentationContextResult.RejectTransferSyntaxesNotSupported
            : dimse.constants.PresentationContextResult.Accept,
          first,
        );
      }
      this.sendAssociationAccept();
    }

    override associationReleaseRequested(): void {
      this.sendAssociationReleaseResponse();
    }

    override cEchoRequest(
      request: InstanceType<typeof dimse.requests.CEchoRequest>,
      respond: (response: InstanceType<typeof dimse.responses.CEchoResponse>) => void,
    ): void {
      const response = dimse.responses.CEchoResponse.fromRequest(request);
      response.setStatus(dimse.constants.Status.Success);
      respond(response);
    }

    override createStoreWritableStream(_context: Context, request: StoreRequest): Writable {
      const collector = new DataSetCollector();
      stored.set(collector, request);
      return collector;
    }

    override createDatasetFromStoreWritableStream(
      collector: Writable,
      context: Context,
      done: (dataSet: InstanceType<typeof dimse.Dataset>) => void,
    ): void {
      const transferSyntaxUid = context.getAcceptedTransferSyntaxUid();
      const keep = async (): Promise<void> => {
        const request = stored.get(collector);
        const sopInstanceUid = String(request?.getAffectedSopInstanceUid());
        if (!isUid(sopInstanceUid)) throw new Error('Cannot store: the SOP Instance UID is no UID');
        const path = join(options.folder, `${sopInstanceUid}.dcm`);
        const meta = encodeFileMeta({
          sopClassUid: String(request?.getAffectedSopClassUid()),
          sopInstanceUid,
          transferSyntaxUid: transferSyntaxUid ?? '',
        });
        const bytes = Buffer.concat([meta, ...(collector as DataSetCollector).fragments]);
        await writeFile(path, bytes);
        options.onStored?.({ path, sizeBytes: bytes.byteLength });
        done(new dimse.Dataset({}, transferSyntaxUid));
      };
      const { AbortSource, AbortReason } = dimse.constants;
      // A rejection here would end the peer's process: the requestor is told instead.
      const finish = (): void => {
        keep().catch(() => this.sendAbort(AbortSource.ServiceUser, AbortReason.NotSpecified));
      };
      if (collector.writableFinished) finish();
      else collector.once('finish', finish);
    }

    override cStoreRequest(
      request: StoreRequest,
      respond: (response: InstanceType<typeof dimse.responses.CStoreResponse>) => void,
    ): void {
      const response = dimse.responses.CStoreResponse.fromRequest(request);
      response.setStatus(dimse.constants.Status.Success);
      respond(response);
    }

    override abort(): void {
      // The library closes nothing by itself; the socket ends with its peer.
    }
  }

  const server = new dimse.Server(Peer);
  return new Promise((resolve, reject) => {
    server.on('networkError', reject);
    server.on('listening', () => {
      const listener = (server as unknown as { server: import('node:net').Server }).server;
      const address = listener.address();
      if (address === null || typeof address === 'string') reject(new Error('Cannot listen on loopback'));
      else resolve({ port: address.port, close: () => server.close() });
    });
    // The library hands this to net.Server.listen(), which also takes an object: the only way to loopback alone.
    server.listen({ host: '127.0.0.1', port: options.port ?? 0 } as unknown as number);
  });
}
