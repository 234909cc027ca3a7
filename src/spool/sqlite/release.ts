import { join } from 'node:path';
import { segmentFileName } from '../files/segment-writer.ts';
import type { LedgerContext } from './context.ts';

/** In the table `meta`: no segment up to this number is ever made again, for rows go on naming those that are gone. */
export const LAST_SEGMENT = 'last_segment';

/** An entry, and where its bytes lie. */
export interface Placed {
  readonly entry_id: number;
  readonly segment_id: number | null;
  readonly file_name: string | null;
  readonly size_bytes: number;
}

/**
 * The bytes of an entry are nobody's any more; `keeps` is what is left of it.
 *
 * @returns the segment that has nothing left in it
 */
export function releaseBytes(context: LedgerContext, entry: Placed, keeps: number): number | undefined {
  const { statements, tally, unit, news, folders } = context;
  statements.run('keepLess', keeps, entry.entry_id);
  tally.add(unit, 'bytes', 'held', '', -entry.size_bytes);
  if (entry.file_name !== null) news.remove(unit, join(folders.files, entry.file_name));
  if (entry.segment_id === null) return undefined;
  const segment = statements.get<{ live_count: number }>('shrinkSegment', entry.size_bytes, entry.segment_id);
  return segment?.live_count === 0 ? entry.segment_id : undefined;
}

/** The file of a segment without entries goes. */
export function dropSegment({ statements, unit, news, folders }: LedgerContext, segmentId: number): void {
  statements.run('raiseMeta', LAST_SEGMENT, segmentId);
  statements.run('deleteSegment', segmentId);
  news.remove(unit, join(folders.segments, segmentFileName(segmentId)));
}
