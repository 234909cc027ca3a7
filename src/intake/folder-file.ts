/** One file of a watched folder: read into the spool, and put where it belongs afterwards. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FoundFile, pathOf, stampOf } from './folder-scan.ts';
import { type Part10Options, type Part10Outcome, Part10Reception } from './part10-reception.ts';

const READ_BYTES = 256 * 1024;
const NOTE_SUFFIX = '.txt';
/** Files of one name that lie in the folder of taken ones already. */
const NAMES_MAX = 10_000;

/** Says that a file is the one that was read, also when others of its size and time take its place. */
export interface ReadFile extends FoundFile {
  readonly identity: string;
}

/**
 * Reads a file into the spool.
 *
 * @param signal what is not complete by then is given up
 * @returns `changed` when the file is not as it was found, or changes while it is read: nothing is kept then
 * @throws {Error} of the file system
 */
export async function readIntoSpool(
  folder: string,
  found: FoundFile,
  options: Part10Options & { readonly signal: AbortSignal },
): Promise<'changed' | 'stopped' | { readonly outcome: Part10Outcome; readonly file: ReadFile }> {
  // A link that has taken the place of the file since is not followed; a pipe does not make us wait.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  await using file = await open(pathOf(folder, found.name), flags);
  const before = await file.stat({ bigint: true });
  if (!before.isFile() || stampOf(before) !== found.stamp) return 'changed';
  const reception = new Part10Reception(options);
  try {
    const bytes = await readAll(file, reception, options.signal);
    if (bytes === undefined) return 'stopped';
    const after = await file.stat({ bigint: true });
    if (stampOf(after) !== found.stamp || bytes !== found.sizeBytes) return 'changed';
    return { outcome: await reception.end(), file: { ...found, identity: `${after.dev}-${after.ino}` } };
  } finally {
    reception.discard('file not read to its end'); // Harmless when it has ended.
  }
}

/** @returns the bytes read; undefined when the signal came before the end */
async function readAll(
  file: FileHandle,
  reception: Part10Reception,
  signal: AbortSignal,
): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (signal.aborted) return undefined;
    if (bytesRead === 0) return position;
    position += bytesRead;
    await reception.write(buffer.subarray(0, bytesRead));
  }
}

/**
 * Whether the name still means the file that was read. Whoever replaces files does it between this and the next
 * step with a chance of microseconds: what is written under another name and renamed is safe in any case.
 */
async function isStill(folder: string, { name, stamp, identity }: ReadFile): Promise<boolean> {
  const stats = await lstat(pathOf(folder, name), { bigint: true });
  return stampOf(stats) === stamp && `${stats.dev}-${stats.ino}` === identity;
}

/**
 * Deletes a file that was read.
 *
 * @returns false when another file has its name by now
 * @throws {Error} of the file system; one that is gone is no error
 */
export function deleteFile(folder: string, file: ReadFile): Promise<boolean> {
  return unlessGone(async () => {
    if (!(await isStill(folder, file))) return false;
    await unlink(pathOf(folder, file.name));
    return true;
  });
}

/**
 * Moves a file that was read below another folder of the same file system, under a name that is free there.
 *
 * @param note goes beside it, in a file of the same name and `.txt`
 * @returns false when another file has its name by now
 * @throws {Error} of the file system; one that is gone is no error
 */
export function moveFile(folder: string, file: ReadFile, target: string, note?: string): Promise<boolean> {
  return unlessGone(async () => {
    if (!(await isStill(folder, file))) return false;
    const suffixes = note === undefined ? [''] : ['', NOTE_SUFFIX];
    const name = await reserveName(target, file.name, suffixes);
    await rename(pathOf(folder, file.name), pathOf(target, name));
    if (note !== undefined) await writeFile(pathOf(target, `${name}${NOTE_SUFFIX}`), `${note}\n`);
    return true;
  });
}

async function unlessGone(step: () => Promise<boolean>): Promise<boolean> {
  try {
    return await step();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

/** Renaming and writing replace what has the name: an empty file holds the place, of the file and of its note. */
async function reserveName(target: string, name: string, suffixes: readonly string[]): Promise<string> {
  const path = pathOf(target, name);
  await mkdir(Buffer.from(dirname(path.toString('latin1')), 'latin1'), { recursive: true });
  for (let count = 1; count <= NAMES_MAX; count++) {
    const free = count === 1 ? name : `${name}-${count}`;
    const paths = suffixes.map((suffix) => pathOf(target, `${free}${suffix}`));
    if (await reserveAll(paths)) return free;
  }
  throw Object.assign(new Error(`${NAMES_MAX} files have the name`), { code: 'EEXIST' });
}

/** @returns false when one of them is taken; then none is held */
async function reserveAll(paths: readonly Buffer[]): Promise<boolean> {
  const held: Buffer[] = [];
  try {
    for (const path of paths) {
      await (await open(path, 'wx')).close();
      held.push(path);
    }
    return true;
  } catch (error) {
    for (const path of held) await unlink(path);
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}
