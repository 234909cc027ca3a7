/** Which attributes of two files of the same instance differ. */
import { type FileHandle, open } from 'node:fs/promises';
import { formatTag } from '../dicom/dictionary.ts';
import { encodingOf, UNDEFINED_LENGTH } from '../dicom/element-header.ts';
import { findElements, type RawElement } from '../dicom/element-reader.ts';
import { readFileMeta } from '../dicom/file-meta.ts';
import { isPixelData } from '../dicom/header-index.ts';

const HEAD_BYTES_MAX = 8 * 1024 * 1024;
const VALUE_SHOWN_MAX = 64;
const ATTRIBUTES_MAX = 100;

export interface AttributeDifference {
  /** Such as `(0040,0560)[0].(0040,0551)`; items count from 0. */
  readonly path: string;
  readonly in: 'both' | 'a' | 'b';
  /** Only where values are asked for; they may name a patient. */
  readonly a?: string;
  readonly b?: string;
}

interface Head {
  readonly bytes: Buffer;
  readonly elements: readonly RawElement[];
}

/**
 * Compares value by value what stands in front of the pixel data, of files in the same transfer syntax.
 *
 * @returns at most 100; `(7FE0,0010)` where what differs is not in front of it
 */
export async function differingAttributes(
  pathA: string,
  pathB: string,
  { showValues }: { readonly showValues: boolean },
): Promise<readonly AttributeDifference[]> {
  const [a, b] = await Promise.all([readHead(pathA), readHead(pathB)]);
  const found: AttributeDifference[] = [];
  compareElements(a, b, '', found);
  if (found.length === 0) return [{ path: '(7FE0,0010)', in: 'both' }];
  const shown = found.slice(0, ATTRIBUTES_MAX);
  return showValues ? shown : shown.map(({ path, in: where }) => ({ path, in: where }));
}

async function readHead(path: string): Promise<Head> {
  await using file: FileHandle = await open(path);
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read({
    buffer: Buffer.alloc(Math.min(size, HEAD_BYTES_MAX)),
    position: 0,
  });
  const bytes = buffer.subarray(0, bytesRead);
  const { transferSyntaxUid, dataSetOffset } = readFileMeta(bytes);
  const { elements } = findElements(bytes, {
    encoding: encodingOf(transferSyntaxUid),
    start: dataSetOffset,
    end: size,
    stopsBefore: isPixelData,
  });
  return { bytes, elements };
}

function compareElements(a: Head, b: Head, prefix: string, found: AttributeDifference[]): void {
  const byTag = new Map(b.elements.map((element) => [element.tag, element]));
  for (const one of a.elements) {
    const other = byTag.get(one.tag);
    byTag.delete(one.tag);
    const path = prefix + formatTag(one.tag);
    if (other === undefined) found.push({ path, in: 'a', a: textOf(a, one) });
    else if (one.items && other.items)
      compareItems({ ...a, element: one }, { ...b, element: other }, path, found);
    else if (!bytesOf(a, one).equals(bytesOf(b, other))) {
      found.push({ path, in: 'both', a: textOf(a, one), b: textOf(b, other) });
    }
  }
  for (const one of byTag.values()) {
    found.push({ path: prefix + formatTag(one.tag), in: 'b', b: textOf(b, one) });
  }
}

function compareItems(
  a: Head & { readonly element: RawElement },
  b: Head & { readonly element: RawElement },
  path: string,
  found: AttributeDifference[],
): void {
  const [itemsA, itemsB] = [a.element.items ?? [], b.element.items ?? []];
  for (let index = 0; index < Math.max(itemsA.length, itemsB.length); index += 1) {
    const [itemA, itemB] = [itemsA[index], itemsB[index]];
    const here = `${path}[${index}]`;
    if (itemA === undefined) found.push({ path: here, in: 'b' });
    else if (itemB === undefined) found.push({ path: here, in: 'a' });
    else {
      compareElements(
        { bytes: a.bytes, elements: itemA.elements },
        { bytes: b.bytes, elements: itemB.elements },
        `${here}.`,
        found,
      );
    }
  }
}

/** The value without its padding, for some pad and some do not. */
function bytesOf({ bytes }: Head, { valueOffset, valueLength, endOffset }: RawElement): Buffer {
  const end = valueLength === UNDEFINED_LENGTH ? endOffset : valueOffset + valueLength;
  const value = bytes.subarray(valueOffset, end);
  const last = value.at(-1);
  return last === 0 || last === 0x20 ? value.subarray(0, -1) : value;
}

function textOf(head: Head, element: RawElement): string {
  if (element.items) return 'a sequence';
  const text = bytesOf(head, element).subarray(0, VALUE_SHOWN_MAX).toString('latin1');
  return text.replace(/[^\x20-\x7e\xa0-\xff]/g, '?');
}
