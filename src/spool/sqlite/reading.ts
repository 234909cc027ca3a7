import type { SQLInputValue } from 'node:sqlite';
import { SpoolError } from '../errors.ts';
import type { Kept } from '../kept.ts';
import type {
  AttemptRow,
  EntryQuery,
  EntryState,
  Origin,
  SpoolStatus,
  TaskKind,
  TaskRow,
  TaskState,
} from '../port.ts';
import type { LedgerContext } from './context.ts';
import { type EntryColumns, KEEPS, type PlaceColumns, toEntry, toPlace } from './entries.ts';
import { erasedByOf } from './erasure.ts';
import type { LedgerStatus, Request, RequestOf, WireEntryRow, WirePlace } from './messages.ts';
import { recordsOf } from './records.ts';
import { type StoredState, taskStateOf } from './task-moves.ts';
import { makeWorkFolder, taskIdsOf } from './tasks.ts';

/** Entries of a page when the query sets no limit, and at most. */
const PAGE_ENTRIES = 100;
const PAGE_ENTRIES_MAX = 1000;
/** Priorities are few; whatever they are, the status looks at no more than this many of a kind. */
const PRIORITIES_MAX = 100;

const ENTRY_STATES = ['pending', 'held', 'discarded', 'delivered'] as const satisfies EntryState[];
const OPEN_STATES = [
  'ready',
  'delayed',
  'behind',
  'barred',
  'claimed',
  'held',
] as const satisfies StoredState[];

const READ_TYPES = ['place', 'header', 'query', 'records', 'status', 'work-folder'] as const;

/** Answered outside of the transaction, after it. */
export type ReadRequest = RequestOf<(typeof READ_TYPES)[number]>;

export function isRead(request: Request): request is ReadRequest {
  return (READ_TYPES as readonly string[]).includes(request.type);
}

export function answerRead(context: LedgerContext, request: ReadRequest, isHealthy: boolean): unknown {
  switch (request.type) {
    case 'place':
      return placeOf(context, request.entryId);
    case 'header':
      return headerOf(context, request.entryId);
    case 'query':
      return queryEntries(context, request.query);
    case 'records':
      return recordsOf(context, request.query);
    case 'status':
      return statusOf(context, isHealthy);
    case 'work-folder':
      return makeWorkFolder(context, request.taskId);
    default:
      return request satisfies never;
  }
}

/** Counts of the committed rows, in one read; no row of an entry is looked at. */
function statusOf(context: LedgerContext, isHealthy: boolean): LedgerStatus {
  const counts = new TallyRows(context.statements.all('readTally'));
  const statesOf = (origin: Origin) =>
    Object.fromEntries(ENTRY_STATES.map((state) => [state, counts.of('entry', origin, state)])) as Record<
      EntryState,
      number
    >;
  return {
    accepted: counts.of('total', 'received', ''),
    produced: counts.of('total', 'converted', ''),
    states: statesOf('received'),
    producedStates: statesOf('converted'),
    tasks: [...context.tally.kinds].flatMap((kind) => openTasksOf(context, counts, kind)),
    usedBytes: counts.of('bytes', 'held', ''),
    healthy: isHealthy,
  };
}

class TallyRows {
  readonly #rows: readonly { scope: string; name: string; state: string; count: number }[];

  constructor(rows: readonly { scope: string; name: string; state: string; count: number }[]) {
    this.#rows = rows;
  }

  of(scope: string, name: string, state: string): number {
    return (
      this.#rows.find((row) => row.scope === scope && row.name === name && row.state === state)?.count ?? 0
    );
  }
}

function openTasksOf(
  context: LedgerContext,
  counts: TallyRows,
  kind: TaskKind,
): SpoolStatus['tasks'][number][] {
  const byState = new Map<
    TaskState,
    { kind: TaskKind; state: TaskState; count: number; oldestAtMs: number }
  >();
  for (const stored of OPEN_STATES) {
    const count = counts.of('task', kind, stored);
    if (count === 0) continue;
    const state = taskStateOf(stored);
    const oldestAtMs = oldestOf(context, kind, stored);
    const known = byState.get(state);
    byState.set(state, {
      kind,
      state,
      count: count + (known?.count ?? 0),
      oldestAtMs: Math.min(oldestAtMs, known?.oldestAtMs ?? oldestAtMs),
    });
  }
  return [...byState.values()];
}

/** The first task of every priority is its oldest. */
function oldestOf(context: LedgerContext, kind: TaskKind, state: StoredState): number {
  let oldestAtMs = Number.POSITIVE_INFINITY;
  let rank = Number.MIN_SAFE_INTEGER;
  for (let looked = 0; looked < PRIORITIES_MAX; looked += 1) {
    const first = context.statements.get<{ rank: number; created_at_ms: number }>(
      'oldestOfRank',
      kind,
      state,
      rank,
    );
    if (first === undefined) break;
    oldestAtMs = Math.min(oldestAtMs, first.created_at_ms);
    rank = first.rank;
  }
  return oldestAtMs;
}

type EntryRowColumns = EntryColumns & { readonly state: EntryState; readonly keeps: number };

/** A page of entries with their tasks, newest first. Attempts come along when entries are asked for by number. */
function queryEntries(context: LedgerContext, query: EntryQuery): WireEntryRow[] {
  const limit = Math.min(query.limit ?? PAGE_ENTRIES, PAGE_ENTRIES_MAX);
  return rowsOf(context, query, limit).map((row) => {
    const tasks = context.statements.all<TaskColumns>('tasksOfEntry', ...taskIdsOf(row.entry_id));
    const explanation = tasks.findLast((task) => task.explanation !== null)?.explanation ?? null;
    return {
      ...toEntry(row),
      state: row.state,
      ...keptOf(context, row),
      explanation,
      tasks: tasks.map((task) => toTaskRow(context, task, query.entryIds !== undefined)),
    };
  });
}

function keptOf(context: LedgerContext, { entry_id, keeps }: EntryRowColumns): Kept {
  if (keeps < KEEPS.header) return { bytes: 'kept' };
  const erased = erasedByOf(context, entry_id);
  return erased ? { bytes: 'erased', erased } : { bytes: 'purged' };
}

function rowsOf(context: LedgerContext, query: EntryQuery, limit: number): EntryRowColumns[] {
  const { entryIds, sopInstanceUid, studyInstanceUid, state } = query;
  const before = query.beforeEntryId ?? Number.MAX_SAFE_INTEGER;
  if (entryIds !== undefined) {
    return [...new Set(entryIds)]
      .filter((entryId) => entryId < before)
      .sort((a, b) => b - a)
      .map((entryId) => context.statements.get<EntryRowColumns>('entryRow', entryId))
      .filter((row) => row !== undefined)
      .filter(
        (row) =>
          (state === undefined || row.state === state) &&
          (sopInstanceUid === undefined || row.sop_instance_uid === sopInstanceUid) &&
          (studyInstanceUid === undefined || row.study_instance_uid === studyInstanceUid),
      )
      .slice(0, limit);
  }
  if (query.heldKind !== undefined) return heldRowsOf(context, query, limit);
  const values: Record<string, SQLInputValue> = { before, state: state ?? null, limit };
  if (sopInstanceUid !== undefined) {
    const rows = context.statements.page<EntryRowColumns>('pageOfSopInstance', {
      ...values,
      uid: sopInstanceUid,
    });
    return rows.filter(
      (row) => studyInstanceUid === undefined || row.study_instance_uid === studyInstanceUid,
    );
  }
  if (studyInstanceUid !== undefined) {
    return context.statements.page('pageOfStudy', { ...values, uid: studyInstanceUid });
  }
  return context.statements.page(state === undefined ? 'pageOfAll' : 'pageOfState', values);
}

/** An entry may have several held tasks of a kind, and is told once. */
function heldRowsOf(context: LedgerContext, query: EntryQuery, limit: number): EntryRowColumns[] {
  const { heldKind, heldSinceMs = 0, beforeEntryId, state, sopInstanceUid, studyInstanceUid } = query;
  const rows = context.statements.page<EntryRowColumns>('pageOfHeld', {
    kind: heldKind as TaskKind,
    since: heldSinceMs,
    beforeTask: beforeEntryId === undefined ? Number.MAX_SAFE_INTEGER : taskIdsOf(beforeEntryId)[0],
    state: state ?? null,
    sopInstanceUid: sopInstanceUid ?? null,
    studyInstanceUid: studyInstanceUid ?? null,
    limit,
  });
  return rows.filter((row, index) => row.entry_id !== rows[index - 1]?.entry_id);
}

interface TaskColumns {
  readonly task_id: number;
  readonly kind: TaskKind;
  readonly state: StoredState;
  readonly attempt: number;
  readonly due_at_ms: number;
  readonly code: string | null;
  readonly reason: string | null;
  readonly status: number | null;
  readonly updated_at_ms: number;
  readonly explanation: string | null;
}

function toTaskRow(context: LedgerContext, task: TaskColumns, withAttempts: boolean): TaskRow {
  const { code, reason, status } = task;
  return {
    taskId: task.task_id,
    kind: task.kind,
    state: taskStateOf(task.state),
    attempt: task.attempt,
    dueAtMs: task.due_at_ms,
    ...(code !== null && { code }),
    ...(reason !== null && { reason }),
    ...(status !== null && { status }),
    updatedAtMs: task.updated_at_ms,
    ...(withAttempts && { attempts: attemptsOf(context, task.task_id) }),
  };
}

function attemptsOf(context: LedgerContext, taskId: number): AttemptRow[] {
  const rows = context.statements.all<{
    attempt: number;
    started_at_ms: number;
    ended_at_ms: number;
    disposition: AttemptRow['disposition'];
    code: string;
    status: number | null;
    message: string;
  }>('attemptsOfTask', taskId);
  return rows.map(({ attempt, started_at_ms, ended_at_ms, disposition, code, status, message }) => ({
    attempt,
    startedAtMs: started_at_ms,
    endedAtMs: ended_at_ms,
    disposition,
    code,
    ...(status !== null && { status }),
    message,
  }));
}

/**
 * Where the bytes of an entry lie.
 *
 * @throws {SpoolError} when there is no such entry, or retention has removed its bytes
 */
function placeOf(context: LedgerContext, entryId: number): WirePlace {
  const row = context.statements.get<PlaceColumns & { readonly keeps: number }>('entryPlace', entryId);
  if (row === undefined) {
    throw new SpoolError('ENTRY_UNKNOWN', `Cannot open entry ${entryId}: there is none`, { entryId });
  }
  if (row.keeps >= KEEPS.header) {
    throw new SpoolError('BYTES_PURGED', `Cannot open entry ${entryId}: its bytes are no longer kept`, {
      entryId,
    });
  }
  return toPlace(row);
}

function headerOf(context: LedgerContext, entryId: number): Uint8Array | null {
  return context.statements.get<{ bytes: Uint8Array }>('entryHeader', entryId)?.bytes ?? null;
}
