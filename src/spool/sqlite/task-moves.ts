import type { TaskKind, TaskState } from '../port.ts';
import type { TASK_MOVES } from '../task.ts';
import type { News } from './news.ts';
import type { Statements } from './statements.ts';
import type { Tally } from './tally.ts';
import type { Unit } from './unit.ts';

/**
 * As stored: a waiting task is `ready` once it may be claimed, so that finding work never passes those that may not.
 * `delayed`: not due. `behind`: an earlier one of its study is at work or delayed. `barred`: its entry has taken the
 * place of one that somebody is still at work on.
 */
export type StoredState = 'ready' | 'delayed' | 'behind' | 'barred' | Exclude<TaskState, 'waiting'>;

/** In the order in which a task goes through them: who looks at one after another misses none that moves on. */
const TASK_STATE_OF = {
  delayed: 'waiting',
  behind: 'waiting',
  barred: 'waiting',
  ready: 'waiting',
  claimed: 'claimed',
  held: 'held',
  done: 'done',
  discarded: 'discarded',
} as const satisfies Record<StoredState, TaskState>;

export function taskStateOf(stored: StoredState): TaskState {
  return TASK_STATE_OF[stored];
}

/** The stored states that a move of the table may start from. */
export function storedStatesFrom(move: keyof typeof TASK_MOVES, moves: typeof TASK_MOVES): StoredState[] {
  const from: readonly TaskState[] = moves[move].from;
  return (Object.keys(TASK_STATE_OF) as StoredState[]).filter((stored) => from.includes(taskStateOf(stored)));
}

/** Where moves of tasks are written down. */
export interface TaskBooks {
  readonly statements: Statements;
  readonly tally: Tally;
  readonly unit: Unit;
  readonly news: News;
}

/** Counts a task that has left one stored state for another. */
export function taskMoved(context: TaskBooks, kind: TaskKind, from: StoredState, to: StoredState): void {
  const { tally, unit, news } = context;
  tally.add(unit, 'task', kind, from, -1);
  if (to !== 'done' && to !== 'discarded') tally.add(unit, 'task', kind, to, 1);
  if (to === 'ready') news.workAdded(unit, kind);
}
