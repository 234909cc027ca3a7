/**
 * # One entry takes the place of another
 *
 * What is open of the earlier is discarded at once, but for what somebody is at work on: that runs to its end, and
 * what follows from it is discarded. Until then the first task of the later is `barred`, so that the earlier never
 * lands at a destination after the later.
 */
import type { TaskKind } from '../port.ts';
import { countsAfter, NO_COUNTS } from '../task.ts';
import type { SpoolTaskCode } from '../task-codes.ts';
import type { LedgerContext } from './context.ts';
import { changeEntry } from './entries.ts';
import { type StoredState, taskMoved, taskStateOf } from './task-moves.ts';
import { dropWorkFolder, taskIdsOf } from './tasks.ts';

export interface OpenTask {
  readonly task_id: number;
  readonly entry_id: number;
  readonly kind: TaskKind;
  readonly state: StoredState;
  readonly rank: number;
  readonly token: number | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly status: number | null;
  readonly updated_at_ms: number;
}

/** An entry has taken the place of others. Returns how many of their tasks were discarded. */
export function succeed(context: LedgerContext, successorId: number, earlierIds: readonly number[]): number {
  const { unit, superseded } = context;
  let discarded = 0;
  for (const earlierId of earlierIds) {
    for (const entryId of familyOf(context, earlierId)) {
      context.statements.run('setReplacedBy', entryId, successorId);
      const { ended, atWork } = discardOpen(context, entryId, successorId);
      discarded += ended;
      if (atWork > 0) superseded.set(unit, entryId, successorId);
    }
  }
  if (superseded.isBarred(successorId)) moveFirstTask(context, successorId, 'ready', 'barred');
  return discarded;
}

/** A claim of an entry has ended, by whatever way. If another has taken its place, nothing follows from it. */
export function claimEnded(context: LedgerContext, entryId: number): void {
  const { unit, superseded } = context;
  if (superseded.isEmpty) return;
  const successorId = superseded.successorOf(entryId);
  if (successorId === undefined) return;
  let atWork = 0;
  for (const one of familyOf(context, entryId)) {
    const left = discardOpen(context, one, successorId);
    if (one === entryId) atWork = left.atWork;
  }
  if (atWork > 0) return;
  superseded.set(unit, entryId, undefined);
  if (!superseded.isBarred(successorId)) moveFirstTask(context, successorId, 'barred', 'ready');
}

/** After a restart nobody is at work on anything: what was replaced ends, and what was barred may go. */
export function settleSuccessions(context: LedgerContext, interruptedIds: Iterable<number>): void {
  const { statements } = context;
  for (const entryId of interruptedIds) {
    const row = statements.get<{ replaced_by: number | null }>('replacedBy', entryId);
    if (typeof row?.replaced_by === 'number') discardOpen(context, entryId, row.replaced_by);
  }
  for (const { task_id, kind } of statements.all<OpenTask>('barredTasks')) {
    statements.run('liftBar', task_id);
    taskMoved(context, kind, 'barred', 'ready');
  }
}

/** An entry, its products, theirs, and so on. */
export function familyOf({ statements }: LedgerContext, entryId: number): number[] {
  const family = [entryId];
  for (const one of family) {
    family.push(...statements.all<{ entry_id: number }>('productsOf', one).map((row) => row.entry_id));
  }
  return family;
}

/** Ends an open task; its claim, if there is one, is lost. */
export function discardTask(
  context: LedgerContext,
  task: OpenTask,
  code: SpoolTaskCode,
  reason: string,
): void {
  context.statements.run('discardOpen', task.task_id, context.clock.wallMs(), code, reason);
  taskMoved(context, task.kind, task.state, 'discarded');
  dropWorkFolder(context, task.task_id);
  changeEntry(context, task.entry_id, countsAfter(NO_COUNTS, taskStateOf(task.state), 'discarded'));
}

function discardOpen(
  context: LedgerContext,
  entryId: number,
  successorId: number,
): { ended: number; atWork: number } {
  const tasks = context.statements.all<OpenTask>('openTasksOfEntry', ...taskIdsOf(entryId));
  const idle = tasks.filter(({ state }) => state !== 'claimed');
  for (const task of idle) {
    discardTask(context, task, 'REPLACED', `Replaced by entry ${successorId}, which holds another data set`);
    context.order.moved(task.kind, entryId);
  }
  return { ended: idle.length, atWork: tasks.length - idle.length };
}

/** The task that all others follow from. */
function moveFirstTask(
  context: LedgerContext,
  entryId: number,
  from: 'ready' | 'barred',
  to: 'ready' | 'barred',
): void {
  const [taskId] = taskIdsOf(entryId);
  const moved = context.statements.run(to === 'barred' ? 'bar' : 'liftBar', taskId);
  if (moved > 0) taskMoved(context, 'rules', from, to);
}
