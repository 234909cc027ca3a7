/**
 * # Instances without a row
 *
 * Finds Part 10 files where no row says that they are: in files of their own, and between and behind the known ones
 * of a segment. For a ledger that was restored and knows less than the disk holds.
 */
import { createHash } from 'node:crypto';
import { type FileMeta, readFileMeta } from '../../dicom/file-meta.ts';
import { type HeaderReading, readHeader } from '../header.ts';
import { readAt, withFile } from './read-range.ts';

/** How every Part 10 file of ours goes on after its preamble: prefix, then File Meta Information Group Length. */
const MARK = Buffer.from([0x44, 0x49, 0x43, 0x4d, 0x02, 0, 0, 0, 0x55, 0x4c, 4, 0]);
const PREAMBLE_BYTES = 128;
const READ_BYTES = 1024 * 1024;
/** File Meta Information always ends within. */
const META_BYTES_MAX = 64 * 1024;

export interface FoundRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface FoundInstance extends HeaderReading {
  readonly meta: FileMeta & { readonly sopClassUid: string; readonly sopInstanceUid: string };
  /** Of the data set alone. */
  readonly sha256: Uint8Array;
}

/** Where Part 10 files lie in a part of a file, one behind the other. */
export function findInstances(path: string, from: number, to: number): FoundRange[] {
  const starts = withFile(path, (fd) => {
    const found: number[] = [];
    for (let at = from; at < to; at += READ_BYTES) {
      // A mark may lie across the end of a piece.
      const piece = readAt(fd, at, Math.min(READ_BYTES + MARK.length - 1, to - at));
      for (let mark = piece.indexOf(MARK); mark >= 0; mark = piece.indexOf(MARK, mark + 1)) {
        if (at + mark - PREAMBLE_BYTES >= from) found.push(at + mark - PREAMBLE_BYTES);
      }
    }
    return found;
  });
  return starts.map((offset, index) => ({ offset, sizeBytes: (starts[index + 1] ?? to) - offset }));
}

/** Reads a Part 10 file; undefined when it is none, or does not say which instance it is. */
export function readFound(path: string, { offset, sizeBytes }: FoundRange): FoundInstance | undefined {
  return withFile(path, (fd) => {
    const meta = metaOf(readAt(fd, offset, Math.min(META_BYTES_MAX, sizeBytes)));
    if (meta === undefined) return undefined;
    const header = readHeader({
      ...meta,
      totalBytes: sizeBytes,
      head: (lengthBytes) => readAt(fd, offset, Math.min(lengthBytes, sizeBytes)),
    });
    const digest = createHash('sha256');
    for (let at = meta.dataSetOffset; at < sizeBytes; at += READ_BYTES) {
      digest.update(readAt(fd, offset + at, Math.min(READ_BYTES, sizeBytes - at)));
    }
    return { ...header, meta, sha256: digest.digest() };
  });
}

function metaOf(head: Uint8Array): FoundInstance['meta'] | undefined {
  try {
    const meta = readFileMeta(head);
    const { sopClassUid, sopInstanceUid, isGuessed } = meta;
    if (isGuessed || sopClassUid === undefined || sopInstanceUid === undefined) return undefined;
    return { ...meta, sopClassUid, sopInstanceUid };
  } catch {
    return undefined; // Not one of ours.
  }
}
