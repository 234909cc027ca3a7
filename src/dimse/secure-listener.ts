/**
 * # Secure listener
 *
 * Accepts TCP connections and hands them on once their TLS handshake is done and their certificate is found good.
 *
 * Invariants:
 * - A handshake has its time, whatever the peer sends in it, and there are only so many at once: the oldest gives
 *   way to a new one. A peer that stalls, or speaks no TLS, costs nothing else.
 * - Certificates that change are used for new connections; those that are open go on.
 */
import type net from 'node:net';
import tls from 'node:tls';
import { TlsPeerError } from '../tls/errors.ts';
import type { PeerCertificate } from '../tls/peer-certificate.ts';
import {
  faultOfHandshake,
  judgeCaller,
  keepSecure,
  serverOptionsOf,
  type TlsListening,
} from '../tls/server.ts';
import { addressOf } from './transport.ts';

export interface SecureListenerHandler {
  /** `certificate` is what the peer has shown, and good; absent where it has shown none and need not. */
  connected(socket: tls.TLSSocket, certificate: PeerCertificate | undefined): void;
  /** A connection on which nothing was sent: a health check, or a port scan. */
  cameToNothing(peerAddress: string): void;
  /** A connection that was no secure one, or whose peer showed no good certificate. */
  handshakeFailed(peerAddress: string, error: TlsPeerError): void;
}

export interface SecureListenerLimits {
  readonly handshakeMs: number;
  readonly handshakesMax: number;
}

/** A connection whose handshake goes on. */
interface Handshake {
  readonly socket: net.Socket;
  readonly timer: NodeJS.Timeout;
}

export class SecureListener {
  readonly server: tls.Server;
  readonly #listening: TlsListening;
  readonly #handler: SecureListenerHandler;
  readonly #limits: SecureListenerLimits;
  /** By address and port of the peer, which no two connections share; the oldest first. */
  readonly #handshakes = new Map<string, Handshake>();

  constructor(listening: TlsListening, limits: SecureListenerLimits, handler: SecureListenerHandler) {
    this.#listening = listening;
    this.#handler = handler;
    this.#limits = limits;
    this.server = tls.createServer({
      ...serverOptionsOf(listening),
      noDelay: true,
      handshakeTimeout: 2 * limits.handshakeMs, // Starts anew with every byte: ours does not.
    });
    keepSecure(this.server, listening);
    // In front of the listener that takes the handle over.
    this.server.prependListener('connection', (socket) => this.#begin(socket));
    this.server.on('secureConnection', (socket) => this.#secured(socket));
    this.server.on('tlsClientError', (error, socket) => {
      const address = addressOf(socket);
      socket.destroy();
      if (this.#end(keyOf(socket))) this.#failed(address, faultOfHandshake(error, address));
    });
  }

  /** Ends the handshakes that go on. */
  stop(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy();
  }

  #begin(socket: net.Socket): void {
    if (this.#handshakes.size >= this.#limits.handshakesMax) {
      const [oldest] = this.#handshakes.values();
      if (oldest) this.#giveUp(oldest.socket, 'too many others have begun since');
    }
    const { handshakeMs } = this.#limits;
    const late = () => this.#giveUp(socket, `it took more than ${handshakeMs} ms`);
    const key = keyOf(socket);
    const address = addressOf(socket);
    this.#handshakes.set(key, { socket, timer: setTimeout(late, handshakeMs) });
    socket.once('close', () => {
      if (!this.#end(key)) return; // Told before.
      if (socket.bytesRead === 0) this.#handler.cameToNothing(address);
      else this.#failed(address, unfinished(address, 'the peer closed the connection'));
    });
  }

  #secured(socket: tls.TLSSocket): void {
    socket.on('error', () => {}); // Whoever takes it on listens too; until then nobody would.
    this.#end(keyOf(socket));
    const address = addressOf(socket);
    let certificate: PeerCertificate | undefined;
    try {
      certificate = judgeCaller(socket, this.#listening, address);
    } catch (error) {
      socket.destroy();
      if (!(error instanceof TlsPeerError)) throw error;
      this.#failed(address, error);
      return;
    }
    this.#handler.connected(socket, certificate);
  }

  #giveUp(socket: net.Socket, why: string): void {
    const address = addressOf(socket);
    this.#end(keyOf(socket));
    socket.destroy();
    this.#failed(address, unfinished(address, why));
  }

  /** @returns false when it had ended before */
  #end(key: string): boolean {
    clearTimeout(this.#handshakes.get(key)?.timer);
    return this.#handshakes.delete(key);
  }

  #failed(address: string, error: TlsPeerError): void {
    this.#handler.handshakeFailed(address, error);
  }
}

function unfinished(address: string, why: string): TlsPeerError {
  const message = `Cannot take the connection of ${address}: its TLS handshake must come to an end, it did not: ${why}`;
  return new TlsPeerError('TLS_HANDSHAKE_FAILED', message);
}

function keyOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
