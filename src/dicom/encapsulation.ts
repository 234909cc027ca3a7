/** Encapsulated Pixel Data: a Basic Offset Table, then fragments, each an item. PS3.5 A.4. */
import { EncapsulationError } from './errors.ts';

/** Where the bytes of one frame are; more than one range when the frame is cut into fragments. */
export interface FrameRange {
  readonly fragments: readonly ByteRange[];
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface PixelDataLocation {
  /** Fills `into` from `position` of the file as far as it can; returns how many bytes, 0 at the end. */
  readonly read: (into: Uint8Array, position: number) => Promise<number>;
  /** Where the element of the pixel data starts; named in errors. */
  readonly pixelDataOffset: number;
  /** Where its value starts: first byte of the first frame, or item tag of the Basic Offset Table. */
  readonly valueOffset: number;
  readonly numberOfFrames: number;
  readonly encapsulated: boolean;
  /** Of one native frame; with one bit a pixel it may end within a byte. */
  readonly frameBytes: number;
  /** Value of (7FE0,0001). */
  readonly extendedOffsetTable?: Uint8Array;
}

const ITEM_HEADER_BYTES = 8;
/** Read at once when looking for the next item: often holds several small fragments. */
const WINDOW_BYTES = 4096;
/** Frames of one instance that we handle: a slide of 10^12 pixels has as many tiles of 512. */
const FRAMES_MAX = 4_000_000;
const FRAGMENTS_PER_FRAME_MAX = 16;
const FRAGMENTS_FREE = 65_536;

const ITEM_BYTES = [0xfe, 0xff, 0x00, 0xe0];
const DELIMITER_BYTES = [0xfe, 0xff, 0xdd, 0xe0];
/** First bytes of a JPEG or JPEG-LS image, of a JPEG 2000 codestream, and of JPEG XL in both its forms. */
const CODESTREAM_STARTS = [
  [0xff, 0xd8, 0xff],
  [0xff, 0x4f, 0xff, 0x51],
  [0xff, 0x0a],
  [0x00, 0x00, 0x00, 0x0c],
];

/**
 * Finds the frames of pixel data, in order.
 *
 * Fragments are given to frames by the offset tables where they fit; else one each, where there are as many; else
 * by the codestreams that start in them.
 *
 * @throws {EncapsulationError} when the items do not make up `numberOfFrames` frames, or the file ends too early
 */
export async function locateFrames(location: PixelDataLocation): Promise<readonly FrameRange[]> {
  const { numberOfFrames } = location;
  if (!Number.isInteger(numberOfFrames) || numberOfFrames < 1 || numberOfFrames > FRAMES_MAX) {
    throw wrong(location, `Number of Frames must be 1 to ${FRAMES_MAX}, it is ${numberOfFrames}`);
  }
  return location.encapsulated ? encapsulatedFrames(location) : nativeFrames(location);
}

/** Header of an item of the given even length. */
export function itemHeader(length: number): Uint8Array {
  const bytes = Uint8Array.from([...ITEM_BYTES, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setUint32(4, length, true);
  return bytes;
}

/** What ends encapsulated Pixel Data. */
export function sequenceDelimiter(): Uint8Array {
  return Uint8Array.from([...DELIMITER_BYTES, 0, 0, 0, 0]);
}

/**
 * The Basic Offset Table for frames of one fragment each, as an item.
 *
 * @param fragmentLengths even lengths of the fragments, without their item headers
 * @returns undefined when an offset does not fit into 32 bits: an Extended Offset Table is needed then
 */
export function encodeBasicOffsetTable(fragmentLengths: readonly number[]): Uint8Array | undefined {
  const bytes = new Uint8Array(ITEM_HEADER_BYTES + 4 * fragmentLengths.length);
  const view = new DataView(bytes.buffer);
  bytes.set(itemHeader(4 * fragmentLengths.length));
  let offset = 0;
  for (const [index, length] of fragmentLengths.entries()) {
    if (offset > 0xffff_ffff) return undefined;
    view.setUint32(ITEM_HEADER_BYTES + 4 * index, offset, true);
    offset += ITEM_HEADER_BYTES + length;
  }
  return bytes;
}

/**
 * Extended Offset Table and Extended Offset Table Lengths, for an empty Basic Offset Table. PS3.3 C.7.6.3.1.8.
 *
 * @param frameLengths lengths of the frames, without a byte that pads them
 */
export function encodeExtendedOffsetTable(frameLengths: readonly number[]): {
  readonly offsets: Uint8Array;
  readonly lengths: Uint8Array;
} {
  const offsets = new BigUint64Array(frameLengths.length);
  let offset = 0;
  for (const [index, length] of frameLengths.entries()) {
    offsets[index] = BigInt(offset);
    offset += ITEM_HEADER_BYTES + length + (length % 2);
  }
  const lengths = BigUint64Array.from(frameLengths, BigInt);
  return { offsets: new Uint8Array(offsets.buffer), lengths: new Uint8Array(lengths.buffer) };
}

/** Basic Offset Table and fragments of small pixel data, one a frame; the delimiter does not belong to it. */
export function encapsulate(frames: readonly Uint8Array[]): Uint8Array {
  const even = frames.map((frame) =>
    frame.length % 2 === 0 ? frame : Buffer.concat([frame, Buffer.alloc(1)]),
  );
  const table = encodeBasicOffsetTable(even.map(({ length }) => length)) ?? itemHeader(0);
  return Buffer.concat([table, ...even.flatMap((frame) => [itemHeader(frame.length), frame])]);
}

async function nativeFrames(location: PixelDataLocation): Promise<readonly FrameRange[]> {
  const { read, valueOffset, numberOfFrames, frameBytes } = location;
  const end = valueOffset + Math.ceil(numberOfFrames * frameBytes);
  if ((await read(new Uint8Array(1), end - 1)) === 0) {
    throw wrong(location, `${numberOfFrames} frames need ${end - valueOffset} bytes, the file ends before`);
  }
  return Array.from({ length: numberOfFrames }, (_, index) => {
    const start = valueOffset + Math.floor(index * frameBytes);
    const frameEnd = valueOffset + Math.ceil((index + 1) * frameBytes);
    return { fragments: [{ offset: start, length: frameEnd - start }] };
  });
}

async function encapsulatedFrames(location: PixelDataLocation): Promise<readonly FrameRange[]> {
  const { numberOfFrames, valueOffset } = location;
  const items = new ItemReader(location);
  const table = await items.next(valueOffset);
  if (table === undefined) throw wrong(location, 'there is no Basic Offset Table');
  const first = table.offset + table.length;
  const fragments: Fragment[] = [];
  const fragmentsMax = FRAGMENTS_FREE + FRAGMENTS_PER_FRAME_MAX * numberOfFrames;
  for (let at = first; ; ) {
    const fragment = await items.next(at);
    if (fragment === undefined) break;
    fragments.push(fragment);
    if (fragments.length > fragmentsMax)
      throw wrong(location, `there are more than ${fragmentsMax} fragments`);
    at = fragment.offset + fragment.length;
  }
  if (fragments.length > 0 && numberOfFrames === 1) return [{ fragments: fragments.map(rangeOf) }];
  const offsets = offsets64(location.extendedOffsetTable) ?? (await basicOffsets(location, table));
  const starts = new Set(offsets?.map((offset) => first + offset));
  const frames =
    grouped(fragments, ({ offset }) => starts.has(offset - ITEM_HEADER_BYTES), numberOfFrames) ??
    grouped(fragments, () => true, numberOfFrames) ??
    grouped(fragments, ({ startsCodestream }) => startsCodestream, numberOfFrames);
  if (frames === undefined) {
    throw wrong(location, `${fragments.length} fragments do not make up ${numberOfFrames} frames`);
  }
  return frames;
}

interface Fragment extends ByteRange {
  readonly startsCodestream: boolean;
}

/** @returns undefined unless that makes the frames expected, the first one from the first fragment on */
function grouped(
  fragments: readonly Fragment[],
  startsFrame: (fragment: Fragment) => boolean,
  numberOfFrames: number,
): readonly FrameRange[] | undefined {
  const frames: { fragments: ByteRange[] }[] = [];
  for (const fragment of fragments) {
    if (startsFrame(fragment)) frames.push({ fragments: [rangeOf(fragment)] });
    else if (frames.length === 0) return undefined;
    else frames.at(-1)!.fragments.push(rangeOf(fragment));
  }
  return frames.length === numberOfFrames ? frames : undefined;
}

function rangeOf({ offset, length }: ByteRange): ByteRange {
  return { offset, length };
}

async function basicOffsets(
  location: PixelDataLocation,
  table: ByteRange,
): Promise<readonly number[] | undefined> {
  if (table.length !== 4 * location.numberOfFrames) return undefined;
  const bytes = new Uint8Array(table.length);
  let filled = 0;
  while (filled < bytes.length) {
    const count = await location.read(bytes.subarray(filled), table.offset + filled);
    if (count === 0) throw wrong(location, 'the file ends within the Basic Offset Table');
    filled += count;
  }
  const view = new DataView(bytes.buffer);
  return Array.from({ length: location.numberOfFrames }, (_, index) => view.getUint32(4 * index, true));
}

function offsets64(table: Uint8Array | undefined): readonly number[] | undefined {
  if (table === undefined) return undefined;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  return Array.from({ length: table.byteLength >> 3 }, (_, index) =>
    Number(view.getBigUint64(8 * index, true)),
  );
}

/** Reads item headers, and the first bytes behind them. */
class ItemReader {
  readonly #location: PixelDataLocation;
  readonly #buffer = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  constructor(location: PixelDataLocation) {
    this.#location = location;
  }

  /** @returns undefined at the sequence delimiter */
  async next(position: number): Promise<Fragment | undefined> {
    const header = await this.#bytesAt(position);
    if (header.length < ITEM_HEADER_BYTES) {
      throw wrong(this.#location, `the file ends where an item should start, at byte ${position}`);
    }
    if (startsWith(header, DELIMITER_BYTES)) return undefined;
    if (!startsWith(header, ITEM_BYTES)) throw wrong(this.#location, `there is no item at byte ${position}`);
    const length = new DataView(header.buffer, header.byteOffset).getUint32(4, true);
    if (length === 0xffff_ffff) throw wrong(this.#location, `the fragment at byte ${position} has no length`);
    const content = header.subarray(ITEM_HEADER_BYTES);
    const startsCodestream = CODESTREAM_STARTS.some((start) => startsWith(content, start));
    return { offset: position + ITEM_HEADER_BYTES, length, startsCodestream };
  }

  /** At least 12 bytes from `position`, fewer only at the end of the file. */
  async #bytesAt(position: number): Promise<Uint8Array> {
    if (position < this.#start || position + 12 > this.#start + this.#length) {
      this.#start = position;
      this.#length = 0;
      while (this.#length < 12) {
        const count = await this.#location.read(this.#buffer.subarray(this.#length), position + this.#length);
        if (count === 0) break;
        this.#length += count;
      }
    }
    return this.#buffer.subarray(position - this.#start, this.#length);
  }
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

function wrong({ pixelDataOffset }: PixelDataLocation, reason: string): EncapsulationError {
  return new EncapsulationError(
    `Cannot find the frames of the pixel data at byte ${pixelDataOffset}: ${reason}`,
    {
      offset: pixelDataOffset,
    },
  );
}
