/**
 * What both sides of a TLS connection agree to: the "BCP 195 RFC 8996, 9325 TLS Secure Transport Connection
 * Profile" of PS3.15 B.12. TLS 1.0 and 1.1 are gone (RFC 8996); the suites of TLS 1.2 have forward secrecy and
 * authenticated encryption (RFC 9325 4.2).
 */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** The order is the preference. The DHE suites are for devices that know no elliptic curves. */
export const CIPHER_SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES256-GCM-SHA384',
  'DHE-RSA-AES128-GCM-SHA256',
] as const;

export const TLS_PROFILE = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: CIPHER_SUITES.join(':'),
  honorCipherOrder: true,
  // Groups of RFC 7919 as long as the key of the certificate, 2048 bits at least.
  dhparam: 'auto',
  // No session is resumed: every connection shows its certificate, and is judged by the authorities of today.
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const satisfies SecureContextOptions;
