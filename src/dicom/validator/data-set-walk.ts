import { dictionaryVr, formatTag } from '../dictionary.ts';
import { vrFacts, vrOfCode } from '../vr.ts';
import type { Problem } from './findings.ts';
import type { ForwardReader } from './forward-reader.ts';
import { WINDOW_BYTES } from './forward-reader.ts';
import type { ReadingFault } from './instance.ts';
import { type Encoding, ParsedDataSet, type ParsedElement, UNDEFINED_LENGTH } from './parsed-data-set.ts';

/** What the walk itself finds wrong and can step over; names of checks. */
export type WalkBreach = 'tag-order' | 'vr-unknown' | 'delimiter-length' | 'too-many-elements';

/** Who listens to a walk. */
export interface WalkListener {
  /** Every element, once its value or its items are read; pixel data is left out. */
  element(element: ParsedElement, dataSet: ParsedDataSet): void;
  /** Every item of (5200,9230) at the top level, before it is forgotten. */
  frameItem(item: ParsedDataSet): void;
  /** The reader stands at the value of the pixel data of the top level, and shall stand behind it afterwards. */
  pixelData(element: ParsedElement, reader: ForwardReader): Promise<void>;
  breach(check: WalkBreach, problem: Problem): void;
}

/** Of one value; longer ones are read over, their first bytes kept. */
const KEPT_VALUE_BYTES = 64 * 1024;

/** Of offset tables, which are compared with every frame: eight million frames. */
const KEPT_OFFSET_TABLE_BYTES = 64 * 2 ** 20;

/** Of all values together; when it is spent, values are kept up to 256 bytes. */
const KEPT_BYTES_MAX = 64 * 2 ** 20;

/** Kept elements; further ones are read, looked at and forgotten. Per-frame items do not count. */
const KEPT_ELEMENTS_MAX = 200_000;

const DEPTH_MAX = 32;

const ITEM = 0xfffe_e000;
const ITEM_END = 0xfffe_e00d;
const SEQUENCE_END = 0xfffe_e0dd;
const PER_FRAME_GROUPS = 0x5200_9230;
const OFFSET_TABLES = [0x7fe0_0001, 0x7fe0_0002];
const PIXEL_DATA = [0x7fe0_0008, 0x7fe0_0009, 0x7fe0_0010];

/** Ends the walk: what follows cannot be read. */
class Unreadable extends Error {
  readonly fault: ReadingFault;

  constructor(tag: number | undefined, offset: number, message: string) {
    super(message);
    this.fault = { tag, offset, message };
  }
}

interface ElementHeader {
  readonly tag: number;
  readonly vr: string;
  readonly lengthBytes: number;
  readonly offset: number;
}

/**
 * Walks a data set from front to back and builds what is kept of it.
 *
 * Memory is bounded whatever the file says: by the constants above, never by a length or a count in the file.
 */
export class DataSetWalk {
  readonly #reader: ForwardReader;
  readonly #listener: WalkListener;
  #keptBytes = 0;
  #keptElements = 0;

  constructor(reader: ForwardReader, listener: WalkListener) {
    this.#reader = reader;
    this.#listener = listener;
  }

  /**
   * Reads elements into `dataSet` up to the end of the reader, or up to the first that `stopsBefore`.
   *
   * @returns why the walk ended early, if it did
   */
  async run(
    dataSet: ParsedDataSet,
    stopsBefore?: (tag: number) => boolean,
  ): Promise<ReadingFault | undefined> {
    try {
      await this.#readElements(dataSet, Number.POSITIVE_INFINITY, 0, stopsBefore);
      return undefined;
    } catch (error) {
      if (error instanceof Unreadable) return error.fault;
      throw error;
    }
  }

  /** @returns whether an item delimiter ended it */
  async #readElements(
    dataSet: ParsedDataSet,
    endOffset: number,
    depth: number,
    stopsBefore?: (tag: number) => boolean,
  ): Promise<boolean> {
    const reader = this.#reader;
    let previousTag = -1;
    while (reader.position < endOffset) {
      if (reader.availableBytes < 12 && !(await reader.fill(8))) {
        if (reader.availableBytes === 0 && endOffset === Number.POSITIVE_INFINITY && depth === 0)
          return false;
        throw this.#cutOff(undefined);
      }
      const tag = this.#peekTag(dataSet.encoding);
      if (stopsBefore?.(tag)) return false;
      if (tag === ITEM_END) {
        this.#readDelimiter(dataSet, tag);
        return true;
      }
      const header = await this.#readHeader(dataSet.encoding);
      if (tag <= previousTag) {
        const problem = tag === previousTag ? 'it stands twice' : `it follows ${formatTag(previousTag)}`;
        this.#listener.breach('tag-order', {
          tag,
          path: dataSet.pathOf(tag),
          message: `is out of order: ${problem}; tags should rise`,
        });
      }
      previousTag = tag;
      if (header.lengthBytes !== UNDEFINED_LENGTH && reader.position + header.lengthBytes > endOffset) {
        throw new Unreadable(tag, header.offset, 'its value runs beyond the end of its item');
      }
      await this.#readValue(header, dataSet, depth);
    }
    return false;
  }

  #peekTag({ littleEndian }: Encoding): number {
    const { view, start } = this.#reader;
    return view.getUint16(start, littleEndian) * 0x1_0000 + view.getUint16(start + 2, littleEndian);
  }

  #readDelimiter(dataSet: ParsedDataSet, tag: number): void {
    const reader = this.#reader;
    const lengthBytes = reader.view.getUint32(reader.start + 4, dataSet.encoding.littleEndian);
    if (lengthBytes !== 0) {
      this.#listener.breach('delimiter-length', {
        message: `a delimiter ${formatTag(tag)} has a length other than 0`,
      });
    }
    reader.take(8);
  }

  async #readHeader(encoding: Encoding): Promise<ElementHeader> {
    const reader = this.#reader;
    const offset = reader.position;
    const { littleEndian } = encoding;
    const tag = this.#peekTag(encoding);
    if (!encoding.explicitVr || tag >= 0xfffe_0000) {
      const lengthBytes = reader.view.getUint32(reader.start + 4, littleEndian);
      reader.take(8);
      return { tag, vr: implicitVr(tag, lengthBytes), lengthBytes, offset };
    }
    const vr = vrOfCode(reader.view.getUint16(reader.start + 4));
    if (vr !== undefined && !vrFacts(vr).longHeader) {
      const lengthBytes = reader.view.getUint16(reader.start + 6, littleEndian);
      reader.take(8);
      return { tag, vr, lengthBytes, offset };
    }
    const written = vr ?? this.#unknownVr(tag, offset);
    if (!(await reader.fill(12))) throw this.#cutOff(tag);
    const lengthBytes = reader.view.getUint32(reader.start + 8, littleEndian);
    reader.take(12);
    return { tag, vr: written, lengthBytes, offset };
  }

  /** A VR of a later edition has the long form. PS3.5 7.1.2. */
  #unknownVr(tag: number, offset: number): string {
    const { view, start } = this.#reader;
    const vr = String.fromCharCode(view.getUint8(start + 4), view.getUint8(start + 5));
    if (!/^[A-Z]{2}$/.test(vr))
      throw new Unreadable(tag, offset, 'it has no VR where one should be; perhaps it is in Implicit VR');
    this.#listener.breach('vr-unknown', { tag, message: `has VR ${vr}, which PS3.5 does not define` });
    return vr;
  }

  async #readValue(header: ElementHeader, dataSet: ParsedDataSet, depth: number): Promise<void> {
    const { tag, vr, lengthBytes } = header;
    if (depth === 0 && PIXEL_DATA.includes(tag)) {
      const element = { ...header, value: new Uint8Array(0) };
      dataSet.add(element);
      await this.#listener.pixelData(element, this.#reader);
      return;
    }
    if (vr === 'SQ' || (vr === 'UN' && lengthBytes === UNDEFINED_LENGTH)) {
      // Undefined length makes UN a sequence in Implicit VR Little Endian. PS3.5 6.2.2 note 2.
      const encoding = vr === 'UN' ? { explicitVr: false, littleEndian: true } : dataSet.encoding;
      const items = await this.#readItems(header, dataSet, encoding, depth + 1);
      return this.#keep({ ...header, value: new Uint8Array(0), items }, dataSet);
    }
    if (lengthBytes === UNDEFINED_LENGTH) {
      await this.#skipFragments(dataSet.encoding, tag);
      return this.#keep({ ...header, value: new Uint8Array(0) }, dataSet);
    }
    this.#keep({ ...header, value: await this.#readBytes(tag, lengthBytes) }, dataSet);
  }

  async #readItems(
    header: ElementHeader,
    dataSet: ParsedDataSet,
    encoding: Encoding,
    depth: number,
  ): Promise<readonly ParsedDataSet[]> {
    if (depth > DEPTH_MAX)
      throw new Unreadable(header.tag, header.offset, `it is nested more than ${DEPTH_MAX} deep`);
    const reader = this.#reader;
    const isPerFrame = depth === 1 && header.tag === PER_FRAME_GROUPS;
    const path = dataSet.pathOf(header.tag);
    const hasEnd = header.lengthBytes !== UNDEFINED_LENGTH;
    const endOffset = hasEnd ? reader.position + header.lengthBytes : Number.POSITIVE_INFINITY;
    const items: ParsedDataSet[] = [];
    for (let index = 0; reader.position < endOffset; index++) {
      if (!(await reader.fill(8))) throw this.#cutOff(header.tag);
      const tag = this.#peekTag(encoding);
      if (tag === SEQUENCE_END) {
        this.#readDelimiter(dataSet, tag);
        if (hasEnd) continue;
        return items;
      }
      if (tag !== ITEM)
        throw new Unreadable(header.tag, header.offset, 'it holds something other than an item');
      const lengthBytes = reader.view.getUint32(reader.start + 4, encoding.littleEndian);
      reader.take(8);
      const item = new ParsedDataSet(encoding, dataSet, `${path}[${index}].`);
      const keptBefore = { bytes: this.#keptBytes, elements: this.#keptElements };
      const isOpen = lengthBytes === UNDEFINED_LENGTH;
      const itemEnd = isOpen ? endOffset : reader.position + lengthBytes;
      if (itemEnd > endOffset) throw new Unreadable(header.tag, header.offset, 'an item runs beyond its end');
      const isDelimited = await this.#readElements(item, itemEnd, depth);
      if (isOpen && !isDelimited) throw new Unreadable(header.tag, header.offset, 'an item does not end');
      if (isPerFrame) {
        this.#listener.frameItem(item);
        this.#keptBytes = keptBefore.bytes;
        this.#keptElements = keptBefore.elements;
      }
      if (isPerFrame && index > 0) continue; // The first stands for all.
      if (this.#countKept()) items.push(item);
    }
    return items;
  }

  /** Steps over the fragments of encapsulated pixel data in an item, an icon's for example. */
  async #skipFragments({ littleEndian }: Encoding, ofTag: number): Promise<void> {
    const reader = this.#reader;
    for (;;) {
      if (!(await reader.fill(8))) throw this.#cutOff(ofTag);
      const tag = this.#peekTag({ explicitVr: true, littleEndian });
      const lengthBytes = reader.view.getUint32(reader.start + 4, littleEndian);
      if (tag !== ITEM && tag !== SEQUENCE_END) {
        throw new Unreadable(ofTag, reader.position, 'it holds something other than a fragment');
      }
      reader.take(8);
      if (tag === SEQUENCE_END) return;
      await reader.skip(lengthBytes);
    }
  }

  async #readBytes(tag: number, lengthBytes: number): Promise<Uint8Array> {
    const reader = this.#reader;
    const keptBytes = Math.min(lengthBytes, this.#bytesToKeep(tag));
    if (keptBytes > WINDOW_BYTES) return this.#readLongBytes(tag, lengthBytes, keptBytes);
    if (reader.availableBytes < keptBytes && !(await reader.fill(keptBytes))) throw this.#cutOff(tag);
    const value = reader.bytes.slice(reader.start, reader.start + keptBytes);
    reader.take(keptBytes);
    if (lengthBytes > keptBytes) await this.#skipRest(tag, lengthBytes - keptBytes);
    return value;
  }

  #bytesToKeep(tag: number): number {
    if (OFFSET_TABLES.includes(tag)) return KEPT_OFFSET_TABLE_BYTES;
    return this.#keptBytes > KEPT_BYTES_MAX ? 256 : KEPT_VALUE_BYTES;
  }

  async #readLongBytes(tag: number, lengthBytes: number, keptBytes: number): Promise<Uint8Array> {
    const reader = this.#reader;
    const pieces: Uint8Array[] = []; // Not one buffer of the length that the file claims: it may be a lie.
    for (let left = keptBytes; left > 0; ) {
      const pieceBytes = Math.min(left, WINDOW_BYTES);
      if (!(await reader.fill(pieceBytes))) throw this.#cutOff(tag);
      pieces.push(reader.bytes.slice(reader.start, reader.start + pieceBytes));
      reader.take(pieceBytes);
      left -= pieceBytes;
    }
    await this.#skipRest(tag, lengthBytes - keptBytes);
    return Buffer.concat(pieces);
  }

  /** Steps over bytes and makes sure that the last of them exists. */
  async #skipRest(tag: number, countBytes: number): Promise<void> {
    if (countBytes === 0) return;
    await this.#reader.skip(countBytes - 1);
    if (!(await this.#reader.fill(1))) throw this.#cutOff(tag);
    this.#reader.take(1);
  }

  #keep(element: ParsedElement, dataSet: ParsedDataSet): void {
    this.#listener.element(element, dataSet);
    this.#keptBytes += element.value.length;
    if (this.#countKept()) dataSet.add(element);
  }

  /** @returns whether one more element or item may be kept */
  #countKept(): boolean {
    this.#keptElements += 1;
    if (this.#keptElements === KEPT_ELEMENTS_MAX + 1) {
      const message = `there are more than ${KEPT_ELEMENTS_MAX} elements; the rest are looked at one by one only`;
      this.#listener.breach('too-many-elements', { message });
    }
    return this.#keptElements <= KEPT_ELEMENTS_MAX;
  }

  #cutOff(tag: number | undefined): Unreadable {
    return new Unreadable(tag, this.#reader.position, 'the file ends in the middle of it');
  }
}

/** The VR where none is written; UN for what the dictionary does not know. */
function implicitVr(tag: number, lengthBytes: number): string {
  const vr = dictionaryVr(tag);
  if (vr === 'UN' && lengthBytes === UNDEFINED_LENGTH) return 'SQ';
  return vr.includes(' or ') ? firstOf(vr) : vr;
}

/** Of 'OB or OW' the one that Implicit VR implies, of 'US or SS' the unsigned one. PS3.5 A.1. */
function firstOf(vr: string): string {
  return vr.includes('OW') ? 'OW' : (vr.split(' or ')[0] as string);
}
