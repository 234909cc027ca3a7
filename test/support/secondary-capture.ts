import { writeFile } from 'node:fs/promises';
import { DataSet } from '../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { encapsulate } from '../../src/dicom/encapsulation.ts';
import { encodeFileMeta } from '../../src/dicom/file-meta.ts';
import { transferSyntaxOf } from '../../src/dicom/transfer-syntax.ts';
import { deterministicUid } from '../../src/dicom/uid.ts';

const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

export interface CaptureOptions {
  readonly label: string;
  readonly rows?: number;
  readonly columns?: number;
  /** `rows * columns * 3` bytes RGB; a gradient where absent. */
  readonly pixels?: Uint8Array;
  readonly sopClassUid?: string;
  readonly modality?: string;
  readonly transferSyntaxUid?: string;
  readonly pixelSpacing?: readonly [string, string];
  /** Further attributes, by keyword. */
  readonly extra?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** An RGB image as a modality might send it, and the bytes of its data set. */
export function secondaryCapture(options: CaptureOptions) {
  const { label, rows = 64, columns = 64 } = options;
  const sopClassUid = options.sopClassUid ?? '1.2.840.10008.5.1.4.1.1.7';
  const transferSyntaxUid = options.transferSyntaxUid ?? EXPLICIT_LITTLE_ENDIAN;
  const sopInstanceUid = deterministicUid('test', label);
  const dataSet = new DataSet();
  dataSet.set('SOPClassUID', sopClassUid);
  dataSet.set('SOPInstanceUID', sopInstanceUid);
  dataSet.set('StudyDate', '20260105');
  dataSet.set('ContentDate', '20260105');
  dataSet.set('StudyTime', '101500');
  dataSet.set('ContentTime', '101530');
  dataSet.set('AccessionNumber', 'A1');
  dataSet.set('Modality', options.modality ?? 'OT');
  dataSet.set('ConversionType', 'DI');
  dataSet.set('Manufacturer', 'Test');
  dataSet.set('ReferringPhysicianName', '');
  dataSet.set('PatientName', 'Test^Image');
  dataSet.set('PatientID', 'TEST');
  dataSet.set('PatientBirthDate', '');
  dataSet.set('PatientSex', 'O');
  dataSet.set('StudyInstanceUID', deterministicUid('test', label, 'study'));
  dataSet.set('SeriesInstanceUID', deterministicUid('test', label, 'series'));
  dataSet.set('StudyID', '1');
  dataSet.set('SeriesNumber', '1');
  dataSet.set('InstanceNumber', '1');
  dataSet.set('SamplesPerPixel', 3);
  dataSet.set('PhotometricInterpretation', 'RGB');
  dataSet.set('PlanarConfiguration', 0);
  dataSet.set('Rows', rows);
  dataSet.set('Columns', columns);
  if (options.pixelSpacing) dataSet.set('PixelSpacing', [...options.pixelSpacing]);
  dataSet.set('BitsAllocated', 8);
  dataSet.set('BitsStored', 8);
  dataSet.set('HighBit', 7);
  dataSet.set('PixelRepresentation', 0);
  for (const [keyword, value] of Object.entries(options.extra ?? {})) {
    dataSet.set(keyword, typeof value === 'object' ? [...value] : value);
  }
  const pixels = options.pixels ?? gradient(rows, columns);
  // Forwarding never looks into a frame: its bytes may be any.
  if (transferSyntaxOf(transferSyntaxUid)?.encapsulated) {
    dataSet.setEncapsulated('PixelData', encapsulate([pixels.subarray(0, 4000)]));
  } else dataSet.set('PixelData', pixels, 'OW');
  return {
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid,
    dataSet: encodeDataSet(dataSet, transferSyntaxUid),
  };
}

export type Capture = ReturnType<typeof secondaryCapture>;

/** Writes the instance as a Part 10 file. */
export async function writeCapture(path: string, capture: Capture): Promise<void> {
  await writeFile(path, Buffer.concat([encodeFileMeta(capture), capture.dataSet]));
}

function gradient(rows: number, columns: number): Uint8Array {
  const pixels = new Uint8Array(rows * columns * 3);
  for (let index = 0; index < rows * columns; index += 1) {
    pixels[index * 3] = (index % columns) & 0xff;
    pixels[index * 3 + 1] = Math.floor(index / columns) & 0xff;
    pixels[index * 3 + 2] = 128;
  }
  return pixels;
}
