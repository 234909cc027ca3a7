/** How good a pyramid is: its levels decoded, beside means of the image they were made from. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type DataSet, readDataSet } from '../dicom/data-set.ts';
import { locateFrames } from '../dicom/encapsulation.ts';
import { readFileMeta } from '../dicom/file-meta.ts';
import { Tag } from '../dicom/tags.generated.ts';

/** RGB pixels, row-major. */
export interface Raster {
  readonly columns: number;
  readonly rows: number;
  readonly pixels: Uint8Array;
}

/**
 * Peak signal-to-noise ratio of every level of the image's size or a halved one, the largest first, in dB.
 *
 * @param folder Part 10 files of one pyramid, whoever made it
 */
export async function levelQualities(
  folder: string,
  image: Raster,
): Promise<readonly { columns: number; psnr_db: number }[]> {
  const levels = new Map<number, string>();
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.dcm'))) {
    const { dataSet } = await readHeader(join(folder, name));
    if ((dataSet.texts('ImageType')[2] ?? 'VOLUME') !== 'VOLUME') continue;
    levels.set(dataSet.number('TotalPixelMatrixColumns') ?? 0, join(folder, name));
  }
  const qualities = [];
  for (let expected = image; expected.columns > 1 && expected.rows > 1; expected = halve(expected)) {
    const path = levels.get(expected.columns);
    if (path === undefined) continue;
    const { pixels } = await decodeLevel(path);
    qualities.push({
      columns: expected.columns,
      psnr_db: Math.round(psnr(pixels, expected.pixels) * 100) / 100,
    });
  }
  return qualities;
}

async function readHeader(path: string) {
  const bytes = await readFile(path);
  const { transferSyntaxUid, dataSetOffset } = readFileMeta(bytes);
  const options = { transferSyntaxUid, offset: dataSetOffset, stopBefore: Tag.PixelData };
  return { bytes, ...readDataSet(bytes, options) };
}

async function decodeLevel(path: string): Promise<Raster> {
  const { bytes, dataSet, endOffset } = await readHeader(path);
  const [columns, rows] = [
    dataSet.number('TotalPixelMatrixColumns')!,
    dataSet.number('TotalPixelMatrixRows')!,
  ];
  const [tileColumns, tileRows] = [dataSet.number('Columns')!, dataSet.number('Rows')!];
  const frames = await locateFrames({
    read: async (into, position) => bytes.copy(into, 0, position),
    pixelDataOffset: endOffset,
    valueOffset: endOffset + 12,
    numberOfFrames: dataSet.number('NumberOfFrames') ?? 1,
    encapsulated: true,
    frameBytes: 0,
  });
  const pixels = new Uint8Array(columns * rows * 3);
  for (const [index, { fragments }] of frames.entries()) {
    const { left, top } = positionOf(dataSet, index, Math.ceil(columns / tileColumns));
    const stream = Buffer.concat(
      fragments.map(({ offset, length }) => bytes.subarray(offset, offset + length)),
    );
    const tile = await sharp(stream).raw().toBuffer();
    const rowBytes = Math.min(tileColumns, columns - left) * 3;
    for (let row = 0; row < Math.min(tileRows, rows - top); row += 1) {
      const from = row * tileColumns * 3;
      pixels.set(tile.subarray(from, from + rowBytes), ((top + row) * columns + left) * 3);
    }
  }
  return { columns, rows, pixels };
}

/** As the frame says, where tiles are sparse; else in the order of TILED_FULL. */
function positionOf(dataSet: DataSet, index: number, tilesAcross: number): { left: number; top: number } {
  const position = dataSet
    .items('PerFrameFunctionalGroupsSequence')
    [index]?.items('PlanePositionSlideSequence')[0];
  const column = position?.number('ColumnPositionInTotalImagePixelMatrix');
  const row = position?.number('RowPositionInTotalImagePixelMatrix');
  if (column !== undefined && row !== undefined) return { left: column - 1, top: row - 1 };
  const [tileColumns, tileRows] = [dataSet.number('Columns')!, dataSet.number('Rows')!];
  return { left: (index % tilesAcross) * tileColumns, top: Math.floor(index / tilesAcross) * tileRows };
}

/** Means of 2 × 2 pixels; an odd last column or row is left out. */
function halve({ columns, rows, pixels }: Raster): Raster {
  const half = { columns: columns >> 1, rows: rows >> 1 };
  const into = new Uint8Array(half.columns * half.rows * 3);
  const rowBytes = columns * 3;
  for (let row = 0, to = 0; row < half.rows; row += 1) {
    for (let column = 0; column < half.columns; column += 1) {
      let from = 2 * row * rowBytes + 6 * column;
      for (let sample = 0; sample < 3; sample += 1, from += 1, to += 1) {
        const sum =
          pixels[from]! + pixels[from + 3]! + pixels[from + rowBytes]! + pixels[from + rowBytes + 3]!;
        into[to] = (sum + 2) >> 2;
      }
    }
  }
  return { ...half, pixels: into };
}

function psnr(one: Uint8Array, other: Uint8Array): number {
  let squares = 0;
  for (let at = 0; at < one.byteLength; at += 1) squares += (one[at]! - other[at]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.byteLength));
}
