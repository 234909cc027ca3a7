import { DataSet } from '../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { encodeFileMeta } from '../../src/dicom/file-meta.ts';
import { deterministicUid } from '../../src/dicom/uid.ts';
import type { ByteSource } from '../../src/dicom/validator/validator.ts';

export const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
export const WSI = '1.2.840.10008.5.1.4.1.1.77.1.6';
const SOURCE_CLASS = '1.2.840.10008.5.1.4.1.1.77.1.2';

/** Side of a tile; the base has 2 × 2 of them. */
export const TILE = 16;

export type Flavor = 'VOLUME' | 'THUMBNAIL' | 'LABEL' | 'OVERVIEW';

export interface SlideOptions {
  readonly flavor?: Flavor;
  /** 0: the base, 32 × 32 pixels; 1: resampled to 16 × 16. */
  readonly level?: number;
  readonly instanceNumber?: number;
}

/** A whole slide image as it should be, but for Pixel Data. */
export function slideDataSet(options: SlideOptions = {}): DataSet {
  const { flavor = 'VOLUME', level = 0, instanceNumber = 1 } = options;
  const isTissue = flavor === 'VOLUME' || flavor === 'THUMBNAIL';
  const size = flavor === 'VOLUME' ? (2 * TILE) >> level : 20;
  const tile = flavor === 'VOLUME' ? TILE : size;
  const isResampled = flavor === 'THUMBNAIL' || level > 0;
  const imageType = ['DERIVED', 'PRIMARY', flavor, isResampled ? 'RESAMPLED' : 'NONE'];
  const dataSet = new DataSet()
    .set('SpecificCharacterSet', 'ISO_IR 100')
    .set('ImageType', imageType)
    .set('SOPClassUID', WSI)
    .set('SOPInstanceUID', deterministicUid('slide', flavor, `${level}`))
    .set('StudyDate', '20260105')
    .set('SeriesDate', '20260105')
    .set('ContentDate', '20260105')
    .set('AcquisitionDateTime', '20260105101500')
    .set('StudyTime', '101500')
    .set('ContentTime', '101530')
    .set('AccessionNumber', 'A1')
    .set('Modality', 'SM')
    .set('Manufacturer', 'Test')
    .set('ReferringPhysicianName', '')
    .set('ManufacturerModelName', 'Slide Maker')
    .set('VolumetricProperties', 'VOLUME')
    .set('PatientName', 'Slide^Anna')
    .set('PatientID', 'P1')
    .set('PatientBirthDate', '')
    .set('PatientSex', 'O')
    .set('DeviceSerialNumber', '1')
    .set('SoftwareVersions', '1.0')
    .set('StudyInstanceUID', deterministicUid('slide', 'study'))
    .set('SeriesInstanceUID', deterministicUid('slide', 'series'))
    .set('StudyID', 'S1')
    .set('SeriesNumber', '1')
    .set('InstanceNumber', `${instanceNumber}`)
    .set('PatientOrientation', '');
  if (isTissue) dataSet.set('PyramidUID', deterministicUid('slide', 'pyramid'));
  if (flavor === 'LABEL') dataSet.set('BarcodeValue', 'B1').set('LabelText', '');
  setFrameOfReference(dataSet);
  setPixels(dataSet, size, tile);
  setMatrix(dataSet, flavor, size);
  setSpecimenAndOpticalPath(dataSet);
  setDimensions(dataSet);
  setSharedGroups(dataSet, imageType, isTissue ? { size } : undefined);
  setProvenance(dataSet);
  return dataSet;
}

function setFrameOfReference(dataSet: DataSet): void {
  dataSet.set('FrameOfReferenceUID', deterministicUid('slide', 'frame-of-reference'));
  dataSet.set('PositionReferenceIndicator', 'SLIDE_CORNER');
}

function setPixels(dataSet: DataSet, size: number, tile: number): void {
  dataSet
    .set('SamplesPerPixel', 3)
    .set('PhotometricInterpretation', 'YBR_FULL_422')
    .set('PlanarConfiguration', 0)
    .set('NumberOfFrames', `${Math.ceil(size / tile) ** 2}`)
    .set('Rows', tile)
    .set('Columns', tile)
    .set('BitsAllocated', 8)
    .set('BitsStored', 8)
    .set('HighBit', 7)
    .set('PixelRepresentation', 0)
    .set('BurnedInAnnotation', 'NO')
    .set('LossyImageCompression', '01')
    .set('LossyImageCompressionRatio', '10')
    .set('LossyImageCompressionMethod', 'ISO_10918_1');
}

/** Side of what the base shows, in millimetres. */
const VOLUME_MM = 0.016;

function setMatrix(dataSet: DataSet, flavor: Flavor, size: number): void {
  const origin = new DataSet()
    .set('XOffsetInSlideCoordinateSystem', '25')
    .set('YOffsetInSlideCoordinateSystem', '50');
  dataSet
    .set('ImagedVolumeWidth', VOLUME_MM)
    .set('ImagedVolumeHeight', VOLUME_MM)
    .set('ImagedVolumeDepth', 1)
    .set('TotalPixelMatrixColumns', size)
    .set('TotalPixelMatrixRows', size)
    .set('TotalPixelMatrixFocalPlanes', 1)
    .set('TotalPixelMatrixOriginSequence', [origin])
    .set('SpecimenLabelInImage', flavor === 'LABEL' || flavor === 'OVERVIEW' ? 'YES' : 'NO')
    .set('FocusMethod', 'AUTO')
    .set('ExtendedDepthOfField', 'NO')
    .set('ImageOrientationSlide', ['0', '-1', '0', '-1', '0', '0']);
}

function setSpecimenAndOpticalPath(dataSet: DataSet): void {
  const specimen = new DataSet()
    .set('SpecimenIdentifier', 'C1')
    .set('SpecimenUID', deterministicUid('slide', 'specimen'))
    .set('IssuerOfTheSpecimenIdentifierSequence', [])
    .set('SpecimenPreparationSequence', []);
  const opticalPath = new DataSet()
    .set('IlluminationTypeCodeSequence', [code('111744', 'DCM', 'Brightfield illumination')])
    .set('IlluminationColorCodeSequence', [code('414298005', 'SCT', 'Full Spectrum')])
    .set('OpticalPathIdentifier', '1')
    .set('ICCProfile', iccProfile('scnr'));
  dataSet
    .set('AcquisitionContextSequence', [])
    .set('ContainerIdentifier', 'C1')
    .set('IssuerOfTheContainerIdentifierSequence', [])
    .set('ContainerTypeCodeSequence', [code('433466003', 'SCT', 'Microscope slide')])
    .set('SpecimenDescriptionSequence', [specimen])
    .set('NumberOfOpticalPaths', 1)
    .set('OpticalPathSequence', [opticalPath]);
}

function setDimensions(dataSet: DataSet): void {
  const organization = () =>
    new DataSet().set('DimensionOrganizationUID', deterministicUid('slide', 'dimensions'));
  const index = (pointer: number) =>
    organization().set('DimensionIndexPointer', pointer).set('FunctionalGroupPointer', 0x0048021a);
  dataSet
    .set('DimensionOrganizationSequence', [organization()])
    .set('DimensionOrganizationType', 'TILED_FULL')
    .set('DimensionIndexSequence', [index(0x0048021f), index(0x0048021e)]);
}

function setSharedGroups(
  dataSet: DataSet,
  imageType: readonly string[],
  tissue: { size: number } | undefined,
): void {
  const spacing = tissue === undefined ? undefined : `${VOLUME_MM / tissue.size}`;
  const measures = new DataSet();
  if (spacing !== undefined) measures.set('PixelSpacing', [spacing, spacing]).set('SliceThickness', '0.001');
  const source = reference(SOURCE_CLASS, 'source').set('PurposeOfReferenceCodeSequence', [
    code('121322', 'DCM', 'Source image for image processing operation'),
  ]);
  const derivation = new DataSet()
    .set('SourceImageSequence', [source])
    .set('DerivationCodeSequence', [code('113040', 'DCM', 'Lossy Compression')]);
  const shared = new DataSet()
    .set('DerivationImageSequence', [derivation])
    .set('PixelMeasuresSequence', [measures])
    .set('WholeSlideMicroscopyImageFrameTypeSequence', [new DataSet().set('FrameType', [...imageType])])
    .set('OpticalPathIdentificationSequence', [new DataSet().set('OpticalPathIdentifier', '1')]);
  dataSet.set('SharedFunctionalGroupsSequence', [shared]);
}

function setProvenance(dataSet: DataSet): void {
  const series = new DataSet()
    .set('ReferencedInstanceSequence', [reference(SOURCE_CLASS, 'source')])
    .set('SeriesInstanceUID', deterministicUid('slide', 'source-series'));
  dataSet
    .set('ReferencedSeriesSequence', [series])
    .set('ConversionSourceAttributesSequence', [reference(SOURCE_CLASS, 'source')]);
}

function reference(sopClassUid: string, name: string): DataSet {
  return new DataSet()
    .set('ReferencedSOPClassUID', sopClassUid)
    .set('ReferencedSOPInstanceUID', deterministicUid('slide', name));
}

export function code(value: string, scheme: string, meaning: string): DataSet {
  return new DataSet()
    .set('CodeValue', value)
    .set('CodingSchemeDesignator', scheme)
    .set('CodeMeaning', meaning);
}

/** The header and the tag table of an RGB profile. */
export function iccProfile(deviceClass: string): Uint8Array {
  const profile = Buffer.alloc(148);
  profile.writeUInt32BE(profile.length, 0);
  profile.write(deviceClass, 12, 'latin1');
  profile.write('RGB XYZ ', 16, 'latin1');
  profile.write('acsp', 36, 'latin1');
  profile.writeUInt32BE(1, 128);
  profile.write('desc', 132, 'latin1');
  profile.writeUInt32BE(144, 136);
  profile.writeUInt32BE(4, 140);
  return profile;
}

export interface FrameOptions {
  readonly rows?: number;
  readonly columns?: number;
  readonly components?: number;
  readonly precision?: number;
  /** Marker of the frame header: C0 baseline, C2 progressive. */
  readonly process?: number;
  /** Of the Adobe segment: 0 RGB, 1 YCbCr; none without. */
  readonly transform?: number | undefined;
  /** Bytes of the scan; 3 make an even length beside an Adobe segment. */
  readonly scanBytes?: number;
  /** Without, the length may be odd. */
  readonly isPadded?: boolean;
}

/** The segments of a JPEG image, with nothing worth decoding behind them; of even length. */
export function jpegFrame(options: FrameOptions = {}): Buffer {
  const { rows = TILE, columns = TILE, components = 3, precision = 8, process = 0xc0 } = options;
  const { scanBytes = 3, isPadded = true } = options;
  const transform = 'transform' in options ? options.transform : 1;
  const ids = Array.from({ length: components }, (_, index) => index + 1);
  const adobe =
    transform === undefined
      ? []
      : [0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform];
  const frame = [
    0xff,
    process,
    0,
    8 + 3 * components,
    precision,
    rows >> 8,
    rows & 0xff,
    columns >> 8,
    columns & 0xff,
  ];
  frame.push(components, ...ids.flatMap((id) => [id, 0x11, 0]));
  const scan = [0xff, 0xda, 0, 6 + 2 * components, components, ...ids.flatMap((id) => [id, 0]), 0, 63, 0];
  const bytes = [0xff, 0xd8, ...adobe, ...frame, ...scan, ...Buffer.alloc(scanBytes, 1), 0xff, 0xd9];
  return Buffer.from(isPadded && bytes.length % 2 === 1 ? [...bytes, 0] : bytes);
}

/** Items of encapsulated Pixel Data: the offset table, exact unless one is given, and a fragment for each frame. */
export function fragments(frames: readonly Uint8Array[], offsets?: readonly number[]): Uint8Array {
  let next = 0;
  const exact = frames.map((frame) => {
    const offset = next;
    next += 8 + frame.length;
    return offset;
  });
  const table = Buffer.alloc((offsets ?? exact).length * 4);
  for (const [index, offset] of (offsets ?? exact).entries()) table.writeUInt32LE(offset, index * 4);
  return Buffer.concat([table, ...frames].flatMap((bytes) => [itemHeader(bytes.length), bytes]));
}

function itemHeader(lengthBytes: number): Uint8Array {
  const header = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  header.writeUInt32LE(lengthBytes, 4);
  return header;
}

/** The right number of frames of the right size. */
export function framesFor(dataSet: DataSet): Buffer[] {
  const rows = dataSet.number('Rows') ?? TILE;
  const columns = dataSet.number('Columns') ?? TILE;
  return Array.from({ length: dataSet.number('NumberOfFrames') ?? 1 }, () => jpegFrame({ rows, columns }));
}

/** A whole file: File Meta Information that agrees, and pixels unless the data set has its own. */
export function part10File(dataSet: DataSet, transferSyntaxUid = JPEG_BASELINE): Buffer {
  if (!dataSet.has('PixelData')) dataSet.setEncapsulated('PixelData', fragments(framesFor(dataSet)));
  const meta = encodeFileMeta({
    sopClassUid: dataSet.text('SOPClassUID') ?? '',
    sopInstanceUid: dataSet.text('SOPInstanceUID') ?? '',
    transferSyntaxUid,
  });
  return Buffer.concat([meta, encodeDataSet(dataSet, transferSyntaxUid)]);
}

/** Bytes as a source that gives at most `stride` bytes a read, as files and sockets may. */
export function sourceOf(bytes: Uint8Array, stride = Number.POSITIVE_INFINITY): ByteSource {
  return {
    sizeBytes: bytes.length,
    async read(into, position) {
      const piece = bytes.subarray(position, position + Math.min(into.length, stride));
      into.set(piece);
      return piece.length;
    },
  };
}
