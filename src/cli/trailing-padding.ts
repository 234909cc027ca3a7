/** Data Set Trailing Padding, (FFFC,FFFC): fills a file up to some length, and means nothing. PS3.10 7.2. */
import type { FileHandle } from 'node:fs/promises';
import { encodingOf, HeaderCursor } from '../dicom/element-header.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';

/** Padding that is longer counts as content. */
const PADDING_BYTES_MAX = 64 * 1024;

/**
 * Where the padding of a Part 10 file starts; where the file ends when there is none. It is the last element, so
 * that only the end of the file is read: bytes that say by chance "the padding starts here and goes to the end"
 * would have to agree in eight or twelve places.
 */
export async function paddingStart(
  file: FileHandle,
  {
    size,
    dataSetOffset,
    transferSyntaxUid,
  }: { size: number; dataSetOffset: number; transferSyntaxUid: string },
): Promise<number> {
  if (transferSyntaxOf(transferSyntaxUid)?.deflated) return size;
  const start = Math.max(dataSetOffset, size - PADDING_BYTES_MAX);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  return start + paddingStartIn(buffer.subarray(0, bytesRead), transferSyntaxUid);
}

/** The same for the last bytes of a data set. */
export function paddingStartIn(tail: Buffer, transferSyntaxUid: string): number {
  const encoding = encodingOf(transferSyntaxUid);
  const mark = Buffer.from(encoding.littleEndian ? 'fcfffcff' : 'fffcfffc', 'hex');
  for (let at = tail.indexOf(mark); at >= 0 && at + 8 <= tail.length; at = tail.indexOf(mark, at + 1)) {
    if (encoding.explicitVr && (at + 12 > tail.length || tail.toString('latin1', at + 4, at + 6) !== 'OB'))
      continue;
    const cursor = new HeaderCursor(tail, at);
    cursor.readHeader(encoding, tail.length);
    if (cursor.tag === Tag.DataSetTrailingPadding && cursor.position + cursor.length === tail.length)
      return at;
  }
  return tail.length;
}
