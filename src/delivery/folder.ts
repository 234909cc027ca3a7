/**
 * # Folder
 *
 * Instances as Part 10 files in a folder: a NAS, the import folder of another program, the outbox of a gateway
 * that has no PACS yet.
 *
 * - A file appears under its name complete or not at all, and what is reported taken has survived a power cut.
 * - Written twice it is the same file: a retry replaces, it never adds. A file of the same SOP Instance with other
 *   content is replaced as well, and that is on record.
 * - A file of another instance is never overwritten, whatever the template makes of the two.
 */
import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import { paced } from './bandwidth.ts';
import type {
  DeliveryItem,
  DestinationDeps,
  DestinationKind,
  DestinationSession,
} from './destination-kind.ts';
import { DurableFolder } from './durable-file.ts';
import { DeliveryError } from './errors.ts';
import { compareExisting } from './existing-file.ts';
import { FileSet } from './file-set.ts';
import { attributesOf, DEFAULT_TEMPLATE, PathTemplateSetting, pathOfInstance } from './instance-path.ts';
import { laneSettings } from './lane-settings.ts';
import { type Outcome, outcomeOfError, STOPPED } from './outcome.ts';
import { openOutgoing, type PreparedInstance } from './outgoing.ts';
import { HeadBuffers, type HeadedSource } from './part10-source.ts';
import { type PathTemplate, parsePathTemplate } from './path-template.ts';
import { indexOf } from './rewriting.ts';

const FolderSettings = z.strictObject({
  kind: z.literal('folder').describe('Part 10 files in a folder.'),
  path: z.string().min(1).describe('The folder; relative paths start at the working directory.'),
  create: z
    .boolean()
    .default(true)
    .describe(
      'Makes the folder at start where it is missing. False for a folder on a volume that may not be mounted: ' +
        'then instances wait for it. It must lie below the mount point, which is there without the volume, too.',
    ),
  template: PathTemplateSetting.default(DEFAULT_TEMPLATE).describe(
    'Path of each file below the folder; keywords or tags of attributes in braces.',
  ),
  dicomdir: z
    .boolean()
    .default(false)
    .describe(
      'Makes the folder a DICOM File-set, such as readers of media take: a DICOMDIR that lists the images, and ' +
        'names of eight characters in place of the `template`.',
    ),
  writers_max: z.int().min(1).max(64).default(8).describe('Files written at the same time.'),
  ...laneSettings,
});
type FolderSettings = z.infer<typeof FolderSettings>;

/** On record where it is so: somebody may want to know, and may have a backup. */
const REPLACED = 'Replaced a file of the same instance with other content';
/** Errors that no waiting mends: another instance made a file where this one needs a folder, or the name is too long. */
const PATH_ERRORS = new Set(['ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'EINVAL', 'EILSEQ']);

/** Instances as Part 10 files in a folder. */
export const folder = {
  settings: FolderSettings,
  open: (settings, deps): DestinationSession<PreparedInstance> => new FolderSession(settings, deps),
  addressOf: ({ path }) => ({ place: resolve(path), setting: 'path', folder: resolve(path) }),
} satisfies DestinationKind<typeof FolderSettings>;

class FolderSession implements DestinationSession<PreparedInstance> {
  readonly slots: number;
  readonly #buffers = new HeadBuffers();
  readonly #folder: DurableFolder;
  readonly #template: PathTemplate;
  readonly #fileSet: FileSet | undefined;
  readonly #deps: DestinationDeps;
  readonly #closing = new AbortController();

  constructor(settings: FolderSettings, deps: DestinationDeps) {
    this.slots = settings.writers_max;
    this.#folder = new DurableFolder(resolve(settings.path), { create: settings.create });
    this.#template = parsePathTemplate(settings.template);
    this.#fileSet = settings.dicomdir ? new FileSet(this.#folder, deps) : undefined;
    this.#deps = deps;
  }

  expect(): void {}

  prepare(item: DeliveryItem): Promise<PreparedInstance> {
    return openOutgoing(item, { instances: this.#deps.instances, buffers: this.#buffers });
  }

  async send({ source, item, close }: PreparedInstance): Promise<Outcome> {
    const { signal } = this.#closing;
    let found: Awaited<ReturnType<typeof compareExisting>>;
    try {
      const path = this.#pathOf(source, item);
      this.#fileSet?.assertRoomFor(path);
      await this.#folder.write(path, paced(source, this.#deps), {
        // The same for every attempt, so that none is left behind.
        temporaryName: `.${item.entry.sopInstanceUid}.${item.taskId}.part`,
        mayReplace: async (existing) => {
          found = await compareExisting(existing, source, item.entry.sopInstanceUid);
        },
        signal,
      });
      this.#fileSet?.add(path, indexOf(source), item.entry);
      if (found !== 'other-content') return { taken: true, outcome: 'delivered' };
      return { taken: true, outcome: 'warning', comment: REPLACED };
    } catch (error) {
      if (signal.aborted) return STOPPED;
      const known = asFolderError(error);
      if (!(known instanceof GatewayError)) throw known;
      return outcomeOfError(known, 'send');
    } finally {
      await close();
    }
  }

  async echo(): Promise<void> {
    try {
      await this.#folder.ready();
      await access(this.#folder.root, constants.W_OK | constants.X_OK);
      if (!(await stat(this.#folder.root)).isDirectory()) throw new TypeError('it is no folder');
    } catch (error) {
      throw asFolderError(error);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#fileSet?.close();
  }

  #pathOf(source: HeadedSource, item: DeliveryItem): string {
    if (!this.#fileSet) return pathOfInstance(this.#template, source, item);
    const attributeOf = attributesOf(source, item);
    return this.#fileSet.pathOf({
      studyInstanceUid: attributeOf('StudyInstanceUID') ?? '',
      seriesInstanceUid: attributeOf('SeriesInstanceUID') ?? '',
      sopInstanceUid: item.entry.sopInstanceUid,
    });
  }
}

/** Errors of the file system, read by what an operator has to do about them. The path may name a patient. */
function asFolderError(error: unknown): unknown {
  if (error instanceof GatewayError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (PATH_ERRORS.has(code)) {
    const message = `Cannot write the file as its path is impossible there: ${syscall} answered ${code}`;
    return new DeliveryError('PATH_IMPOSSIBLE', message, { code });
  }
  return new DeliveryError(
    'FOLDER_UNAVAILABLE',
    `Cannot write to the folder: ${syscall} answered ${code}; it must exist, be writable and have room`,
    { code },
  );
}
