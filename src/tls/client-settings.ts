import { z } from 'zod';
import type { TlsTarget } from './client.ts';
import { FINGERPRINT, normalizeFingerprint } from './peer-certificate.ts';
import { TlsMaterial, type TlsMaterialDeps } from './tls-material.ts';

/** TLS to a peer that we call: a destination, or a source that is reported to. */
export const ClientTlsSettings = z
  .strictObject({
    ca: z
      .string()
      .min(1)
      .optional()
      .describe(
        'PEM file: the authorities that may have issued the certificate of the peer; the public ones when ' +
          'absent.',
      ),
    server_name: z
      .string()
      .min(1)
      .optional()
      .describe('Name that the certificate of the peer must be for, where that is not the host.'),
    fingerprints_sha256: z
      .array(z.string().regex(FINGERPRINT, 'must be 64 hexadecimal digits, colons or not'))
      .default([])
      .describe(
        'For a peer with a certificate of its own making: the SHA-256 fingerprints that it may have, as ' +
          '`openssl x509 -noout -fingerprint -sha256` prints them. Its issuer, names and dates do not count then.',
      ),
    certificate: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file: our own certificate, for a peer that asks for one.'),
    key: z.string().min(1).optional().describe('PEM file: the private key of that certificate.'),
    key_passphrase_env: z
      .string()
      .min(1)
      .optional()
      .describe('Environment variable that holds the passphrase of the key.'),
  })
  .refine((tls) => (tls.certificate === undefined) === (tls.key === undefined), {
    message: 'must be given with a certificate, and only with one',
    path: ['key'],
  });
export type ClientTlsSettings = z.infer<typeof ClientTlsSettings>;

/**
 * How to reach a peer over TLS; its files are read again whenever they change. Close its `material` when it is no
 * longer needed.
 *
 * @throws {TlsFileError} when the files cannot be used
 */
export function openClientTls(
  settings: ClientTlsSettings,
  deps: Omit<TlsMaterialDeps, 'side'>,
  side: 'destination' | 'source' = 'destination',
): TlsTarget {
  const { ca, certificate, key, key_passphrase_env: keyPassphraseEnv, server_name: serverName } = settings;
  const material = new TlsMaterial({ ca, certificate, key, keyPassphraseEnv }, { ...deps, side });
  return {
    material,
    fingerprints: settings.fingerprints_sha256.map(normalizeFingerprint),
    ...(serverName !== undefined && { serverName }),
  };
}
