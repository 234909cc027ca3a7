import { z } from 'zod';
import { Duration } from '../duration.ts';

const MIB = 1024 * 1024;

/** What may become of the later of two data sets of one SOP Instance UID. */
export const OtherContent = z.enum(['reject', 'replace', 'keep-both-and-hold']);

/** Settings of the section `spool`. */
export const SpoolSettings = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default('./data')
    .describe('Folder of the spool; made with mode 0700. One `serve` at a time holds its lock.'),
  engine: z
    .strictObject({ kind: z.literal('sqlite').describe('SQLite in the folder of the spool.') })
    .default({ kind: 'sqlite' })
    .describe('Where the rows of the spool are kept.'),
  files: z
    .strictObject({ kind: z.literal('local').describe('Files in the folder of the spool.') })
    .default({ kind: 'local' })
    .describe('Where the bytes of instances are kept.'),
  watermark_free_bytes: z
    .int()
    .min(0)
    .default(1_000_000_000)
    .describe('Instances are refused (A700) while free space, less the reserves, is under this many bytes.'),
  keep_free_bytes: z
    .int()
    .min(0)
    .optional()
    .describe(
      'While less is free, bytes of delivered and discarded entries are removed early, longest settled first; ' +
        'absent: twice `watermark_free_bytes`. Sources of products go last, and entries with work to do never.',
    ),
  reception_reserve_bytes: z
    .int()
    .min(0)
    .default(16 * MIB)
    .describe('Bytes of free space set aside for every instance being received.'),
  duplicate_window: Duration.prefault('1h').describe(
    'An equal instance that the same caller sends again within this time of the first is absorbed, not delivered twice.',
  ),
  other_content: OtherContent.default('keep-both-and-hold').describe(
    'What becomes of an instance when another data set of the same SOP Instance UID is here: it is refused, takes ' +
      'the place of the earlier, which then goes nowhere any more, or is kept and held for a person.',
  ),
  lease: Duration.prefault('10m').describe(
    'A claimed task that is neither renewed nor settled within this time is given to others.',
  ),
  priority_ageing: Duration.prefault('15m').describe(
    'What has waited longer than this gets a quarter of what is done while something more urgent waits, too.',
  ),
  segment_bytes: z
    .int()
    .min(MIB)
    .default(256 * MIB)
    .describe('A segment file of small instances is closed at this size.'),
  segment_age: Duration.prefault('10m').describe('A segment file of small instances is closed at this age.'),
  keep_delivered: Duration.prefault('24h').describe('How long the bytes of a settled entry are kept.'),
  keep_sources: Duration.prefault('30d').describe(
    'How long the bytes of an entry are kept whose products were delivered in its place.',
  ),
  keep_headers: Duration.prefault('7d').describe('How long the header of a settled entry is kept.'),
  keep_ledger: Duration.prefault('365d').describe('How long the row of a settled entry is kept.'),
});

export type SpoolSettings = z.infer<typeof SpoolSettings>;
