import {
  type Codec,
  type EncodedFrame,
  type FrameShape,
  nativeFrameBytes,
  PIECE_BYTES,
  readWhole,
  unitBytes,
} from './codec.ts';
import { interleave } from './interleave.ts';

/**
 * Uncompressed frames. Big endian and deflated data sets are undone before a frame is read, for both concern
 * the whole data set.
 */
export const native: Codec = {
  transferSyntaxUids: [
    '1.2.840.10008.1.2',
    '1.2.840.10008.1.2.1',
    '1.2.840.10008.1.2.1.99',
    '1.2.840.10008.1.2.2',
  ],
  decode: (frame, shape) =>
    shape.samplesPerPixel > 1 && shape.planarConfiguration === 1
      ? decodePlanes(frame, shape)
      : decodePixels(frame, shape),
};

async function* decodePixels(frame: EncodedFrame, shape: FrameShape): AsyncGenerator<Uint8Array> {
  const lengthBytes = nativeFrameBytes(shape);
  const unit = unitBytes(shape);
  const piece = new Uint8Array(Math.min(lengthBytes, PIECE_BYTES - (PIECE_BYTES % unit)));
  for (let position = 0; position < lengthBytes; position += piece.byteLength) {
    const part = piece.subarray(0, Math.min(piece.byteLength, lengthBytes - position));
    await readWhole(frame, part, position);
    yield part;
  }
}

async function* decodePlanes(frame: EncodedFrame, shape: FrameShape): AsyncGenerator<Uint8Array> {
  const sampleBytes = shape.bitsAllocated / 8;
  const pixels = shape.rows * shape.columns;
  const pixelsPerPiece = Math.min(pixels, Math.floor(PIECE_BYTES / (shape.samplesPerPixel * sampleBytes)));
  const planes = Array.from(
    { length: shape.samplesPerPixel },
    () => new Uint8Array(pixelsPerPiece * sampleBytes),
  );
  const piece = new Uint8Array(pixelsPerPiece * shape.samplesPerPixel * sampleBytes);
  for (let pixel = 0; pixel < pixels; pixel += pixelsPerPiece) {
    const count = Math.min(pixelsPerPiece, pixels - pixel);
    for (const [sample, plane] of planes.entries()) {
      await readWhole(frame, plane.subarray(0, count * sampleBytes), (sample * pixels + pixel) * sampleBytes);
    }
    yield interleave(planes, count, sampleBytes, piece);
  }
}
