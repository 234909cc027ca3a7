import type { DataSet } from '../dicom/data-set.ts';
import { copyAttributes, decimal, itemsOf, type Keyword, setAttributes } from './attributes.ts';
import { firstOf } from './moment.ts';
import { type InstanceFacts, type SeriesFacts, WSI_SOP_CLASS_UID } from './wsi-facts.ts';

/** General Acquisition C.7.10.1, General Image C.7.6.1, Acquisition Context C.7.6.14: where the source has them. */
const IMAGE = [
  'AcquisitionNumber',
  'AcquisitionDuration',
  'ImageComments',
  'QualityControlImage',
  'RecognizableVisualFeatures',
  'AcquisitionDeviceProcessingDescription',
  'AcquisitionContextDescription',
] as const satisfies readonly Keyword[];

/** White in CIELab, as (0048,0015) scales it: what tiles at the edges are filled with. PS3.3 C.10.7.1.1. */
const WHITE_CIELAB = [0xffff, 0x8080, 0x8080];

/** SOP Common, General Image, Acquisition, Image Pixel C.7.6.3 and Whole Slide Microscopy Image C.8.12.4. */
export function setImage(into: DataSet, series: SeriesFacts, instance: InstanceFacts): void {
  const { source, uids, decidedAt, samplesPerPixel } = series;
  copyAttributes(source, into, IMAGE);
  setAttributes(into, {
    SOPClassUID: WSI_SOP_CLASS_UID,
    SOPInstanceUID: instance.sopInstanceUid,
    InstanceCreationDate: decidedAt.date,
    InstanceCreationTime: decidedAt.time,
    TimezoneOffsetFromUTC: decidedAt.offset,
    ImageType: imageType(instance),
    InstanceNumber: instance.instanceNumber,
    PatientOrientation: '',
    AcquisitionUID: uids.acquisition,
    AcquisitionContextSequence: itemsOf(source, 'AcquisitionContextSequence'),
    ...contentDateAndTime(series),
    AcquisitionDateTime: acquisitionDateTime(series),
    // Pixels.
    SamplesPerPixel: samplesPerPixel,
    PhotometricInterpretation: instance.photometricInterpretation,
    PlanarConfiguration: samplesPerPixel === 3 ? 0 : undefined,
    NumberOfFrames: instance.numberOfFrames,
    Rows: instance.frameRows,
    Columns: instance.frameColumns,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    PresentationLUTShape: samplesPerPixel === 1 ? 'IDENTITY' : undefined,
    RescaleIntercept: samplesPerPixel === 1 ? 0 : undefined,
    RescaleSlope: samplesPerPixel === 1 ? 1 : undefined,
    ...lossyCompression(instance),
    // Whole slide.
    VolumetricProperties: 'VOLUME',
    ImagedVolumeWidth: series.columns * series.spacing.columnMm,
    ImagedVolumeHeight: series.rows * series.spacing.rowMm,
    ImagedVolumeDepth: series.sliceThicknessMm * 1000, // In µm, unlike the other two.
    SpecimenLabelInImage: 'NO',
    BurnedInAnnotation: source.text('BurnedInAnnotation') === 'YES' ? 'YES' : 'NO',
    FocusMethod: 'AUTO',
    ExtendedDepthOfField: 'NO',
    RecommendedAbsentPixelCIELabValue: instance.flavour === 'VOLUME' ? WHITE_CIELAB : undefined,
  });
}

/** PS3.3 C.8.12.4.1.1; Frame Type is the same. */
export function imageType({ flavour, isResampled }: InstanceFacts): readonly string[] {
  return ['DERIVED', 'PRIMARY', flavour, isResampled ? 'RESAMPLED' : 'NONE'];
}

function contentDateAndTime({ source, generated, decidedAt }: SeriesFacts) {
  const known = firstOf(source, ['Content', 'Acquisition']);
  return {
    ContentDate: generated.or('ContentDate', known?.date, () => decidedAt.date),
    ContentTime: generated.or('ContentTime', known?.time, () => decidedAt.time),
  };
}

function acquisitionDateTime({ source, generated, decidedAt }: SeriesFacts): string {
  const known = firstOf(source, ['Acquisition', 'Content']);
  return generated.or(
    'AcquisitionDateTime',
    source.text('AcquisitionDateTime') ?? (known && `${known.date}${known.time}`),
    () => `${decidedAt.date}${decidedAt.time}`,
  );
}

/** One value for every lossy step in the life of the pixels, the first one first. PS3.3 C.7.6.1.1.5. */
function lossyCompression({ lossySteps }: InstanceFacts) {
  return {
    LossyImageCompression: '01',
    LossyImageCompressionRatio: lossySteps.map(({ ratio }) => decimal(ratio, 4)),
    LossyImageCompressionMethod: lossySteps.map(({ method }) => method),
  };
}
