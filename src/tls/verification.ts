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
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const message = `Cannot trust ${peer}: its certificate and those above it must be valid now, one has expired: its own is until ${certificate.validToDate.toISOString()}`;
      return new TlsPeerError('TLS_CERTIFICATE_EXPIRED', message);
    }
    case 'CERT_NOT_YET_VALID': {
      const message = `Cannot trust ${peer}: its certificate and those above it must be valid now, one is not yet: its own is from ${certificate.validFromDate.toISOString()} on. Is the clock right?`;
      return new TlsPeerError('TLS_CERTIFICATE_EXPIRED', message);
    }
    default: {
      const message = `Cannot trust ${peer}: its certificate must come from an authority of ${setting}, it comes from "${certificate.issuer.replaceAll('\n', ', ')}" (${code})`;
      return new TlsPeerError('TLS_CERTIFICATE_UNTRUSTED', message);
    }
  }
}
