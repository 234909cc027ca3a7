import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { type DataSet, readDataSet } from '../../src/dicom/data-set.ts';
import { locateFrames } from '../../src/dicom/encapsulation.ts';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { Tag } from '../../src/dicom/tags.generated.ts';

/** An instance of a pyramid as a viewer sees it. */
export interface SlideInstance {
  readonly dataSet: DataSet;
  /** JPEG streams, padding included. */
  readonly frames: readonly Uint8Array[];
  /** Item lengths and offsets as the file has them: Basic Offset Table, then where items really start. */
  readonly offsetTable: readonly number[];
  readonly itemOffsets: readonly number[];
}

/** Reads a file written as TILED_FULL with one fragment a frame. */
export async function readSlideInstance(path: string): Promise<SlideInstance> {
  const bytes = await readFile(path);
  const { dataSetOffset, transferSyntaxUid } = readFileMeta(bytes);
  const { dataSet, endOffset } = readDataSet(bytes, {
    transferSyntaxUid,
    offset: dataSetOffset,
    stopBefore: Tag.PixelData,
  });
  const valueOffset = endOffset + 12;
  const numberOfFrames = dataSet.number('NumberOfFrames')!;
  const located = await locateFrames({
    read: async (into, position) => bytes.copy(into, 0, position),
    pixelDataOffset: endOffset,
    valueOffset,
    numberOfFrames,
    encapsulated: true,
    frameBytes: 0,
  });
  const tableBytes = bytes.readUInt32LE(valueOffset + 4);
  const first = valueOffset + 8 + tableBytes;
  return {
    dataSet,
    frames: located.map(({ fragments }) => {
      const { offset, length } = fragments[0]!;
      return bytes.subarray(offset, offset + length);
    }),
    offsetTable: Array.from({ length: tableBytes / 4 }, (_, index) =>
      bytes.readUInt32LE(valueOffset + 8 + 4 * index),
    ),
    itemOffsets: located.map(({ fragments }) => fragments[0]!.offset - 8 - first),
  };
}

/** The total pixel matrix, decoded: tiles put side by side and cut to its size. */
export async function readMatrix({ dataSet, frames }: SlideInstance) {
  const number = (keyword: string) => dataSet.number(keyword)!;
  const [columns, rows] = [number('TotalPixelMatrixColumns'), number('TotalPixelMatrixRows')];
  const [tileColumns, tileRows] = [number('Columns'), number('Rows')];
  const samples = number('SamplesPerPixel');
  const pixels = new Uint8Array(columns * rows * samples);
  const across = Math.ceil(columns / tileColumns);
  for (const [index, frame] of frames.entries()) {
    const image = sharp(frame);
    if (samples === 1) image.toColourspace('b-w');
    const tile = await image.raw().toBuffer();
    const [left, top] = [(index % across) * tileColumns, Math.floor(index / across) * tileRows];
    for (let row = 0; row < Math.min(tileRows, rows - top); row += 1) {
      const count = Math.min(tileColumns, columns - left) * samples;
      const from = row * tileColumns * samples;
      pixels.set(tile.subarray(from, from + count), ((top + row) * columns + left) * samples);
    }
  }
  return { columns, rows, samples, pixels };
}

/** Peak signal-to-noise ratio of 8-bit samples, in dB. */
export function psnr(one: Uint8Array, other: Uint8Array): number {
  let squares = 0;
  for (let at = 0; at < one.byteLength; at += 1) squares += (one[at]! - other[at]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.byteLength));
}

/** Means of 2 × 2 pixels, the odd last column and row left out. */
export function halve(image: { columns: number; rows: number; samples: number; pixels: Uint8Array }) {
  const { samples } = image;
  const [columns, rows] = [image.columns >> 1, image.rows >> 1];
  const pixels = new Uint8Array(columns * rows * samples);
  const at = (x: number, y: number, sample: number) =>
    image.pixels[(y * image.columns + x) * samples + sample]!;
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      for (let sample = 0; sample < samples; sample += 1) {
        const sum =
          at(2 * x, 2 * y, sample) +
          at(2 * x + 1, 2 * y, sample) +
          at(2 * x, 2 * y + 1, sample) +
          at(2 * x + 1, 2 * y + 1, sample);
        pixels[(y * columns + x) * samples + sample] = (sum + 2) >> 2;
      }
    }
  }
  return { columns, rows, samples, pixels };
}
