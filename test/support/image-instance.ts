import sharp from 'sharp';
import { drawTissue } from '../../src/cli/demo-image.ts';
import { codecOf } from '../../src/codecs/codecs.ts';
import { DataSet } from '../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { encapsulate } from '../../src/dicom/encapsulation.ts';
import { encodeFileMeta } from '../../src/dicom/file-meta.ts';
import { transferSyntaxNamed } from '../../src/dicom/transfer-syntax.ts';
import { deterministicUid } from '../../src/dicom/uid.ts';

type Value = string | number | Uint8Array | readonly string[] | readonly number[] | readonly DataSet[];

export interface ImageOptions {
  readonly label: string;
  readonly rows: number;
  readonly columns: number;
  /** Native pixels of each frame, as the attributes describe them; tissue unless given. */
  readonly frames?: readonly Uint8Array[];
  /** A name of `transferSyntaxes`; `jpeg-baseline` is encoded by libvips, `rle` by our codec. */
  readonly transferSyntax?: string;
  readonly sopClassUid?: string;
  readonly pixelDataVr?: 'OB' | 'OW';
  /** Added to the usual attributes or in their place; undefined leaves one out. */
  readonly attributes?: Readonly<Record<string, Value | undefined>>;
}

/** A Part 10 file of an image as a microscope's camera might send it, RGB unless the attributes say otherwise. */
export async function imageInstance(options: ImageOptions): Promise<Buffer> {
  const {
    rows,
    columns,
    transferSyntax = 'explicit-le',
    sopClassUid = '1.2.840.10008.5.1.4.1.1.77.1.2',
  } = options;
  const { uid: transferSyntaxUid, encapsulated } = transferSyntaxNamed(transferSyntax)!;
  const frames = options.frames ?? [drawTissue({ rows, columns })];
  const attributes: Record<string, Value | undefined> = {
    ...usualAttributes(options.label),
    SOPClassUID: sopClassUid,
    Rows: rows,
    Columns: columns,
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'RGB',
    PlanarConfiguration: 0,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    PixelSpacing: ['0.0005', '0.00025'],
    NumberOfFrames: frames.length > 1 ? frames.length : undefined,
    ...options.attributes,
  };
  const dataSet = new DataSet();
  for (const [keyword, value] of Object.entries(attributes)) {
    if (value !== undefined) dataSet.set(keyword, value as string);
  }
  if (encapsulated) {
    const encoded = await Promise.all(frames.map((frame) => encodeFrame(frame, transferSyntaxUid, dataSet)));
    dataSet.setEncapsulated('PixelData', encapsulate(encoded));
  } else {
    dataSet.set('PixelData', new Uint8Array(Buffer.concat(frames)), options.pixelDataVr ?? 'OW');
  }
  const sopInstanceUid = dataSet.text('SOPInstanceUID')!;
  return Buffer.concat([
    encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid }),
    encodeDataSet(dataSet, transferSyntaxUid),
  ]);
}

function usualAttributes(label: string): Record<string, Value> {
  return {
    SOPInstanceUID: deterministicUid('image', label),
    StudyInstanceUID: deterministicUid('image', label, 'study'),
    SeriesInstanceUID: deterministicUid('image', label, 'series'),
    SpecificCharacterSet: 'ISO_IR 100',
    StudyDate: '20260105',
    StudyTime: '101500',
    StudyID: 'S1',
    AccessionNumber: 'A1',
    SeriesNumber: 1,
    InstanceNumber: 1,
    Modality: 'GM',
    Manufacturer: 'Optics',
    PatientName: 'Müller^Ärztin',
    PatientID: 'P1',
    PatientBirthDate: '',
    PatientSex: 'F',
    ReferringPhysicianName: '',
    ContentDate: '20260105',
    ContentTime: '101530',
  };
}

async function encodeFrame(
  pixels: Uint8Array,
  transferSyntaxUid: string,
  dataSet: DataSet,
): Promise<Uint8Array> {
  const shape = {
    rows: dataSet.number('Rows')!,
    columns: dataSet.number('Columns')!,
    samplesPerPixel: dataSet.number('SamplesPerPixel')!,
    bitsAllocated: 8,
    photometricInterpretation: dataSet.text('PhotometricInterpretation')!,
    planarConfiguration: 0,
  };
  const codec = codecOf(transferSyntaxUid);
  if (codec?.encode) return codec.encode(pixels, shape);
  const channels = shape.samplesPerPixel as 1 | 3;
  const image = sharp(pixels, { raw: { width: shape.columns, height: shape.rows, channels } });
  if (channels === 1) image.toColourspace('b-w');
  return new Uint8Array(await image.jpeg({ quality: 95 }).toBuffer());
}
