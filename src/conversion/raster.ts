import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Codec, EncodedFrame, FrameShape } from '../codecs/codec.ts';
import type { PixelMap } from '../codecs/photometric.ts';
import { ConversionError, isOutOfSpace } from './errors.ts';
import { stripTiffHeader } from './strip-tiff.ts';

/** A file that libvips opens, with the pixels of one frame in it. */
export interface Raster {
  readonly path: string;
  readonly columns: number;
  readonly rows: number;
  readonly samplesPerPixel: 1 | 3;
  /** The stored brightness is to be turned round: MONOCHROME1 in a file of another codec. */
  readonly isInverted: boolean;
  /** Made for this conversion, and to be removed when libvips has read it. */
  readonly isScratch: boolean;
}

/** A frame and all that is needed to make pixels of it. */
export interface RasterSource {
  readonly codec: Codec;
  readonly frame: EncodedFrame;
  readonly shape: FrameShape;
  readonly toPixels: PixelMap;
  /** What `toPixels` yields. */
  readonly samplesPerPixel: 1 | 3;
}

/**
 * Writes one frame as a file for libvips: a strip TIFF of its pixels, or the encoded frame itself where that
 * is a file already. Holds a piece of it at a time.
 *
 * @throws {FrameError} when the frame is damaged
 * @throws {ConversionError} SCRATCH_FULL
 */
export async function writeRaster(source: RasterSource, folder: string): Promise<Raster> {
  const { codec, frame, shape, samplesPerPixel } = source;
  const raster = { columns: shape.columns, rows: shape.rows, samplesPerPixel };
  if (codec.file) {
    const path = join(folder, `raster.${codec.file.extension}`);
    await writePieces(path, codec.file.contents(frame, shape));
    return {
      ...raster,
      path,
      isInverted: shape.photometricInterpretation === 'MONOCHROME1',
      isScratch: true,
    };
  }
  const path = join(folder, 'raster.tif');
  await writePieces(path, pixelsOf(source), stripTiffHeader(raster));
  return { ...raster, path, isInverted: false, isScratch: true };
}

async function* pixelsOf({ codec, frame, shape, toPixels }: RasterSource): AsyncGenerator<Uint8Array> {
  for await (const piece of codec.decode(frame, shape)) yield toPixels(piece);
}

async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  header?: Uint8Array,
): Promise<void> {
  try {
    await using file = await open(path, 'w', 0o600);
    if (header) await file.writeFile(header);
    for await (const piece of pieces) await file.writeFile(piece);
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
    throw new ConversionError(
      'SCRATCH_FULL',
      'Cannot write the pixels for libvips: the volume of the work folder is full',
      {},
      { cause: error },
    );
  }
}
