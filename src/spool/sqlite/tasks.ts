import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SpoolError } from '../errors.ts';
import { FOLDER_MODE } from '../files/folders.ts';
import { countsAfter, type EntryCounts } from '../task.ts';
import type { LedgerContext } from './context.ts';
import type { WireTask } from './messages.ts';
import { type StoredState, taskStateOf } from './task-moves.ts';

/** A task of entry e is numbered e * 1000 + n, n from 1. */
const TASKS_PER_ENTRY = 1000;

export function entryOfTask(taskId: number): number {
  return Math.floor(taskId / TASKS_PER_ENTRY);
}

/** The numbers that tasks of an entry may have: first and last. */
export function taskIdsOf(entryId: number): [number, number] {
  return [entryId * TASKS_PER_ENTRY + 1, entryId * TASKS_PER_ENTRY + TASKS_PER_ENTRY - 1];
}

/** The state a task has that may be done from `dueAtMs` on (steady clock). */
export function waitingState(context: LedgerContext, dueAtMs: number): 'ready' | 'delayed' {
  return dueAtMs <= context.clock.nowMs() ? 'ready' : 'delayed';
}

/**
 * Adds tasks to an entry, numbered on from those it has.
 *
 * @param isNew saves the look when the entry has none yet
 * @returns `counts` with the new tasks
 */
export function addTasks(
  context: LedgerContext,
  entryId: number,
  tasks: readonly WireTask[],
  counts: EntryCounts,
  isNew: boolean,
): EntryCounts {
  if (tasks.length === 0) return counts;
  const { statements, clock } = context;
  const [firstId, lastId] = taskIdsOf(entryId);
  let taskId = firstId;
  if (!isNew) {
    const last = statements.get<{ task_id: number | null }>('lastTask', firstId, lastId);
    if (typeof last?.task_id === 'number') taskId = last.task_id + 1;
  }
  if (taskId + tasks.length - 1 > lastId) {
    throw new SpoolError(
      'REQUEST_REJECTED',
      `Cannot add ${tasks.length} tasks to entry ${entryId}: an entry has at most ${TASKS_PER_ENTRY - 1}`,
      { entryId },
    );
  }
  const nowMs = clock.wallMs();
  let changed = counts;
  for (const { kind, payload, priority = 0, dueAtMs, held } of tasks) {
    const dueMs = dueAtMs === undefined ? clock.nowMs() : clock.fromWallMs(dueAtMs);
    const state = held === undefined ? waitingState(context, dueMs) : 'held';
    statements.run(
      'insertTask',
      taskId,
      entryId,
      kind,
      state,
      -priority,
      dueMs,
      nowMs,
      held?.code ?? null,
      held?.reason ?? null,
      payload,
    );
    context.tally.add(context.unit, 'task', kind, state, 1);
    if (state === 'ready') context.news.workAdded(context.unit, kind);
    changed = countsAfter(changed, undefined, taskStateOf(state));
    taskId += 1;
  }
  return changed;
}

/**
 * The folder for the unfinished work of an open task.
 *
 * @throws {SpoolError} when the task is settled, so that nobody would remove the folder
 */
export function makeWorkFolder(context: LedgerContext, taskId: number): string {
  const task = context.statements.get<{ state: StoredState }>('taskState', taskId);
  if (task === undefined || task.state === 'done' || task.state === 'discarded') {
    throw new SpoolError('CLAIM_LOST', `Cannot make a work folder for task ${taskId} as it must be open`, {
      taskId,
    });
  }
  const path = join(context.folders.work, String(taskId));
  mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
  context.workFolders.add(taskId);
  return path;
}

/** The unfinished work of a settled task is of no use to anyone. */
export function dropWorkFolder(context: LedgerContext, taskId: number): void {
  if (!context.workFolders.has(taskId)) return;
  context.unit.onCommit(() => context.workFolders.delete(taskId));
  context.news.remove(context.unit, join(context.folders.work, String(taskId)));
}
