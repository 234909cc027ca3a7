/** Pixel data of files that are too large to be read as a whole. */
import type { FileHandle } from 'node:fs/promises';
import { type Encoding, HeaderCursor, ITEM, UNDEFINED_LENGTH } from '../dicom/element-header.ts';
import { DataSetError } from '../dicom/errors.ts';

const HEADER_BYTES_MAX = 12;
const PIECE_BYTES = 256 * 1024;

export interface PixelDataPlace {
  readonly tag: number;
  /** Of the value; of fragments, the first item. */
  readonly start: number;
  /** Behind the value, and the delimiter of fragments. */
  readonly end: number;
}

/** Undefined where it cannot be read to its end. */
export async function findPixelData(
  file: FileHandle,
  { start, size, encoding }: { start: number; size: number; encoding: Encoding },
): Promise<PixelDataPlace | undefined> {
  const cursor = new HeaderCursor(await readAt(file, start, HEADER_BYTES_MAX), 0);
  try {
    cursor.readHeader(encoding, size - start);
  } catch (error) {
    if (error instanceof DataSetError) return undefined;
    throw error;
  }
  const place = { tag: cursor.tag, start: start + cursor.position };
  if (cursor.length !== UNDEFINED_LENGTH) return within({ ...place, end: place.start + cursor.length }, size);
  // PS3.5 A.4: items, then a delimiter, which has no length either.
  for (let position = place.start; position + 8 <= size; ) {
    const item = new HeaderCursor(await readAt(file, position, 8), 0);
    item.readItemHeader(encoding, size - position);
    position += 8;
    if (item.tag !== ITEM) return within({ ...place, end: position }, size);
    position += item.length;
  }
  return undefined;
}

function within(place: PixelDataPlace, size: number): PixelDataPlace | undefined {
  return place.end <= size ? place : undefined;
}

type Range = Omit<PixelDataPlace, 'tag'> & { readonly file: FileHandle };

export async function isSameBytes(a: Range, b: Range): Promise<boolean> {
  const length = a.end - a.start;
  if (length !== b.end - b.start) return false;
  for (let done = 0; done < length; done += PIECE_BYTES) {
    const wanted = Math.min(PIECE_BYTES, length - done);
    const pieces = await Promise.all([a, b].map(({ file, start }) => readAt(file, start + done, wanted)));
    if (!pieces[0]!.equals(pieces[1]!)) return false;
  }
  return true;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
