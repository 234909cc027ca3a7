/**
 * # VR encoding
 *
 * Explicit VR Little Endian to Implicit VR Little Endian and back, for native data sets: headers of elements change,
 * values and their order do not. PS3.5 A.1, A.2, 6.2.2.
 *
 * Invariants:
 * - The value of the pixel data is not touched and need not be at hand; its length stays.
 * - What implicit VR cannot say is taken from the dictionary on the way back: private and unknown attributes become
 *   UN, US or SS follows Pixel Representation, OB or OW is OW.
 * - Group lengths are left out (retired): every one would be wrong. So are delimiters that end nothing.
 */
import { ByteSink } from './byte-sink.ts';
import { dictionaryVr } from './dictionary.ts';
import { type Encoding, encodingOf, IMPLICIT_VR, UNDEFINED_LENGTH } from './element-header.ts';
import { findElements, type RawElement, type RawItem, readElements } from './element-reader.ts';
import { writeElementHeader } from './element-writer.ts';
import { itemHeader, sequenceDelimiter } from './encapsulation.ts';
import { VrEncodingError } from './errors.ts';
import type { HeaderIndex } from './indexed-element.ts';
import { formatTag, isGroupLength } from './tag.ts';
import { Tag } from './tags.generated.ts';
import { EXPLICIT_LE, IMPLICIT_LE } from './transfer-syntax.ts';
import type { Vr } from './vr.ts';

export interface RewrittenEncoding {
  /** Takes the place of the bytes of the file from its `dataSetOffset` to `restOffset`. */
  readonly prefix: Uint8Array;
  readonly restOffset: number;
  /** Takes the place of the bytes from its offset to the end of the file. */
  readonly tail?: { readonly offset: number; readonly bytes: Uint8Array };
}

const ITEM_END_BYTES = Uint8Array.of(0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0);
const REWRITABLE = [EXPLICIT_LE, IMPLICIT_LE];

/** Where elements behind the pixel data are; undefined where there are none. */
export function trailingRange(index: HeaderIndex): { offset: number; length: number } | undefined {
  const last = index.elements.at(-1);
  if (index.pixelDataOffset === undefined || last === undefined) return undefined;
  if (last.valueLength === UNDEFINED_LENGTH) return undefined;
  const offset = last.valueOffset + last.valueLength;
  return offset < index.totalBytes ? { offset, length: index.totalBytes - offset } : undefined;
}

/**
 * Rewrites a data set in the other VR encoding.
 *
 * @param head the first bytes of the Part 10 file, at least up to the pixel data
 * @param index of that file
 * @param toTransferSyntaxUid Explicit or Implicit VR Little Endian
 * @param trailing the bytes of {@link trailingRange}, where there are some beyond the head
 * @throws {VrEncodingError} when the data set is neither of the two, encapsulated, damaged, or not at hand as far as
 *   needed
 * @throws {DataSetError} when the elements behind the pixel data are damaged
 */
export function rewriteVrEncoding(
  head: Uint8Array,
  index: HeaderIndex,
  toTransferSyntaxUid: string,
  trailing?: Uint8Array,
): RewrittenEncoding {
  const to = checkedEncoding(index, toTransferSyntaxUid);
  const from = encodingOf(index.transferSyntaxUid);
  const { dataSetOffset, totalBytes } = index;
  if (!index.complete || index.fault !== undefined) {
    throw new VrEncodingError(
      index.fault?.message ?? 'Cannot rewrite VR encoding: the header is too long to be read as a whole',
    );
  }
  const header = new Rewriter(head, from, to).rewrite(dataSetOffset, index.endOffset);
  const pixelData = index.pixelDataOffset === undefined ? undefined : index.elements.at(-1);
  if (pixelData === undefined) return { prefix: header, restOffset: totalBytes };
  const prefix = Buffer.concat([header, elementHeader(pixelData, to)]);
  const range = trailingRange(index);
  if (range === undefined) return { prefix, restOffset: pixelData.valueOffset };
  if (trailing !== undefined) {
    const bytes = new Rewriter(trailing, from, to).rewrite(0, trailing.length);
    return { prefix, restOffset: pixelData.valueOffset, tail: { offset: range.offset, bytes } };
  }
  if (head.length < totalBytes) {
    throw new VrEncodingError(
      `Cannot rewrite VR encoding: ${range.length} bytes of elements follow the pixel data and are not in memory`,
    );
  }
  const value = head.subarray(pixelData.valueOffset, range.offset);
  const rest = new Rewriter(head, from, to).rewrite(range.offset, totalBytes);
  return { prefix: Buffer.concat([prefix, value, rest]), restOffset: totalBytes };
}

function checkedEncoding(index: HeaderIndex, toTransferSyntaxUid: string): Encoding {
  const pair = [index.transferSyntaxUid, toTransferSyntaxUid];
  if (!pair.every((uid) => REWRITABLE.includes(uid))) {
    throw new VrEncodingError(
      `Cannot rewrite VR encoding from ${pair.join(' to ')}: both must be Explicit or Implicit VR Little Endian`,
    );
  }
  if (index.elements.at(-1)?.valueLength === UNDEFINED_LENGTH && index.pixelDataOffset !== undefined) {
    throw new VrEncodingError('Cannot rewrite VR encoding: the pixel data is encapsulated');
  }
  return encodingOf(toTransferSyntaxUid);
}

function elementHeader(
  { tag, vr, valueLength }: { tag: number; vr: Vr; valueLength: number },
  to: Encoding,
): Uint8Array {
  const sink = new ByteSink(16);
  writeElementHeader(sink, { tag, vr, length: valueLength }, to);
  return sink.bytes();
}

/** Writes elements anew, one level after the other. */
class Rewriter {
  readonly #bytes: Uint8Array;
  readonly #from: Encoding;
  readonly #to: Encoding;

  constructor(bytes: Uint8Array, from: Encoding, to: Encoding) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  rewrite(start: number, end: number): Uint8Array {
    const bytes = this.#bytes.subarray(0, end);
    const { elements } = readElements(bytes, { encoding: this.#from, start });
    return this.#level({ elements, encoding: this.#from }, this.#to, 0);
  }

  /** @param outer Pixel Representation in force around the level */
  #level(level: Pick<RawItem, 'elements' | 'encoding'>, to: Encoding, outer: number): Uint8Array {
    const sink = new ByteSink();
    const representation = this.#pixelRepresentation(level.elements) ?? outer;
    for (const element of level.elements) {
      if (isGroupLength(element.tag) || element.tag === Tag.LengthToEnd) continue;
      if (level.encoding.explicitVr && !to.explicitVr) this.#checkUnderstood(element);
      if (element.items === undefined) this.#element(sink, element, level.encoding, to, representation);
      else this.#sequence(sink, element, element.items, to, representation);
    }
    return sink.bytes();
  }

  #element(sink: ByteSink, element: RawElement, from: Encoding, to: Encoding, representation: number): void {
    const { tag, valueOffset, valueLength, endOffset } = element;
    const isOpen = !from.explicitVr && dictionaryVr(tag) === 'US or SS';
    const pixelVr = representation === 1 ? 'SS' : 'US';
    writeElementHeader(sink, { tag, vr: isOpen ? pixelVr : element.vr, length: valueLength }, to);
    // The fragments of an icon end with their delimiter.
    sink.append(this.#bytes.subarray(valueOffset, endOffset));
  }

  #sequence(
    sink: ByteSink,
    { tag, vr, valueLength }: RawElement,
    items: readonly RawItem[],
    to: Encoding,
    representation: number,
  ): void {
    // UN holds its items in implicit VR, whatever is around it. PS3.5 6.2.2.
    const itemEncoding = vr === 'UN' ? IMPLICIT_VR : to;
    const value = new ByteSink();
    for (const item of items) {
      const content = this.#level(item, itemEncoding, representation);
      const isDelimited = item.valueLength === UNDEFINED_LENGTH;
      value.append(itemHeader(isDelimited ? UNDEFINED_LENGTH : content.length));
      value.append(content);
      if (isDelimited) value.append(ITEM_END_BYTES);
    }
    const isDelimited = valueLength === UNDEFINED_LENGTH;
    writeElementHeader(sink, { tag, vr, length: isDelimited ? UNDEFINED_LENGTH : value.length }, to);
    sink.append(value.bytes());
    if (isDelimited) sink.append(sequenceDelimiter());
  }

  /** Without its VR, a receiver takes the element for what the dictionary says: that must not lead it astray. */
  #checkUnderstood(element: RawElement): void {
    const { tag, vr, valueLength, items } = element;
    const known = dictionaryVr(tag);
    const isMistaken =
      known === 'SQ'
        ? vr !== 'SQ' &&
          items === undefined &&
          valueLength > 0 &&
          !(vr === 'UN' && this.#isImplicitSequence(element))
        : known !== 'UN' && items !== undefined && valueLength === UNDEFINED_LENGTH;
    if (isMistaken) {
      throw new VrEncodingError(
        `Cannot rewrite VR encoding: without VR, ${formatTag(tag)} would be taken for ${known}, it is ${vr}`,
      );
    }
  }

  /** Whether UN of a length holds what it should: items in implicit VR. PS3.5 6.2.2. */
  #isImplicitSequence({ tag, valueOffset, endOffset }: RawElement): boolean {
    const sink = new ByteSink();
    writeElementHeader(sink, { tag, vr: 'SQ', length: endOffset - valueOffset }, IMPLICIT_VR);
    sink.append(this.#bytes.subarray(valueOffset, endOffset));
    return findElements(sink.bytes(), { encoding: IMPLICIT_VR, start: 0 }).ended === 'end';
  }

  #pixelRepresentation(elements: readonly RawElement[]): number | undefined {
    const element = elements.find(({ tag }) => tag === Tag.PixelRepresentation);
    return element?.valueLength === 2 ? this.#bytes[element.valueOffset] : undefined;
  }
}
