import { z } from 'zod';
import { Duration } from '../duration.ts';
import { ClientTlsSettings } from '../tls/client-settings.ts';
import { HttpAuthSettings } from './http-auth.ts';
import { laneSettings } from './lane-settings.ts';

export const StowRsSettings = z.strictObject({
  kind: z
    .literal('stow-rs')
    .describe('A DICOMweb server, such as a PACS or a cloud archive, reached by STOW-RS.'),
  url: z
    .string()
    .refine(isBaseUrl, 'must be an http: or https: URL without name, password, query or fragment')
    .describe('Base of its DICOMweb services: what stands before `/studies`.'),
  auth: HttpAuthSettings.prefault({ kind: 'none' }).describe('How the gateway signs in.'),
  tls: ClientTlsSettings.prefault({}).describe(
    'With a URL of https: whom to trust, and our own certificate.',
  ),
  connections_max: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Connections open at the same time, each sending one instance at a time.'),
  connect_timeout: Duration.prefault('10s').describe('Wait for the connection, that of TLS included.'),
  response_timeout: Duration.prefault('2m').describe(
    'Wait for the server to take more bytes, and after the last one for its answer. It needs it to store what it got.',
  ),
  linger: Duration.prefault('5s').describe('How long a connection without work stays open.'),
  duplicate: z
    .enum(['ok', 'error'])
    .default('ok')
    .describe(
      'Whether the answer that the instance is there already counts as delivered, or holds the instance.',
    ),
  odd_length: z
    .enum(['hold', 'pad'])
    .default('hold')
    .describe(
      'What becomes of a data set of odd length, which the standard forbids and many receivers refuse: it is ' +
        'held, or its odd values get the padding byte they lack.',
    ),
  ...laneSettings,
});
export type StowRsSettings = z.infer<typeof StowRsSettings>;

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}
