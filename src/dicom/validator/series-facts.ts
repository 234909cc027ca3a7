import { createHash } from 'node:crypto';
import { Tag } from '../tags.generated.ts';
import type { Instance } from './instance.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';
import { type Flavor, flavorOf } from './wsi-flavor.ts';
import { tiledFullFrames } from './wsi-geometry.ts';

/** Attributes that every instance of a series shares, by the entity that has them. PS3.3 A.1.2. */
export const sharedAttributes = {
  Patient: ['PatientName', 'PatientID', 'PatientBirthDate', 'PatientSex'],
  Study: [
    'StudyInstanceUID',
    'StudyDate',
    'StudyTime',
    'StudyID',
    'AccessionNumber',
    'ReferringPhysicianName',
    'StudyDescription',
  ],
  Series: [
    'SeriesInstanceUID',
    'Modality',
    'SeriesNumber',
    'SeriesDate',
    'SeriesTime',
    'SeriesDescription',
    'Laterality',
  ],
  Equipment: [
    'Manufacturer',
    'ManufacturerModelName',
    'DeviceSerialNumber',
    'SoftwareVersions',
    'InstitutionName',
    'StationName',
  ],
  Container: ['ContainerIdentifier'],
} as const satisfies Record<string, readonly (keyof typeof Tag)[]>;

/** A part of a concatenation. PS3.3 C.7.6.16.2.2.4. */
export interface ConcatenationPart {
  readonly uid: string;
  readonly sourceUid: string | undefined;
  readonly number: number | undefined;
  readonly total: number | undefined;
  /** Frames of the parts before it. */
  readonly frameOffset: number | undefined;
}

/**
 * What of an instance is compared with the others of its series.
 *
 * Where equality is all that matters, values are digests: they tell nothing of a patient.
 */
export interface InstanceFacts {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly instanceNumber: number | undefined;
  /** Keyword of {@link sharedAttributes} → digest of its value, '' when absent. */
  readonly shared: Readonly<Record<string, string>>;
  readonly flavor: Flavor | undefined;
  readonly isResampled: boolean;
  readonly frameOfReferenceUid: string | undefined;
  readonly pyramidUid: string | undefined;
  readonly matrix: { readonly rows: number; readonly columns: number } | undefined;
  readonly tile: { readonly rows: number; readonly columns: number } | undefined;
  readonly numberOfFrames: number;
  /** That TILED_FULL asks for; undefined for other organizations. */
  readonly expectedFrames: number | undefined;
  /** Total Pixel Matrix Origin and Image Orientation (Slide), as numbers. */
  readonly placement: string;
  readonly imagedVolume: string;
  /** Optical Path Identifiers. */
  readonly opticalPaths: readonly string[];
  readonly concatenation: ConcatenationPart | undefined;
  readonly hasConversionSource: boolean;
}

export function factsOf({ dataSet }: Instance): InstanceFacts {
  const columns = dataSet.number(Tag.TotalPixelMatrixColumns);
  const rows = dataSet.number(Tag.TotalPixelMatrixRows);
  const tileColumns = dataSet.number(Tag.Columns);
  const tileRows = dataSet.number(Tag.Rows);
  const origin = dataSet.item(Tag.TotalPixelMatrixOriginSequence);
  const isTiledFull = dataSet.text(Tag.DimensionOrganizationType) === 'TILED_FULL';
  return {
    sopClassUid: dataSet.text(Tag.SOPClassUID) ?? '',
    sopInstanceUid: dataSet.text(Tag.SOPInstanceUID) ?? '',
    seriesInstanceUid: dataSet.text(Tag.SeriesInstanceUID) ?? '',
    instanceNumber: dataSet.number(Tag.InstanceNumber),
    shared: digestsOf(dataSet),
    flavor: flavorOf(dataSet),
    isResampled: dataSet.texts(Tag.ImageType)[3] === 'RESAMPLED',
    frameOfReferenceUid: dataSet.text(Tag.FrameOfReferenceUID),
    pyramidUid: dataSet.text(Tag.PyramidUID),
    matrix: columns === undefined || rows === undefined ? undefined : { rows, columns },
    tile:
      tileColumns === undefined || tileRows === undefined
        ? undefined
        : { rows: tileRows, columns: tileColumns },
    numberOfFrames: dataSet.number(Tag.NumberOfFrames) ?? 1,
    expectedFrames: isTiledFull ? tiledFullFrames(dataSet) : undefined,
    placement: [
      origin?.number(Tag.XOffsetInSlideCoordinateSystem),
      origin?.number(Tag.YOffsetInSlideCoordinateSystem),
      ...dataSet.numbers(Tag.ImageOrientationSlide),
    ].join('\\'),
    imagedVolume: [Tag.ImagedVolumeWidth, Tag.ImagedVolumeHeight, Tag.ImagedVolumeDepth]
      .map((tag) => dataSet.number(tag))
      .join('\\'),
    opticalPaths: dataSet
      .items(Tag.OpticalPathSequence)
      .map((item) => item.text(Tag.OpticalPathIdentifier) ?? ''),
    concatenation: concatenationOf(dataSet),
    hasConversionSource: dataSet.hasValue(Tag.ConversionSourceAttributesSequence),
  };
}

function digestsOf(dataSet: ParsedDataSet): Readonly<Record<string, string>> {
  const keywords = Object.values(sharedAttributes).flat();
  return Object.fromEntries(
    keywords.map((keyword) => {
      const text = dataSet.texts(Tag[keyword]).join('\\');
      return [keyword, text === '' ? '' : createHash('sha256').update(text).digest('base64')];
    }),
  );
}

function concatenationOf(dataSet: ParsedDataSet): ConcatenationPart | undefined {
  const uid = dataSet.text(Tag.ConcatenationUID);
  if (uid === undefined) return undefined;
  return {
    uid,
    sourceUid: dataSet.text(Tag.SOPInstanceUIDOfConcatenationSource),
    number: dataSet.number(Tag.InConcatenationNumber),
    total: dataSet.number(Tag.InConcatenationTotalNumber),
    frameOffset: dataSet.number(Tag.ConcatenationFrameOffsetNumber),
  };
}
