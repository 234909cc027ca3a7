/**
 * # Tasks and the state of an entry
 *
 * Which moves of a task exist, and what its tasks make of an entry. Every adapter follows this table; none
 * adds to it. Pure.
 */
import type { EntryState, TaskState } from './port.ts';

/** Every move of a task, by what causes it. Nothing else moves a task. */
export const TASK_MOVES = {
  claim: { from: ['waiting'], to: 'claimed' },
  /** Given back unharmed, put off, failed with a time to try again, lease run out, or found after a crash. */
  giveBack: { from: ['claimed'], to: 'waiting' },
  complete: { from: ['claimed'], to: 'done' },
  /** A failure that needs a person. */
  fail: { from: ['claimed'], to: 'held' },
  /** A rule ends the entry. */
  discardByRule: { from: ['claimed'], to: 'discarded' },
  /** Another entry takes the place of its own. */
  replace: { from: ['waiting', 'held'], to: 'discarded' },
  // By an operator.
  retry: { from: ['held'], to: 'waiting' },
  hold: { from: ['waiting', 'claimed'], to: 'held' },
  discard: { from: ['waiting', 'claimed', 'held'], to: 'discarded' },
} as const satisfies Record<string, { from: readonly TaskState[]; to: TaskState }>;

/** What a task, or a product, counts as while the state of its entry is decided. */
type Weight = 'open' | 'held' | 'discarded';

/** How many of an entry's tasks and products stand in its way. */
export type EntryCounts = Readonly<Record<Weight, number>>;

export const NO_COUNTS: EntryCounts = { open: 0, held: 0, discarded: 0 };

/** A product weighs on its source as a task in the corresponding state would. */
const WEIGHT_OF = {
  waiting: 'open',
  claimed: 'open',
  pending: 'open',
  held: 'held',
  discarded: 'discarded',
  done: undefined,
  delivered: undefined,
} as const satisfies Record<TaskState | EntryState, Weight | undefined>;

/** `counts` after a task or product has left one state for another; undefined stands for not existing. */
export function countsAfter(
  counts: EntryCounts,
  from: TaskState | EntryState | undefined,
  to: TaskState | EntryState | undefined,
): EntryCounts {
  const left = from && WEIGHT_OF[from];
  const entered = to && WEIGHT_OF[to];
  if (left === entered) return counts;
  const changed = { ...counts };
  if (left !== undefined) changed[left] -= 1;
  if (entered !== undefined) changed[entered] += 1;
  return changed;
}

/**
 * The one state of an entry: pending while anything is open, else held, else discarded, else delivered. An
 * entry without tasks is delivered: policy sent it nowhere.
 */
export function entryStateOf(counts: EntryCounts): EntryState {
  if (counts.open > 0) return 'pending';
  if (counts.held > 0) return 'held';
  return counts.discarded > 0 ? 'discarded' : 'delivered';
}

/** True when nothing more will happen to the entry by itself or by `retry`. */
export function isSettled(state: EntryState): boolean {
  return state === 'delivered' || state === 'discarded';
}
