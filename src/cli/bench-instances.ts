import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { deterministicUid } from '../dicom/uid.ts';

export const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** A Secondary Capture with about `sizeBytes` of noise-free pixels; no two of a series share a UID. */
export function benchInstance(label: string, index: number, sizeBytes: number) {
  const columns = 256;
  const rows = Math.max(1, Math.round(sizeBytes / columns));
  const sopInstanceUid = deterministicUid('bench', label, String(index));
  const dataSet = new DataSet();
  dataSet.set('SOPClassUID', SECONDARY_CAPTURE);
  dataSet.set('SOPInstanceUID', sopInstanceUid);
  dataSet.set('StudyDate', '20260101');
  dataSet.set('StudyTime', '120000');
  dataSet.set('AccessionNumber', '');
  dataSet.set('Modality', 'OT');
  dataSet.set('ConversionType', 'SYN');
  dataSet.set('ReferringPhysicianName', '');
  dataSet.set('PatientName', 'Bench^Mark');
  dataSet.set('PatientID', 'BENCH');
  dataSet.set('PatientBirthDate', '');
  dataSet.set('PatientSex', '');
  dataSet.set('StudyInstanceUID', deterministicUid('bench', label, 'study'));
  dataSet.set('SeriesInstanceUID', deterministicUid('bench', label, 'series'));
  dataSet.set('StudyID', '1');
  dataSet.set('SeriesNumber', '1');
  dataSet.set('InstanceNumber', String(index + 1));
  dataSet.set('SamplesPerPixel', 1);
  dataSet.set('PhotometricInterpretation', 'MONOCHROME2');
  dataSet.set('Rows', rows);
  dataSet.set('Columns', columns);
  dataSet.set('BitsAllocated', 8);
  dataSet.set('BitsStored', 8);
  dataSet.set('HighBit', 7);
  dataSet.set('PixelRepresentation', 0);
  dataSet.set('PixelData', new Uint8Array(rows * columns).fill(index & 0xff), 'OW');
  return {
    sopInstanceUid,
    sopClassUid: SECONDARY_CAPTURE,
    transferSyntaxUid: EXPLICIT_LITTLE_ENDIAN,
    dataSet: encodeDataSet(dataSet, EXPLICIT_LITTLE_ENDIAN),
  };
}

/** Writes `count` Part 10 files, spread over `folders` folders for as many senders. */
export async function writeBenchFiles(
  parent: string,
  options: { label: string; count: number; sizeBytes: number; folders: number },
): Promise<string[]> {
  const folders = Array.from({ length: options.folders }, (_, index) => join(parent, `sender-${index}`));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (let index = 0; index < options.count; index += 1) {
    const instance = benchInstance(options.label, index, options.sizeBytes);
    const folder = folders[index % folders.length] ?? parent;
    await writeFile(
      join(folder, `${index}.dcm`),
      Buffer.concat([encodeFileMeta(instance), instance.dataSet]),
    );
  }
  return folders;
}
