import type { EncodedFrame, FrameShape } from '../../src/codecs/codec.ts';

/** A frame in memory that gives at most `stride` bytes a read, as files and sockets may. */
export function frameOf(bytes: Uint8Array, stride = Number.POSITIVE_INFINITY): EncodedFrame {
  return {
    lengthBytes: bytes.byteLength,
    async read(into, position) {
      const part = bytes.subarray(position, position + Math.min(into.byteLength, stride));
      into.set(part);
      return part.byteLength;
    },
  };
}

/** A frame of 8-bit samples that lie together. */
export function shapeOf(shape: Partial<FrameShape> & { rows: number; columns: number }): FrameShape {
  return {
    samplesPerPixel: 3,
    bitsAllocated: 8,
    photometricInterpretation: 'RGB',
    planarConfiguration: 0,
    ...shape,
  };
}

/** All pieces, joined. */
export async function join(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const copies: Uint8Array[] = [];
  for await (const piece of pieces) copies.push(piece.slice());
  return new Uint8Array(Buffer.concat(copies));
}
