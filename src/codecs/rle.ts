import { type Codec, type EncodedFrame, type FrameShape, PIECE_BYTES, readWhole } from './codec.ts';
import { FrameError } from './errors.ts';
import { interleave } from './interleave.ts';
import { PackBitsDecoder, packedBytesMax, packRow } from './pack-bits.ts';

const HEADER_BYTES = 64;
const SEGMENTS_MAX = 15;
const INPUT_BYTES = 1 << 16;

/** RLE Lossless. PS3.5 Annex G: a header of 16 numbers, then one segment for every byte of a pixel. */
export const rle: Codec = { transferSyntaxUids: ['1.2.840.10008.1.2.5'], decode, encode };

async function* decode(frame: EncodedFrame, shape: FrameShape): AsyncGenerator<Uint8Array> {
  const sampleBytes = shape.bitsAllocated / 8;
  const segments = await openSegments(frame, shape.samplesPerPixel * sampleBytes);
  const pixels = shape.rows * shape.columns;
  const pixelsPerPiece = Math.min(pixels, Math.floor(PIECE_BYTES / segments.length));
  const planes = segments.map(() => new Uint8Array(pixelsPerPiece));
  const piece = new Uint8Array(pixelsPerPiece * segments.length);
  // Segments go from the most significant byte down (G.2); little endian wants the least significant first.
  const littleEndianPlanes = planes.map((_, index) => {
    const sample = Math.floor(index / sampleBytes);
    return planes[sample * sampleBytes + (sampleBytes - 1 - (index % sampleBytes))]!;
  });

  for (let pixel = 0; pixel < pixels; pixel += pixelsPerPiece) {
    const count = Math.min(pixelsPerPiece, pixels - pixel);
    for (const [index, segment] of segments.entries()) await segment.fill(planes[index]!.subarray(0, count));
    yield interleave(littleEndianPlanes, count, 1, piece);
  }
}

async function openSegments(frame: EncodedFrame, count: number): Promise<Segment[]> {
  const header = new Uint8Array(HEADER_BYTES);
  await readWhole(frame, header, 0);
  const view = new DataView(header.buffer);
  const announced = view.getUint32(0, true);
  if (announced !== count || count > SEGMENTS_MAX) {
    throw new FrameError(
      'FRAME_DAMAGED',
      `Cannot decode RLE frame: it must have ${count} segments, one for every byte of a pixel, and has ${announced}`,
      { announced, count },
    );
  }
  const offsets = Array.from({ length: count }, (_, index) => view.getUint32(4 * (index + 1), true));
  const ends = [...offsets.slice(1), frame.lengthBytes];
  return offsets.map((offset, index) => {
    const end = ends[index]!;
    if (offset < HEADER_BYTES || offset > end || end > frame.lengthBytes) {
      throw new FrameError(
        'FRAME_DAMAGED',
        `Cannot decode RLE frame: segment ${index + 1} must lie between byte ${HEADER_BYTES} and ${frame.lengthBytes}, after the one before, and goes from ${offset} to ${end}`,
        { offset, end },
      );
    }
    return new Segment(frame, offset, end, index + 1);
  });
}

/** One segment as it unfolds; holds no more of it than a read's worth. */
class Segment {
  readonly #frame: EncodedFrame;
  readonly #end: number;
  readonly #number: number;
  readonly #decoder = new PackBitsDecoder();
  readonly #buffer: Uint8Array;
  #position: number;
  #input: Uint8Array = new Uint8Array(0);
  #inputAt = 0;

  constructor(frame: EncodedFrame, start: number, end: number, number: number) {
    this.#frame = frame;
    this.#position = start;
    this.#end = end;
    this.#number = number;
    this.#buffer = new Uint8Array(Math.min(INPUT_BYTES, end - start));
  }

  async fill(output: Uint8Array): Promise<void> {
    let outputAt = 0;
    while (outputAt < output.byteLength) {
      if (this.#inputAt === this.#input.byteLength) await this.#readOn();
      const come = this.#decoder.decode(this.#input, this.#inputAt, output, outputAt);
      this.#inputAt = come.inputAt;
      outputAt = come.outputAt;
    }
  }

  async #readOn(): Promise<void> {
    if (this.#position === this.#end) {
      throw new FrameError(
        'FRAME_DAMAGED',
        `Cannot decode RLE frame: segment ${this.#number} must hold one byte of every pixel and ends before`,
        { segment: this.#number },
      );
    }
    this.#input = this.#buffer.subarray(0, Math.min(this.#buffer.byteLength, this.#end - this.#position));
    await readWhole(this.#frame, this.#input, this.#position);
    this.#position += this.#input.byteLength;
    this.#inputAt = 0;
  }
}

/**
 * Encodes interleaved little endian pixels.
 *
 * @returns header and segments, each padded to an even length
 */
function encode(pixels: Uint8Array, shape: FrameShape): Uint8Array {
  const sampleBytes = shape.bitsAllocated / 8;
  const pixelBytes = shape.samplesPerPixel * sampleBytes;
  const segmentBytesMax = shape.rows * packedBytesMax(shape.columns) + 1;
  const into = new Uint8Array(HEADER_BYTES + pixelBytes * segmentBytesMax);
  const header = new DataView(into.buffer);
  header.setUint32(0, pixelBytes, true);
  const row = new Uint8Array(shape.columns);

  let intoAt = HEADER_BYTES;
  for (let segment = 0; segment < pixelBytes; segment += 1) {
    header.setUint32(4 * (segment + 1), intoAt, true);
    const sample = Math.floor(segment / sampleBytes);
    const start = sample * sampleBytes + (sampleBytes - 1 - (segment % sampleBytes));
    for (let rowIndex = 0; rowIndex < shape.rows; rowIndex += 1) {
      const rowStart = rowIndex * shape.columns * pixelBytes + start;
      for (let column = 0; column < shape.columns; column += 1) {
        row[column] = pixels[rowStart + column * pixelBytes]!;
      }
      intoAt = packRow(row, into, intoAt);
    }
    intoAt += intoAt % 2; // Padding is zero, as the buffer is.
  }
  return into.slice(0, intoAt);
}
