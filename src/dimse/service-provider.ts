/**
 * # Service provider
 *
 * Listens for associations and serves C-ECHO, C-STORE, N-ACTION and N-EVENT-REPORT on them.
 *
 * Invariants:
 * - Associations are counted from their acceptance to their end; one over the limit is rejected as transient.
 * - Connections without an association are bounded too, and TLS handshakes that go on: the oldest of them gives way
 *   to a new one.
 * - Nothing a peer sends, and nothing a handler throws, ends more than one association.
 */
import net from 'node:net';
import type { PeerCertificate } from '../tls/peer-certificate.ts';
import type { TlsListening } from '../tls/server.ts';
import { CollectingRoom } from './collected-operation.ts';
import { ProviderAssociation } from './provider-association.ts';
import type { ProviderEvent, ProviderOptions } from './provider-options.ts';
import { SecureListener } from './secure-listener.ts';
import { addressOf, Transport } from './transport.ts';

export interface Provider {
  readonly address: { readonly host: string; readonly port: number };
  readonly activeAssociations: number;
  /**
   * Accepts no more, lets each association finish what it has begun for up to `drainMs`, then aborts those left.
   * Resolves when all connections are closed.
   */
  stop(options: { readonly drainMs: number }): Promise<void>;
}

/** Connections beyond the associations: those that have not asked yet, are being rejected, or are closing. */
const SPARE_CONNECTIONS = 32;
/** Data sets of N-ACTION and N-EVENT-REPORT in memory at a time, over all associations. */
const COLLECTED_BYTES_AT_A_TIME = 64 * 1024 * 1024;
/** How long a peer may take to close its connection when the provider stops. */
const STOP_LINGER_MS = 500;

/** @throws {Error} of node:net when the address cannot be listened on */
export async function listenForAssociations(options: ProviderOptions): Promise<Provider> {
  const provider = new ServiceProvider(options);
  await provider.listen();
  return provider;
}

class ServiceProvider implements Provider {
  readonly options: ProviderOptions;
  readonly transferSyntaxUids: ReadonlySet<string>;
  readonly room = new CollectingRoom(COLLECTED_BYTES_AT_A_TIME);
  readonly #server: net.Server;
  readonly #secure: SecureListener | undefined;
  readonly #associations = new Set<ProviderAssociation>();
  #address = { host: '', port: 0 };
  #allClosed: (() => void) | undefined;

  constructor(options: ProviderOptions) {
    this.options = withQuietEvents(options);
    this.transferSyntaxUids = new Set(options.transferSyntaxUids);
    this.#secure = options.tls && this.#secureListener(options.tls);
    // The transport takes the handle over before anything is read: hence the pause.
    this.#server =
      this.#secure?.server ??
      net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) =>
        this.#connected(socket, Transport.accepted(socket)),
      );
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address;
  }

  get activeAssociations(): number {
    let active = 0;
    for (const association of this.#associations) if (association.isAssociated) active += 1;
    return active;
  }

  async listen(): Promise<void> {
    const { host, port } = this.options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port }, resolve);
    await promise;
    this.#server.off('error', reject);
    // Failing to accept one connection (too many files open) does not end the service.
    this.#server.on('error', (error) => this.options.onEvent?.({ type: 'handler-failed', error }));
    const address = this.#server.address() as net.AddressInfo;
    this.#address = { host: address.address, port: address.port };
  }

  async stop({ drainMs }: { readonly drainMs: number }): Promise<void> {
    const { promise: serverClosed, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#secure?.stop();
    const { promise: allClosed, resolve: noneLeft } = Promise.withResolvers<void>();
    this.#allClosed = noneLeft;
    for (const association of [...this.#associations]) association.stop(STOP_LINGER_MS);
    const drained = setTimeout(() => {
      for (const association of [...this.#associations]) association.abort();
    }, drainMs);
    if (this.#associations.size === 0) noneLeft();
    await Promise.all([serverClosed, allClosed]);
    clearTimeout(drained);
  }

  hasRoom(): boolean {
    return this.activeAssociations < this.options.associationsMax;
  }

  closed(association: ProviderAssociation): void {
    this.#associations.delete(association);
    if (this.#associations.size === 0) this.#allClosed?.();
  }

  #secureListener(listening: TlsListening): SecureListener {
    const { timeouts, onEvent } = this.options;
    const limits = { handshakeMs: timeouts.associationMs, handshakesMax: SPARE_CONNECTIONS };
    return new SecureListener(listening, limits, {
      connected: (socket, certificate) => this.#connected(socket, Transport.secured(socket), certificate),
      cameToNothing: (peerAddress) =>
        onEvent?.({ type: 'connection-ended', peerAddress, end: { how: 'closed' } }),
      handshakeFailed: (peerAddress, error) => onEvent?.({ type: 'handshake-failed', peerAddress, error }),
    });
  }

  #connected(socket: net.Socket, transport: Transport, certificate?: PeerCertificate): void {
    const connection = { peerAddress: addressOf(socket), ...(certificate && { certificate }) };
    this.#makeRoom();
    const association = new ProviderAssociation(this, transport, connection);
    try {
      association.listen();
      this.#associations.add(association);
    } catch (error) {
      this.options.onEvent?.({ type: 'handler-failed', error });
      socket.destroy();
    }
  }

  /** A flood of connections that ask for nothing must not keep out the one that will. */
  #makeRoom(): void {
    if (this.#associations.size < this.options.associationsMax + SPARE_CONNECTIONS) return;
    // Associations are fewer than connections here: there is one without.
    for (const association of this.#associations) {
      if (association.isAssociated) continue;
      this.#associations.delete(association);
      association.drop();
      return;
    }
  }
}

/** Who only listens must not be able to end an association: what a listener throws is dropped. */
function withQuietEvents(options: ProviderOptions): ProviderOptions {
  const onEvent = (event: ProviderEvent) => {
    try {
      options.onEvent?.(event);
    } catch {
      // There is nobody left to tell.
    }
  };
  return Object.create(options, { onEvent: { value: onEvent } });
}
