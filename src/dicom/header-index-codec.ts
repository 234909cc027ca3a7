import { UNDEFINED_LENGTH } from './element-header.ts';
import { HeaderIndexError } from './errors.ts';
import type { HeaderIndex, IndexedElement } from './indexed-element.ts';
import { codeOfVr, vrOfCode } from './vr.ts';

/** Changes with the layout: an index of another version is made anew from the file. */
const VERSION = 1;

const COMPLETE = 1;
const HAS_PIXEL_DATA = 2;
const HAS_FAULT = 4;

/** What follows in the record of an element. */
const HAS_VALUE = 1;
const HAS_ITEMS = 2;
const LEFT_OUT = 4;
const LONG_HEADER = 8;
const HAS_GAP = 16;

/** More than a record takes besides its value. */
const RECORD_BYTES_MAX = 32;
const DEPTH_MAX = 64;

/**
 * Packs an index for the database: about 7 bytes an element and its value.
 *
 * Layout: version, flags, transfer syntax, offsets, fault; then the elements, each with flags, tag, VR, length,
 * the distance from the end of the one before where there is any, and its value or items. Numbers are
 * variable-length, lowest seven bits first.
 */
export function encodeHeaderIndex(index: HeaderIndex): Uint8Array {
  const writer = new IndexWriter();
  const { fault, pixelDataOffset } = index;
  writer.byte(VERSION);
  const flags = (index.complete ? COMPLETE : 0) | (fault === undefined ? 0 : HAS_FAULT);
  writer.byte(flags | (pixelDataOffset === undefined ? 0 : HAS_PIXEL_DATA));
  writer.text(index.transferSyntaxUid);
  writer.number(index.dataSetOffset);
  writer.number(index.totalBytes);
  writer.number(index.endOffset);
  if (pixelDataOffset !== undefined) writer.number(pixelDataOffset);
  if (fault !== undefined) {
    writer.number(fault.tag);
    writer.number(fault.offset);
    writer.text(fault.message);
  }
  writer.expected = index.dataSetOffset;
  writer.elements(index.elements);
  return writer.done();
}

/** @throws {HeaderIndexError} when the bytes are damaged, or of another version of the layout */
export function decodeHeaderIndex(bytes: Uint8Array): HeaderIndex {
  const reader = new IndexReader(bytes);
  const version = reader.byte();
  if (version !== VERSION)
    throw new HeaderIndexError(`Cannot read header index: version ${version} is not ${VERSION}`);
  const flags = reader.byte();
  const transferSyntaxUid = reader.text();
  const dataSetOffset = reader.number();
  const totalBytes = reader.number();
  const endOffset = reader.number();
  const pixelDataOffset = (flags & HAS_PIXEL_DATA) === 0 ? undefined : reader.number();
  const fault =
    (flags & HAS_FAULT) === 0
      ? undefined
      : { tag: reader.number(), offset: reader.number(), message: reader.text() };
  reader.expected = dataSetOffset;
  return {
    transferSyntaxUid,
    elements: reader.elements(0),
    dataSetOffset,
    totalBytes,
    endOffset,
    complete: (flags & COMPLETE) !== 0,
    ...(pixelDataOffset !== undefined && { pixelDataOffset }),
    ...(fault !== undefined && { fault }),
  };
}

class IndexWriter {
  #bytes = new Uint8Array(4096);
  #at = 0;
  /** Where the next element starts if nothing lies between. */
  expected = 0;

  elements(elements: readonly IndexedElement[]): void {
    this.#reserve(RECORD_BYTES_MAX);
    this.number(elements.length);
    for (const element of elements) this.#element(element);
  }

  #element(element: IndexedElement): void {
    const { tag, offset, valueOffset, valueLength, value, items } = element;
    this.#reserve(RECORD_BYTES_MAX + (value?.length ?? 0));
    const bytes = this.#bytes;
    const gap = offset - this.expected;
    const content = value === undefined ? (items && HAS_ITEMS) || 0 : HAS_VALUE;
    const code = codeOfVr(element.vr);
    bytes[this.#at] =
      content |
      (element.itemsLeftOut ? LEFT_OUT : 0) |
      (valueOffset - offset === 12 ? LONG_HEADER : 0) |
      (gap === 0 ? 0 : HAS_GAP);
    bytes[this.#at + 1] = tag >>> 24;
    bytes[this.#at + 2] = tag >>> 16;
    bytes[this.#at + 3] = tag >>> 8;
    bytes[this.#at + 4] = tag;
    bytes[this.#at + 5] = code >> 8;
    bytes[this.#at + 6] = code;
    this.#at += 7;
    this.number(valueLength);
    if (gap !== 0) this.number(gap);
    this.expected = valueOffset;
    if (value !== undefined) this.#value(value);
    if (items !== undefined) {
      this.number(items.length);
      for (const item of items) this.elements(item);
    }
    if (valueLength !== UNDEFINED_LENGTH) this.expected = valueOffset + valueLength;
  }

  /** Most values are so short that a loop is faster than set(). */
  #value(value: Uint8Array): void {
    const bytes = this.#bytes;
    if (value.length > 32) bytes.set(value, this.#at);
    else for (let index = 0; index < value.length; index++) bytes[this.#at + index] = value[index]!;
    this.#at += value.length;
  }

  byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  number(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  text(text: string): void {
    const bytes = Buffer.from(text);
    this.#reserve(RECORD_BYTES_MAX + bytes.length);
    this.number(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    this.#reserve(RECORD_BYTES_MAX);
  }

  /** A copy of its own, so that the growing buffer does not stay. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * this.#bytes.length + count);
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

class IndexReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  expected = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  elements(depth: number): readonly IndexedElement[] {
    const count = this.number();
    // Each record takes more than one byte: a count beyond that is damage, not a reason to reserve memory.
    if (count > this.#bytes.length || depth > DEPTH_MAX) throw damaged();
    const elements: IndexedElement[] = [];
    for (let index = 0; index < count; index++) elements.push(this.#element(depth));
    return elements;
  }

  #element(depth: number): IndexedElement {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 7 > bytes.length) throw damaged();
    const flags = bytes[at]!;
    const tag =
      ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    const vr = vrOfCode((bytes[at + 5]! << 8) | bytes[at + 6]!);
    if (vr === undefined) throw damaged();
    this.#at = at + 7;
    const valueLength = this.number();
    const offset = this.expected + ((flags & HAS_GAP) === 0 ? 0 : this.number());
    const valueOffset = offset + ((flags & LONG_HEADER) === 0 ? 8 : 12);
    this.expected = valueOffset;
    const element = { tag, vr, offset, valueOffset, valueLength };
    if ((flags & HAS_ITEMS) !== 0) {
      const items = this.#items(depth + 1);
      if (valueLength !== UNDEFINED_LENGTH) this.expected = valueOffset + valueLength;
      return (flags & LEFT_OUT) === 0 ? { ...element, items } : { ...element, items, itemsLeftOut: true };
    }
    if (valueLength !== UNDEFINED_LENGTH) this.expected = valueOffset + valueLength;
    if ((flags & HAS_VALUE) === 0) return element;
    return { tag, vr, offset, valueOffset, valueLength, value: this.#take(valueLength) };
  }

  #items(depth: number): readonly (readonly IndexedElement[])[] {
    const count = this.number();
    if (count > this.#bytes.length) throw damaged();
    const items: (readonly IndexedElement[])[] = [];
    for (let index = 0; index < count; index++) items.push(this.elements(depth));
    return items;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged();
    return byte;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; factor < Number.MAX_SAFE_INTEGER; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte <= 0x7f) return value;
    }
    throw damaged();
  }

  text(): string {
    return Buffer.from(this.#take(this.number())).toString();
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw damaged();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function damaged(): HeaderIndexError {
  return new HeaderIndexError('Cannot read header index: it is damaged');
}
