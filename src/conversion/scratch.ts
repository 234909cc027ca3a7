import { statfs } from 'node:fs/promises';
import { parseTagPath } from '../dicom/dictionary.ts';
import { attributeValues, decodeHeaderIndex } from '../dicom/header-index.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';

/** Space that running conversions may still take, so that one more does not fill the volume for all. */
export class ScratchSpace {
  readonly #keepFreeBytes: number;
  #reservedBytes = 0;

  constructor(keepFreeBytes: number) {
    this.#keepFreeBytes = keepFreeBytes;
  }

  /** Whether `bytes` more could be reserved while `freeBytes` are free. */
  hasRoom(freeBytes: number, bytes = 1): boolean {
    return freeBytes - this.#reservedBytes - bytes >= this.#keepFreeBytes;
  }

  /**
   * Reserves space on the volume of a folder.
   *
   * @returns what gives it back; undefined when there is not enough
   */
  async reserve(folder: string, bytes: number): Promise<(() => void) | undefined> {
    const { bavail, bsize } = await statfs(folder);
    if (!this.hasRoom(bavail * bsize, bytes)) return undefined;
    this.#reservedBytes += bytes;
    return () => {
      this.#reservedBytes -= bytes;
    };
  }
}

const SIZE_PATHS = ['Rows', 'Columns', 'NumberOfFrames'].map(parseTagPath);
/** Pixels that a byte of a compressed file stands for at most: what Deflate can do, and what others seldom do. */
const PIXELS_PER_BYTE_MAX = 1032;

/**
 * What a conversion may need: one frame as native pixels, its pyramid, and the products of all frames. JPEG at
 * its worst is half as long as the pixels, a pyramid a third longer than its base.
 *
 * The header is believed only as far as the file can hold what it says: with a damaged number the task would
 * wait for ever for space that no volume has, instead of being held with the reason.
 */
export function scratchBytesOf(claim: {
  readonly headerIndex?: Uint8Array;
  readonly entry: { readonly sizeBytes: number; readonly transferSyntaxUid: string };
}): number {
  const { sizeBytes, transferSyntaxUid } = claim.entry;
  const index = claim.headerIndex && decodeHeaderIndex(claim.headerIndex);
  const [rows = 0, columns = 0, frames = 1] = SIZE_PATHS.map((path) => {
    const values = index && attributeValues(index, path);
    return Array.isArray(values) && values[0] ? Number(values[0]) || undefined : undefined;
  });
  const syntax = transferSyntaxOf(transferSyntaxUid);
  const isNative = syntax !== undefined && !syntax.encapsulated && !syntax.deflated;
  const pixelsMax = isNative ? sizeBytes : sizeBytes * PIXELS_PER_BYTE_MAX;
  const framePixels = Math.min(rows * columns, pixelsMax) || Math.ceil(sizeBytes / 3);
  const framesMax = Math.max(1, Math.floor(pixelsMax / framePixels));
  const framesBelieved = Math.min(Math.max(1, frames), framesMax);
  return Math.ceil(framePixels * 3 * (1 + (2 / 3) * (1 + framesBelieved)));
}
