import { z } from 'zod';
import type { TlsListening } from '../tls/server.ts';
import { TlsMaterial, type TlsMaterialDeps } from '../tls/tls-material.ts';

/** TLS of an input that listens. */
export const ServerTlsSettings = z
  .strictObject({
    certificate: z
      .string()
      .min(1)
      .describe('PEM file: the certificate of the input, then those between it and its authority.'),
    key: z.string().min(1).describe('PEM file: the private key of the certificate.'),
    key_passphrase_env: z
      .string()
      .min(1)
      .optional()
      .describe('Environment variable that holds the passphrase of the key.'),
    ca: z
      .string()
      .min(1)
      .optional()
      .describe(
        'PEM file: the authorities whose client certificates are taken, or those certificates themselves.',
      ),
    client_certificates: z
      .enum(['none', 'requested', 'required'])
      .default('none')
      .describe(
        'Whether callers must show a certificate. One that is shown must be good, also where none is required.',
      ),
  })
  .refine((tls) => tls.client_certificates === 'none' || tls.ca !== undefined, {
    message: 'must be given where client certificates are asked for',
    path: ['ca'],
  });
export type ServerTlsSettings = z.infer<typeof ServerTlsSettings>;

/**
 * How an input is secured; its files are read again whenever they change. Close the `material` with the input.
 *
 * @throws {TlsFileError} when the files cannot be used
 */
export function openServerTls(
  settings: ServerTlsSettings,
  deps: Omit<TlsMaterialDeps, 'side'>,
): TlsListening {
  const { certificate, key, key_passphrase_env: keyPassphraseEnv, ca } = settings;
  const material = new TlsMaterial({ certificate, key, keyPassphraseEnv, ca }, { ...deps, side: 'input' });
  return { material, clientCertificates: settings.client_certificates };
}
