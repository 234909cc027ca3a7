import type { X509Certificate } from 'node:crypto';
import { TlsPeerError } from './errors.ts';

/**
 * Says in words why a certificate of a peer was not found good.
 *
 * @param code of OpenSSL, as `authorizationError` has it
 * @param setting that names the authorities
 */
export function faultOfVerification(
  peer: string,
  certificate: X509Certificate,
  code: string,
  setting: string,
): TlsPeerError {
  const issuer = certificate.issuer.replaceAll('\n', ', ');
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const message = `Cannot trust ${peer}: its certificate, or one above it, has expired: its own must be valid now, it was until ${certificate.validToDate.toISOString()}`;
      return new TlsPeerError('TLS_CERTIFICATE_EXPIRED', message);
    }
    case 'CERT_NOT_YET_VALID': {
      const message = `Cannot trust ${peer}: its certificate must be valid now, it is from ${certificate.validFromDate.toISOString()} on. Is the clock right?`;
      return new TlsPeerError('TLS_CERTIFICATE_EXPIRED', message);
    }
    default: {
      const message = `Cannot trust ${peer}: its certificate must come from an authority of ${setting}, it comes from "${issuer}" (${code})`;
      return new TlsPeerError('TLS_CERTIFICATE_UNTRUSTED', message);
    }
  }
}
