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

export function serverOptionsOf({ material, clientCertificates }: TlsListening): TlsOptions {
  return {
    ...material.current.options,
    requestCert: clientCertificates !== 'none',
    // Where none is required the server lets every caller through to `judgeCaller`.
    rejectUnauthorized: clientCertificates === 'required',
  };
}

/** Has new connections use what is in force, whenever that changes. Those that are open are not touched. */
export function keepSecure(
  server: Pick<Server, 'setSecureContext'>,
  { material }: Pick<TlsListening, 'material'>,
): void {
  material.onChange(({ options }) => server.setSecureContext(options));
}

/**
 * The certificate that a caller has shown; to be asked of every connection of a listener with `clientCertificates`.
 *
 * @returns undefined when it has shown none, and need not
 * @throws {TlsPeerError} when it is not good: the connection must be destroyed
 */
export function judgeCaller(socket: TLSSocket, peerAddress: string): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  if (socket.authorized) return peerCertificateOf(certificate);
  throw faultOfVerification(
    peerAddress,
    certificate,
    String(socket.authorizationError),
    'the tls.ca of the input',
  );
}

/** Reads what `tlsClientError` tells of a connection that has failed. */
export function faultOfHandshake(error: Error, socket: TLSSocket, peerAddress: string): TlsPeerError {
  const { code = error.name } = error as NodeJS.ErrnoException;
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
    const message = `Cannot take the connection of ${peerAddress}: it must show a certificate, it shows none`;
    return new TlsPeerError('TLS_CERTIFICATE_UNTRUSTED', message);
  }
  const refused = socket.authorizationError;
  const certificate = refused ? socket.getPeerX509Certificate() : undefined;
  if (certificate) {
    return faultOfVerification(peerAddress, certificate, String(refused), 'the tls.ca of the input');
  }
  const isOver = code === 'ECONNRESET' || code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || code === 'EPIPE';
  const fault = isOver
    ? `its TLS handshake must come to an end, it did not (${code})`
    : `it must begin with a TLS handshake of version 1.2 or 1.3, it does not, or does not like ours (${code})`;
  const message = `Cannot take the connection of ${peerAddress}: ${fault}`;
  return new TlsPeerError('TLS_HANDSHAKE_FAILED', message, { cause: error });
}
