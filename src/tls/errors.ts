import { type Disposition, GatewayError } from '../errors.ts';

/** What can be wrong with our own files. Closed set. */
export type TlsFileErrorCode =
  | 'TLS_FILE_UNREADABLE' // A file of certificates or keys is not there, or may not be read.
  | 'TLS_FILE_INVALID' // A file does not hold what it should: certificates, or a private key.
  | 'TLS_KEY_MISMATCH'; // The private key belongs to another certificate.

/** Our own certificate, key or list of authorities cannot be used. */
export class TlsFileError extends GatewayError {
  override readonly code: TlsFileErrorCode;
  override readonly disposition: Disposition = 'hold';

  constructor(code: TlsFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, {}, options);
    this.code = code;
  }
}

/** Why no secure connection came about. Closed set. */
export type TlsPeerErrorCode =
  | 'TLS_CERTIFICATE_EXPIRED' // The certificate of the peer is not valid now.
  | 'TLS_CERTIFICATE_UNTRUSTED' // No authority that we trust has issued the certificate of the peer.
  | 'TLS_NAME_MISMATCH' // The certificate of the peer is for other names.
  | 'TLS_FINGERPRINT_MISMATCH' // The certificate of the peer is none of those that the settings name.
  | 'TLS_CERTIFICATE_REFUSED' // The peer does not take our certificate, or misses one.
  | 'TLS_HANDSHAKE_FAILED'; // The peer speaks no TLS on this port, or none that is safe today.

/** There is no secure connection with the peer: its trouble, or that of the settings; what is to be sent waits. */
export class TlsPeerError extends GatewayError {
  override readonly code: TlsPeerErrorCode;
  override readonly disposition: Disposition = 'retry';

  constructor(code: TlsPeerErrorCode, message: string, options?: ErrorOptions) {
    super(message, {}, options);
    this.code = code;
  }
}
