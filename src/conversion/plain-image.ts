import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Metadata } from 'sharp';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { indexHeader } from '../dicom/header-index.ts';
import { EXPLICIT_LE } from '../dicom/transfer-syntax.ts';
import { dataSetOf } from './attributes.ts';
import type { ConvertibleFrame, ConvertibleImage } from './convertible-image.ts';
import { editedDataSet } from './edited-data-set.ts';
import { ConversionError } from './errors.ts';
import type { JobRequest } from './job-kind.ts';
import type { Raster } from './raster.ts';
import type { LossyStep } from './wsi-facts.ts';

const WHITE = { r: 255, g: 255, b: 255 };

/**
 * Opens a JPEG, PNG or TIFF file as an image without attributes: edits give it those it is to have.
 *
 * @throws {ConversionError} SOURCE_UNSUPPORTED when libvips cannot read it
 */
export async function openPlainImage(
  path: string,
  { edits }: Pick<JobRequest, 'edits'>,
): Promise<ConvertibleImage> {
  const metadata = await metadataOf(path);
  return {
    attributes: attributesFrom(edits),
    key: `sha256:${await digestOf(path)}`,
    ...(metadata.icc && isPlain(metadata) && { iccProfile: metadata.icc }),
    frames: [frameOf(path, metadata, await lossyStepsOf(path, metadata))],
    close: async () => {},
  };
}

/** Nothing but what edits say. */
function attributesFrom(edits: JobRequest['edits']): ConvertibleImage['attributes'] {
  const head = encodeDataSet(dataSetOf({ SpecificCharacterSet: 'ISO_IR 192' }), EXPLICIT_LE);
  const file = { transferSyntaxUid: EXPLICIT_LE, dataSetOffset: 0, totalBytes: head.byteLength };
  return editedDataSet(head, indexHeader(head, file), edits);
}

async function metadataOf(path: string): Promise<Metadata> {
  try {
    return await sharp(path, { limitInputPixels: false }).metadata();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConversionError(
      'SOURCE_UNSUPPORTED',
      `Cannot make a slide of the file: it must be DICOM, or an image that libvips reads; libvips says "${reason}"`,
      {},
      { cause: error },
    );
  }
}

function frameOf(path: string, metadata: Metadata, lossySteps: readonly LossyStep[]): ConvertibleFrame {
  const isTurned = (metadata.orientation ?? 1) > 4;
  const [columns, rows] = isTurned ? [metadata.height, metadata.width] : [metadata.width, metadata.height];
  const samplesPerPixel = metadata.channels <= 2 ? 1 : 3;
  const raster = { columns, rows, samplesPerPixel, isInverted: false } as const;
  return {
    columns,
    rows,
    samplesPerPixel,
    lossySteps,
    hasUnknownLossyStep: false,
    writeRaster: async (folder) =>
      isPlain(metadata)
        ? { ...raster, path, isScratch: false }
        : normalise(path, join(folder, 'raster.tif'), raster),
  };
}

/** Upright, of 8 bits, grey or RGB, and opaque: as libvips takes it for the pyramid. */
function isPlain({ orientation, depth, space, hasAlpha }: Metadata): boolean {
  return (orientation ?? 1) === 1 && depth === 'uchar' && (space === 'srgb' || space === 'b-w') && !hasAlpha;
}

async function normalise(
  path: string,
  into: string,
  raster: Omit<Raster, 'path' | 'isScratch'>,
): Promise<Raster> {
  await sharp(path, { limitInputPixels: false })
    .autoOrient()
    .flatten({ background: WHITE })
    .toColourspace(raster.samplesPerPixel === 1 ? 'b-w' : 'srgb')
    .tiff({ compression: 'none', bigtiff: true })
    .toFile(into);
  return { ...raster, path: into, isScratch: true };
}

/** JPEG has lost something; what other formats hold may have been lost before, and nothing tells. */
async function lossyStepsOf(
  path: string,
  { format, width, height, channels }: Metadata,
): Promise<readonly LossyStep[]> {
  if (format !== 'jpeg') return [];
  const { size } = await stat(path);
  return [{ method: 'ISO_10918_1', ratio: (width * height * channels) / size }];
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  for await (const piece of stream) hash.update(piece);
  return hash.digest('hex');
}
