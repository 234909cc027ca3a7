/** Values of elements: bytes to text, numbers and big numbers, and back. PS3.5 6.2. */
import type { CharacterSet } from './character-set.ts';
import { DEFAULT_CHARACTER_SET } from './character-set.ts';
import { ValueError } from './errors.ts';
import { latin1 } from './single-byte-sets.ts';
import { formatTag } from './tag.ts';
import { type Vr, type VrFacts, vrFacts } from './vr.ts';

/** What a value may be given as. A text for a number VR must read as one. */
export type ScalarValue = string | number | bigint;

/** How the bytes of a value are to be read. */
export interface ValueEncoding {
  readonly littleEndian: boolean;
  readonly characterSet: CharacterSet;
}

type ReadNumber = (view: DataView, offset: number, littleEndian: boolean) => number | bigint;
type WriteNumber = (view: DataView, offset: number, value: never, littleEndian: boolean) => void;

/** PS3.5 Table 6.2-1: VRs of binary numbers, and what they can hold. */
const numberVrs: Readonly<
  Partial<Record<Vr, { read: ReadNumber; write: WriteNumber; range?: readonly [bigint, bigint] }>>
> = {
  US: {
    read: (view, at, le) => view.getUint16(at, le),
    write: (view, at, value, le) => view.setUint16(at, value, le),
    range: [0n, 0xffffn],
  },
  SS: {
    read: (view, at, le) => view.getInt16(at, le),
    write: (view, at, value, le) => view.setInt16(at, value, le),
    range: [-0x8000n, 0x7fffn],
  },
  UL: {
    read: (view, at, le) => view.getUint32(at, le),
    write: (view, at, value, le) => view.setUint32(at, value, le),
    range: [0n, 0xffff_ffffn],
  },
  SL: {
    read: (view, at, le) => view.getInt32(at, le),
    write: (view, at, value, le) => view.setInt32(at, value, le),
    range: [-0x8000_0000n, 0x7fff_ffffn],
  },
  UV: {
    read: (view, at, le) => view.getBigUint64(at, le),
    write: (view, at, value, le) => view.setBigUint64(at, BigInt(value as bigint), le),
    range: [0n, 2n ** 64n - 1n],
  },
  SV: {
    read: (view, at, le) => view.getBigInt64(at, le),
    write: (view, at, value, le) => view.setBigInt64(at, BigInt(value as bigint), le),
    range: [-(2n ** 63n), 2n ** 63n - 1n],
  },
  FL: {
    read: (view, at, le) => view.getFloat32(at, le),
    write: (view, at, value, le) => view.setFloat32(at, value, le),
  },
  FD: {
    read: (view, at, le) => view.getFloat64(at, le),
    write: (view, at, value, le) => view.setFloat64(at, value, le),
  },
};

/** Values of a text VR with their padding, so that writing them again gives the same bytes. */
export function decodeTexts(vr: Vr, bytes: Uint8Array, characterSet: CharacterSet): readonly string[] {
  const facts = vrFacts(vr);
  const text = facts.characterSet ? characterSet.decode(bytes) : latin1(bytes);
  return facts.multiple ? text.split('\\') : [text];
}

/** Bytes behind the last whole number are left out. */
export function decodeNumbers(
  vr: Vr,
  bytes: Uint8Array,
  littleEndian: boolean,
): readonly (number | bigint)[] {
  const kind = numberVrs[vr];
  if (kind === undefined) return [];
  const { widthBytes } = vrFacts(vr);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers: (number | bigint)[] = [];
  for (let offset = 0; offset + widthBytes <= bytes.length; offset += widthBytes) {
    numbers.push(kind.read(view, offset, littleEndian));
  }
  return numbers;
}

/** Tags 0xGGGGEEEE of an AT. */
export function decodeTags(bytes: Uint8Array, littleEndian: boolean): readonly number[] {
  const halves = decodeNumbers('US', bytes, littleEndian) as readonly number[];
  return Array.from(
    { length: halves.length >> 1 },
    (_, index) => halves[2 * index]! * 0x1_0000 + halves[2 * index + 1]!,
  );
}

/** Without what has no meaning: padding behind, and in front where the VR says so. */
export function trimPadding(text: string, facts: VrFacts): string {
  const trimmed = text.replace(/[ \0]+$/, '');
  return facts.leadingSpaces === 'padding' ? trimmed.replace(/^ +/, '') : trimmed;
}

/**
 * The values of anything but sequences as text: padding trimmed, numbers in decimal, AT as `(gggg,eeee)`. Of
 * bytes only the length is told.
 */
export function valuesAsText(vr: Vr, bytes: Uint8Array, encoding: ValueEncoding): readonly string[] {
  const facts = vrFacts(vr);
  if (bytes.length === 0) return [];
  switch (facts.form) {
    case 'number':
      return decodeNumbers(vr, bytes, encoding.littleEndian).map(String);
    case 'tag':
      return decodeTags(bytes, encoding.littleEndian).map(formatTag);
    case 'text':
      return decodeTexts(vr, bytes, encoding.characterSet).map((text) => trimPadding(text, facts));
    default:
      return [`${bytes.length} bytes`];
  }
}

/**
 * @param values bytes are taken as they are
 * @returns the value, padded to an even length
 * @throws {ValueError} when the VR cannot hold them
 */
export function encodeValue(
  vr: Vr,
  values: readonly ScalarValue[] | Uint8Array,
  encoding: ValueEncoding,
): Uint8Array {
  const facts = vrFacts(vr);
  if (values instanceof Uint8Array) return padded(values, facts.padding);
  switch (facts.form) {
    case 'number':
      return encodeNumbers(vr, values, encoding.littleEndian);
    case 'tag':
      return encodeNumbers('US', values.flatMap(halvesOfTag), encoding.littleEndian);
    case 'text':
      return padded(encodeTexts(values, facts, encoding.characterSet), facts.padding);
    default:
      throw new ValueError(
        `Cannot write a value of VR ${vr} from text or numbers: it must be bytes or items`,
      );
  }
}

function encodeTexts(values: readonly ScalarValue[], facts: VrFacts, characterSet: CharacterSet): Uint8Array {
  if (!facts.multiple && values.length > 1) {
    throw new ValueError(`Cannot write ${values.length} values: the VR holds one`);
  }
  return (facts.characterSet ? characterSet : DEFAULT_CHARACTER_SET).encode(values.map(String).join('\\'));
}

function encodeNumbers(vr: Vr, values: readonly ScalarValue[], littleEndian: boolean): Uint8Array {
  const kind = numberVrs[vr]!;
  const { widthBytes } = vrFacts(vr);
  const bytes = new Uint8Array(values.length * widthBytes);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    const number = typeof value === 'string' ? Number(value.trim() || 'none') : value;
    if (kind.range === undefined ? Number.isNaN(number) : !isWithin(number, kind.range)) {
      throw new ValueError(
        `Cannot write a value as VR ${vr}: it is no number, or out of the range of that VR`,
      );
    }
    kind.write(view, index * widthBytes, number as never, littleEndian);
  });
  return bytes;
}

function isWithin(number: number | bigint, [min, max]: readonly [bigint, bigint]): boolean {
  if (typeof number === 'number' && !Number.isInteger(number)) return false;
  return number >= min && number <= max;
}

function halvesOfTag(value: ScalarValue): readonly number[] {
  const tag = typeof value === 'string' ? Number.parseInt(value.replace(/[(),]/g, ''), 16) : Number(value);
  if (!isWithin(tag, [0n, 0xffff_ffffn])) throw new ValueError('Cannot write a value as VR AT: it is no tag');
  return [Math.floor(tag / 0x1_0000), tag % 0x1_0000];
}

function padded(bytes: Uint8Array, padding: number): Uint8Array {
  if (bytes.length % 2 === 0) return bytes;
  const even = new Uint8Array(bytes.length + 1);
  even.set(bytes);
  even[bytes.length] = padding;
  return even;
}
