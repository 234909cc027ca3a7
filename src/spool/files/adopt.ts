import { createHash } from 'node:crypto';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileMeta } from '../../dicom/file-meta.ts';
import { SpoolError } from '../errors.ts';
import { readHeader } from '../header.ts';
import type { StepHook } from '../steps.ts';
import { reasonOf } from '../wire-error.ts';
import type { FolderSync } from './folder-sync.ts';
import type { SpoolFolders } from './folders.ts';
import { readHeadNow } from './incoming-file.ts';
import type { Adoptee, FiledInstance } from './messages.ts';

const READ_BYTES = 1024 * 1024;
/** File Meta Information always ends within. */
const META_BYTES_MAX = 64 * 1024;

/**
 * Makes finished files of a work folder durable and gives them a second name among the instances. The first
 * name stays, so that a crash before the commit costs no work; it goes with the work folder.
 *
 * Asked again with the same names, it does the same again, also where the first name has gone.
 */
export async function adoptFiles(
  adoptees: readonly Adoptee[],
  options: { folders: SpoolFolders; filesSync: FolderSync; step: StepHook },
): Promise<FiledInstance[]> {
  const filed: FiledInstance[] = [];
  for (const adoptee of adoptees) filed.push(await adoptOne(adoptee, options));
  if (adoptees.length > 0) await options.filesSync.sync();
  return filed;
}

async function adoptOne(
  adoptee: Adoptee,
  { folders, step }: { folders: SpoolFolders; step: StepHook },
): Promise<FiledInstance> {
  const finalPath = join(folders.files, adoptee.fileName);
  const source = await openFirst([adoptee.path, finalPath]);
  await using file = source.file;
  const { size: sizeBytes } = await file.stat();
  const head = (lengthBytes: number) => readHeadNow(file.fd, Math.min(lengthBytes, sizeBytes));
  const dataSetOffset = dataSetOffsetOf(head(META_BYTES_MAX), adoptee);
  const header = readHeader({ ...adoptee, dataSetOffset, totalBytes: sizeBytes, head });
  if (header.held !== undefined) {
    const message = `Cannot take product ${adoptee.sopInstanceUid}: ${header.held.reason}`;
    throw new SpoolError('PRODUCT_REJECTED', message);
  }
  const sha256 = await digestFrom(file, dataSetOffset);
  await file.datasync();
  step('product-synced');
  if (source.path === adoptee.path) await nameFile(adoptee.path, finalPath);
  step('product-linked');
  return { ...header, fileName: adoptee.fileName, sizeBytes, dataSetOffset, sha256 };
}

async function openFirst(paths: readonly string[]): Promise<{ path: string; file: FileHandle }> {
  let cause: unknown;
  for (const path of paths) {
    try {
      return { path, file: await open(path, 'r+') };
    } catch (error) {
      cause ??= error;
    }
  }
  throw new SpoolError('PRODUCT_REJECTED', `Cannot take a product: ${reasonOf(cause)}`, {}, { cause });
}

function dataSetOffsetOf(head: Uint8Array, { sopInstanceUid }: Adoptee): number {
  const message = `Cannot take product ${sopInstanceUid} as it must be a Part 10 file`;
  try {
    const { dataSetOffset, isGuessed } = readFileMeta(head);
    if (!isGuessed) return dataSetOffset;
  } catch (error) {
    throw new SpoolError('PRODUCT_REJECTED', `${message}: ${reasonOf(error)}`, {}, { cause: error });
  }
  throw new SpoolError('PRODUCT_REJECTED', `${message}: it has no File Meta Information`);
}

async function digestFrom(file: FileHandle, offset: number): Promise<Uint8Array> {
  const digest = createHash('sha256');
  const buffer = Buffer.alloc(READ_BYTES);
  for (let at = offset; ; ) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, at);
    if (bytesRead === 0) return digest.digest();
    digest.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** File systems without hard links get the file moved instead. */
async function nameFile(path: string, finalPath: string): Promise<void> {
  await rm(finalPath, { force: true }); // Of an earlier try whose commit failed.
  try {
    await link(path, finalPath);
  } catch {
    await rename(path, finalPath);
  }
}
