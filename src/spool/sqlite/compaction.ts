import { hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type SegmentWriter, segmentFileName } from '../files/segment-writer.ts';
import type { LedgerContext } from './context.ts';
import { entryOfTask } from './tasks.ts';

/** Bytes copied in one transaction. */
const COPY_BYTES_MAX = 4 * 1024 * 1024;

interface Survivor {
  readonly entry_id: number;
  readonly size_bytes: number;
  readonly segment_offset: number;
  readonly data_set_offset: number;
  readonly sha256: Uint8Array;
}

/**
 * Copies survivors of a mostly empty segment to the current one: a few entries that are held for weeks must
 * not keep 256 MiB each. Returns how many bytes were moved.
 *
 * Entries that someone is at work on stay, for their place may have been handed out as a path. A survivor
 * whose digest no longer matches stays as well: whoever opens it shall find the damage where it happened.
 */
export function compactSegment(
  context: LedgerContext,
  segments: SegmentWriter,
  segment: {
    readonly segment_id: number;
    readonly first_entry_id: number;
    readonly last_entry_id: number;
  },
  claimedTasks: ReadonlySet<number>,
): number {
  const claimed = new Set([...claimedTasks].map(entryOfTask));
  const survivors = context.statements.all<Survivor>(
    'survivors',
    segment.first_entry_id,
    segment.last_entry_id,
    segment.segment_id,
  );
  if (survivors.some(({ entry_id }) => claimed.has(entry_id))) return 0;
  const copies = readCopies(join(context.folders.segments, segmentFileName(segment.segment_id)), survivors);
  if (copies.length === 0) return 0;
  const appended = segments.append(copies.map(({ bytes }) => [bytes]));
  for (const [index, { survivor }] of copies.entries()) {
    context.statements.run(
      'moveToSegment',
      appended.segmentId,
      appended.offsets[index] as number,
      survivor.entry_id,
    );
    context.statements.run('shrinkSegment', survivor.size_bytes, segment.segment_id);
  }
  const movedBytes = copies.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  const ids = copies.map(({ survivor }) => survivor.entry_id);
  context.statements.run(
    'growSegment',
    appended.segmentId,
    appended.sizeBytes,
    copies.length,
    movedBytes,
    Math.min(...ids),
    Math.max(...ids),
  );
  return movedBytes;
}

function readCopies(
  path: string,
  survivors: readonly Survivor[],
): { survivor: Survivor; bytes: Uint8Array }[] {
  const copies: { survivor: Survivor; bytes: Uint8Array }[] = [];
  const fd = openSync(path, 'r');
  try {
    let copiedBytes = 0;
    for (const survivor of survivors) {
      if (copiedBytes >= COPY_BYTES_MAX) break;
      const bytes = Buffer.alloc(survivor.size_bytes);
      const read = readSync(fd, bytes, 0, bytes.byteLength, survivor.segment_offset);
      const digest = hash('sha256', bytes.subarray(survivor.data_set_offset), 'buffer');
      if (read < bytes.byteLength || Buffer.compare(digest, survivor.sha256) !== 0) continue;
      copies.push({ survivor, bytes });
      copiedBytes += bytes.byteLength;
    }
  } finally {
    closeSync(fd);
  }
  return copies;
}
