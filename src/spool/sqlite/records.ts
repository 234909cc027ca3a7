import type { RecordQuery } from '../port.ts';
import type { LedgerContext } from './context.ts';
import type { WireRecord } from './messages.ts';

/** Records of a page when the query sets no limit, and at most. */
const PAGE_RECORDS = 100;
const PAGE_RECORDS_MAX = 1000;

interface RecordColumns {
  readonly collection: string;
  readonly key: string;
  readonly value: string;
  readonly due_at_ms: number | null;
  readonly kept_at_ms: number;
}

/** Keeps records, replacing those of the same name. */
export function keepRecords(context: LedgerContext, records: readonly Omit<WireRecord, 'keptAtMs'>[]): null {
  const { statements, unit, news, clock } = context;
  const keptAtMs = clock.wallMs();
  for (const { collection, key, value, dueAtMs } of records) {
    statements.run('keepRecord', collection, key, value, dueAtMs, keptAtMs);
    news.recordsChanged(unit, collection);
  }
  return null;
}

/** Returns how many there were. */
export function forgetRecords(context: LedgerContext, collection: string, keys: readonly string[]): number {
  const { statements, unit, news } = context;
  let forgotten = 0;
  for (const key of keys) forgotten += statements.run('forgetRecord', collection, key);
  if (forgotten > 0) news.recordsChanged(unit, collection);
  return forgotten;
}

/** One record, those that are due, or a page by key. */
export function recordsOf({ statements }: LedgerContext, query: RecordQuery): WireRecord[] {
  const { collection, key, dueBeforeMs, afterKey = '' } = query;
  const limit = Math.min(query.limit ?? PAGE_RECORDS, PAGE_RECORDS_MAX);
  if (key !== undefined) {
    const row = statements.get<RecordColumns>('recordOfKey', collection, key);
    const isMeant = row && (dueBeforeMs === undefined || (row.due_at_ms ?? dueBeforeMs) < dueBeforeMs);
    return isMeant ? [toRecord(row)] : [];
  }
  const rows =
    dueBeforeMs === undefined
      ? statements.all<RecordColumns>('recordsAfter', collection, afterKey, limit)
      : statements.all<RecordColumns>('recordsDue', collection, dueBeforeMs, limit);
  return rows.map(toRecord);
}

function toRecord({ collection, key, value, due_at_ms, kept_at_ms }: RecordColumns): WireRecord {
  return { collection, key, value, dueAtMs: due_at_ms, keptAtMs: kept_at_ms };
}
