/** What an operator is about to do, in groups: how many tasks, of which kind, why, and since when. */
/** Tasks that have all of this in common. */
export interface TaskGroup {
  /** A task kind. */
  readonly kind: string;
  /** A task state. */
  readonly state: string;
  readonly code?: string;
  readonly status?: number;
  /**
   * Where reasons differ in nothing but numbers, such as those of entries, `…` stands for these. Absent where they
   * differ more than anybody would read.
   */
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
    const pattern = reason === undefined ? undefined : withoutNumbers(reason);
    const alike = JSON.stringify([common, pattern]);
    const isApart = this.#groups.has(alike) || this.#groups.size < REASONS_MAX;
    const key = isApart ? alike : JSON.stringify([common]);
    const group = this.#groups.get(key);
    const shown = group === undefined || group.reason === reason ? reason : pattern;
    this.#groups.set(key, {
      ...common,
      ...(isApart && shown !== undefined && { reason: shown }),
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

/** Statuses of DIMSE, such as A700H, say what is wrong: they stay. */
function withoutNumbers(reason: string): string {
  return reason.replaceAll(/\b[0-9A-F]{4}H\b|\d+(?:[.:]\d+)*/g, (found) =>
    found.endsWith('H') ? found : '…',
  );
}
