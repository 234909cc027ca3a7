/** Elements as bytes, right or wrong, written without the code under test. PS3.5 7.1. */

export interface RawEncoding {
  readonly explicitVr: boolean;
  readonly littleEndian: boolean;
}

export const EXPLICIT: RawEncoding = { explicitVr: true, littleEndian: true };
export const IMPLICIT: RawEncoding = { explicitVr: false, littleEndian: true };
export const BIG_ENDIAN: RawEncoding = { explicitVr: true, littleEndian: false };

/** A 16-bit number, in the byte order of what it ends up in. */
interface RawNumber {
  readonly us: number;
}

export interface RawElementSpec {
  readonly tag: number;
  readonly vr: string;
  /** Text and bytes as they are, of odd length too; lists of elements are items. */
  readonly value: string | Uint8Array | RawNumber | readonly (readonly RawElementSpec[])[];
  /** Of the sequence and its items, or of fragments. */
  readonly undefinedLength?: boolean;
  /** Of the items, where it differs. */
  readonly itemEncoding?: RawEncoding;
  /** The element as it is, whatever else is said. */
  readonly raw?: Uint8Array;
}

const LONG_VRS = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
const UNDEFINED_LENGTH = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;

export function el(
  tag: number,
  vr: string,
  value: RawElementSpec['value'],
  options: Pick<RawElementSpec, 'undefinedLength' | 'itemEncoding' | 'raw'> = {},
): RawElementSpec {
  return { tag, vr, value, ...options };
}

export function us(value: number): RawNumber {
  return { us: value };
}

export function rawElements(encoding: RawEncoding, specs: readonly RawElementSpec[]): Buffer {
  return Buffer.concat(specs.map((spec) => rawElement(encoding, spec)));
}

function rawElement(encoding: RawEncoding, spec: RawElementSpec): Buffer {
  if (spec.raw !== undefined) return Buffer.from(spec.raw);
  const content = contentOf(encoding, spec);
  if (!spec.undefinedLength) return Buffer.concat([header(encoding, spec, content.length), content]);
  return Buffer.concat([
    header(encoding, spec, UNDEFINED_LENGTH),
    content,
    marker(encoding, SEQUENCE_END, 0),
  ]);
}

function contentOf(encoding: RawEncoding, spec: RawElementSpec): Buffer {
  const { value, undefinedLength = false, itemEncoding = encoding } = spec;
  if (typeof value === 'string') return Buffer.from(value, 'latin1');
  if (value instanceof Uint8Array) return Buffer.from(value);
  if ('us' in value) return uint(encoding, value.us, 2);
  return Buffer.concat(value.map((item) => rawItem(itemEncoding, item, undefinedLength)));
}

function rawItem(encoding: RawEncoding, item: readonly RawElementSpec[], undefinedLength: boolean): Buffer {
  const content = rawElements(encoding, item);
  if (!undefinedLength) return Buffer.concat([marker(encoding, ITEM, content.length), content]);
  return Buffer.concat([marker(encoding, ITEM, UNDEFINED_LENGTH), content, marker(encoding, ITEM_END, 0)]);
}

function header(encoding: RawEncoding, { tag, vr }: RawElementSpec, lengthBytes: number): Buffer {
  if (!encoding.explicitVr) return marker(encoding, tag, lengthBytes);
  const start = Buffer.concat([tagBytes(encoding, tag), Buffer.from(vr, 'latin1')]);
  if (!LONG_VRS.includes(vr)) return Buffer.concat([start, uint(encoding, lengthBytes, 2)]);
  return Buffer.concat([start, Buffer.alloc(2), uint(encoding, lengthBytes, 4)]);
}

function marker(encoding: RawEncoding, tag: number, lengthBytes: number): Buffer {
  return Buffer.concat([tagBytes(encoding, tag), uint(encoding, lengthBytes, 4)]);
}

function tagBytes(encoding: RawEncoding, tag: number): Buffer {
  return Buffer.concat([uint(encoding, tag >>> 16, 2), uint(encoding, tag & 0xffff, 2)]);
}

function uint({ littleEndian }: RawEncoding, value: number, widthBytes: number): Buffer {
  const bytes = Buffer.alloc(widthBytes);
  if (littleEndian) bytes.writeUIntLE(value, 0, widthBytes);
  else bytes.writeUIntBE(value, 0, widthBytes);
  return bytes;
}
