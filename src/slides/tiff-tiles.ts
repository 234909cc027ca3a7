import { completeJpegTile } from '../codecs/jpeg-markers.ts';
import { SlideFileError } from './errors.ts';
import type { TiffDirectory, TiffFile } from './tiff-file.ts';

/** Baseline and extension tags of TIFF 6.0 that describe a tiled image. */
const TAG = {
  imageWidth: 256,
  imageLength: 257,
  compression: 259,
  photometricInterpretation: 262,
  samplesPerPixel: 277,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  jpegTables: 347,
} as const;

const JPEG = 7;
const PHOTOMETRIC_RGB = 2;
/** A tile of 65535 × 65535 is never this long; one that says so is damage. */
const TILE_BYTES_MAX = 256 << 20;

/** The tiles of one level: all of the same size, columns fastest, those at the edges padded. */
export interface TiffTiles {
  readonly columns: number;
  readonly rows: number;
  readonly tileColumns: number;
  readonly tileRows: number;
  readonly tilesAcross: number;
  readonly tilesDown: number;
  readonly samplesPerPixel: number;
  readonly compression: number;
  readonly isRgb: boolean;
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
  readonly jpegTables?: Uint8Array;
}

/**
 * Reads where the tiles of a directory lie.
 *
 * @throws {SlideFileError} when the image is not tiled, or the number of tiles does not fit its size
 */
export async function readTiffTiles(file: TiffFile, directory: TiffDirectory): Promise<TiffTiles> {
  const number = async (tag: number) => (await directory.number(tag)) ?? 0;
  const [columns, rows] = [await number(TAG.imageWidth), await number(TAG.imageLength)];
  const [tileColumns, tileRows] = [await number(TAG.tileWidth), await number(TAG.tileLength)];
  if (!(columns > 0 && rows > 0 && tileColumns > 0 && tileRows > 0)) {
    throw new SlideFileError(
      'SLIDE_FILE_UNSUPPORTED',
      `Cannot read tiles of "${file.path}": image and tiles must have a size; they have ${columns}×${rows} and ${tileColumns}×${tileRows}`,
      { directory: directory.offset },
    );
  }
  const [tilesAcross, tilesDown] = [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows)];
  const offsets = await directory.numbers(TAG.tileOffsets);
  const byteCounts = await directory.numbers(TAG.tileByteCounts);
  const count = tilesAcross * tilesDown;
  if (offsets.length < count || byteCounts.length < count) {
    throw new SlideFileError(
      'SLIDE_FILE_DAMAGED',
      `Cannot read tiles of "${file.path}": ${count} tiles must have an offset and a length; ${offsets.length} and ${byteCounts.length} do`,
      { directory: directory.offset },
    );
  }
  const jpegTables = await directory.bytes(TAG.jpegTables);
  return {
    columns,
    rows,
    tileColumns,
    tileRows,
    tilesAcross,
    tilesDown,
    samplesPerPixel: (await directory.number(TAG.samplesPerPixel)) ?? 1,
    compression: (await directory.number(TAG.compression)) ?? 1,
    isRgb: (await directory.number(TAG.photometricInterpretation)) === PHOTOMETRIC_RGB,
    offsets,
    byteCounts,
    ...(jpegTables && { jpegTables }),
  };
}

/**
 * Reads one tile as a JPEG stream of its own: shared tables and, for RGB, Adobe's marker put in.
 *
 * @param buffer used where it is large enough, so that a million tiles are not a million pieces of garbage
 * @returns parts of the stream, to be written one after the other
 * @throws {SlideFileError} when the tile is not JPEG or does not lie within the file
 * @throws {FrameError} when its markers are damaged
 */
export async function readJpegTile(
  file: TiffFile,
  tiles: TiffTiles,
  at: { readonly column: number; readonly row: number },
  buffer?: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const index = at.row * tiles.tilesAcross + at.column;
  const [offset, lengthBytes] = [tiles.offsets[index], tiles.byteCounts[index]];
  if (tiles.compression !== JPEG || offset === undefined || lengthBytes === undefined) {
    throw new SlideFileError(
      'SLIDE_FILE_UNSUPPORTED',
      `Cannot read tile ${at.column},${at.row} of "${file.path}": it must be one of ${tiles.tilesAcross}×${tiles.tilesDown} JPEG tiles (compression 7); compression is ${tiles.compression}`,
    );
  }
  if (lengthBytes > TILE_BYTES_MAX) {
    throw new SlideFileError(
      'SLIDE_FILE_DAMAGED',
      `Cannot read tile ${at.column},${at.row} of "${file.path}": it must have ${TILE_BYTES_MAX} bytes or fewer and has ${lengthBytes}`,
    );
  }
  const tile =
    buffer && buffer.byteLength >= lengthBytes
      ? buffer.subarray(0, lengthBytes)
      : new Uint8Array(lengthBytes);
  await file.read(tile, offset);
  return completeJpegTile(tile, tiles.jpegTables, tiles.isRgb);
}
