import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where everything of a local spool lies. */
export interface SpoolFolders {
  readonly root: string;
  /** Segment files of small instances. */
  readonly segments: string;
  /** Large instances and products, complete and synced. */
  readonly files: string;
  /** Large instances on their way in. */
  readonly incoming: string;
  /** One folder per task with unfinished work, named by the task. */
  readonly work: string;
  /** Copies of the database from before each migration. */
  readonly backups: string;
}

export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

export function spoolFoldersOf(root: string): SpoolFolders {
  const under = (name: string) => join(root, name);
  return {
    root,
    segments: under('segments'),
    files: under('files'),
    incoming: under('incoming'),
    work: under('work'),
    backups: under('backups'),
  };
}

/** Makes what is missing and closes all of it to other users. */
export function makeSpoolFolders(folders: SpoolFolders): void {
  for (const folder of Object.values(folders)) {
    const firstMade = mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    chmodSync(folder, FOLDER_MODE);
    if (firstMade !== undefined) syncNames(folder, firstMade);
  }
}

/** Makes durable that `folder` exists, and all above it up to `topmost`. */
function syncNames(folder: string, topmost: string): void {
  for (let made = folder; made.length >= topmost.length; made = dirname(made)) syncFolderNow(dirname(made));
}

/** Makes the names in a folder durable: without this, a power cut can undo a rename or a new file. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/** As {@link syncFolder}, at once. */
export function syncFolderNow(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
