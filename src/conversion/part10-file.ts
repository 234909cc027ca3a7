import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { readFileMeta } from '../dicom/file-meta.ts';
import { type HeaderIndex, type IndexedElement, indexHeader } from '../dicom/header-index.ts';
import { EXPLICIT_LE, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { ByteRange } from './byte-range.ts';
import { ConversionError, isOutOfSpace } from './errors.ts';
import type { JobSource } from './job-kind.ts';

const FILE_META_BYTES_MAX = 1 << 16;
const HEAD_BYTES = 1 << 20;
/** Headers with icons and profiles stay below; a longer one is no image's. */
const HEAD_BYTES_MAX = 64 << 20;
/** Pixels of a received image and what is around them. */
const INFLATED_BYTES_MAX = 4 * 2 ** 30 + HEAD_BYTES_MAX;

/** A Part 10 file with its header read; a deflated data set is inflated, and then stands alone. */
export interface OpenPart10 {
  readonly bytes: ByteRange;
  /** From the start up to Pixel Data, or further. */
  readonly head: Uint8Array;
  readonly index: HeaderIndex;
  readonly pixelData: IndexedElement;
  /** Of the file as stored. */
  readonly storedTransferSyntaxUid: string;
  /** Of `bytes`. */
  readonly transferSyntaxUid: string;
  close(): Promise<void>;
}

/**
 * Opens a Part 10 file that has Pixel Data.
 *
 * @param folder for the inflated data set
 * @throws {ConversionError} SOURCE_DAMAGED, SCRATCH_FULL
 * @throws {Part10Error} when it is no Part 10 file
 */
export async function openPart10(
  source: Extract<JobSource, { kind: 'part10' }>,
  folder: string,
): Promise<OpenPart10> {
  const file = await open(source.path, 'r');
  const handles: FileHandle[] = [file];
  const scratch = join(folder, 'inflated');
  const close = async () => {
    for (const handle of handles) await handle.close();
    await rm(scratch, { force: true });
  };
  try {
    const stored = new ByteRange(file, source.offset, source.sizeBytes);
    const meta = readFileMeta(await stored.head(FILE_META_BYTES_MAX));
    const common = { storedTransferSyntaxUid: meta.transferSyntaxUid, close };
    if (!transferSyntaxOf(meta.transferSyntaxUid)?.deflated) {
      return { ...common, ...(await readHeader(stored, meta)) };
    }
    await inflate(source, meta.dataSetOffset, scratch);
    const inflated = await open(scratch, 'r');
    handles.push(inflated);
    const bytes = new ByteRange(inflated, 0, (await inflated.stat()).size);
    return { ...common, ...(await readHeader(bytes, { transferSyntaxUid: EXPLICIT_LE, dataSetOffset: 0 })) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readHeader(
  bytes: ByteRange,
  meta: { readonly transferSyntaxUid: string; readonly dataSetOffset: number },
): Promise<Pick<OpenPart10, 'bytes' | 'head' | 'index' | 'pixelData' | 'transferSyntaxUid'>> {
  const { transferSyntaxUid } = meta;
  for (let lengthBytes = HEAD_BYTES; ; lengthBytes *= 8) {
    const head = await bytes.head(lengthBytes);
    const index = indexHeader(head, { ...meta, totalBytes: bytes.lengthBytes });
    const pixelData = index.elements.find(({ offset }) => offset === index.pixelDataOffset);
    if (pixelData) return { bytes, head, index, pixelData, transferSyntaxUid };
    if (index.fault) throw damaged(`its header must be readable: ${index.fault.message}`, index.fault.offset);
    if (head.byteLength === bytes.lengthBytes)
      throw damaged('it must have Pixel Data (7FE0,0010) and has none', 0);
    if (lengthBytes >= HEAD_BYTES_MAX) {
      throw damaged(`its header must have ${HEAD_BYTES_MAX} bytes or fewer`, lengthBytes);
    }
  }
}

async function inflate(
  { path, offset, sizeBytes }: Extract<JobSource, { kind: 'part10' }>,
  dataSetOffset: number,
  into: string,
): Promise<void> {
  const deflated = createReadStream(path, { start: offset + dataSetOffset, end: offset + sizeBytes - 1 });
  async function* bounded(pieces: AsyncIterable<Buffer>) {
    let total = 0;
    for await (const piece of pieces) {
      total += piece.byteLength;
      if (total > INFLATED_BYTES_MAX)
        throw damaged(`inflated it must have ${INFLATED_BYTES_MAX} bytes or fewer`, total);
      yield piece;
    }
  }
  try {
    await pipeline(deflated, createInflateRaw(), bounded, createWriteStream(into, { mode: 0o600 }));
  } catch (error) {
    if (error instanceof ConversionError) throw error;
    if (isOutOfSpace(error)) {
      throw new ConversionError(
        'SCRATCH_FULL',
        'Cannot inflate the instance: the volume of the work folder is full',
        {},
        { cause: error },
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw damaged(`its deflated data set must be whole: ${reason}`, dataSetOffset, error);
  }
}

function damaged(reason: string, offset: number, cause?: unknown): ConversionError {
  return new ConversionError('SOURCE_DAMAGED', `Cannot read the instance: ${reason}`, { offset }, { cause });
}
