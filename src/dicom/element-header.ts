import { dictionaryVr } from './dictionary.ts';
import { DataSetError } from './errors.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';
import { codeOfVr, type Vr, vrOfCode, vrTable } from './vr.ts';

/** How elements are written. */
export interface Encoding {
  readonly explicitVr: boolean;
  readonly littleEndian: boolean;
}

export const IMPLICIT_VR: Encoding = { explicitVr: false, littleEndian: true };
const EXPLICIT_VR: Encoding = { explicitVr: true, littleEndian: true };
const BIG_ENDIAN: Encoding = { explicitVr: true, littleEndian: false };

export const UNDEFINED_LENGTH = 0xffff_ffff;
export const ITEM = 0xfffe_e000;
export const ITEM_END = 0xfffe_e00d;
export const SEQUENCE_END = 0xfffe_e0dd;

/** Thrown where the bytes at hand end and the data set does not. */
export const CUT_OFF = Symbol('cut off');

/** VRs that some writers put where they know none; a 16-bit length follows. */
const NO_VR_CODES = [0x3f3f, 0x2020];

/** By the two letters of a VR: 1 when it has a long header. */
const IS_LONG = new Uint8Array(0x10000);
for (const vr of Object.keys(vrTable) as Vr[]) IS_LONG[codeOfVr(vr)] = vrTable[vr].longHeader ? 1 : 0;

/** A transfer syntax that we do not know is encapsulated, and so explicit VR little endian. PS3.5 A.4. */
export function encodingOf(transferSyntaxUid: string): Encoding {
  const syntax = transferSyntaxOf(transferSyntaxUid);
  if (syntax === undefined || (syntax.explicitVr && syntax.littleEndian)) return EXPLICIT_VR;
  return syntax.explicitVr ? BIG_ENDIAN : IMPLICIT_VR;
}

/**
 * Reads one header after the other, and keeps the last one in its fields, so that reading allocates nothing.
 * PS3.5 7.1.
 */
export class HeaderCursor {
  readonly bytes: Uint8Array;
  position: number;
  tag = 0;
  vr: Vr = 'UN';
  /** {@link UNDEFINED_LENGTH} when a delimiter ends the value. */
  length = 0;
  /** (0028,0103) of the data set: 1 makes pixel values signed. Who comes by it sets it. */
  pixelRepresentation = 0;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  /**
   * Reads tag, VR and length, and stands at the value then. Delimiters have no VR.
   *
   * @param end where the data set or item ends
   * @throws {DataSetError} when that is within the header, or there is no VR
   */
  readHeader(encoding: Encoding, end: number): void {
    this.#need(8, end);
    const offset = this.position;
    const { littleEndian } = encoding;
    const tag = this.#tagAt(offset, littleEndian);
    this.tag = tag;
    if (!encoding.explicitVr || tag >= 0xfffe_0000) {
      this.length = this.uint32(offset + 4, littleEndian);
      this.vr = encoding.explicitVr ? 'UN' : this.#vrByDictionary(tag);
      this.position = offset + 8;
      return;
    }
    const code = this.vrCodeAt(offset);
    const vr = vrOfCode(code);
    this.vr = vr ?? 'UN';
    if (IS_LONG[code] === 1 || (vr === undefined && isLaterVr(code))) {
      this.#need(12, end);
      this.length = this.uint32(offset + 8, littleEndian);
      this.position = offset + 12;
    } else {
      if (vr === undefined && !NO_VR_CODES.includes(code)) {
        this.fail(tag, offset, 'there is no VR where one should be');
      }
      this.length = this.uint16(offset + 6, littleEndian);
      this.position = offset + 8;
    }
  }

  /** Reads the tag and length of an item or delimiter, whatever the VR encoding. PS3.5 7.5. */
  readItemHeader({ littleEndian }: Encoding, end: number): void {
    this.#need(8, end);
    this.tag = this.#tagAt(this.position, littleEndian);
    this.length = this.uint32(this.position + 4, littleEndian);
    this.position += 8;
  }

  /** The tag of what comes next. */
  peekTag({ littleEndian }: Encoding, end: number): number {
    this.#need(4, end);
    return this.#tagAt(this.position, littleEndian);
  }

  /** The two bytes behind the tag at `offset`. */
  vrCodeAt(offset: number): number {
    return (this.bytes[offset + 4]! << 8) | this.bytes[offset + 5]!;
  }

  uint16(offset: number, littleEndian: boolean): number {
    const { bytes } = this;
    return littleEndian
      ? bytes[offset]! | (bytes[offset + 1]! << 8)
      : (bytes[offset]! << 8) | bytes[offset + 1]!;
  }

  uint32(offset: number, littleEndian: boolean): number {
    const first = this.uint16(offset, littleEndian);
    const second = this.uint16(offset + 2, littleEndian);
    return littleEndian ? second * 0x1_0000 + first : first * 0x1_0000 + second;
  }

  fail(tag: number, offset: number, reason: string): never {
    throw new DataSetError(`Cannot read data set on from byte ${offset}: ${reason}`, { tag, offset });
  }

  #tagAt(offset: number, littleEndian: boolean): number {
    return this.uint16(offset, littleEndian) * 0x1_0000 + this.uint16(offset + 2, littleEndian);
  }

  #vrByDictionary(tag: number): Vr {
    const vr = dictionaryVr(tag);
    switch (vr) {
      case 'US or SS':
        return this.pixelRepresentation === 1 ? 'SS' : 'US';
      case 'OB or OW': // PS3.5 A.1.
      case 'US or OW':
        return 'OW';
      default:
        return vr;
    }
  }

  /** The next `count` bytes must belong to the data set or item, and be at hand. */
  #need(count: number, end: number): void {
    const last = this.position + count;
    if (last > end) {
      this.fail(this.tag, this.position, `it ends at byte ${end}, inside the header of an element or item`);
    }
    if (last > this.bytes.length) throw CUT_OFF;
  }
}

/** Two capitals: a VR of a later edition, which has a long header. PS3.5 7.1.2. */
function isLaterVr(code: number): boolean {
  const isCapital = (letter: number) => letter >= 0x41 && letter <= 0x5a;
  return isCapital(code >> 8) && isCapital(code & 0xff);
}
