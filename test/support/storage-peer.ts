import type {
  Admission,
  AssociationRequest,
  StoreAnswer,
  StoreRequest,
} from '../../src/dimse/provider-options.ts';
import { listenForAssociations } from '../../src/dimse/service-provider.ts';

/** An instance that the peer got, whatever it answered. */
export interface ReceivedInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly dataSet: Buffer;
  readonly answer: StoreAnswer;
  /** Counted from 1, in order of their opening. */
  readonly association: number;
}

export interface StoragePeerOptions {
  readonly port?: number;
  readonly transferSyntaxUids?: readonly string[];
  readonly acceptsAbstractSyntax?: (uid: string) => boolean;
  readonly admit?: (request: AssociationRequest) => Admission;
  /** What is answered to an instance; `count` is how often it came, this time included. */
  readonly answer?: (request: StoreRequest, count: number) => StoreAnswer | Promise<StoreAnswer>;
  /** Counts bytes and keeps none. */
  readonly forgetful?: boolean;
}

export interface StoragePeer {
  readonly port: number;
  readonly received: readonly ReceivedInstance[];
  /** Those answered with 0000. */
  readonly kept: readonly ReceivedInstance[];
  readonly associations: { readonly opened: number; readonly active: number };
  /** Presentation contexts proposed, by association. */
  readonly proposed: readonly number[];
  stop(): Promise<void>;
}

/** A Storage SCP that answers as it is told. */
export async function startStoragePeer(options: StoragePeerOptions = {}): Promise<StoragePeer> {
  const received: ReceivedInstance[] = [];
  const proposed: number[] = [];
  const counts = new Map<string, number>();
  const numbers = new WeakMap<object, number>();
  let opened = 0;
  const provider = await listenForAssociations({
    host: '127.0.0.1',
    port: options.port ?? 0,
    associationsMax: 100,
    maxPduLengthBytes: 131_072,
    timeouts: { associationMs: 5000, pduMs: 5000, idleMs: 60_000 },
    transferSyntaxUids: options.transferSyntaxUids ?? ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'],
    acceptsAbstractSyntax: options.acceptsAbstractSyntax ?? (() => true),
    admit: options.admit ?? (() => ({ admitted: true, source: 'unknown' })),
    store(request) {
      const number = numbers.get(request.association) ?? opened;
      numbers.set(request.association, number);
      const chunks: Buffer[] = [];
      return {
        write(bytes) {
          if (!options.forgetful) chunks.push(Buffer.from(bytes));
          return true;
        },
        onWritable() {},
        async end() {
          const { sopClassUid, sopInstanceUid, transferSyntaxUid } = request;
          const count = (counts.get(sopInstanceUid) ?? 0) + 1;
          counts.set(sopInstanceUid, count);
          const answer = (await options.answer?.(request, count)) ?? { status: 0 };
          received.push({
            sopClassUid,
            sopInstanceUid,
            transferSyntaxUid,
            dataSet: Buffer.concat(chunks),
            answer,
            association: number,
          });
          return answer;
        },
        discard() {},
      };
    },
    onEvent(event) {
      if (event.type !== 'association-accepted') return;
      opened += 1;
      proposed.push(event.presentationContexts);
      numbers.set(event.peer, opened);
    },
  });
  return {
    port: provider.address.port,
    received,
    get kept() {
      return received.filter(({ answer }) => answer.status === 0);
    },
    get associations() {
      return { opened, active: provider.activeAssociations };
    },
    proposed,
    stop: () => provider.stop({ drainMs: 0 }),
  };
}
