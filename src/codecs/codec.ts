import { FrameError } from './errors.ts';

/** The encoded bytes of one frame, wherever they lie; the fragments of a frame read as one. */
export interface EncodedFrame {
  readonly lengthBytes: number;
  /** Fills `into` from `position`; returns the bytes read: fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** What the Image Pixel module says of a frame. PS3.3 C.7.6.3. */
export interface FrameShape {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  readonly photometricInterpretation: string;
  /** 0: samples of a pixel together; 1: one plane after the other. Of no meaning for one sample. */
  readonly planarConfiguration: number;
}

/**
 * What a codec must provide. Frames may be larger than memory: a decoder takes them in one pass and gives
 * pieces.
 */
export interface Codec {
  readonly transferSyntaxUids: readonly string[];
  /**
   * Pixels in the colour space of the frame, row-major, samples of a pixel together, little endian.
   * Every piece holds whole pixels (pairs of pixels in YBR_FULL_422) and is overwritten by the next.
   *
   * @throws {FrameError} when the bytes are damaged or end early
   */
  decode(frame: EncodedFrame, shape: FrameShape): AsyncIterable<Uint8Array>;
  /** Encodes interleaved pixels as one frame. */
  encode?(pixels: Uint8Array, shape: FrameShape): Uint8Array;
  /** Present when an encoded frame is, or nearly is, a file that libvips opens. */
  readonly file?: {
    readonly extension: string;
    /**
     * The bytes of that file; colours as the frame's Photometric Interpretation says.
     *
     * @throws {FrameError} when the frame is not what its attributes say
     */
    contents(frame: EncodedFrame, shape: FrameShape): AsyncIterable<Uint8Array>;
  };
}

/** Pieces are at most this long, so that memory does not grow with the frame. */
export const PIECE_BYTES = 1 << 20;

/** Bytes that cannot be divided: a pixel, or in YBR_FULL_422 a pair of pixels. */
export function unitBytes(shape: FrameShape): number {
  if (shape.photometricInterpretation === 'YBR_FULL_422') return 4 * (shape.bitsAllocated / 8);
  return shape.samplesPerPixel * (shape.bitsAllocated / 8);
}

/** Length of a decoded frame. PS3.3 C.7.6.3.1.2: YBR_FULL_422 has half the chrominance samples. */
export function nativeFrameBytes(shape: FrameShape): number {
  const pixels = shape.rows * shape.columns;
  if (shape.photometricInterpretation === 'YBR_FULL_422') return (pixels / 2) * unitBytes(shape);
  return pixels * unitBytes(shape);
}

/**
 * Fills all of `into`.
 *
 * @throws {FrameError} when the frame ends before
 */
export async function readWhole(frame: EncodedFrame, into: Uint8Array, position: number): Promise<void> {
  let filled = 0;
  while (filled < into.byteLength) {
    const count = await frame.read(into.subarray(filled), position + filled);
    if (count === 0) {
      throw new FrameError(
        'FRAME_DAMAGED',
        `Cannot decode frame: it must have ${position + into.byteLength} bytes or more and ends after ${position + filled}`,
        { lengthBytes: frame.lengthBytes },
      );
    }
    filled += count;
  }
}
