/** Preamble and File Meta Information. PS3.10 7.1. */
import { Part10Error } from './errors.ts';
import { EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from './transfer-syntax.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from './uid.ts';
import { vrFacts, vrOfCode } from './vr.ts';

export interface FileMeta {
  /** (0002,0002). Undefined in files that do not say. */
  readonly sopClassUid: string | undefined;
  /** (0002,0003). Undefined in files that do not say. */
  readonly sopInstanceUid: string | undefined;
  readonly transferSyntaxUid: string;
  /** (0002,0016), trimmed. */
  readonly sourceAeTitle: string | undefined;
  /** (0002,0012). */
  readonly implementationClassUid: string | undefined;
  /** First byte of the data set. */
  readonly dataSetOffset: number;
  /** The file has no File Meta Information: the transfer syntax is what its first element looks like. */
  readonly isGuessed: boolean;
}

const PREAMBLE_BYTES = 128;
const PREFIX = 'DICM';
/** More elements than PS3.10 knows, by far. */
const ELEMENTS_MAX = 64;

/**
 * @param meta `sourceAeTitle` is the AE that sent the instance
 * @returns what stands in front of the data set in a Part 10 file
 */
export function encodeFileMeta(meta: {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly sourceAeTitle?: string;
}): Uint8Array {
  const elements: readonly (readonly [element: number, vr: string, value: string])[] = [
    [0x0002, 'UI', meta.sopClassUid],
    [0x0003, 'UI', meta.sopInstanceUid],
    [0x0010, 'UI', meta.transferSyntaxUid],
    [0x0012, 'UI', IMPLEMENTATION_CLASS_UID],
    [0x0013, 'SH', IMPLEMENTATION_VERSION_NAME],
    ...(meta.sourceAeTitle ? ([[0x0016, 'AE', meta.sourceAeTitle]] as const) : []),
  ];
  const version = Buffer.from([0x02, 0, 0x01, 0, 0x4f, 0x42, 0, 0, 2, 0, 0, 0, 0x00, 0x01]);
  const group = Buffer.concat([
    version,
    ...elements.map(([element, vr, value]) => shortElement(element, vr, value)),
  ]);
  const start = Buffer.alloc(PREAMBLE_BYTES + PREFIX.length + 12);
  start.write(PREFIX, PREAMBLE_BYTES, 'latin1');
  start.set([0x02, 0, 0x00, 0, 0x55, 0x4c, 4, 0], PREAMBLE_BYTES + PREFIX.length);
  start.writeUInt32LE(group.length, start.length - 4);
  return Buffer.concat([start, group]);
}

/**
 * Reads the start of a file. Takes what real files do: no preamble, no group length or a wrong one, no File
 * Meta Information at all.
 *
 * @param bytes the first bytes of the file, 64 KiB are enough
 * @throws {Part10Error} when that is no DICOM, or the File Meta Information ends midway
 */
export function readFileMeta(bytes: Uint8Array): FileMeta {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = hasPrefix(bytes) ? PREAMBLE_BYTES + PREFIX.length : 0;
  const values = new Map<number, string>();
  let offset = start;
  for (let count = 0; offset + 8 <= bytes.length && view.getUint16(offset, true) === 0x0002; count++) {
    if (count === ELEMENTS_MAX)
      throw notPart10(`File Meta Information has more than ${ELEMENTS_MAX} elements`);
    const { valueOffset, length } = elementHeader(view, offset);
    if (valueOffset + length > bytes.length) {
      throw notPart10(
        `File Meta Information runs past byte ${bytes.length}, where the file or its head ends`,
      );
    }
    values.set(view.getUint16(offset + 2, true), textOf(bytes, valueOffset, length));
    offset = valueOffset + length;
  }
  const transferSyntaxUid = values.get(0x0010);
  if (offset > start && transferSyntaxUid === undefined)
    throw notPart10('Transfer Syntax UID (0002,0010) is missing');
  return {
    sopClassUid: values.get(0x0002),
    sopInstanceUid: values.get(0x0003),
    transferSyntaxUid: transferSyntaxUid ?? guessTransferSyntax(view, offset),
    sourceAeTitle: values.get(0x0016),
    implementationClassUid: values.get(0x0012),
    dataSetOffset: offset,
    isGuessed: transferSyntaxUid === undefined,
  };
}

function shortElement(element: number, vr: string, value: string): Buffer {
  const length = value.length + (value.length % 2);
  const bytes = Buffer.alloc(8 + length, vr === 'UI' ? 0 : 0x20);
  bytes.writeUInt16LE(0x0002, 0);
  bytes.writeUInt16LE(element, 2);
  bytes.write(vr, 4, 'latin1');
  bytes.writeUInt16LE(length, 6);
  bytes.write(value, 8, 'latin1');
  return bytes;
}

function hasPrefix(bytes: Uint8Array): boolean {
  for (let index = 0; index < PREFIX.length; index++) {
    if (bytes[PREAMBLE_BYTES + index] !== PREFIX.charCodeAt(index)) return false;
  }
  return true;
}

/** Explicit VR little endian; some writers use implicit VR here too. */
function elementHeader(view: DataView, offset: number): { valueOffset: number; length: number } {
  const vr = vrOfCode(view.getUint16(offset + 4));
  if (vr === undefined) return { valueOffset: offset + 8, length: view.getUint32(offset + 4, true) };
  if (!vrFacts(vr).longHeader) return { valueOffset: offset + 8, length: view.getUint16(offset + 6, true) };
  if (offset + 12 > view.byteLength) throw notPart10('File Meta Information ends inside an element');
  return { valueOffset: offset + 12, length: view.getUint32(offset + 8, true) };
}

function textOf(bytes: Uint8Array, offset: number, length: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('latin1');
  return text.replace(/^ +|[ \0]+$/g, '');
}

/** A data set begins with a low group; a VR behind the tag makes it explicit, the byte order shows in the group. */
function guessTransferSyntax(view: DataView, offset: number): string {
  if (offset + 8 <= view.byteLength) {
    const isExplicit = vrOfCode(view.getUint16(offset + 4)) !== undefined;
    if (isLowGroup(view.getUint16(offset, true))) return isExplicit ? EXPLICIT_LE : IMPLICIT_LE;
    if (isLowGroup(view.getUint16(offset)) && isExplicit) return EXPLICIT_BE;
  }
  throw notPart10('there is no "DICM" at byte 128, and no data set at the start either');
}

function isLowGroup(group: number): boolean {
  return group >= 0x0004 && group <= 0x0020 && (group & 1) === 0;
}

function notPart10(reason: string): Part10Error {
  return new Part10Error(`Cannot read the start of the DICOM file: ${reason}`);
}
