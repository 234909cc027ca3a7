import { formatTag } from '../dicom/dictionary.ts';
import { encodeHeaderIndex, type HeaderIndex, identityOf, indexHeader } from '../dicom/header-index.ts';
import { Tag } from '../dicom/tags.generated.ts';
import type { NewTask } from './port.ts';
import type { SpoolTaskCode } from './task-codes.ts';

/** Almost every header ends within this; only then is more looked at. */
const FIRST_LOOK_BYTES = 64 * 1024;
/** The header index is bounded: what lies beyond is not indexed. */
const HEAD_BYTES_MAX = 1024 * 1024;

/** What the command said of the instance, and how its bytes begin. */
export interface HeaderSource {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly dataSetOffset: number;
  readonly totalBytes: number;
  /** The first `lengthBytes` of the Part 10 file, or all of them. */
  head(lengthBytes: number): Uint8Array;
}

export interface HeaderReading {
  readonly headerIndex: Uint8Array;
  /** Empty when the data set has none. */
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  /** Why the first task must be held: the header is damaged, or of another instance than the command said. */
  readonly held?: NonNullable<NewTask['held']>;
}

/** Indexes the header of an instance and compares it with the command. Never throws on bad input. */
export function readHeader(source: HeaderSource): HeaderReading {
  const { dataSetOffset, transferSyntaxUid, totalBytes } = source;
  const look = (lengthBytes: number) =>
    indexHeader(source.head(lengthBytes), { transferSyntaxUid, dataSetOffset, totalBytes });
  let index = look(FIRST_LOOK_BYTES);
  if (!index.complete && totalBytes > FIRST_LOOK_BYTES) index = look(HEAD_BYTES_MAX);
  const identity = identityOf(index);
  const held =
    faultOf(index) ??
    mismatchOf(index, 'SOP Class UID', Tag.SOPClassUID, identity.sopClassUid, source.sopClassUid) ??
    mismatchOf(index, 'SOP Instance UID', Tag.SOPInstanceUID, identity.sopInstanceUid, source.sopInstanceUid);
  return {
    headerIndex: encodeHeaderIndex(index),
    studyInstanceUid: identity.studyInstanceUid ?? '',
    seriesInstanceUid: identity.seriesInstanceUid ?? '',
    ...(held && { held }),
  };
}

function faultOf({ fault }: HeaderIndex): HeaderReading['held'] {
  if (fault === undefined) return undefined;
  const { tag, offset, message } = fault;
  return {
    code: 'HEADER_DAMAGED' satisfies SpoolTaskCode,
    reason: `The header is damaged at ${formatTag(tag)}, offset ${offset}: ${message}`,
  };
}

function mismatchOf(
  index: HeaderIndex,
  name: string,
  tag: number,
  actual: string | undefined,
  expected: string,
): HeaderReading['held'] {
  if (actual === expected) return undefined;
  const offset = index.elements.find((element) => element.tag === tag)?.offset;
  const found = actual === undefined ? 'is missing' : `at offset ${offset} is "${actual}"`;
  return {
    code: 'UID_MISMATCH' satisfies SpoolTaskCode,
    reason: `${name} ${formatTag(tag)} of the data set ${found}; the command says "${expected}"`,
  };
}
