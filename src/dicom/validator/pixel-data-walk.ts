import type { Problem } from './findings.ts';
import { type ForwardReader, WINDOW_BYTES } from './forward-reader.ts';
import { type Frame, type OffsetTable, type PixelDataFacts, TAIL_BYTES } from './instance.ts';
import { type Encoding, type ParsedElement, UNDEFINED_LENGTH } from './parsed-data-set.ts';

/** What walking over fragments finds wrong; names of checks. */
export type FragmentBreach =
  | 'pixel-data-cut-off'
  | 'basic-offset-table-exact'
  | 'extended-offset-table-exact'
  | 'fragment-length-even'
  | 'fragment-not-empty';

/** What the data set in front of the pixel data says about it. */
export interface ExpectedFrames {
  /** As Number of Frames says, else 1. */
  readonly numberOfFrames: number;
  /** The values of (7FE0,0001) and (7FE0,0002). */
  readonly extendedOffsets?: Uint8Array | undefined;
  readonly extendedLengths?: Uint8Array | undefined;
  readonly encoding: Encoding;
  /** From 1: frames that are wanted whole, to be decoded. */
  readonly samples: ReadonlySet<number>;
}

export interface PixelDataListener {
  frame(frame: Frame): void;
  /** A frame of {@link ExpectedFrames.samples}, whole; not called for one longer than 64 MiB. */
  sample(bytes: Uint8Array, frameNumber: number): Promise<void>;
  breach(check: FragmentBreach, problem: Problem): void;
}

const ITEM = 0xfffe_e000;
const SEQUENCE_END = 0xfffe_e0dd;

/** Longer frames are not handed out whole. */
const SAMPLE_BYTES_MAX = 64 * 2 ** 20;

/** Of a table that is looked at: sixteen million frames. */
const OFFSET_TABLE_BYTES_MAX = 64 * 2 ** 20;

/** Of a frame: enough for its header, also with a color profile in it. */
const HEAD_BYTES = WINDOW_BYTES;

/** A frame whose fragments are passing by. */
interface OpenFrame {
  number: number;
  fragments: number;
  lengthBytes: number;
  headBytes: number;
  tail: Uint8Array;
  pieces: Uint8Array[] | undefined;
}

/**
 * Walks over the value of Pixel Data, fragment by fragment when it is encapsulated (PS3.5 A.4), and leaves the
 * reader behind it. At most one frame is in memory at a time, and of it 256 KiB unless it is a sample.
 */
export async function walkPixelData(
  element: ParsedElement,
  reader: ForwardReader,
  expected: ExpectedFrames,
  listener: PixelDataListener,
): Promise<PixelDataFacts> {
  const { tag, vr, lengthBytes } = element;
  if (lengthBytes === UNDEFINED_LENGTH) return new FragmentWalk(element, reader, expected, listener).run();
  if (lengthBytes > 0) {
    await reader.skip(lengthBytes - 1);
    if (await reader.fill(1)) reader.take(1);
    else listener.breach('pixel-data-cut-off', { tag, message: 'the file ends in the middle of it' });
  }
  return { tag, vr, lengthBytes, isEncapsulated: false, fragments: 0, frames: 0, offsetTable: 'none' };
}

class FragmentWalk {
  readonly #element: ParsedElement;
  readonly #reader: ForwardReader;
  readonly #expected: ExpectedFrames;
  readonly #listener: PixelDataListener;
  /** Where frames start, from the first byte behind the Basic Offset Table; empty when nothing tells. */
  #starts: (index: number) => number | undefined = () => undefined;
  #offsetTable: OffsetTable = 'none';
  #frame: OpenFrame | undefined;
  /** One for all frames. A header may be spread over fragments, however short they are. */
  readonly #head = new Uint8Array(HEAD_BYTES);
  #frames = 0;
  #fragments = 0;
  #lengthBytes = 0;

  constructor(
    element: ParsedElement,
    reader: ForwardReader,
    expected: ExpectedFrames,
    listener: PixelDataListener,
  ) {
    this.#element = element;
    this.#reader = reader;
    this.#expected = expected;
    this.#listener = listener;
  }

  async run(): Promise<PixelDataFacts> {
    const { tag, vr } = this.#element;
    const isComplete = (await this.#readOffsetTable()) && (await this.#readFragments());
    await this.#endFrame();
    if (!isComplete) {
      const message =
        'its fragments do not end with a sequence delimiter, or something else stands among them';
      this.#listener.breach('pixel-data-cut-off', { tag, message });
      await this.#reader.skip(Number.MAX_SAFE_INTEGER); // Nothing behind can be made sense of.
    }
    this.#checkCounts();
    return {
      tag,
      vr,
      lengthBytes: this.#lengthBytes,
      isEncapsulated: true,
      fragments: this.#fragments,
      frames: this.#frames,
      offsetTable: this.#offsetTable,
    };
  }

  /** @returns the length of the next item; undefined at the end of the sequence, NaN when something else stands there */
  async #readItemHeader(): Promise<number | undefined> {
    const reader = this.#reader;
    if (!(await reader.fill(8))) return Number.NaN;
    const { littleEndian } = this.#expected.encoding;
    const tag =
      reader.view.getUint16(reader.start, littleEndian) * 0x1_0000 +
      reader.view.getUint16(reader.start + 2, littleEndian);
    const lengthBytes = reader.view.getUint32(reader.start + 4, littleEndian);
    reader.take(8);
    if (tag === SEQUENCE_END) return undefined;
    return tag === ITEM && lengthBytes !== UNDEFINED_LENGTH ? lengthBytes : Number.NaN;
  }

  async #readOffsetTable(): Promise<boolean> {
    const lengthBytes = await this.#readItemHeader();
    if (lengthBytes === undefined || Number.isNaN(lengthBytes)) return false;
    const table = await this.#readBytes(Math.min(lengthBytes, OFFSET_TABLE_BYTES_MAX));
    if (table === undefined) return false;
    await this.#reader.skip(lengthBytes - table.length);
    const { extendedOffsets, encoding } = this.#expected;
    if (table.length > 0) this.#useTable('basic', table, 4, encoding);
    if (extendedOffsets === undefined) return true;
    if (table.length > 0) {
      const message =
        'the Basic Offset Table has entries; it should be empty beside an Extended Offset Table';
      this.#listener.breach('extended-offset-table-exact', { message });
    }
    this.#useTable('extended', extendedOffsets, 8, encoding);
    return true;
  }

  #useTable(
    kind: 'basic' | 'extended',
    table: Uint8Array,
    widthBytes: 4 | 8,
    { littleEndian }: Encoding,
  ): void {
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    const entries = Math.floor(table.length / widthBytes);
    this.#offsetTable = kind;
    this.#starts = (index) => {
      if (index >= entries) return undefined;
      if (widthBytes === 4) return view.getUint32(index * 4, littleEndian);
      return Number(view.getBigUint64(index * 8, littleEndian));
    };
    const { numberOfFrames } = this.#expected;
    if (entries !== numberOfFrames || table.length % widthBytes !== 0) {
      this.#reportTable(
        `it has ${table.length / widthBytes} entries; it should have one for each of ${numberOfFrames} frames`,
      );
    }
  }

  #reportTable(message: string): void {
    const check =
      this.#offsetTable === 'extended' ? 'extended-offset-table-exact' : 'basic-offset-table-exact';
    this.#listener.breach(check, {
      tag: this.#offsetTable === 'extended' ? 0x7fe0_0001 : 0x7fe0_0010,
      message,
    });
  }

  /** @returns whether the sequence ended with its delimiter */
  async #readFragments(): Promise<boolean> {
    for (let offset = 0; ; ) {
      const lengthBytes = await this.#readItemHeader();
      if (lengthBytes === undefined) return true;
      if (Number.isNaN(lengthBytes)) return false;
      this.#fragments += 1;
      this.#lengthBytes += lengthBytes;
      if (this.#startsFrame(offset)) await this.#beginFrame(offset);
      this.#checkLength(lengthBytes);
      if (!(await this.#readFragment(lengthBytes))) return false;
      offset += 8 + lengthBytes;
    }
  }

  #startsFrame(offset: number): boolean {
    if (this.#frame === undefined) return true;
    if (this.#offsetTable === 'none') return this.#expected.numberOfFrames > 1; // One fragment each, or all for one.
    const next = this.#starts(this.#frames);
    return next !== undefined && next <= offset;
  }

  async #beginFrame(offset: number): Promise<void> {
    await this.#endFrame();
    const start = this.#starts(this.#frames);
    this.#frames += 1;
    if (this.#offsetTable !== 'none' && start !== offset) {
      this.#reportTable(
        `frame ${this.#frames} starts at ${offset}; the table says ${start ?? 'nothing of it'}`,
      );
    }
    this.#frame = {
      number: this.#frames,
      fragments: 0,
      lengthBytes: 0,
      headBytes: 0,
      tail: new Uint8Array(0),
      pieces: this.#expected.samples.has(this.#frames) ? [] : undefined,
    };
  }

  #checkLength(lengthBytes: number): void {
    const number = this.#fragments;
    if (lengthBytes % 2 === 1) {
      const message = `fragment ${number} has ${lengthBytes} bytes; the length should be even`;
      this.#listener.breach('fragment-length-even', { message });
    }
    if (lengthBytes === 0)
      this.#listener.breach('fragment-not-empty', { message: `fragment ${number} is empty` });
  }

  /** @returns false when the file ends before the fragment does */
  async #readFragment(lengthBytes: number): Promise<boolean> {
    const reader = this.#reader;
    const frame = this.#frame as OpenFrame;
    frame.fragments += 1;
    frame.lengthBytes += lengthBytes;
    if (frame.lengthBytes > SAMPLE_BYTES_MAX) frame.pieces = undefined;
    let left = lengthBytes;
    while (left > 0) {
      const pieceBytes = Math.min(left, WINDOW_BYTES);
      if (!(await reader.fill(pieceBytes))) return false;
      const piece = reader.bytes.subarray(reader.start, reader.start + pieceBytes); // Until the next fill().
      reader.take(pieceBytes);
      left -= pieceBytes;
      const headPiece = piece.subarray(0, HEAD_BYTES - frame.headBytes);
      this.#head.set(headPiece, frame.headBytes);
      frame.headBytes += headPiece.length;
      frame.pieces?.push(piece.slice());
      frame.tail = tailOf(frame.tail, piece);
      if (frame.pieces === undefined && left > WINDOW_BYTES) {
        await reader.skip(left - TAIL_BYTES);
        left = TAIL_BYTES;
      }
    }
    return true;
  }

  async #endFrame(): Promise<void> {
    const frame = this.#frame;
    if (frame === undefined) return;
    this.#frame = undefined;
    const { number, fragments, lengthBytes, tail, pieces } = frame;
    const head = this.#head.subarray(0, frame.headBytes);
    this.#listener.frame({ number, fragments, lengthBytes, head, tail });
    this.#checkExtendedLength(number, lengthBytes);
    if (pieces !== undefined && lengthBytes > 0) await this.#listener.sample(Buffer.concat(pieces), number);
  }

  /** The length of a frame, without the byte that pads it or with it: writers differ. PS3.3 C.7.6.3.1.8. */
  #checkExtendedLength(number: number, lengthBytes: number): void {
    const { extendedLengths, encoding } = this.#expected;
    if (
      extendedLengths === undefined ||
      this.#offsetTable !== 'extended' ||
      extendedLengths.length < number * 8
    )
      return;
    const view = new DataView(extendedLengths.buffer, extendedLengths.byteOffset, extendedLengths.byteLength);
    const said = Number(view.getBigUint64((number - 1) * 8, encoding.littleEndian));
    if (said !== lengthBytes && said !== lengthBytes - 1) {
      this.#reportTable(`frame ${number} has ${lengthBytes} bytes; the table of lengths says ${said}`);
    }
  }

  #checkCounts(): void {
    const missing = this.#expected.numberOfFrames - this.#frames;
    if (this.#offsetTable !== 'none' && missing > 0 && this.#starts(this.#frames) !== undefined) {
      this.#reportTable(`frame ${this.#frames + 1} of the table starts at no fragment`);
    }
  }

  async #readBytes(lengthBytes: number): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    for (let left = lengthBytes; left > 0; ) {
      const pieceBytes = Math.min(left, WINDOW_BYTES);
      if (!(await this.#reader.fill(pieceBytes))) return undefined;
      pieces.push(this.#reader.bytes.slice(this.#reader.start, this.#reader.start + pieceBytes));
      this.#reader.take(pieceBytes);
      left -= pieceBytes;
    }
    return Buffer.concat(pieces);
  }
}

function tailOf(before: Uint8Array, piece: Uint8Array): Uint8Array {
  if (piece.length >= TAIL_BYTES) return piece.slice(-TAIL_BYTES);
  return Buffer.concat([before, piece]).subarray(-TAIL_BYTES);
}
