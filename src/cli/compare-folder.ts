/** Inventory of a folder of DICOM files: each is read once, and none as a whole. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseTagPath } from '../dicom/dictionary.ts';
import { type FileMeta, readFileMeta } from '../dicom/file-meta.ts';
import { attributeValues, type HeaderIndex, identityOf, indexHeader } from '../dicom/header-index.ts';
import { GatewayError } from '../errors.ts';
import type { Inventory, InventoryItem } from './compare-inventory.ts';
import { paddingStart } from './trailing-padding.ts';

/** With the four letters behind it. */
const PREAMBLE_BYTES = 132;
const HEAD_BYTES = 64 * 1024;
/** Where the identity lies behind icons and profiles. */
const LONG_HEAD_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
/** Files read at the same time: a share answers slowly, and many at once. */
const AT_ONCE = 8;
const UNREADABLE_MAX = 1000;
const MODALITY = parseTagPath('Modality');

export interface FolderOptions {
  /** Whether data sets are read as a whole, for their digest. */
  readonly digests: boolean;
}

export function folderInventory(folder: string, options: FolderOptions): Inventory {
  const unreadable: string[] = [];
  return {
    name: folder,
    kind: 'folder',
    unreadable,
    items: () => scan(folder, options, unreadable),
  };
}

async function* scan(
  folder: string,
  options: FolderOptions,
  unreadable: string[],
): AsyncGenerator<InventoryItem> {
  const pending: Promise<InventoryItem | undefined>[] = [];
  const note = (path: string, error: unknown) => {
    if (unreadable.length < UNREADABLE_MAX) unreadable.push(`${relative(folder, path)}: ${reasonOf(error)}`);
  };
  for await (const path of filesUnder(folder, note)) {
    const item = itemOf(path, options).catch((error: unknown) => {
      note(path, error);
      return undefined;
    });
    pending.push(item);
    if (pending.length < AT_ONCE) continue;
    const next = await pending.shift();
    if (next !== undefined) yield next;
  }
  for (const item of pending) {
    const next = await item;
    if (next !== undefined) yield next;
  }
}

async function* filesUnder(
  folder: string,
  onUnreadable: (path: string, error: unknown) => void,
): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* filesUnder(path, onUnreadable);
      else if (entry.isFile()) yield path;
    }
  } catch (error) {
    onUnreadable(folder, error);
  }
}

/** Undefined where the file is no DICOM file. */
async function itemOf(path: string, { digests }: FolderOptions): Promise<InventoryItem | undefined> {
  await using file = await open(path);
  const { size, mtimeMs } = await file.stat();
  const head = await readHead(file, Math.min(size, HEAD_BYTES));
  if (!looksLikeDicom(path, head)) return undefined;
  const meta = readFileMeta(head);
  let index = indexHeader(head, { ...meta, totalBytes: size });
  if (!hasIdentity(index) && size > head.length) {
    index = indexHeader(await readHead(file, Math.min(size, LONG_HEAD_BYTES)), { ...meta, totalBytes: size });
  }
  const { sopInstanceUid, sopClassUid, studyInstanceUid, seriesInstanceUid } = factsOf(index, meta);
  if (sopInstanceUid === undefined) throw new Error('it has no SOP Instance UID');
  const modalities = attributeValues(index, MODALITY);
  const modality = Array.isArray(modalities) ? modalities[0] : undefined;
  return {
    sopInstanceUid,
    transferSyntaxUid: meta.transferSyntaxUid,
    dataSetBytes: size - meta.dataSetOffset,
    atMs: mtimeMs,
    path,
    ...(sopClassUid !== undefined && { sopClassUid }),
    ...(studyInstanceUid !== undefined && { studyInstanceUid }),
    ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
    ...(modality && { modality }),
    ...(await contentOf(file, { ...meta, size }, digests)),
  };
}

type Content = Pick<InventoryItem, 'sha256' | 'unpadded'>;

async function contentOf(
  file: FileHandle,
  place: { size: number; dataSetOffset: number; transferSyntaxUid: string },
  digests: boolean,
): Promise<Content> {
  const { size, dataSetOffset } = place;
  const end = await paddingStart(file, place);
  if (!digests) return end < size ? { unpadded: { dataSetBytes: end - dataSetOffset } } : {};
  const hash = createHash('sha256');
  await addBytes(hash, file, dataSetOffset, end);
  if (end === size) return { sha256: hash.digest('hex') };
  const unpadded = { dataSetBytes: end - dataSetOffset, sha256: hash.copy().digest('hex') };
  await addBytes(hash, file, end, size);
  return { sha256: hash.digest('hex'), unpadded };
}

async function readHead(file: FileHandle, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

/** Whether a file is one that a folder of DICOM files would be read for. */
export async function isDicomFile(path: string): Promise<boolean> {
  await using file = await open(path);
  return looksLikeDicom(path, await readHead(file, PREAMBLE_BYTES));
}

function looksLikeDicom(path: string, head: Buffer): boolean {
  if (/(^|[\\/])DICOMDIR$/i.test(path)) return false;
  return /\.dcm$/i.test(path) || head.toString('latin1', 128, 132) === 'DICM';
}

function hasIdentity(index: HeaderIndex): boolean {
  return identityOf(index).seriesInstanceUid !== undefined || index.complete;
}

/** The data set's own word; the File Meta Information's where it is silent. */
function factsOf(index: HeaderIndex, meta: FileMeta) {
  const { sopClassUid, sopInstanceUid, ...rest } = identityOf(index);
  return {
    ...rest,
    sopClassUid: sopClassUid ?? meta.sopClassUid,
    sopInstanceUid: sopInstanceUid ?? meta.sopInstanceUid,
  };
}

async function addBytes(hash: Hash, file: FileHandle, start: number, end: number): Promise<void> {
  const piece = Buffer.alloc(Math.min(PIECE_BYTES, end - start));
  for (let position = start; position < end; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, end - position), position);
    if (bytesRead === 0) return; // Somebody has made it shorter.
    hash.update(piece.subarray(0, bytesRead));
    position += bytesRead;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof GatewayError) return error.code;
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}
