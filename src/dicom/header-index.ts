/**
 * # Header index
 *
 * Where the elements in front of the pixel data are, and what the short ones hold, so that nobody has to parse
 * the instance again: rules ask it, edits splice by it.
 *
 * Invariants:
 * - Made from the first bytes of a file, in one pass, bounded in time and size whatever they hold.
 * - Offsets count from the start of the Part 10 file; where the data set is deflated, as if the file held the
 *   inflated bytes from `dataSetOffset` on.
 * - What is damaged is told (`fault`), never thrown.
 */
import { inflateHead } from './deflated.ts';
import { CUT_OFF, type Encoding, encodingOf, HeaderCursor, UNDEFINED_LENGTH } from './element-header.ts';
import { findElements, type RawElement } from './element-reader.ts';
import type { HeaderIndex, IndexedElement } from './indexed-element.ts';
import { Tag } from './tags.generated.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';
import { vrFacts } from './vr.ts';

export { attributeValues } from './attribute-values.ts';
export { decodeHeaderIndex, encodeHeaderIndex } from './header-index-codec.ts';
export type { HeaderIndex, IndexedElement } from './indexed-element.ts';

/** Values up to this many bytes are kept, */
const INLINE_MAX = 256;
/** texts up to this many: all but the longest of ST. */
const INLINE_TEXT_MAX = 1024;
/** Kept below the top level of one data set; a slide may have an item for each of a million tiles. */
const NESTED_ELEMENTS_MAX = 4096;
/** An inflated head is no longer than the longest one that came as it is. */
const INFLATED_MAX = 2 ** 20;

type FileFacts = Readonly<Record<'dataSetOffset' | 'totalBytes', number>> & {
  readonly transferSyntaxUid: string;
};

/** PS3.3 C.7.6.3, C.7.6.24, C.7.6.25. */
export function isPixelData(tag: number): boolean {
  return tag === Tag.PixelData || tag === Tag.FloatPixelData || tag === Tag.DoubleFloatPixelData;
}

/**
 * Indexes the elements in front of the pixel data. Never throws.
 *
 * @param head the first bytes of the Part 10 file, or all of them
 * @param file `dataSetOffset`: as the File Meta Information says; `totalBytes`: of the whole file
 */
export function indexHeader(head: Uint8Array, file: FileFacts): HeaderIndex {
  const { transferSyntaxUid, dataSetOffset, totalBytes } = file;
  const base = { transferSyntaxUid, dataSetOffset, totalBytes };
  if (!transferSyntaxOf(transferSyntaxUid)?.deflated) {
    // A view of its own: cutting pieces off a Buffer is slow.
    const bytes = new Uint8Array(head.buffer, head.byteOffset, Math.min(head.length, totalBytes));
    return { ...base, ...indexElements(bytes, file) };
  }
  const inflated = inflateHead(head.subarray(dataSetOffset), INFLATED_MAX);
  if (inflated === undefined) {
    const message = 'Cannot read data set: it should be deflated, and is damaged or something else';
    const fault = { tag: 0, offset: dataSetOffset, message };
    return { ...base, elements: [], endOffset: dataSetOffset, complete: false, fault };
  }
  const bytes = new Uint8Array(dataSetOffset + inflated.bytes.length);
  bytes.set(inflated.bytes, dataSetOffset);
  const goesOn = inflated.ended === 'limit' || (inflated.ended === 'input' && head.length < totalBytes);
  const end = goesOn ? Number.MAX_SAFE_INTEGER : bytes.length;
  return { ...base, ...indexElements(bytes, { transferSyntaxUid, dataSetOffset, totalBytes: end }) };
}

/**
 * Who the instance is, as its data set says: to be compared with a command or File Meta Information. Undefined
 * where missing, empty or not at hand.
 */
export function identityOf(index: HeaderIndex): {
  readonly sopClassUid: string | undefined;
  readonly sopInstanceUid: string | undefined;
  readonly studyInstanceUid: string | undefined;
  readonly seriesInstanceUid: string | undefined;
} {
  return {
    sopClassUid: uidOf(index, Tag.SOPClassUID),
    sopInstanceUid: uidOf(index, Tag.SOPInstanceUID),
    studyInstanceUid: uidOf(index, Tag.StudyInstanceUID),
    seriesInstanceUid: uidOf(index, Tag.SeriesInstanceUID),
  };
}

function uidOf({ elements }: HeaderIndex, tag: number): string | undefined {
  const value = elements.find((element) => element.tag === tag)?.value;
  if (value === undefined) return undefined;
  let length = value.length;
  while (length > 0 && (value[length - 1] === 0 || value[length - 1] === 0x20)) length -= 1;
  let uid = '';
  for (let index = 0; index < length; index++) uid += String.fromCharCode(value[index]!);
  return uid === '' ? undefined : uid;
}

type Findings = Pick<HeaderIndex, 'elements' | 'pixelDataOffset' | 'endOffset' | 'complete' | 'fault'>;

function indexElements(
  bytes: Uint8Array,
  { transferSyntaxUid, dataSetOffset, totalBytes }: FileFacts,
): Findings {
  const encoding = encodingOf(transferSyntaxUid);
  const found = findElements(bytes, {
    encoding,
    start: dataSetOffset,
    end: totalBytes,
    stopsBefore: isPixelData,
  });
  const { endOffset } = found;
  const keeper = new ElementKeeper(bytes);
  const elements = found.elements.map((element) => keeper.keep(element));
  if (found.ended === 'stop') return withPixelData(bytes, elements, { endOffset, totalBytes, encoding });
  const complete = found.ended === 'end';
  if (found.fault === undefined) return { elements, endOffset, complete };
  const { tag, offset, message } = found.fault;
  return { elements, endOffset, complete, fault: { tag, offset, message } };
}

/** The header of the pixel data; its value is not looked at, but it must end within the file. */
function withPixelData(
  bytes: Uint8Array,
  elements: readonly IndexedElement[],
  at: { readonly endOffset: number; readonly totalBytes: number; readonly encoding: Encoding },
): Findings {
  const { endOffset: offset, totalBytes } = at;
  const cursor = new HeaderCursor(bytes, offset);
  try {
    cursor.readHeader(at.encoding, totalBytes);
  } catch (error) {
    if (error === CUT_OFF) return { elements, endOffset: offset, complete: false };
    const { message } = error as Error;
    return { elements, endOffset: offset, complete: false, fault: { tag: cursor.tag, offset, message } };
  }
  const { tag, vr, position: valueOffset, length: valueLength } = cursor;
  const found = {
    elements: [...elements, { tag, vr, offset, valueOffset, valueLength }],
    pixelDataOffset: offset,
    endOffset: offset,
    complete: true,
  };
  if (valueLength === UNDEFINED_LENGTH || valueOffset + valueLength <= totalBytes) return found;
  const message = `Cannot read pixel data: ${valueLength} bytes run past byte ${totalBytes}, where the file ends`;
  return { ...found, fault: { tag, offset, message } };
}

/** Decides what of the elements found is kept. */
class ElementKeeper {
  readonly #bytes: Uint8Array;
  #nestedLeft = NESTED_ELEMENTS_MAX;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  keep({ tag, vr, offset, valueOffset, valueLength, items }: RawElement): IndexedElement {
    if (items !== undefined) return this.#keepSequence({ tag, vr, offset, valueOffset, valueLength, items });
    const isShort = valueLength <= (vrFacts(vr).form === 'text' ? INLINE_TEXT_MAX : INLINE_MAX);
    const end = valueOffset + valueLength;
    if (!isShort || end > this.#bytes.length) return { tag, vr, offset, valueOffset, valueLength };
    return { tag, vr, offset, valueOffset, valueLength, value: this.#bytes.subarray(valueOffset, end) };
  }

  #keepSequence(sequence: Omit<RawElement, 'endOffset'>): IndexedElement {
    const { tag, vr, offset, valueOffset, valueLength, items = [] } = sequence;
    const kept: (readonly IndexedElement[])[] = [];
    for (const { elements } of items) {
      this.#nestedLeft -= 1 + elements.length;
      if (this.#nestedLeft < 0) break;
      kept.push(elements.map((element) => this.keep(element)));
    }
    const all = { tag, vr, offset, valueOffset, valueLength, items: kept };
    return kept.length < items.length ? { ...all, itemsLeftOut: true } : all;
  }
}
