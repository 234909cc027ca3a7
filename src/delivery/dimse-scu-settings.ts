import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { Duration } from '../duration.ts';
import { ClientTlsSettings } from '../tls/client-settings.ts';
import { laneSettings } from './lane-settings.ts';

export const DimseScuSettings = z.strictObject({
  kind: z.literal('dimse-scu').describe('A Storage SCP, such as a PACS, reached by C-STORE.'),
  host: z.string().min(1).describe('Host name or address of the Storage SCP.'),
  port: z.int().min(1).max(65535).default(104).describe('TCP port of the Storage SCP.'),
  called_ae_title: AeTitle.describe('AE title of the Storage SCP.'),
  calling_ae_title: AeTitle.default('THT-Client').describe('AE title that the gateway calls itself there.'),
  tls: ClientTlsSettings.optional().describe(
    'Reaches the Storage SCP over TLS 1.2 or 1.3 only; not encrypted, when absent.',
  ),
  user_identity: z
    .strictObject({
      username: z.string().min(1).max(64).describe('Username that is told with every association.'),
      passcode_env: z
        .string()
        .min(1)
        .optional()
        .describe('Environment variable that holds the passcode; no passcode is sent when absent.'),
    })
    .optional()
    .describe('User identity (PS3.7 D.3.3.7), for a Storage SCP that asks for one. Use it over TLS only.'),
  associations_max: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Associations open at the same time, each sending one instance at a time.'),
  max_pdu_length_bytes: z
    .int()
    .min(4096)
    .max(1_048_576)
    .default(131_072)
    .describe('Largest PDU that the gateway announces and sends; the Storage SCP may ask for smaller ones.'),
  connect_timeout: Duration.prefault('10s').describe('Wait for the connection, with its TLS handshake.'),
  association_timeout: Duration.prefault('30s').describe('Wait for the answer to an association request.'),
  response_timeout: Duration.prefault('2m').describe(
    'Wait for each C-STORE response, from the last byte on. A Storage SCP needs it to store what it got.',
  ),
  pdu_timeout: Duration.prefault('1m').describe('Wait for the Storage SCP to take more bytes.'),
  linger: Duration.prefault('5s').describe('How long an association without work stays open.'),
  duplicate: z
    .enum(['ok', 'error'])
    .default('ok')
    .describe(
      'Whether the answer "duplicate SOP instance" (0111) counts as delivered, or holds the instance.',
    ),
  odd_length: z
    .enum(['hold', 'pad'])
    .default('hold')
    .describe(
      'What becomes of a data set of odd length, which the standard forbids and many receivers refuse: it is ' +
        'held, or its odd values get the padding byte they lack.',
    ),
  commitment: z
    .enum(['none', 'required'])
    .default('none')
    .describe(
      'Whether the destination has to commit to what it has taken (Storage Commitment Push Model) before it counts ' +
        'as delivered. Its reports reach an input, which has to answer to `calling_ae_title`.',
    ),
  commitment_timeout: Duration.prefault('1h').describe(
    'How long the report on a commitment may take before it is asked for again.',
  ),
  commitment_resends_max: z
    .int()
    .min(0)
    .max(100)
    .default(3)
    .describe('Times that an instance the destination does not commit to is sent again, before it is held.'),
  ...laneSettings,
});
export type DimseScuSettings = z.infer<typeof DimseScuSettings>;
