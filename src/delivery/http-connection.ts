/**
 * One connection to an HTTP server at a time, over TLS or not: opened when needed, kept for the next request,
 * anew when asked.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Client } from 'undici';
import { connectTls, type TlsTarget, tlsErrorOf } from '../tls/client.ts';
import { DeliveryError } from './errors.ts';

export interface HttpTarget {
  /** `https:` needs `tls`. */
  readonly origin: URL;
  readonly tls?: TlsTarget;
  /** Wait for the connection, the handshake of TLS included. */
  readonly connectTimeoutMs: number;
  /** Wait for the server to take more bytes, and after the last one for the head of its answer. */
  readonly answerTimeoutMs: number;
  /** How long a connection without work stays open; a server that announces less gets its way. */
  readonly keepAliveMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | AsyncIterable<Uint8Array>;
}

export interface HttpAnswer {
  readonly httpStatus: number;
  readonly contentType: string;
  /** As it came, in seconds or as a date. */
  readonly retryAfter?: string;
  readonly location?: string;
  readonly body: Buffer;
}

/** Answers say little; what is longer is none. */
const ANSWER_BYTES_MAX = 1024 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;

export class HttpConnection {
  readonly #target: HttpTarget;
  readonly #signal: AbortSignal;
  #client: Client | undefined;
  #connects = 0;
  /** What the socket failed with first; the client tells the last. */
  #socketError: Error | undefined;

  /** @param signal cuts off whatever is going on */
  constructor(target: HttpTarget, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  /** Connections opened so far: a failure without a new one may be that of a connection that had gone stale. */
  get connects(): number {
    return this.#connects;
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @throws {DeliveryError} `HTTP_UNREACHABLE` when nothing was sent, else `HTTP_NO_ANSWER`: also when it is said that
   * all went well before all was sent
   * @throws {TlsPeerError} when there is no secure connection
   * @throws what the body throws
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const body = request.body === undefined ? undefined : new Watched(request.body);
    this.#client ??= await this.#open();
    this.#socketError = undefined;
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.#client.request({
        method: request.method,
        path: request.path,
        headers: request.headers,
        // Its documentation knows iterables, its types do not.
        ...(body && { body: body.toSend as unknown as Readable }),
        signal: this.#signal,
      });
      const isSuccess = statusCode >= 200 && statusCode < 300;
      if (isSuccess && body !== undefined && !body.isSent) {
        await this.renew();
        throw answeredEarly();
      }
      return {
        httpStatus: statusCode,
        contentType: one(headers['content-type']) ?? '',
        ...withText('retryAfter', one(headers['retry-after'])),
        ...withText('location', one(headers.location)),
        body: Buffer.from(await answer.arrayBuffer()),
      };
    } catch (error) {
      if (body?.failure !== undefined) throw body.failure;
      throw this.#asDeliveryError(error, body?.begun ?? false);
    }
  }

  /** The next request gets a connection of its own. */
  async renew(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.destroy();
  }

  async #open(): Promise<Client> {
    // Of some size: whoever sends nothing over HTTP need not carry it.
    const { Client } = await import('undici');
    const { answerTimeoutMs, keepAliveMs } = this.#target;
    const client = new Client(this.#target.origin.origin, {
      connect: ({ hostname, port }, callback) => this.#connect(hostname, Number(port), callback),
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxResponseSize: ANSWER_BYTES_MAX,
      maxHeaderSize: HEAD_BYTES_MAX,
      pipelining: 1,
      allowH2: false, // A connection per slot is what keeps instances apart.
    });
    client.on('connect', () => {
      this.#connects += 1;
    });
    return client;
  }

  #connect(
    hostname: string,
    givenPort: number,
    callback: (...settled: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
  ): void {
    const { origin, tls, connectTimeoutMs } = this.#target;
    const host = hostname.replace(/^\[|\]$/g, '');
    const isSecure = origin.protocol === 'https:';
    const address = { host, port: givenPort || (isSecure ? 443 : 80), noDelay: true, keepAlive: true };
    let isSettled = false;
    const settle = (error: Error | undefined) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      socket.off('error', settle).off('close', gone);
      socket.once('error', (first) => {
        this.#socketError ??= first;
      });
      if (!error) return callback(null, socket);
      socket.on('error', () => {}).destroy();
      callback(error, null);
    };
    const socket: Socket =
      isSecure && tls
        ? connectTls(address, tls, () => settle(undefined))
        : connectTcp(address, () => settle(undefined));
    const gone = () => settle(new Error('the connection was closed'));
    const timer = setTimeout(() => settle(nobodyInTime()), connectTimeoutMs);
    socket.on('error', settle).on('close', gone);
  }

  #asDeliveryError(error: unknown, begun: boolean): unknown {
    if (!(error instanceof Error) || this.#signal.aborted) return error;
    const { hostname, port, protocol } = this.#target.origin;
    const where = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
    // With TLS 1.3 a server refuses our certificate after the handshake.
    const tlsError = tlsErrorOf(error, where) ?? tlsErrorOf(this.#socketError ?? error, where);
    if (tlsError) return tlsError;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined && !begun && message !== 'the connection was closed') return error; // A bug of ours.
    const options = { cause: error };
    const what = MEANINGS[code ?? ''] ?? code ?? message;
    return begun
      ? new DeliveryError('HTTP_NO_ANSWER', `Got no answer from ${where}: ${what}`, {}, options)
      : new DeliveryError('HTTP_UNREACHABLE', `Cannot connect to ${where}: ${what}`, {}, options);
  }
}

/** The server ended the connection while a request was on it; it was not slow, and said nothing. */
export function isClosedByPeer(error: unknown): boolean {
  if (!(error instanceof DeliveryError) || error.code !== 'HTTP_NO_ANSWER') return false;
  const { code } = error.cause as NodeJS.ErrnoException;
  return code !== undefined && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(code);
}

/** As undici has it for connections that it makes itself. */
function nobodyInTime(): Error {
  return Object.assign(new Error('Nobody answered'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
}

/** Whatever it has, it is not all of what was to be sent. */
function answeredEarly(): Error {
  return Object.assign(new Error('Answered early'), { code: 'ANSWERED_EARLY' });
}

/** What undici means, in the words of this program. */
const MEANINGS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'nobody answered in time',
  UND_ERR_HEADERS_TIMEOUT: 'it took no more bytes, or did not answer, in time',
  UND_ERR_BODY_TIMEOUT: 'its answer stopped half way',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'its answer is far longer than one should be',
  UND_ERR_HEADERS_OVERFLOW: 'the head of its answer is far longer than one should be',
  UND_ERR_ABORTED: 'the connection was cut off',
  ANSWERED_EARLY: 'it answered that all went well before it had the whole request',
  ECONNREFUSED: 'the connection was refused (ECONNREFUSED)',
  ECONNRESET: 'it closed the connection (ECONNRESET)',
  ENOTFOUND: 'there is no host of that name (ENOTFOUND)',
  EAI_AGAIN: 'no name server answered (EAI_AGAIN)',
};

/** Tells whether a body was asked for, whether all of it was taken, and what it failed with: the client hides it. */
class Watched {
  readonly toSend: AsyncIterable<Uint8Array>;
  begun = false;
  isSent = false;
  failure: unknown;

  constructor(body: Buffer | AsyncIterable<Uint8Array>) {
    this.toSend = this.#watch(body);
  }

  async *#watch(body: Buffer | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.begun = true;
    if (Buffer.isBuffer(body)) {
      yield body;
      this.isSent = true;
      return;
    }
    try {
      yield* body;
      this.isSent = true;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function withText<Name extends string>(
  name: Name,
  text: string | undefined,
): { readonly [N in Name]?: string } {
  return text === undefined ? {} : ({ [name]: text } as { readonly [N in Name]: string });
}
