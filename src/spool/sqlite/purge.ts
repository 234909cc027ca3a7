import { join } from 'node:path';
import { type SegmentWriter, segmentFileName } from '../files/segment-writer.ts';
import type { PurgePolicy } from '../port.ts';
import type { ClaimDesk } from './claims.ts';
import { compactSegment } from './compaction.ts';
import type { LedgerContext } from './context.ts';
import { KEEPS } from './entries.ts';
import { taskIdsOf } from './tasks.ts';

/** Entries per transaction, so that receptions between them do not wait long. */
const PAGE_ENTRIES = 200;

interface Settled {
  readonly entry_id: number;
  readonly segment_id: number | null;
  readonly file_name: string | null;
  readonly size_bytes: number;
}

interface Stage {
  readonly keeps: number;
  readonly beforeMs: number | undefined;
  readonly remove: (entry: Settled) => void;
}

/** One run of retention, a page per transaction: entries first, then segments that few still need. */
export class Purge {
  readonly #context: LedgerContext;
  readonly #segments: SegmentWriter;
  readonly #desk: ClaimDesk;
  readonly #stages: Stage[];
  readonly #tidied = new Set<number>();
  #left: number;
  /** Entries that have lost something. */
  count = 0;

  constructor(context: LedgerContext, segments: SegmentWriter, desk: ClaimDesk, policy: PurgePolicy) {
    this.#context = context;
    this.#segments = segments;
    this.#desk = desk;
    this.#left = policy.limit;
    const removeBytes = (entry: Settled) => this.#removeBytes(entry);
    this.#stages = [
      { keeps: KEEPS.all, beforeMs: policy.settledBeforeMs, remove: removeBytes },
      {
        keeps: KEEPS.allOfSource,
        beforeMs: policy.sourcesSettledBeforeMs ?? policy.settledBeforeMs,
        remove: removeBytes,
      },
      {
        keeps: KEEPS.header,
        beforeMs: policy.headersSettledBeforeMs,
        remove: (entry) => {
          context.statements.run('deleteHeader', entry.entry_id);
          context.statements.run('keepLess', KEEPS.row, entry.entry_id);
        },
      },
      { keeps: KEEPS.row, beforeMs: policy.ledgerSettledBeforeMs, remove: (entry) => this.#forget(entry) },
    ];
  }

  /** Does one page; false when there is nothing more to do. */
  advance(): boolean {
    const entries = this.#nextPage();
    if (entries > 0) return true;
    return this.#tidySegment();
  }

  #nextPage(): number {
    for (const stage of this.#stages) {
      if (stage.beforeMs === undefined || this.#left <= 0) continue;
      const limit = Math.min(PAGE_ENTRIES, this.#left);
      const page = this.#context.statements.all<Settled>('settledBefore', stage.keeps, stage.beforeMs, limit);
      if (page.length === 0) continue;
      for (const entry of page) stage.remove(entry);
      this.#left -= page.length;
      this.count += page.length;
      this.#context.step('purge-marked');
      return page.length;
    }
    return 0;
  }

  #removeBytes(entry: Settled): void {
    const { statements, tally, unit, news, folders } = this.#context;
    statements.run('keepLess', KEEPS.header, entry.entry_id);
    tally.add(unit, 'bytes', 'held', '', -entry.size_bytes);
    if (entry.file_name !== null) news.remove(unit, join(folders.files, entry.file_name));
    if (entry.segment_id === null) return;
    const segment = statements.get<{ live_count: number }>(
      'shrinkSegment',
      entry.size_bytes,
      entry.segment_id,
    );
    if (segment?.live_count === 0) this.#dropSegment(entry.segment_id);
  }

  #dropSegment(segmentId: number): void {
    if (segmentId === this.#segments.currentId) return; // It goes when it has been closed.
    const { statements, unit, news, folders } = this.#context;
    statements.run('deleteSegment', segmentId);
    news.remove(unit, join(folders.segments, segmentFileName(segmentId)));
  }

  #forget(entry: Settled): void {
    const { statements } = this.#context;
    const taskIds = taskIdsOf(entry.entry_id);
    statements.run('deleteAttempts', ...taskIds);
    statements.run('deleteTasks', ...taskIds);
    statements.run('deleteEntry', entry.entry_id);
  }

  /** Drops one empty segment, or moves the survivors of one that is mostly empty. */
  #tidySegment(): boolean {
    if (this.#segments.isDueToRoll) this.#segments.roll();
    const claimed = new Set(this.#desk.all().map(({ taskId }) => taskId));
    let after = 0;
    for (;;) {
      const page = this.#context.statements.all<SegmentRow>('segmentsAfter', after, PAGE_ENTRIES);
      for (const segment of page) {
        after = segment.segment_id;
        if (segment.segment_id === this.#segments.currentId) continue;
        if (segment.live_count === 0) {
          this.#dropSegment(segment.segment_id);
          return true;
        }
        if (this.#tidied.has(segment.segment_id)) continue;
        const moved = compactSegment(this.#context, this.#segments, segment, claimed);
        if (moved > 0) return true;
        this.#tidied.add(segment.segment_id);
      }
      if (page.length < PAGE_ENTRIES) return false;
    }
  }
}

export interface SegmentRow {
  readonly segment_id: number;
  readonly size_bytes: number;
  readonly live_count: number;
  readonly live_bytes: number;
  readonly first_entry_id: number;
  readonly last_entry_id: number;
}
