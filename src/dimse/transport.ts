/**
 * # Transport connections
 *
 * TCP, as an association needs it: bytes in as views, one write for each PDU or block out, pause and resume.
 *
 * All connections read into ONE buffer. That is safe because nobody keeps what was read:
 * - libuv asks for the buffer immediately before a non-blocking read and reports the bytes before it asks again,
 *   on one thread; between reads no connection owns it.
 * - The callback is synchronous, and so is everything behind it: the PDU reader hands on views, and whoever takes
 *   one copies or uses it before it returns (see PduHandler and StoreSink).
 * It spares a new 64 KiB buffer for every read, which is what receiving otherwise spends its time collecting.
 * A connection over TLS that a peer opened is the exception: Node.js hands its bytes out record by record.
 */
import assert from 'node:assert';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connectTls, type TlsTarget } from '../tls/client.ts';

/** Bytes of one read at most: several PDUs of a fast peer with one system call. */
const READ_BUFFER_BYTES = 512 * 1024;
const KEEP_ALIVE_AFTER_MS = 60_000;

const sharedReadBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/** What a transport connection tells. */
export interface TransportHandler {
  /** Only of a connection that was opened here; over TLS, when the peer has shown who it is. */
  transportOpened(): void;
  /** `bytes` is valid during the call only. */
  bytesReceived(bytes: Buffer): void;
  /** What was written has left; told after `write` had returned false. */
  writable(): void;
  /** Exactly once, whoever closed. */
  transportClosed(error: Error | undefined): void;
}

/** Where a connection goes, and how it is secured. */
export interface TransportAddress {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsTarget;
}

/** One TCP connection, with or without TLS. Idle until `start`. */
export class Transport {
  #socket: net.Socket | undefined;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #isPaused = false;
  readonly #open: (transport: Transport) => net.Socket;

  private constructor(open: (transport: Transport) => net.Socket) {
    this.#open = open;
  }

  /** A connection that a peer opened: `accepted` comes from a server with `pauseOnConnect`. */
  static accepted(accepted: net.Socket): Transport {
    return new Transport((transport) => readIntoSharedBuffer(accepted, transport.#onread));
  }

  /** A connection that a peer opened, its handshake done. */
  static secured(accepted: TLSSocket): Transport {
    return new Transport((transport) =>
      accepted.on('data', (bytes: Buffer) => transport.#handler?.bytesReceived(bytes)),
    );
  }

  /** A connection to open. */
  static to({ host, port, tls }: TransportAddress): Transport {
    return new Transport((transport) => {
      const options = { host, port, noDelay: true, keepAlive: true, onread: transport.#onread };
      const opened = () => transport.#handler?.transportOpened();
      return tls === undefined
        ? net.connect(options).on('connect', opened)
        : connectTls(options, tls, opened);
    });
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const socket = this.#open(this);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    socket.on('drain', () => handler.writable());
    // A peer that closes its half is gone: PS3.8 knows no half-open connection.
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => handler.transportClosed(this.#error));
    socket.resume();
  }

  /**
   * @param flushed called once: when the bytes have left, or with an error when they never will
   * @returns false when the caller should wait for `writable`
   */
  write(bytes: Uint8Array, flushed?: (error?: Error | null) => void): boolean {
    return this.#socket?.write(bytes, flushed) ?? false;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  /** Closes at once; what has not left yet is dropped. */
  close(): void {
    this.#socket?.destroy();
  }

  /** Closes once what was written has left. */
  closeWhenFlushed(): void {
    this.#socket?.destroySoon();
  }

  get #onread(): net.OnReadOpts {
    return {
      buffer: sharedReadBuffer,
      callback: (bytesRead) => {
        this.#handler?.bytesReceived(sharedReadBuffer.subarray(0, bytesRead));
        return !this.#isPaused;
      },
    };
  }
}

/**
 * Wraps the handle of an accepted connection again, now with a read buffer of ours: `net.Server` has no option
 * for it. The accepted socket gives its handle up before it has read anything.
 */
function readIntoSharedBuffer(accepted: net.Socket, onread: net.OnReadOpts): net.Socket {
  const holder = accepted as unknown as { _handle: unknown };
  const handle = holder._handle;
  assert(handle, 'Cannot take a connection over: its socket has no handle');
  holder._handle = null;
  accepted.destroy();
  // `handle` and `onread` together are what net.connect() uses itself; the type declarations do not know them.
  return new net.Socket({ handle, onread } as net.SocketConstructorOpts);
}

/** Address of the peer. `::ffff:10.0.0.1`, as a dual-stack socket has it, is 10.0.0.1. */
export function addressOf({ remoteAddress = '' }: net.Socket): string {
  const isMapped = remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.');
  return isMapped ? remoteAddress.slice('::ffff:'.length) : remoteAddress;
}
