import type { TaskKind } from '../port.ts';
import type { ClaimDesk } from './claims.ts';
import type { LedgerContext } from './context.ts';
import { expire } from './settle.ts';
import { taskMoved } from './task-moves.ts';

/** Delayed tasks made ready in one transaction. */
const DUE_TASKS_MAX = 1000;

/** Does what time alone brings: tasks come due, leases run out, and somebody sets the clock. */
export function passTime(context: LedgerContext, desk: ClaimDesk): void {
  followWallClock(context, desk);
  const { statements, clock } = context;
  const due = statements.all<{ task_id: number; kind: TaskKind }>('dueTasks', clock.nowMs(), DUE_TASKS_MAX);
  for (const { task_id, kind } of due) {
    statements.run('makeReady', task_id);
    taskMoved(context, kind, 'delayed', 'ready');
  }
  expire(context, desk);
}

/** When the wall clock has been set, due times and leases move with it: what was ten minutes away still is. */
function followWallClock({ statements, unit, clock }: LedgerContext, desk: ClaimDesk): void {
  if (!clock.isSkewed) return;
  const skewMs = clock.skewMs;
  const shift = (byMs: number) => {
    clock.shift(byMs);
    desk.shift(byMs);
  };
  statements.run('shiftDue', skewMs);
  shift(skewMs);
  unit.onRollback(() => shift(-skewMs));
}
