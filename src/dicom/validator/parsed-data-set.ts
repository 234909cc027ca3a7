import { attributeByTag, formatTag } from '../dictionary.ts';

/** Length of a value whose end is marked by a delimiter. PS3.5 7.5. */
export const UNDEFINED_LENGTH = 0xffff_ffff;

/** How the bytes of a data set are to be read. */
export interface Encoding {
  readonly explicitVr: boolean;
  readonly littleEndian: boolean;
}

/** One element as it stands in the file. */
export interface ParsedElement {
  readonly tag: number;
  /** As written, or the dictionary's where none is written. */
  readonly vr: string;
  /** As written; {@link UNDEFINED_LENGTH} when it is. */
  readonly lengthBytes: number;
  /** Of the first byte of the element. */
  readonly offset: number;
  /** The value's first bytes: all of it unless it is longer than is kept. */
  readonly value: Uint8Array;
  readonly items?: readonly ParsedDataSet[];
}

const latin1 = new TextDecoder('latin1');

/**
 * A data set or an item as read for checking: nothing repaired, nothing thrown away but the rest of long values.
 */
export class ParsedDataSet {
  readonly encoding: Encoding;
  readonly parent: ParsedDataSet | undefined;
  /** Where it stands, to go before an attribute: '' or 'OpticalPathSequence[0].'. */
  readonly path: string;
  readonly #elements = new Map<number, ParsedElement>();

  constructor(encoding: Encoding, parent?: ParsedDataSet, path = '') {
    this.encoding = encoding;
    this.parent = parent;
    this.path = path;
  }

  get root(): ParsedDataSet {
    return this.parent?.root ?? this;
  }

  add(element: ParsedElement): void {
    this.#elements.set(element.tag, element);
  }

  elements(): IterableIterator<ParsedElement> {
    return this.#elements.values();
  }

  get(tag: number): ParsedElement | undefined {
    return this.#elements.get(tag);
  }

  has(tag: number): boolean {
    return this.#elements.has(tag);
  }

  /** Present and not empty: some bytes other than padding, or some item. */
  hasValue(tag: number): boolean {
    const element = this.#elements.get(tag);
    return element !== undefined && !isEmpty(element);
  }

  /** The values of an attribute of code strings, numbers as text or UIDs, padding trimmed; none when absent. */
  texts(tag: number): readonly string[] {
    const element = this.#elements.get(tag);
    if (element === undefined || isEmpty(element)) return [];
    return textOf(element).split('\\').map(trimPadding);
  }

  /** The first value of {@link texts}. */
  text(tag: number): string | undefined {
    return this.texts(tag)[0];
  }

  /** The values of a numeric attribute of any VR; NaN where a value is no number. */
  numbers(tag: number): readonly number[] {
    const element = this.#elements.get(tag);
    if (element === undefined) return [];
    const read = binaryNumbers[element.vr];
    if (read === undefined) return this.texts(tag).map((text) => (text === '' ? Number.NaN : Number(text)));
    const { value } = element;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const count = Math.floor(value.length / read.widthBytes);
    return Array.from({ length: count }, (_, index) =>
      read.at(view, index * read.widthBytes, this.encoding.littleEndian),
    );
  }

  /** The first value of {@link numbers}. */
  number(tag: number): number | undefined {
    return this.numbers(tag)[0];
  }

  items(tag: number): readonly ParsedDataSet[] {
    return this.#elements.get(tag)?.items ?? [];
  }

  /** The first item of a sequence. */
  item(tag: number): ParsedDataSet | undefined {
    return this.items(tag)[0];
  }

  /** Where an attribute stands: 'OpticalPathSequence[0].ICCProfile'; by tag when it has no keyword. */
  pathOf(tag: number): string {
    return `${this.path}${attributeByTag(tag)?.keyword ?? formatTag(tag)}`;
  }
}

interface BinaryNumber {
  readonly widthBytes: number;
  readonly at: (view: DataView, offset: number, littleEndian: boolean) => number;
}

const binaryNumbers: Readonly<Record<string, BinaryNumber>> = {
  US: { widthBytes: 2, at: (view, offset, littleEndian) => view.getUint16(offset, littleEndian) },
  SS: { widthBytes: 2, at: (view, offset, littleEndian) => view.getInt16(offset, littleEndian) },
  UL: { widthBytes: 4, at: (view, offset, littleEndian) => view.getUint32(offset, littleEndian) },
  SL: { widthBytes: 4, at: (view, offset, littleEndian) => view.getInt32(offset, littleEndian) },
  FL: { widthBytes: 4, at: (view, offset, littleEndian) => view.getFloat32(offset, littleEndian) },
  FD: { widthBytes: 8, at: (view, offset, littleEndian) => view.getFloat64(offset, littleEndian) },
  SV: { widthBytes: 8, at: (view, offset, littleEndian) => Number(view.getBigInt64(offset, littleEndian)) },
  UV: { widthBytes: 8, at: (view, offset, littleEndian) => Number(view.getBigUint64(offset, littleEndian)) },
  AT: {
    widthBytes: 4,
    at: (view, offset, littleEndian) =>
      view.getUint16(offset, littleEndian) * 0x1_0000 + view.getUint16(offset + 2, littleEndian),
  },
};

/** The value of a string element as one character a byte: enough to compare codes, numbers and UIDs. */
export function textOf(element: ParsedElement): string {
  return latin1.decode(element.value);
}

/** Without the spaces and NULs that pad a value. */
export function trimPadding(text: string): string {
  return text.replace(/^ +|[ \0]+$/g, '');
}

const textVrs = new Set([
  'AE',
  'AS',
  'CS',
  'DA',
  'DS',
  'DT',
  'IS',
  'LO',
  'LT',
  'PN',
  'SH',
  'ST',
  'TM',
  'UC',
  'UI',
  'UR',
  'UT',
]);

function isEmpty(element: ParsedElement): boolean {
  if (element.items !== undefined) return element.items.length === 0;
  if (!textVrs.has(element.vr)) return element.lengthBytes === 0;
  // Backslashes alone are empty values of an attribute that is not empty; spaces alone are nothing.
  return element.value.every((byte) => byte === 0x20 || byte === 0);
}
