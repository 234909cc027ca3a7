import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { segmentFileName } from '../files/segment-writer.ts';
import type { TaskKind } from '../port.ts';
import type { LedgerContext } from './context.ts';
import { finishWiping } from './erasure.ts';
import type { Recovered } from './messages.ts';
import { reconcile } from './reconcile.ts';
import { recordInterruption } from './settle.ts';
import { settleSuccessions } from './successions.ts';
import { taskMoved } from './task-moves.ts';
import { entryOfTask } from './tasks.ts';

const PAGE_ROWS = 1000;

/**
 * Puts right what a crash has left: interrupted claims wait again, bytes without a row go, and so does the
 * unfinished work of settled tasks. Runs at every start, before anything else.
 *
 * Segments need no repair: rows say where instances lie, and what lies beyond the last row is never looked at.
 */
export function recover(context: LedgerContext): Recovered {
  const interrupted = requeueClaims(context);
  inTransaction(context, () => bringForward(context, new Set(interrupted.map(entryOfTask))));
  finishWiping(context);
  // Before anything is removed for having no row.
  const reconciled = inTransaction(context, () => reconcile(context));
  const nowMs = context.clock.nowMs();
  context.statements.run('dueBeforeClockWasSet', nowMs);
  return {
    claims: interrupted.length,
    parts: removeIf(context.folders.incoming, () => true),
    files: removeIf(context.folders.files, (name) => context.statements.get('fileOwner', name) === undefined),
    segments: removeSegments(context),
    workFolders: tidyWorkFolders(context),
    ...(reconciled && { reconciled }),
  };
}

/** The attempt counts: it may have been what ended the process. */
function requeueClaims(context: LedgerContext): number[] {
  const { statements, tally, unit } = context;
  const requeued: number[] = [];
  for (const kind of tally.kinds) {
    for (;;) {
      const page = statements.all<{ task_id: number; token: number; kind: TaskKind }>(
        'openTasks',
        kind,
        'claimed',
        Number.MIN_SAFE_INTEGER,
        0,
        PAGE_ROWS,
      );
      if (page.length === 0) break;
      statements.control('begin');
      const nowMs = context.clock.wallMs();
      for (const { task_id, token } of page) {
        recordInterruption(context, task_id, token, 'INTERRUPTED', 'The gateway stopped during the attempt.');
        statements.run('giveClaimBack', task_id, token, 'ready', context.clock.nowMs(), nowMs, 0);
        taskMoved(context, kind, 'claimed', 'ready');
      }
      tally.flush(statements);
      statements.control('commit');
      tally.committed();
      unit.commit();
      requeued.push(...page.map(({ task_id }) => task_id));
    }
  }
  return requeued;
}

/** Nobody is at work any more: whatever still keeps a task back will do so again when it is asked for. */
function bringForward(context: LedgerContext, interruptedIds: Iterable<number>): void {
  for (const kind of context.tally.kinds) context.order.disband(kind);
  settleSuccessions(context, interruptedIds);
}

function inTransaction<Result>({ statements, tally, unit }: LedgerContext, act: () => Result): Result {
  statements.control('begin');
  const result = act();
  tally.flush(statements);
  statements.control('commit');
  tally.committed();
  unit.commit();
  return result;
}

/** Segments without a row, or whose last instance has gone. */
function removeSegments(context: LedgerContext): number {
  const kept = new Set<string>();
  let after = 0;
  for (;;) {
    const page = context.statements.all<{ segment_id: number; live_count: number }>(
      'segmentsAfter',
      after,
      PAGE_ROWS,
    );
    for (const { segment_id, live_count } of page) {
      after = segment_id;
      if (live_count > 0) kept.add(segmentFileName(segment_id));
      else context.statements.run('deleteSegment', segment_id);
    }
    if (page.length < PAGE_ROWS) break;
  }
  return removeIf(context.folders.segments, (name) => !kept.has(name));
}

/** Work of open tasks stays and is continued. */
function tidyWorkFolders(context: LedgerContext): number {
  const removed = removeIf(context.folders.work, (name) => {
    const task = context.statements.get<{ state: string }>('taskState', Number(name));
    return task === undefined || task.state === 'done' || task.state === 'discarded';
  });
  for (const name of readdirSync(context.folders.work)) context.workFolders.add(Number(name));
  return removed;
}

function removeIf(folder: string, isOrphan: (name: string) => boolean): number {
  const orphans = readdirSync(folder).filter(isOrphan);
  for (const name of orphans) rmSync(join(folder, name), { recursive: true, force: true });
  return orphans.length;
}
