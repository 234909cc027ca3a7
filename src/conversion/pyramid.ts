/**
 * # Pyramid
 *
 * One streaming pass of libvips makes every level of a raster: a tiled pyramidal JPEG TIFF, whose tiles then
 * become frames as they are.
 *
 * Invariants:
 * - A level has half the columns and half the rows of the one before, rounded down: each of its pixels is the
 *   mean of four pixels of that one, and none is made up.
 * - Tiles at the right and lower edge are filled with white before encoding, outside the level's own pixels.
 *   Left to itself libvips fills with black, which rings into the last columns.
 * - The last level is the first that fits into one tile.
 */
import { join } from 'node:path';
import sharp from 'sharp';
import { openTiffFile, type TiffFile } from '../slides/tiff-file.ts';
import { readTiffTiles, type TiffTiles } from '../slides/tiff-tiles.ts';
import { ConversionError, isOutOfSpace } from './errors.ts';
import type { Raster } from './raster.ts';

/** From here on libvips keeps all chrominance, and stores red, green and blue without a transform. */
export const QUALITY_OF_RGB_TILES = 90;

/** More than 65 500 by so much that an edge tile is filled but for its last line, which is far from any pixel. */
const SIDE_MAX = 65_535;
const WHITE = { r: 255, g: 255, b: 255 };

// The cache goes by file name, and names come back with other contents; memory is for one image anyway.
sharp.cache(false);

export interface LevelSize {
  readonly columns: number;
  readonly rows: number;
}

/** One level as it lies in the TIFF file. */
export interface PyramidLevel extends LevelSize {
  /** Index of its directory in the file. */
  readonly level: number;
  readonly tiles: TiffTiles;
  /** Tiles that hold pixels of the level; further ones hold nothing but filling. */
  readonly tilesAcross: number;
  readonly tilesDown: number;
}

export interface Pyramid {
  readonly file: TiffFile;
  readonly levels: readonly PyramidLevel[];
}

/** Sizes of all levels of an image. */
export function levelSizes(image: LevelSize, tile: number): readonly LevelSize[] {
  const sizes = [{ columns: image.columns, rows: image.rows }];
  for (;;) {
    const { columns, rows } = sizes.at(-1)!;
    if (columns <= tile && rows <= tile) return sizes;
    // A line of pixels is never a slide; it keeps the levels that have pixels.
    if (Math.min(columns, rows) < 2) return sizes;
    sizes.push({ columns: columns >> 1, rows: rows >> 1 });
  }
}

/**
 * Encodes a raster as a pyramid.
 *
 * @param options tile: side of a tile, a multiple of 16; quality: of JPEG, 1 to 100
 * @returns the open file; the caller closes it
 * @throws {ConversionError} PYRAMID_FAILED, SCRATCH_FULL
 */
export async function buildPyramid(
  raster: Raster,
  options: { readonly tile: number; readonly quality: number },
  folder: string,
): Promise<Pyramid> {
  const { tile, quality } = options;
  const path = join(folder, 'pyramid.tif');
  const image = sharp(raster.path, { ignoreIcc: true, limitInputPixels: false, sequentialRead: true });
  if (raster.isInverted) image.negate();
  if (raster.samplesPerPixel === 1) image.toColourspace('b-w');
  const filled = image.extend({
    right: filling(raster.columns, tile),
    bottom: filling(raster.rows, tile),
    background: WHITE,
  });
  await orExplain(
    filled
      .tiff({
        tile: true,
        tileWidth: tile,
        tileHeight: tile,
        pyramid: true,
        compression: 'jpeg',
        quality,
        bigtiff: true,
      })
      .toFile(path),
  );
  return openPyramid(path, raster, tile);
}

/** Pixels up to the end of the last tile, or up to the largest image that libjpeg takes. */
function filling(pixels: number, tile: number): number {
  return Math.min(Math.ceil(pixels / tile) * tile, SIDE_MAX) - pixels;
}

async function openPyramid(path: string, raster: Raster, tile: number): Promise<Pyramid> {
  const file = await openTiffFile(path);
  try {
    const levels: PyramidLevel[] = [];
    for (const [level, size] of levelSizes(raster, tile).entries()) {
      const directory = file.directories[level];
      const tiles = directory && (await readTiffTiles(file, directory));
      if (tiles === undefined || tiles.columns < size.columns || tiles.rows < size.rows) {
        throw new ConversionError(
          'PYRAMID_FAILED',
          `Cannot use the pyramid of libvips: level ${level} must have ${size.columns}×${size.rows} pixels or more and has ${tiles?.columns ?? 0}×${tiles?.rows ?? 0}`,
          { level },
        );
      }
      levels.push({
        ...size,
        level,
        tiles,
        tilesAcross: Math.ceil(size.columns / tile),
        tilesDown: Math.ceil(size.rows / tile),
      });
    }
    return { file, levels };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A small image of the whole, and what it was made from. */
export interface Thumbnail extends LevelSize {
  readonly jpeg: Uint8Array;
}

/** Three quarters of the last level: no level has this size, which some archives would count twice. */
const THUMBNAIL_SHARE = 0.75;

/**
 * Makes the thumbnail from the last level.
 *
 * @returns undefined when the level is a single pixel
 * @throws {ConversionError} PYRAMID_FAILED
 */
export async function makeThumbnail(pyramid: Pyramid, quality: number): Promise<Thumbnail | undefined> {
  const last = pyramid.levels.at(-1)!;
  const columns = Math.max(1, Math.floor(last.columns * THUMBNAIL_SHARE));
  const rows = Math.max(1, Math.floor(last.rows * THUMBNAIL_SHARE));
  if (columns === last.columns && rows === last.rows) return undefined;
  const image = sharp(pyramid.file.path, { page: last.level, ignoreIcc: true, limitInputPixels: false })
    .extract({ left: 0, top: 0, width: last.columns, height: last.rows })
    .resize(columns, rows, { fit: 'fill' });
  if (last.tiles.samplesPerPixel === 1) image.toColourspace('b-w');
  const chromaSubsampling = quality < QUALITY_OF_RGB_TILES ? '4:2:0' : '4:4:4';
  const jpeg = await orExplain(image.jpeg({ quality, chromaSubsampling }).toBuffer());
  return { columns, rows, jpeg };
}

async function orExplain<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw isOutOfSpace(error)
      ? new ConversionError(
          'SCRATCH_FULL',
          'Cannot write the pyramid: the volume of the work folder is full',
          {},
          { cause: error },
        )
      : new ConversionError(
          'PYRAMID_FAILED',
          `Cannot make the pyramid: libvips says "${reason}"`,
          {},
          { cause: error },
        );
  }
}
