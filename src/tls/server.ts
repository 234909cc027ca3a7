/**
 * # TLS for listeners
 *
 * What `tls.createServer` and `https.createServer` are given, and the judgement on callers that show certificates.
 */
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import { TlsPeerError } from './errors.ts';
import { type PeerCertificate, peerCertificateOf } from './peer-certificate.ts';
import type { TlsMaterial } from './tls-material.ts';
import { faultOfVerification } from './verification.ts';

/** How a listener is secured. */
export interface TlsListening {
  readonly material: TlsMaterial;
  /** Whether callers must show a certificate. One that is shown must be good, also where none is required. */
  readonly clientCertificates: 'none' | 'requested' | 'required';
}

/** Node.js asks for certificates and lets every caller through: `judgeCaller` says who stays, and why not. */
export function serverOptionsOf({ material, clientCertificates }: TlsListening): TlsOptions {
  const requestCert = clientCertificates !== 'none';
  return { ...material.current.options, requestCert, rejectUnauthorized: false };
}

/** Has new connections use what is in force, whenever that changes. Those that are open are not touched. */
export function keepSecure(
  server: Pick<Server, 'setSecureContext'>,
  { material }: Pick<TlsListening, 'material'>,
): void {
  material.onChange(({ options }) => server.setSecureContext(options));
}

/**
 * The certificate that a caller has shown. To be asked of every connection when its handshake is done, before
 * anything else.
 *
 * @returns undefined when it has shown none, and need not
 * @throws {TlsPeerError} when it is not good, or missing: the connection must be destroyed
 */
export function judgeCaller(
  socket: TLSSocket,
  { clientCertificates }: Pick<TlsListening, 'clientCertificates'>,
  peerAddress: string,
): PeerCertificate | undefined {
  if (clientCertificates === 'none') return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    if (clientCertificates === 'requested') return undefined;
    const message = `Cannot take the connection of ${peerAddress}: it must show a certificate, it shows none`;
    throw new TlsPeerError('TLS_CERTIFICATE_UNTRUSTED', message);
  }
  if (socket.authorized) return peerCertificateOf(certificate);
  const code = String(socket.authorizationError);
  throw faultOfVerification(peerAddress, certificate, code, 'the tls.ca of the input');
}

/** Reads what `tlsClientError` tells of a connection that has failed. */
export function faultOfHandshake(error: Error, peerAddress: string): TlsPeerError {
  const { code = error.name } = error as NodeJS.ErrnoException;
  const isOver = code === 'ECONNRESET' || code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || code === 'EPIPE';
  const fault = isOver
    ? `its TLS handshake must come to an end, it did not (${code})`
    : `it must begin with a TLS handshake of version 1.2 or 1.3, it does not, or does not like ours (${code})`;
  const message = `Cannot take the connection of ${peerAddress}: ${fault}`;
  return new TlsPeerError('TLS_HANDSHAKE_FAILED', message, { cause: error });
}
