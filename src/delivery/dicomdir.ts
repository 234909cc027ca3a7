/** A DICOMDIR: patients, studies, series and images of a file-set, each with its key attributes. Pure. PS3.3 F, PS3.10 8. */
import { createHash } from 'node:crypto';
import { DEFAULT_CHARACTER_SET } from '../dicom/character-set.ts';
import { DataSet } from '../dicom/data-set.ts';
import { encodingOf } from '../dicom/element-header.ts';
import { encodeDataSet, encodeElements } from '../dicom/element-writer.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { MEDIA_STORAGE_DIRECTORY_UID } from '../dicom/sop-class.ts';
import { EXPLICIT_LE } from '../dicom/transfer-syntax.ts';
import { GatewayError } from '../errors.ts';

const IN_USE = 0xffff;
/** Tag, VR, two reserved bytes and length of the sequence of records. */
const SEQUENCE_HEADER_BYTES = 12;
const ITEM_HEADER_BYTES = 8;

/** Keys of each level, the one that tells its records apart first. PS3.3 F.5.1 to F.5.4. */
const KEYS = {
  PATIENT: ['PatientID', 'PatientName'],
  STUDY: ['StudyInstanceUID', 'StudyDate', 'StudyTime', 'StudyDescription', 'StudyID', 'AccessionNumber'],
  SERIES: ['SeriesInstanceUID', 'Modality', 'SeriesNumber'],
  IMAGE: ['InstanceNumber'],
} as const;
type Level = keyof typeof KEYS;
const LEVELS = Object.keys(KEYS) as Level[];

/** Attributes that an image must be asked for. */
export const DICOMDIR_KEYS: readonly string[] = LEVELS.flatMap((level) => KEYS[level]);

export interface DirectoryImage {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  /** Components of its path. */
  readonly fileId: readonly string[];
  /** Values of {@link DICOMDIR_KEYS} in that order; empty where the image has none. */
  readonly keys: readonly string[];
}

interface Record {
  readonly level: Level;
  readonly attributes: DataSet;
  readonly below: Map<string, Record>;
  next: number;
  lower: number;
  offset: number;
}

/**
 * Writes the DICOMDIR of images.
 *
 * @param fileSetUid the same for every version of it
 */
export function encodeDicomdir(images: readonly DirectoryImage[], fileSetUid: string): Uint8Array {
  const root = recordsOf(images);
  const records = flatten(root);
  const fileMeta = encodeFileMeta({
    sopClassUid: MEDIA_STORAGE_DIRECTORY_UID,
    sopInstanceUid: fileSetUid,
    transferSyntaxUid: EXPLICIT_LE,
  });
  // Offsets have a fixed length: what stands where is known before they are.
  const front = encodeElements(frontOf(0, 0), encodingOf(EXPLICIT_LE), DEFAULT_CHARACTER_SET);
  let offset = fileMeta.byteLength + front.byteLength + SEQUENCE_HEADER_BYTES;
  for (const record of records) {
    record.offset = offset;
    const item = encodeElements(itemOf(record), encodingOf(EXPLICIT_LE), DEFAULT_CHARACTER_SET);
    offset += ITEM_HEADER_BYTES + item.byteLength;
  }
  link(root);
  const top = [...root.values()];
  const dataSet = frontOf(top[0]?.offset ?? 0, top.at(-1)?.offset ?? 0);
  dataSet.set('DirectoryRecordSequence', records.map(itemOf));
  return Buffer.concat([fileMeta, encodeDataSet(dataSet, EXPLICIT_LE)]);
}

/** Eight characters that every medium takes, made of a UID. PS3.10 8.2, 8.5. */
export function fileIdComponent(uid: string): string {
  const digest = createHash('sha256').update(uid).digest();
  const number = digest.readBigUInt64BE() % 36n ** 8n;
  return number.toString(36).toUpperCase().padStart(8, '0');
}

function recordsOf(images: readonly DirectoryImage[]): Map<string, Record> {
  const root = new Map<string, Record>();
  for (const image of images) {
    let level = root;
    let from = 0;
    for (const name of LEVELS) {
      const values = image.keys.slice(from, from + KEYS[name].length);
      from += KEYS[name].length;
      const key = name === 'IMAGE' ? image.sopInstanceUid : keyOf(name, values);
      const record = level.get(key) ?? newRecord(name, values, image);
      level.set(key, record);
      level = record.below;
    }
  }
  return root;
}

/** Patients without an ID are told apart by their names. */
function keyOf(level: Level, values: readonly string[]): string {
  return level === 'PATIENT' && !values[0] ? ` ${values[1] ?? ''}` : (values[0] ?? '');
}

function newRecord(level: Level, values: readonly string[], image: DirectoryImage): Record {
  const attributes = new DataSet();
  if (values.some((value) => /[^\x20-\x7e]/.test(value)))
    attributes.set('SpecificCharacterSet', 'ISO_IR 192');
  for (const [at, keyword] of KEYS[level].entries()) attributes.set(keyword, fitting(keyword, values[at]));
  if (level === 'IMAGE') {
    attributes.set('ReferencedFileID', image.fileId);
    attributes.set('ReferencedSOPClassUIDInFile', image.sopClassUid);
    attributes.set('ReferencedSOPInstanceUIDInFile', image.sopInstanceUid);
    attributes.set('ReferencedTransferSyntaxUIDInFile', image.transferSyntaxUid);
  }
  return { level, attributes, below: new Map(), next: 0, lower: 0, offset: 0 };
}

/** One value that nobody can write must not cost the others their directory. */
function fitting(keyword: string, value = ''): readonly string[] {
  if (value === '') return [];
  try {
    encodeDataSet(new DataSet().set('SpecificCharacterSet', 'ISO_IR 192').set(keyword, value), EXPLICIT_LE);
    return [value];
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
}

function flatten(records: Map<string, Record>): readonly Record[] {
  return [...records.values()].flatMap((record) => [record, ...flatten(record.below)]);
}

/** Each record knows the next of its level, and the first below it. */
function link(records: Map<string, Record>): void {
  const all = [...records.values()];
  for (const [at, record] of all.entries()) {
    record.next = all[at + 1]?.offset ?? 0;
    record.lower = [...record.below.values()][0]?.offset ?? 0;
    link(record.below);
  }
}

function frontOf(first: number, last: number): DataSet {
  return new DataSet()
    .set('FileSetID', 'SLIDEGATE')
    .set('OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity', first)
    .set('OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity', last)
    .set('FileSetConsistencyFlag', 0);
}

function itemOf({ level, attributes, next, lower }: Record): DataSet {
  const item = new DataSet()
    .set('OffsetOfTheNextDirectoryRecord', next)
    .set('RecordInUseFlag', IN_USE)
    .set('OffsetOfReferencedLowerLevelDirectoryEntity', lower)
    .set('DirectoryRecordType', level);
  for (const element of attributes) item.add(element);
  return item;
}
