import sharp from 'sharp';
import { type Codec, type EncodedFrame, type FrameShape, PIECE_BYTES, readWhole } from './codec.ts';
import { FrameError } from './errors.ts';
import { isMarkedRgb, type JpegHeader, markRgb, readJpegHeader } from './jpeg-markers.ts';

/** Headers are far shorter; a longer one is not read to its end. */
const HEADER_BYTES_MAX = 1 << 20;

/** JPEG Baseline (Process 1), 8 bits. PS3.5 A.4.1; decoded by libvips. */
export const jpegBaseline: Codec = {
  transferSyntaxUids: ['1.2.840.10008.1.2.4.50'],
  decode,
  file: { extension: 'jpg', contents },
};

/** Yields one piece: the whole frame. Meant for tiles; whole slides go to libvips as files. */
async function* decode(frame: EncodedFrame, shape: FrameShape): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of contents(frame, shape)) parts.push(part.slice());
  const image = sharp(Buffer.concat(parts), { ignoreIcc: true });
  if (shape.samplesPerPixel === 1) image.toColourspace('b-w');
  try {
    yield new Uint8Array(await image.raw().toBuffer());
  } catch (error) {
    throw new FrameError(
      'FRAME_DAMAGED',
      `Cannot decode JPEG frame: ${reasonOf(error)}`,
      {},
      { cause: error },
    );
  }
}

async function* contents(frame: EncodedFrame, shape: FrameShape): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(Math.min(frame.lengthBytes, HEADER_BYTES_MAX));
  await readWhole(frame, head, 0);
  const header = readJpegHeader(head);
  checkHeader(header, shape);
  if (shape.photometricInterpretation === 'RGB' && !header.hasJfif && !isMarkedRgb(header))
    yield* markRgb(head);
  else yield head;

  const piece = new Uint8Array(Math.min(PIECE_BYTES, frame.lengthBytes - head.byteLength));
  for (let position = head.byteLength; position < frame.lengthBytes; position += piece.byteLength) {
    const part = piece.subarray(0, Math.min(piece.byteLength, frame.lengthBytes - position));
    await readWhole(frame, part, position);
    yield part;
  }
}

function checkHeader(header: JpegHeader, shape: FrameShape): void {
  const is = {
    rows: header.rows,
    columns: header.columns,
    samplesPerPixel: header.components.length,
    bits: header.precisionBits,
  };
  const should = {
    rows: shape.rows,
    columns: shape.columns,
    samplesPerPixel: shape.samplesPerPixel,
    bits: 8,
  };
  for (const [name, value] of Object.entries(should)) {
    const found = is[name as keyof typeof is];
    if (found !== value) {
      throw new FrameError(
        'FRAME_DAMAGED',
        `Cannot decode JPEG frame: its header says ${found} ${name}, the instance says ${value}`,
        { [name]: found },
      );
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
