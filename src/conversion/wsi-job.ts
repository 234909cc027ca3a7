/**
 * # Job: image to slide
 *
 * One image becomes one VL Whole Slide Microscopy series for every frame it has: the base level, resampled
 * levels down to one tile, and a thumbnail.
 *
 * Invariants:
 * - UIDs hang on the source, its frame, the options and the edits; on nothing that a second attempt could change.
 * - Tiles are encoded once, by libvips, and copied from there.
 * - Scratch files of one frame are gone before the next begins.
 */
import { rm } from 'node:fs/promises';
import { deterministicUid } from '../dicom/uid.ts';
import { removeUnwritable } from './attributes.ts';
import type { ConvertibleFrame, ConvertibleImage } from './convertible-image.ts';
import { GeneratedValues } from './generated-values.ts';
import { asInputProfile, srgbInputProfile } from './icc-profile.ts';
import type { JobKind, JobProduct, JobRequest } from './job-kind.ts';
import { momentAt, momentIn } from './moment.ts';
import { openPart10Image } from './part10-image.ts';
import { openPlainImage } from './plain-image.ts';
import { buildPyramid } from './pyramid.ts';
import { isMultiFrameClass } from './source-check.ts';
import { pixelSpacingOf, positionOf, sliceThicknessOf } from './source-geometry.ts';
import type { SeriesFacts, SeriesUids } from './wsi-facts.ts';
import { WsiOptions } from './wsi-options.ts';
import { writeSeries } from './wsi-series.ts';

export const wsiJob: JobKind<typeof WsiOptions> = {
  options: WsiOptions,
  async run(options, request) {
    const image = await openImage(request);
    const leftOut = removeUnwritable(image.attributes);
    try {
      const products: JobProduct[] = [];
      const generated = new Set<string>();
      for (const [frameIndex, frame] of image.frames.entries()) {
        const values = new GeneratedValues();
        if (leftOut.length > 0) values.note(`Left out, for their values are damaged: ${leftOut.join(', ')}`);
        const work = { image, frame, frameIndex, options, request, values };
        products.push(...(await convertFrame(work)));
        for (const keyword of values.keywords) generated.add(keyword);
      }
      return { products, generated: [...generated], inheritedFaults: [] };
    } finally {
      await image.close();
    }
  },
};

function openImage(request: JobRequest): Promise<ConvertibleImage> {
  const { source } = request;
  return source.kind === 'part10' ? openPart10Image(source, request) : openPlainImage(source.path, request);
}

interface FrameWork {
  readonly image: ConvertibleImage;
  readonly frame: ConvertibleFrame;
  readonly frameIndex: number;
  readonly options: WsiOptions;
  readonly request: JobRequest;
  readonly values: GeneratedValues;
}

async function convertFrame(work: FrameWork): Promise<readonly JobProduct[]> {
  const { frame, options, request } = work;
  const { series, uidOf } = describeSeries(work); // Before any pixel is touched: it finds out what is missing.
  const raster = await frame.writeRaster(request.folder);
  const pyramid = await buildPyramid(raster, options, request.folder);
  try {
    if (raster.isScratch) await rm(raster.path, { force: true });
    const prefix = work.image.frames.length > 1 ? `frame-${work.frameIndex + 1}-` : '';
    return await writeSeries({
      series,
      pyramid,
      quality: options.quality,
      uidOf,
      folder: request.folder,
      prefix,
    });
  } finally {
    await pyramid.file.close();
    await rm(pyramid.file.path, { force: true });
  }
}

/** A UID of something in the series: `level 0`, `series` and so on. */
export type UidOf = (role: string) => string;

function describeSeries(work: FrameWork): { series: SeriesFacts; uidOf: UidOf } {
  const { image, frame, frameIndex, options, request, values } = work;
  const source = image.attributes;
  const spacing = pixelSpacingOf(source, options, frameIndex, values);
  const position = positionOf(source, { ...frame, spacing }, values);
  const canonical = JSON.stringify([Object.entries(options).sort(), request.edits]);
  const uidOf: UidOf = (role) => deterministicUid('wsi', image.key, `${frameIndex + 1}`, canonical, role);
  const uids: SeriesUids = {
    study: values.or('StudyInstanceUID', source.text('StudyInstanceUID'), () =>
      deterministicUid('study', image.key),
    ),
    series: uidOf('series'),
    frameOfReference: position.frameOfReferenceUid ?? uidOf('frame of reference'),
    pyramid: uidOf('pyramid'),
    acquisition: source.text('AcquisitionUID') ?? uidOf('acquisition'),
    dimensionOrganization: uidOf('dimension organization'),
  };
  const offset = source.text('TimezoneOffsetFromUTC');
  const hasOffset = offset !== undefined && /^[+-]\d{4}$/.test(offset);
  const { decidedAtMs, timeZone } = request;
  if (frame.hasUnknownLossyStep)
    values.note('The source had a lossy compression of unknown method and ratio');
  const hasFrameNumbers = image.frames.length > 1 && isMultiFrameClass(image.instance?.sopClassUid ?? '');
  const series: SeriesFacts = {
    source,
    ...(image.instance && {
      instance: { ...image.instance, ...(hasFrameNumbers && { frameNumber: frameIndex + 1 }) },
    }),
    sourceKey: `${image.key} ${frameIndex + 1}`,
    uids,
    seriesNumber: frameIndex + 1,
    generated: values,
    decidedAt: hasOffset ? momentAt(decidedAtMs, offset) : momentIn(decidedAtMs, timeZone),
    columns: frame.columns,
    rows: frame.rows,
    tile: options.tile,
    spacing,
    sliceThicknessMm: sliceThicknessOf(source, options, frameIndex, values),
    origin: position.origin,
    samplesPerPixel: frame.samplesPerPixel,
    ...(frame.samplesPerPixel === 3 && { iccProfile: profileOf(image, values) }),
    lossySteps: frame.lossySteps,
  };
  return { series, uidOf };
}

/** The source's own profile where it can stand for an input device, else sRGB. */
function profileOf({ iccProfile }: ConvertibleImage, values: GeneratedValues): Uint8Array {
  const own = iccProfile && asInputProfile(iccProfile);
  if (own) return own;
  values.note(
    iccProfile
      ? 'Assumed: sRGB, for the ICC profile of the source is not one of an RGB device'
      : 'Assumed: sRGB, for the source has no ICC profile',
  );
  return srgbInputProfile();
}
