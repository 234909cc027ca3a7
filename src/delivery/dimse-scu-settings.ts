import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { Duration } from '../duration.ts';
import { laneSettings } from './lane-settings.ts';

export const DimseScuSettings = z.strictObject({
  kind: z.literal('dimse-scu').describe('A Storage SCP, such as a PACS, reached by C-STORE.'),
  host: z.string().min(1).describe('Host name or address of the Storage SCP.'),
  port: z.int().min(1).max(65535).default(104).describe('TCP port of the Storage SCP.'),
  called_ae_title: AeTitle.describe('AE title of the Storage SCP.'),
  calling_ae_title: AeTitle.default('THT-Client').describe('AE title that the gateway calls itself there.'),
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
  connect_timeout: Duration.prefault('10s').describe('Wait for the TCP connection.'),
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
  ...laneSettings,
});
export type DimseScuSettings = z.infer<typeof DimseScuSettings>;
