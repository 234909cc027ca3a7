/**
 * # Elements
 *
 * Finds the elements of a data set, nested ones included, without looking at their values. PS3.5 7.
 *
 * Invariants:
 * - Bounded whatever the bytes: depth by {@link DEPTH_MAX}, the number of elements by `elementsMax`, every length
 *   by the end of the data set.
 * - Offsets are positions in the bytes given, so that what was found can be cut out or copied as it is.
 *
 * Tolerated, because real files have it: elements out of order, delimiters where a length made them needless,
 * zeros behind the last element, VRs of later editions.
 */
import {
  CUT_OFF,
  type Encoding,
  HeaderCursor,
  IMPLICIT_VR,
  ITEM,
  ITEM_END,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './element-header.ts';
import { DataSetError } from './errors.ts';
import { Tag } from './tags.generated.ts';
import { type Vr, vrFacts, vrOfCode } from './vr.ts';

export interface RawElement {
  readonly tag: number;
  /** Where the encoding does not tell, that of the dictionary; `UN` where that does not know either. */
  readonly vr: Vr;
  /** Where the tag starts. */
  readonly offset: number;
  readonly valueOffset: number;
  /** {@link UNDEFINED_LENGTH} when a delimiter ends it. */
  readonly valueLength: number;
  /** First byte behind the element, its delimiter included. */
  readonly endOffset: number;
  /** Of sequences. */
  readonly items: readonly RawItem[] | undefined;
}

export interface RawItem {
  /** Where the item tag starts. */
  readonly offset: number;
  readonly valueOffset: number;
  /** {@link UNDEFINED_LENGTH} when a delimiter ends it. */
  readonly valueLength: number;
  readonly endOffset: number;
  readonly elements: readonly RawElement[];
  /** Differs from that of the data set inside UN of undefined length. PS3.5 6.2.2. */
  readonly encoding: Encoding;
}

export interface ElementsFound {
  readonly elements: readonly RawElement[];
  /** First byte that was not read as part of an element. */
  readonly endOffset: number;
  /** Why reading ended there. */
  readonly ended:
    | 'end' // Nothing follows.
    | 'stop' // The next element is one to stop before.
    | 'cut-off' // The bytes end, the data set goes on.
    | 'fault';
  readonly fault?: DataSetError;
}

export interface ReadOptions {
  readonly encoding: Encoding;
  /** First byte of the data set. */
  readonly start: number;
  /** End of the data set; may lie beyond the bytes at hand. Default: where they end. */
  readonly end?: number;
  /** Ends reading before a top-level element. */
  readonly stopsBefore?: (tag: number) => boolean;
  /** Of all levels together. */
  readonly elementsMax?: number;
}

/** No known object nests deeper than 10. */
export const DEPTH_MAX = 32;
const ELEMENTS_MAX = 1_000_000;

/** Finds what there is, up to the first fault. Never throws. */
export function findElements(bytes: Uint8Array, options: ReadOptions): ElementsFound {
  return new ElementReader(bytes, options).run();
}

/**
 * The same for bytes that hold all of it.
 *
 * @throws {DataSetError} at the first fault, and when the bytes end before the data set does
 */
export function readElements(bytes: Uint8Array, options: ReadOptions): ElementsFound {
  const found = findElements(bytes, options);
  if (found.fault !== undefined) throw found.fault;
  if (found.ended === 'cut-off') {
    const at = { tag: found.elements.at(-1)?.tag ?? 0, offset: found.endOffset };
    throw new DataSetError(`Cannot read data set: the bytes end at ${bytes.length}, the data set later`, at);
  }
  return found;
}

class ElementReader {
  readonly #cursor: HeaderCursor;
  readonly #options: ReadOptions;
  readonly #end: number;
  readonly #elementsMax: number;
  #count = 0;

  constructor(bytes: Uint8Array, options: ReadOptions) {
    this.#cursor = new HeaderCursor(bytes, options.start);
    this.#options = options;
    this.#end = options.end ?? bytes.length;
    this.#elementsMax = options.elementsMax ?? ELEMENTS_MAX;
  }

  run(): ElementsFound {
    const { encoding } = this.#options;
    const bytesAtHand = this.#cursor.bytes.length;
    const elements: RawElement[] = [];
    let endOffset = this.#cursor.position;
    try {
      while (endOffset < this.#end && !this.#onlyZerosFollow()) {
        if (endOffset > bytesAtHand) return { elements, endOffset, ended: 'cut-off' };
        if (this.#stops()) return { elements, endOffset, ended: 'stop' };
        const element = this.#readElement(encoding, this.#end, 0);
        if (element !== undefined) elements.push(element);
        endOffset = this.#cursor.position;
      }
      return { elements, endOffset, ended: 'end' };
    } catch (error) {
      if (error === CUT_OFF) return { elements, endOffset, ended: 'cut-off' };
      if (error instanceof DataSetError) return { elements, endOffset, ended: 'fault', fault: error };
      throw error;
    }
  }

  #stops(): boolean {
    const { stopsBefore, encoding } = this.#options;
    return stopsBefore?.(this.#cursor.peekTag(encoding, this.#end)) ?? false;
  }

  /** @returns undefined for a delimiter that has nothing to end */
  #readElement(encoding: Encoding, end: number, depth: number): RawElement | undefined {
    const cursor = this.#cursor;
    const offset = cursor.position;
    cursor.readHeader(encoding, end);
    const { tag, vr, length: valueLength, position: valueOffset } = cursor;
    if (tag === ITEM_END || tag === SEQUENCE_END) return undefined;
    this.#countOne(tag, offset);
    const isDelimited = valueLength === UNDEFINED_LENGTH;
    if (!isDelimited && valueLength > end - valueOffset) {
      cursor.fail(tag, offset, `a value of ${valueLength} bytes runs past byte ${end}, where it should end`);
    }
    let items: readonly RawItem[] | undefined;
    if (vr === 'SQ' || (vr === 'UN' && isDelimited)) {
      items = this.#readSequence(encoding, isDelimited ? end : valueOffset + valueLength, depth + 1);
    } else if (isDelimited) {
      this.#skipFragments(encoding, end);
    } else {
      cursor.position = valueOffset + valueLength;
      if (tag === Tag.PixelRepresentation && depth === 0)
        this.#notePixelRepresentation(valueOffset, encoding);
    }
    return { tag, vr, offset, valueOffset, valueLength, endOffset: cursor.position, items };
  }

  #readSequence(encoding: Encoding, end: number, depth: number): readonly RawItem[] {
    const cursor = this.#cursor;
    const { tag, vr } = cursor;
    const isDelimited = cursor.length === UNDEFINED_LENGTH;
    const delimiters = vr === 'UN' ? IMPLICIT_VR : encoding;
    if (depth > DEPTH_MAX) cursor.fail(tag, cursor.position, `sequences are nested deeper than ${DEPTH_MAX}`);
    const items: RawItem[] = [];
    while (isDelimited || cursor.position < end) {
      const offset = cursor.position;
      cursor.readItemHeader(delimiters, end);
      if (cursor.tag === SEQUENCE_END) {
        // Where a length says where the sequence ends, it holds and the delimiter is needless.
        if (!isDelimited) cursor.position = end;
        break;
      }
      if (cursor.tag !== ITEM) cursor.fail(tag, offset, 'an item should start where there is none');
      items.push(this.#readItem(offset, this.#itemEncoding(vr, encoding, end), end, depth));
    }
    return items;
  }

  #readItem(offset: number, encoding: Encoding, end: number, depth: number): RawItem {
    const cursor = this.#cursor;
    const { position: valueOffset, length: valueLength } = cursor;
    this.#countOne(ITEM, offset);
    const isDelimited = valueLength === UNDEFINED_LENGTH;
    if (!isDelimited && valueLength > end - valueOffset) {
      cursor.fail(
        ITEM,
        offset,
        `an item of ${valueLength} bytes runs past byte ${end}, where its sequence ends`,
      );
    }
    const itemEnd = isDelimited ? end : valueOffset + valueLength;
    const elements: RawElement[] = [];
    while (isDelimited || cursor.position < itemEnd) {
      const element = this.#readElement(encoding, itemEnd, depth);
      if (element !== undefined) elements.push(element);
      else if (isDelimited) {
        // The delimiter of the item is missing: leave that of the sequence to the sequence.
        if (cursor.tag === SEQUENCE_END) cursor.position -= 8;
        break;
      }
    }
    return { offset, valueOffset, valueLength, endOffset: cursor.position, elements, encoding };
  }

  /** Fragments of encapsulated pixel data; below the top level those of an icon. PS3.5 A.4. */
  #skipFragments(encoding: Encoding, end: number): void {
    const cursor = this.#cursor;
    const { tag, vr } = cursor;
    if (vrFacts(vr).form !== 'bytes')
      cursor.fail(tag, cursor.position, `a value of VR ${vr} must have a length`);
    for (;;) {
      const offset = cursor.position;
      cursor.readItemHeader(encoding, end);
      if (cursor.tag === SEQUENCE_END) return;
      if (cursor.tag !== ITEM || cursor.length > end - cursor.position) {
        cursor.fail(tag, offset, 'a fragment should start where there is none, or is too long');
      }
      cursor.position += cursor.length;
    }
  }

  /** Inside UN it is implicit VR little endian; some writers leave it as it was. PS3.5 6.2.2. */
  #itemEncoding(vr: Vr, encoding: Encoding, end: number): Encoding {
    const cursor = this.#cursor;
    const offset = cursor.position;
    if (vr !== 'UN' || !encoding.explicitVr) return encoding;
    if (offset + 8 > cursor.bytes.length || vrOfCode(cursor.vrCodeAt(offset)) === undefined)
      return IMPLICIT_VR;
    return cursor.uint32(offset + 4, true) > end - offset - 8 ? encoding : IMPLICIT_VR;
  }

  #countOne(tag: number, offset: number): void {
    this.#count += 1;
    if (this.#count > this.#elementsMax) {
      this.#cursor.fail(tag, offset, `it has more than ${this.#elementsMax} elements and items`);
    }
  }

  #notePixelRepresentation(valueOffset: number, { littleEndian }: Encoding): void {
    const cursor = this.#cursor;
    if (cursor.length === 2 && valueOffset + 2 <= cursor.bytes.length) {
      cursor.pixelRepresentation = cursor.uint16(valueOffset, littleEndian);
    }
  }

  /** Some writers pad a data set with zeros. */
  #onlyZerosFollow(): boolean {
    const { bytes, position } = this.#cursor;
    if (bytes[position] !== 0 || this.#end > bytes.length) return false;
    return bytes.subarray(position, this.#end).every((byte) => byte === 0);
  }
}
