import { PduFormatError } from './errors.ts';
import { ABORT_REASON } from './pdu.ts';

/** An item or sub-item of an association PDU: PS3.8 9.3.2. */
export interface Item {
  readonly type: number;
  readonly value: Buffer;
}

const ITEM_HEADER_BYTES = 4;

/**
 * Walks the items that fill `bytes`.
 *
 * @throws {PduFormatError} when an item does not end where it should
 */
export function* readItems(bytes: Buffer): Generator<Item> {
  let at = 0;
  while (at < bytes.length) {
    const valueAt = at + ITEM_HEADER_BYTES;
    if (valueAt > bytes.length) throw invalidItem('an item header is cut off');
    const type = bytes.readUInt8(at);
    const end = valueAt + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw invalidItem(`item ${formatType(type)} is longer than what holds it`);
    yield { type, value: bytes.subarray(valueAt, end) };
    at = end;
  }
}

export function encodeItem(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(ITEM_HEADER_BYTES);
  const value = Buffer.concat(parts);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value]);
}

export function encodeTextItem(type: number, text: string): Buffer {
  return encodeItem(type, Buffer.from(text, 'latin1'));
}

/** UIDs and names stand unpadded in items (PS3.8 Annex F); peers that pad them are understood all the same. */
export function readText(value: Buffer): string {
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0 || value[end - 1] === 0x20)) end -= 1;
  return value.toString('latin1', 0, end);
}

/** Checks that `value` has the bytes that its fixed fields take. */
export function requireBytes(value: Buffer, bytesMin: number, what: string): Buffer {
  if (value.length < bytesMin) throw invalidItem(`${what} has ${value.length} bytes, it takes ${bytesMin}`);
  return value;
}

export function invalidItem(what: string): PduFormatError {
  return new PduFormatError(`Cannot read association PDU: ${what}`, ABORT_REASON.invalidPduParameterValue);
}

function formatType(type: number): string {
  return `${type.toString(16).toUpperCase().padStart(2, '0')}H`;
}
