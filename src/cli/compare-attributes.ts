/** Which attributes of two files of the same instance differ. */
import { type FileHandle, open } from 'node:fs/promises';
import { formatTag } from '../dicom/dictionary.ts';
import { encodingOf, UNDEFINED_LENGTH } from '../dicom/element-header.ts';
import { findElements, type RawElement } from '../dicom/element-reader.ts';
import { readFileMeta } from '../dicom/file-meta.ts';
import { isPixelData } from '../dicom/header-index.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { findPixelData, isSameBytes, type PixelDataPlace } from './compare-pixel-data.ts';

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
 * Compares value by value, of files in the same transfer syntax. Data Set Trailing Padding is none that counts.
 *
 * @returns at most 100; none where nothing differs but how the values are written, or what differs cannot be read
 */
export async function differingAttributes(
  pathA: string,
  pathB: string,
  { showValues }: { readonly showValues: boolean },
): Promise<readonly AttributeDifference[]> {
  await using a = await open(pathA);
  await using b = await open(pathB);
  const [partsA, partsB] = [await readParts(a), await readParts(b)];
  const found: AttributeDifference[] = [];
  compareElements(partsA.head, partsB.head, '', found);
  found.push(...(await comparePixelData({ file: a, ...partsA }, { file: b, ...partsB })));
  compareElements(partsA.rest, partsB.rest, '', found);
  const shown = found.slice(0, ATTRIBUTES_MAX);
  return showValues ? shown : shown.map(({ path, in: where }) => ({ path, in: where }));
}

interface Parts {
  readonly head: Head;
  readonly pixelData: PixelDataPlace | undefined;
  /** What stands behind the pixel data. */
  readonly rest: Head;
}

async function readParts(file: FileHandle): Promise<Parts> {
  const { size } = await file.stat();
  const bytes = await readBytes(file, 0, size);
  const { transferSyntaxUid, dataSetOffset } = readFileMeta(bytes);
  const encoding = encodingOf(transferSyntaxUid);
  const head = findElements(bytes, { encoding, start: dataSetOffset, end: size, stopsBefore: isPixelData });
  const pixelData =
    head.ended === 'stop' ? await findPixelData(file, { start: head.endOffset, size, encoding }) : undefined;
  if (pixelData === undefined) return { head: { bytes, ...head }, pixelData, rest: NOTHING };
  const behind = await readBytes(file, pixelData.end, size);
  const rest = findElements(behind, { encoding, start: 0, end: size - pixelData.end });
  return { head: { bytes, ...head }, pixelData, rest: { bytes: behind, ...rest } };
}

const NOTHING: Head = { bytes: Buffer.alloc(0), elements: [] };

async function readBytes(file: FileHandle, start: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.min(size - start, HEAD_BYTES_MAX));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}

type Side = Parts & { readonly file: FileHandle };

async function comparePixelData(a: Side, b: Side): Promise<readonly AttributeDifference[]> {
  const [one, other] = [a.pixelData, b.pixelData];
  if (one === undefined && other === undefined) return [];
  if (one === undefined || other === undefined) {
    return [{ path: formatTag((one ?? other)!.tag), in: one === undefined ? 'b' : 'a' }];
  }
  const isSame = one.tag === other.tag && (await isSameBytes({ ...a, ...one }, { ...b, ...other }));
  return isSame ? [] : [{ path: formatTag(one.tag), in: 'both' }];
}

function compareElements(a: Head, b: Head, prefix: string, found: AttributeDifference[]): void {
  const byTag = new Map(meaningful(b).map((element) => [element.tag, element]));
  for (const one of meaningful(a)) {
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

function meaningful({ elements }: Head): readonly RawElement[] {
  return elements.filter(({ tag }) => tag !== Tag.DataSetTrailingPadding);
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
