import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { Duration } from '../duration.ts';

export const FolderInputSettings = z.strictObject({
  kind: z
    .literal('folder')
    .describe('A folder in which others put DICOM files, on this machine or on a NAS.'),
  path: z.string().min(1).describe('The folder; it is made when it is not there.'),
  after: z
    .enum(['delete', 'move', 'keep'])
    .describe(
      'What becomes of a file once it is safe in the spool: deleted, moved to `taken_folder`, or left where it is, ' +
        'and remembered by name, size and time of change.',
    ),
  taken_folder: z
    .string()
    .min(1)
    .default('taken')
    .describe(
      'With `after: move`: where files go that were taken; from `path` on, in the same file system. Nothing is taken ' +
        'from it.',
    ),
  rejected_folder: z
    .string()
    .min(1)
    .default('rejected')
    .describe(
      'Where files go that cannot be taken, or are taken and held, each with a text that says why; as ' +
        '`taken_folder`. With `after: keep` they stay.',
    ),
  recursive: z.boolean().default(true).describe('Whether folders below are looked into; links never are.'),
  suffixes: z
    .array(z.string().min(1))
    .default([])
    .describe('Only files whose names end so are looked at, such as `.dcm`; all, when there are none.'),
  settle_for: Duration.prefault('5s').describe(
    'A file is taken when its size and time of change have been the same so long: whoever writes it may be slow.',
  ),
  poll_every: Duration.prefault('5s').describe('How often the folder is looked into.'),
  files_max: z.int().min(1).max(64).default(4).describe('Files read at the same time.'),
  source: z
    .string()
    .min(1)
    .default('unknown')
    .describe('Name of the source that the files are from: rules say `from: name`.'),
  calling_ae_title: AeTitle.default('FOLDER').describe(
    'Files call with no AE title: what rules see as `from-ae`, and the files kept as the AE that sent them.',
  ),
  called_ae_title: AeTitle.default('SLIDEGATE').describe('What rules see as `to-ae`.'),
});
export type FolderInputSettings = z.infer<typeof FolderInputSettings>;
