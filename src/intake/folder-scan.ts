/** What lies in a watched folder. */
import type { BigIntStats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/** A file that may be taken. */
export interface FoundFile {
  /** Below the folder. Each character is one byte of the name, whatever the name is encoded in. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Changes with size and time of change. */
  readonly stamp: string;
}

export interface ScanOptions {
  readonly recursive: boolean;
  /** Only files whose names end so; all, when there are none. */
  readonly suffixes: readonly string[];
  /** Folders that are not looked into, as absolute paths. */
  readonly except: readonly string[];
  /** A folder or a file cannot be looked at, the others can. */
  onUnreadable(code: string): void;
}

/** Deeper than anybody sorts images; a loop of mounts ends here. */
const DEPTH_MAX = 64;
/** What those who write a file call it before it is complete, and what systems leave behind. */
const NOT_A_FILE_TO_TAKE =
  /^\.|\.(part|partial|tmp|filepart|crdownload)$|^(DICOMDIR|Thumbs\.db|desktop\.ini)$/i;

/** The path of a file, byte by byte. */
export function pathOf(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`, 'utf8'), Buffer.from(name, 'latin1')]);
}

export function stampOf({ size, mtimeNs }: BigIntStats): string {
  return `${size}-${mtimeNs}`;
}

/**
 * The files of a folder, in the order that the file system has them. Links are not followed: what is outside of the
 * folder stays outside.
 *
 * @param folder an absolute path
 * @throws {Error} of the file system, when the folder itself cannot be read
 */
export async function* findFiles(folder: string, options: ScanOptions): AsyncGenerator<FoundFile, void> {
  const below: string[] = [''];
  const except = new Set(options.except.map((path) => Buffer.from(path, 'utf8').toString('latin1')));
  const root = Buffer.from(folder, 'utf8').toString('latin1');
  for (let at = below.pop(); at !== undefined; at = below.pop()) {
    try {
      // Read in pieces: a folder of a million files is no list in memory.
      for await (const entry of await opendir(pathOf(folder, at), { encoding: 'latin1', bufferSize: 256 })) {
        const name = at === '' ? entry.name : `${at}/${entry.name}`;
        const isHidden = NOT_A_FILE_TO_TAKE.test(entry.name);
        if (entry.isDirectory()) {
          const isWanted = options.recursive && !isHidden && !except.has(join(root, name));
          if (isWanted && name.split('/').length < DEPTH_MAX) below.push(name);
        } else if (!isHidden && endsWithOne(entry.name, options.suffixes)) {
          const found = await look(folder, name);
          if (found !== undefined) yield found;
        }
      }
    } catch (error) {
      if (at === '') throw error;
      options.onUnreadable((error as NodeJS.ErrnoException).code ?? 'UNKNOWN');
    }
  }
}

/** Whether it is a file at all, and as it is now. Some file systems do not say in the listing. */
async function look(folder: string, name: string): Promise<FoundFile | undefined> {
  try {
    const stats = await lstat(pathOf(folder, name), { bigint: true });
    return stats.isFile() ? { name, sizeBytes: Number(stats.size), stamp: stampOf(stats) } : undefined;
  } catch {
    return undefined; // Gone since the listing, or seen again at the next.
  }
}

function endsWithOne(name: string, suffixes: readonly string[]): boolean {
  if (suffixes.length === 0) return true;
  const lower = name.toLowerCase();
  return suffixes.some((suffix) =>
    lower.endsWith(Buffer.from(suffix.toLowerCase(), 'utf8').toString('latin1')),
  );
}
