import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { Duration } from '../duration.ts';
import { ClientTlsSettings } from '../tls/client-settings.ts';

/** How a source that asks for storage commitment gets its reports. */
export const CommitmentSettings = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .optional()
      .describe('Host name or address that reports on storage commitment are sent to.'),
    port: z.int().min(1).max(65535).optional().describe('TCP port that reports are sent to.'),
    ae_title: AeTitle.optional().describe(
      'AE title that reports are sent to; the one that asked for the commitment, when absent.',
    ),
    tls: ClientTlsSettings.optional().describe(
      'Reports over TLS 1.2 or 1.3 only; not encrypted, when absent.',
    ),
    same_association: z
      .boolean()
      .default(true)
      .describe(
        'Whether a report goes over the association that it was asked on, when it is known while that is open and at ' +
          'rest. Otherwise, and in any case later, over an association of its own.',
      ),
    wait: Duration.prefault('24h').describe(
      'How long a report waits for instances that are on their way to their destinations. It then says that these ' +
        'have failed.',
    ),
  })
  .refine(({ host, port }) => (host === undefined) === (port === undefined), {
    message: 'must be given with the host, and only with it',
    path: ['port'],
  });
export type CommitmentSettings = z.infer<typeof CommitmentSettings>;

/** What holds for callers that have no settings of their own. */
export const DEFAULT_COMMITMENT: CommitmentSettings = CommitmentSettings.parse({});
