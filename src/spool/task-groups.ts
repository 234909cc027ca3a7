/** What an operator is about to do, in groups: how many tasks, of which kind, why, and since when. */
/** Tasks that have all of this in common. */
export interface TaskGroup {
  /** A task kind. */
  readonly kind: string;
  /** A task state. */
  readonly state: string;
  readonly code?: string;
  readonly status?: number;
  /** Absent where the reasons differ more than anybody would read. */
  readonly reason?: string;
  readonly count: number;
  /** When the one that is longest in its state came into it, and the last. */
  readonly oldestAtMs: number;
  readonly newestAtMs: number;
}

export interface TaskPreview {
  /** Of all groups together. */
  readonly count: number;
  /** The largest first. */
  readonly groups: readonly TaskGroup[];
}

/** More reasons than that are not told apart any more. */
const REASONS_MAX = 100;

/** Counts tasks by group as they go by. */
export class TaskGroups {
  readonly #groups = new Map<string, TaskGroup>();

  add(task: Omit<TaskGroup, 'count' | 'oldestAtMs' | 'newestAtMs'> & { readonly atMs: number }): void {
    const { atMs, reason, ...common } = task;
    const exact = JSON.stringify([common, reason]);
    const isApart = this.#groups.has(exact) || this.#groups.size < REASONS_MAX;
    const key = isApart ? exact : JSON.stringify([common]);
    const group = this.#groups.get(key);
    this.#groups.set(key, {
      ...common,
      ...(isApart && reason !== undefined && { reason }),
      count: (group?.count ?? 0) + 1,
      oldestAtMs: Math.min(group?.oldestAtMs ?? atMs, atMs),
      newestAtMs: Math.max(group?.newestAtMs ?? atMs, atMs),
    });
  }

  /** The largest first. */
  get all(): readonly TaskGroup[] {
    return [...this.#groups.values()].sort((one, other) => other.count - one.count);
  }
}
