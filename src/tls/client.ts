/**
 * # TLS connections of our own
 *
 * The one place where a peer is believed or not. Node.js is told not to judge, so that what is wrong can be said
 * with the certificate at hand; nothing is sent before the judgement, and who fails it is cut off.
 */
import { isIP, type OnReadOpts } from 'node:net';
import tls from 'node:tls';
import { TlsPeerError } from './errors.ts';
import type { TlsMaterial } from './tls-material.ts';
import { faultOfVerification } from './verification.ts';

/** How one destination is reached over TLS. */
export interface TlsTarget {
  readonly material: TlsMaterial;
  /** The name that the certificate must be for; that of the host when absent. */
  readonly serverName?: string;
  /**
   * SHA-256 fingerprints, upper case with colons. When there are any, the certificate must be one of these, and
   * neither its issuer nor its names nor its dates count.
   */
  readonly fingerprints: readonly string[];
}

/** Where to, and what `net.connect` may be told besides. */
export interface TlsAddress {
  readonly host: string;
  readonly port: number;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  readonly onread?: OnReadOpts;
}

/** Ends of connections that were open, and had no TLS yet: the error itself looks as it does later on. */
const duringHandshake = new WeakSet<Error>();

/**
 * Connects. `trusted` is called once, when the peer is who it should be; write nothing before. Where it is not,
 * the socket is destroyed with a {@link TlsPeerError}, which its `error` event brings.
 */
export function connectTls(address: TlsAddress, target: TlsTarget, trusted: () => void): tls.TLSSocket {
  const name = target.serverName ?? address.host;
  const socket = tls.connect({
    ...address,
    ...(isIP(name) === 0 && { servername: name }),
    secureContext: target.material.current.context,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false, // Judged below.
    checkServerIdentity: () => undefined,
  });
  const noteReset = (error: NodeJS.ErrnoException) => {
    const isReset = /^(ECONNRESET|EPIPE|ECONNABORTED)$/.test(error.code ?? '');
    if (isReset && error.syscall !== 'connect') duringHandshake.add(error);
  };
  socket.once('error', noteReset);
  socket.once('secureConnect', () => {
    socket.off('error', noteReset);
    const fault = faultOfServer(socket, name, target.fingerprints);
    if (fault === undefined) trusted();
    else socket.destroy(fault);
  });
  return socket;
}

/**
 * Reads what came of a connection that `connectTls` opened, when it is an error of TLS.
 *
 * @returns undefined when it is another: no route, refused, reset later on
 */
export function tlsErrorOf(error: Error, peer: string): TlsPeerError | undefined {
  if (error instanceof TlsPeerError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (duringHandshake.has(error)) {
    const message = `Cannot connect to ${peer} over TLS: it closed the connection during the TLS handshake (${code}). It may speak no TLS on this port, but must: TLS 1.2 or 1.3`;
    return new TlsPeerError('TLS_HANDSHAKE_FAILED', message, { cause: error });
  }
  if (!/^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) return undefined;
  const options = { cause: error };
  if (/ALERT_(BAD_|UNKNOWN_CA|CERTIFICATE|NO_CERTIFICATE|UNSUPPORTED_CERT|ACCESS_DENIED)/.test(code)) {
    const message = `Cannot connect to ${peer} over TLS: it does not take our certificate, or needs one (${code}). It must know the authority of tls.certificate`;
    return new TlsPeerError('TLS_CERTIFICATE_REFUSED', message, options);
  }
  const isPlain = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code);
  const fault = isPlain ? 'what it answers is no TLS' : 'they agree on no version, suite or signature';
  const message = `Cannot connect to ${peer} over TLS: ${fault} (${code}). It must offer TLS 1.2 or 1.3 on this port`;
  return new TlsPeerError('TLS_HANDSHAKE_FAILED', message, options);
}

function faultOfServer(
  socket: tls.TLSSocket,
  name: string,
  fingerprints: readonly string[],
): TlsPeerError | undefined {
  const peer = `${socket.remoteAddress ?? name} port ${socket.remotePort ?? ''}`.trim();
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    const message = `Cannot connect to ${peer} over TLS: it must show a certificate, it shows none`;
    return new TlsPeerError('TLS_CERTIFICATE_UNTRUSTED', message);
  }
  if (fingerprints.length > 0) {
    if (fingerprints.includes(certificate.fingerprint256)) return undefined;
    const message = `Cannot trust ${peer}: its certificate has the SHA-256 fingerprint ${certificate.fingerprint256}, which is none of tls.fingerprints_sha256`;
    return new TlsPeerError('TLS_FINGERPRINT_MISMATCH', message);
  }
  // The declarations say Error; it is the code as text.
  const code = socket.authorizationError as unknown as string | Error | null | undefined;
  if (!socket.authorized) return faultOfVerification(peer, certificate, wordOf(code), 'tls.ca');
  const isNamed = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
  if (isNamed !== undefined) return undefined;
  const names = certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', ');
  const message = `Cannot trust ${peer}: its certificate must be for "${name}", it is for ${names}. Set tls.server_name where another name is right`;
  return new TlsPeerError('TLS_NAME_MISMATCH', message);
}

function wordOf(code: string | Error | null | undefined): string {
  if (code instanceof Error) return (code as NodeJS.ErrnoException).code ?? code.message;
  return code ?? 'unknown';
}
