import type { SegmentWriter } from '../files/segment-writer.ts';
import type { PurgePolicy } from '../port.ts';
import type { ClaimDesk } from './claims.ts';
import { compactSegment } from './compaction.ts';
import type { LedgerContext } from './context.ts';
import { KEEPS } from './entries.ts';
import { forgetErasedBy } from './erasure.ts';
import { dropSegment, type Placed, releaseBytes } from './release.ts';
import { taskIdsOf } from './tasks.ts';

/** Entries per transaction, so that receptions between them do not wait long. */
const PAGE_ENTRIES = 200;
/** A closed segment is emptied when no more than this part of it is still needed; of half, when space is short. */
const LIVE_PART_MAX = 0.25;
const LIVE_PART_MAX_WHEN_SHORT = 0.5;

interface Stage {
  readonly keeps: number;
  readonly beforeMs: number | undefined;
  readonly remove: (entry: Placed) => void;
}

/** One run of retention, a page per transaction: entries first, then segments that few still need. */
export class Purge {
  readonly #context: LedgerContext;
  readonly #segments: SegmentWriter;
  readonly #desk: ClaimDesk;
  readonly #stages: Stage[];
  readonly #tidied = new Set<number>();
  readonly #early: Stage[];
  readonly #freeBytesWanted: number;
  /** As measured at the start, with what has been given up since. */
  #freeBytes: number;
  #left: number;
  /** Entries that have lost something. */
  count = 0;

  constructor(context: LedgerContext, segments: SegmentWriter, desk: ClaimDesk, policy: PurgePolicy) {
    this.#context = context;
    this.#segments = segments;
    this.#desk = desk;
    this.#left = policy.limit;
    const removeBytes = (entry: Placed) => this.#removeBytes(entry);
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
    // A source is kept only as its products, and nowhere else as it came: it goes last.
    const early = { beforeMs: Number.MAX_SAFE_INTEGER, remove: removeBytes };
    this.#early = [
      { keeps: KEEPS.all, ...early },
      { keeps: KEEPS.allOfSource, ...early },
    ];
    this.#freeBytesWanted = policy.freeBytesWanted ?? 0;
    this.#freeBytes = policy.freeBytesWanted === undefined ? 0 : context.freeBytes();
  }

  /** Does one page; false when there is nothing more to do. */
  advance(): boolean {
    if (this.#removePage(this.#stages) > 0) return true;
    if (this.#tidySegment()) return true;
    return this.#isShort && this.#removePage(this.#early) > 0;
  }

  get #isShort(): boolean {
    return this.#freeBytes < this.#freeBytesWanted;
  }

  #removePage(stages: readonly Stage[]): number {
    for (const stage of stages) {
      if (stage.beforeMs === undefined || this.#left <= 0) continue;
      const limit = Math.min(PAGE_ENTRIES, this.#left);
      const page = this.#context.statements.all<Placed>('settledBefore', stage.keeps, stage.beforeMs, limit);
      if (page.length === 0) continue;
      for (const entry of page) stage.remove(entry);
      this.#left -= page.length;
      this.count += page.length;
      this.#context.step('purge-marked');
      return page.length;
    }
    return 0;
  }

  #removeBytes(entry: Placed): void {
    const empty = releaseBytes(this.#context, entry, KEEPS.header);
    if (entry.file_name !== null) this.#freeBytes += entry.size_bytes;
    if (entry.segment_id === null) return;
    this.#tidied.delete(entry.segment_id);
    if (empty !== undefined && empty !== this.#segments.currentId) this.#drop(empty);
  }

  #drop(segmentId: number): void {
    const row = this.#context.statements.get<{ size_bytes: number }>('segmentSize', segmentId);
    this.#freeBytes += row?.size_bytes ?? 0;
    dropSegment(this.#context, segmentId);
  }

  #forget(entry: Placed): void {
    const { statements } = this.#context;
    const taskIds = taskIdsOf(entry.entry_id);
    statements.run('deleteAttempts', ...taskIds);
    statements.run('deleteTasks', ...taskIds);
    statements.run('deleteEntry', entry.entry_id);
    forgetErasedBy(this.#context, entry.entry_id);
  }

  /** Drops one empty segment, or moves the survivors of one that is mostly empty. */
  #tidySegment(): boolean {
    if (this.#segments.isDueToRoll) this.#segments.roll();
    const livePartMax = this.#isShort ? LIVE_PART_MAX_WHEN_SHORT : LIVE_PART_MAX;
    const claimed = new Set(this.#desk.all().map(({ taskId }) => taskId));
    let after = 0;
    for (;;) {
      const page = this.#context.statements.all<SegmentRow>('segmentsAfter', after, PAGE_ENTRIES);
      for (const segment of page) {
        after = segment.segment_id;
        const isWorthIt = segment.live_bytes <= segment.size_bytes * livePartMax;
        if (segment.segment_id === this.#segments.currentId) {
          if (!this.#isShort || !isWorthIt) continue;
          this.#segments.roll(); // Space is wanted before its time is up.
        }
        if (segment.live_count === 0) {
          this.#drop(segment.segment_id);
          return true;
        }
        if (!isWorthIt || this.#tidied.has(segment.segment_id)) continue;
        const movedBytes = compactSegment(this.#context, this.#segments, segment, claimed);
        this.#freeBytes -= movedBytes;
        if (movedBytes > 0) return true;
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
