import type { EntryState, SpoolEventType, TaskKind } from '../port.ts';
import type { GroupNews } from './messages.ts';
import type { Unit } from './unit.ts';

/** What the commit in progress will have changed, for the main thread. */
export class News {
  /** What somebody listens to; the rest is not told. */
  wanted: ReadonlySet<SpoolEventType> = new Set();
  #entries: { entryId: number; state: EntryState }[] = [];
  #work = new Set<TaskKind>();
  #records = new Set<string>();
  #withdrawn: number[] = [];
  #removals: string[] = [];

  entryChanged(unit: Unit, entryId: number, state: EntryState): void {
    if (this.wanted.has('entry')) unit.onCommit(() => this.#entries.push({ entryId, state }));
  }

  /** A task of the kind has become ready. */
  workAdded(unit: Unit, kind: TaskKind): void {
    if (this.wanted.has('work')) unit.onCommit(() => this.#work.add(kind));
  }

  /** A record of the collection has been kept or forgotten. */
  recordsChanged(unit: Unit, collection: string): void {
    if (this.wanted.has('record')) unit.onCommit(() => this.#records.add(collection));
  }

  /** An operator has taken a task from whoever had claimed it. */
  claimWithdrawn(unit: Unit, taskId: number): void {
    if (this.wanted.has('withdrawn')) unit.onCommit(() => this.#withdrawn.push(taskId));
  }

  /** Once committed, the file or folder at `path` has no owner any more. */
  remove(unit: Unit, path: string): void {
    unit.onCommit(() => this.#removals.push(path));
  }

  take(): Pick<GroupNews, 'entries' | 'work' | 'records' | 'withdrawn' | 'removals'> {
    const taken = {
      entries: this.#entries,
      work: [...this.#work],
      records: [...this.#records],
      withdrawn: this.#withdrawn,
      removals: this.#removals,
    };
    this.#entries = [];
    this.#work = new Set();
    this.#records = new Set();
    this.#withdrawn = [];
    this.#removals = [];
    return taken;
  }
}
