import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { Duration } from '../duration.ts';
import { SignInSettings } from './http-sign-in.ts';
import { ServerTlsSettings } from './tls-settings.ts';

export const StowRsInputSettings = z.strictObject({
  kind: z.literal('stow-rs').describe('A DICOMweb server that takes instances by STOW-RS, and gives none.'),
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 is every address.'),
  port: z.int().min(0).max(65535).default(8081).describe('TCP port to listen on; 0 takes a free one.'),
  base_path: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'must be a path such as /dicom-web, without a slash at its end')
    .default('/dicom-web')
    .describe('What stands before `/studies` in the URL.'),
  auth: SignInSettings.prefault({ kind: 'none' }).describe('How callers sign in.'),
  tls: ServerTlsSettings.optional().describe('Makes it an https server; a plain one when absent.'),
  source: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name of the source that callers are, where neither their sign-in nor their certificate says so; else ' +
        '`unknown`.',
    ),
  calling_ae_title: AeTitle.default('STOW-RS').describe(
    'HTTP knows no AE titles: what rules see as `from-ae`, and files as the AE that sent them.',
  ),
  called_ae_title: AeTitle.default('SLIDEGATE').describe('What rules see as `to-ae`.'),
  requests_max: z
    .int()
    .min(1)
    .max(1000)
    .default(32)
    .describe('Requests at the same time; one more is answered 503 and may come again.'),
  request_bytes_max: z
    .int()
    .min(1)
    .default(107_374_182_400)
    .describe('Largest body of a request, in bytes; a larger one is answered 413.'),
  parts_max: z.int().min(1).max(100_000).default(10_000).describe('Most instances in one request.'),
  header_timeout: Duration.prefault('30s').describe('Wait for the headers of a request to be complete.'),
  idle_timeout: Duration.prefault('1m').describe('Wait for the next bytes of a request.'),
  request_timeout: Duration.prefault('6h').describe(
    'How long a request may take in all, for clients that send a byte from time to time.',
  ),
});
export type StowRsInputSettings = z.infer<typeof StowRsInputSettings>;
