import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { addressOf } from '../dimse/transport.ts';
import { incomingHandshakeFailed, inputFailed } from '../telemetry/intake-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { TlsPeerError } from '../tls/errors.ts';
import type { PeerCertificate } from '../tls/peer-certificate.ts';
import {
  faultOfHandshake,
  judgeCaller,
  keepSecure,
  serverOptionsOf,
  type TlsListening,
} from '../tls/server.ts';
import { InputUnavailableError } from './errors.ts';

/** A request whose headers have come. */
export interface IncomingRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly peerAddress: string;
  /** What the client has shown over TLS, and is good. */
  readonly certificate?: PeerCertificate;
  /** The client waits for `100 Continue` with its body. */
  readonly expectsContinue: boolean;
}

export interface HttpListenerOptions {
  readonly input: string;
  readonly telemetry: Telemetry;
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsListening;
  /** For the headers of a request, and for a TLS handshake. */
  readonly headerMs: number;
  readonly connectionsMax: number;
  onRequest(incoming: IncomingRequest): void;
}

export interface HttpListener {
  readonly host: string;
  readonly port: number;
  /** Takes no new connections, and ends those that rest. */
  close(): void;
  /** Ends all connections, whatever they do. */
  destroy(): void;
}

/** Of the headers of a request. */
const HEADER_BYTES_MAX = 16 * 1024;
/** How long a connection may rest between requests. */
const KEEP_ALIVE_MS = 30_000;

/**
 * Listens for HTTP, or for HTTPS.
 *
 * @throws {InputUnavailableError} when the address is in use, or not ours
 */
export function listenForHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const { tls, headerMs } = options;
  const limits: http.ServerOptions = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: headerMs,
    requestTimeout: 0, // Bodies have limits of their own, which know when it is we who are slow.
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(headerMs, 5000),
    noDelay: true,
  };
  const certificates = new WeakMap<object, PeerCertificate>();
  const server = tls
    ? https.createServer({ ...limits, ...serverOptionsOf(tls), handshakeTimeout: headerMs })
    : http.createServer(limits);
  if (tls) secure(server as https.Server, tls, { ...options, certificates });
  server.maxConnections = options.connectionsMax;
  const take = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const certificate = certificates.get(request.socket);
    const peerAddress = addressOf(request.socket);
    options.onRequest({
      request,
      response,
      peerAddress,
      expectsContinue,
      ...(certificate && { certificate }),
    });
  };
  server.on('request', take(false));
  server.on('checkContinue', take(true));
  const { input, host, port } = options;
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code ?? 'unknown';
      const message = `Cannot start input "${input}" as it must listen on ${host}:${port}: ${code}`;
      reject(new InputUnavailableError(message, { input, host, port }, { cause }));
    });
    server.listen({ host, port }, () => {
      // Afterwards too many open files, for one: a connection is lost, the listener is not.
      server.on('error', (error) => inputFailed(options.telemetry, { input, error }));
      const { address, port: bound } = server.address() as AddressInfo;
      resolve({
        host: address,
        port: bound,
        close() {
          server.close();
          server.closeIdleConnections();
        },
        destroy: () => server.closeAllConnections(),
      });
    });
  });
}

/** Judges every caller before its first request is read. */
function secure(
  server: https.Server,
  tls: TlsListening,
  deps: Pick<HttpListenerOptions, 'input' | 'telemetry'> & { certificates: WeakMap<object, PeerCertificate> },
): void {
  const { input, telemetry, certificates } = deps;
  const failed = (socket: TLSSocket, error: TlsPeerError) => {
    const { code, message } = error;
    incomingHandshakeFailed(telemetry, { input, peerAddress: addressOf(socket), code, message });
    socket.destroy();
  };
  keepSecure(server, tls);
  server.prependListener('secureConnection', (socket) => {
    try {
      const certificate = judgeCaller(socket, tls, addressOf(socket));
      if (certificate !== undefined) certificates.set(socket, certificate);
    } catch (error) {
      if (!(error instanceof TlsPeerError)) throw error;
      failed(socket, error);
    }
  });
  server.on('tlsClientError', (error, socket) => {
    failed(socket, faultOfHandshake(error, addressOf(socket)));
  });
}
