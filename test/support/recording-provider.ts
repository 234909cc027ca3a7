import type { ExecutionContext } from 'ava';
import { transferSyntaxes } from '../../src/dicom/transfer-syntax.ts';
import type {
  ProviderEvent,
  ProviderOptions,
  StoreAnswer,
  StoreRequest,
} from '../../src/dimse/provider-options.ts';
import { listenForAssociations, type Provider } from '../../src/dimse/service-provider.ts';
import { EventLog } from './event-log.ts';
import { type associateRequest, echoRequest, RELEASE_REQUEST } from './raw-pdu.ts';
import { RawPeer } from './raw-peer.ts';

/** One C-STORE as its sink saw it. */
export interface RecordedStore {
  readonly request: StoreRequest;
  readonly dataSet: Buffer;
  readonly fate: 'open' | 'complete' | string;
}

export interface RecordingProvider {
  readonly port: number;
  readonly provider: Provider;
  readonly stores: readonly RecordedStore[];
  readonly events: EventLog<ProviderEvent>;
  connect(): Promise<RawPeer>;
  associate(options?: Parameters<typeof associateRequest>[0]): Promise<RawPeer>;
  /** A C-ECHO on an association of its own, in words: shows that the provider is well. */
  echo(): Promise<string[]>;
}

/** A provider that takes everything and remembers it until the test ends; `options` replaces what it is about. */
export async function startRecordingProvider(
  t: ExecutionContext,
  options: Partial<ProviderOptions> & {
    readonly answer?: (store: RecordedStore) => StoreAnswer | Promise<StoreAnswer>;
  } = {},
): Promise<RecordingProvider> {
  const { answer = () => ({ status: 0 }), ...overrides } = options;
  const stores: RecordedStore[] = [];
  const events = new EventLog<ProviderEvent>();
  const provider = await listenForAssociations({
    host: '127.0.0.1',
    port: 0,
    associationsMax: 8,
    maxPduLengthBytes: 131_072,
    timeouts: { associationMs: 5000, pduMs: 5000, idleMs: 5000 },
    transferSyntaxUids: transferSyntaxes.map(({ uid }) => uid),
    acceptsAbstractSyntax: () => true,
    admit: () => ({ admitted: true, source: 'unknown' }),
    store(request) {
      const chunks: Buffer[] = [];
      const store = {
        request,
        fate: 'open',
        get dataSet() {
          return Buffer.concat(chunks);
        },
      };
      stores.push(store);
      return {
        write(bytes) {
          chunks.push(Buffer.from(bytes));
          return true;
        },
        onWritable: (resume) => resume(),
        async end() {
          store.fate = 'complete';
          return answer(store);
        },
        discard(reason) {
          store.fate = reason;
        },
      };
    },
    onEvent: (event) => events.push(event),
    ...overrides,
  });
  const { port } = provider.address;
  const peers: RawPeer[] = [];
  const remember = (peer: RawPeer) => {
    peers.push(peer);
    return peer;
  };
  t.teardown(async () => {
    for (const peer of peers) await peer.close();
    await provider.stop({ drainMs: 0 });
  });
  return {
    port,
    provider,
    stores,
    events,
    connect: async () => remember(await RawPeer.connect(port)),
    associate: async (options) => remember(await RawPeer.associate(port, options)),
    async echo() {
      const peer = await RawPeer.associate(port, { calling: 'ECHO' });
      await peer.send(echoRequest(1), RELEASE_REQUEST);
      const words = [await peer.nextWords(), await peer.nextWords()];
      await peer.close();
      return words;
    },
  };
}

/** What {@link RecordingProvider.echo} says when all is well. */
export const ECHO_ANSWERED = ['8030H of 1: 0000H', 'A-RELEASE-RP'];
