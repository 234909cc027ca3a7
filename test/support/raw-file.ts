import { encodeFileMeta } from '../../src/dicom/file-meta.ts';
import { deterministicUid } from '../../src/dicom/uid.ts';

export const EXPLICIT_LE = '1.2.840.10008.1.2.1';

/** No IOD of the validator's: only what holds for every file is checked. */
export const CT = '1.2.840.10008.5.1.4.1.1.2';

const LONG_VRS = ['OB', 'OW', 'SQ', 'UN', 'UT'];

/** An element of Explicit VR Little Endian exactly as asked for, right or wrong. */
export function rawElement(
  tag: number,
  vr: string,
  value: Uint8Array | string,
  lengthBytes?: number,
): Buffer {
  const bytes = Buffer.from(value as string, 'latin1');
  const isLong = LONG_VRS.includes(vr) || !/^[A-Z]{2}$/.test(vr) || vr === 'ZZ';
  const header = Buffer.alloc(isLong ? 12 : 8);
  header.writeUInt16LE(tag >>> 16, 0);
  header.writeUInt16LE(tag & 0xffff, 2);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(lengthBytes ?? bytes.length, 8);
  else header.writeUInt16LE(lengthBytes ?? bytes.length, 6);
  return Buffer.concat([header, bytes]);
}

/** An item, or a delimiter, with its header. */
export function rawItem(
  tag: number,
  value: Uint8Array = new Uint8Array(0),
  lengthBytes = value.length,
): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(tag >>> 16, 0);
  header.writeUInt16LE(tag & 0xffff, 2);
  header.writeUInt32LE(lengthBytes, 4);
  return Buffer.concat([header, value]);
}

const sopInstanceUid = deterministicUid('raw');

/** A file of CT Image Storage: SOP Class and Instance UID, and the elements before or behind them. */
export function rawFile(...elements: readonly Uint8Array[]): Buffer {
  const uid = (text: string) => (text.length % 2 === 0 ? text : `${text}\0`);
  return Buffer.concat([
    encodeFileMeta({ sopClassUid: CT, sopInstanceUid, transferSyntaxUid: EXPLICIT_LE }),
    ...elements.filter(isBeforeIds),
    rawElement(0x0008_0016, 'UI', uid(CT)),
    rawElement(0x0008_0018, 'UI', uid(sopInstanceUid)),
    ...elements.filter((element) => !isBeforeIds(element)),
  ]);
}

function isBeforeIds(element: Uint8Array): boolean {
  const view = new DataView(element.buffer, element.byteOffset);
  return view.getUint16(0, true) * 0x1_0000 + view.getUint16(2, true) < 0x0008_0016;
}
