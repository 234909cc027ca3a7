import { join } from 'node:path';
import { readJpegTile } from '../slides/tiff-tiles.ts';
import { ConversionError } from './errors.ts';
import type { JobProduct } from './job-kind.ts';
import { makeThumbnail, type Pyramid, type PyramidLevel } from './pyramid.ts';
import { wsiDataSet } from './wsi-dataset.ts';
import { type InstanceFacts, type LossyStep, type SeriesFacts, WSI_SOP_CLASS_UID } from './wsi-facts.ts';
import { type EncodedFrames, JPEG_BASELINE, writeWsiInstance } from './wsi-writer.ts';

/** All that a series is written from. */
interface SeriesWork {
  readonly series: SeriesFacts;
  readonly pyramid: Pyramid;
  readonly quality: number;
  uidOf(role: string): string;
  readonly folder: string;
  /** In front of the names of products. */
  readonly prefix: string;
}

/**
 * Writes every instance of a series: levels from the base down, then the thumbnail.
 *
 * @returns products in Instance Number order
 */
export async function writeSeries(work: SeriesWork): Promise<readonly JobProduct[]> {
  const { pyramid, series, quality } = work;
  const products: JobProduct[] = [];
  let lastStep: LossyStep | undefined;
  for (const level of pyramid.levels) {
    const frames = await framesOf(pyramid, level);
    lastStep = lossyStep(frames, series.tile * series.tile * series.samplesPerPixel);
    const facts: InstanceFacts = {
      ...commonFacts(work, products.length),
      flavour: 'VOLUME',
      isResampled: level.level > 0,
      sopInstanceUid: work.uidOf(`level ${level.level}`),
      columns: level.columns,
      rows: level.rows,
      frameColumns: series.tile,
      frameRows: series.tile,
      numberOfFrames: frames.lengths.length,
      photometricInterpretation: photometricOf(series, level.tiles.isRgb),
      lossySteps: [...series.lossySteps, lastStep],
    };
    products.push(await writeProduct(work, facts, frames));
  }

  const thumbnail = await makeThumbnail(pyramid, quality);
  if (thumbnail && lastStep) {
    const { columns, rows, jpeg } = thumbnail;
    const frames: EncodedFrames = { lengths: [jpeg.byteLength], read: async () => [jpeg] };
    const facts: InstanceFacts = {
      ...commonFacts(work, products.length),
      flavour: 'THUMBNAIL',
      isResampled: true,
      sopInstanceUid: work.uidOf('thumbnail'),
      columns,
      rows,
      frameColumns: columns,
      frameRows: rows,
      numberOfFrames: 1,
      photometricInterpretation: photometricOf(series, false),
      // Made from the last level as it was encoded.
      lossySteps: [
        ...series.lossySteps,
        lastStep,
        lossyStep(frames, columns * rows * series.samplesPerPixel),
      ],
    };
    products.push(await writeProduct(work, facts, frames));
  }
  return products;
}

function commonFacts(work: SeriesWork, written: number) {
  return { instanceNumber: written + 1, baseSopInstanceUid: work.uidOf('level 0') };
}

/** PS3.3 C.8.12.4.1.5: libvips transforms colour below a quality, and stores it as it is from there on. */
function photometricOf(
  { samplesPerPixel }: SeriesFacts,
  isRgb: boolean,
): InstanceFacts['photometricInterpretation'] {
  if (samplesPerPixel === 1) return 'MONOCHROME2';
  return isRgb ? 'RGB' : 'YBR_FULL_422';
}

function lossyStep({ lengths }: EncodedFrames, frameBytes: number): LossyStep {
  const encodedBytes = lengths.reduce((sum, length) => sum + length, 0);
  return { method: 'ISO_10918_1', ratio: (frameBytes * lengths.length) / encodedBytes };
}

/** The tiles of a level as frames of TILED_FULL: columns first. PS3.3 C.7.6.17.3. */
async function framesOf(
  { file }: Pyramid,
  { tiles, tilesAcross, tilesDown, level }: PyramidLevel,
): Promise<EncodedFrames> {
  const at = (index: number) => ({ column: index % tilesAcross, row: Math.floor(index / tilesAcross) });
  const indexInFile = ({ column, row }: ReturnType<typeof at>) => row * tiles.tilesAcross + column;
  const lengthOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.byteLength, 0);
  // Every tile grows by the same: the tables of the level, and a marker that all lack or none.
  const buffer = new Uint8Array(tiles.byteCounts.reduce((most, count) => Math.max(most, count), 0));
  const first = await readJpegTile(file, tiles, at(0), buffer);
  const added = lengthOf(first) - tiles.byteCounts[0]!;
  const lengths = Array.from(
    { length: tilesAcross * tilesDown },
    (_, index) => tiles.byteCounts[indexInFile(at(index))]! + added,
  );
  return {
    lengths,
    async read(index) {
      const parts = await readJpegTile(file, tiles, at(index), buffer);
      if (lengthOf(parts) !== lengths[index]) {
        throw new ConversionError(
          'PYRAMID_FAILED',
          `Cannot use the pyramid of libvips: tile ${index} of level ${level} must have ${lengths[index]} bytes and has ${lengthOf(parts)}`,
          { level, index },
        );
      }
      return parts;
    },
  };
}

async function writeProduct(
  work: SeriesWork,
  facts: InstanceFacts,
  frames: EncodedFrames,
): Promise<JobProduct> {
  const number = String(facts.instanceNumber).padStart(2, '0');
  const name = `${work.prefix}${number}-${facts.flavour.toLowerCase()}`;
  const path = join(work.folder, `${name}.dcm`);
  const sizeBytes = await writeWsiInstance(path, wsiDataSet(work.series, facts), frames);
  return {
    path,
    name,
    sopClassUid: WSI_SOP_CLASS_UID,
    sopInstanceUid: facts.sopInstanceUid,
    seriesInstanceUid: work.series.uids.series,
    transferSyntaxUid: JPEG_BASELINE,
    sizeBytes,
  };
}
