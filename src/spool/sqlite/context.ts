import type { SteadyClock } from '../clock.ts';
import type { SpoolFolders } from '../files/folders.ts';
import type { EntryState } from '../port.ts';
import type { StepHook } from '../steps.ts';
import type { Statements } from './statements.ts';
import type { Tally } from './tally.ts';
import type { Unit } from './unit.ts';

/** What every verb of the ledger works with. One per open database. */
export interface LedgerContext {
  readonly statements: Statements;
  readonly tally: Tally;
  readonly unit: Unit;
  readonly clock: SteadyClock;
  readonly folders: SpoolFolders;
  readonly step: StepHook;
  readonly news: News;
  /** Tasks that have a work folder. */
  readonly workFolders: Set<number>;
}

/** What the commit in progress will have changed, for the main thread. */
export class News {
  /** Entries are only told while someone listens. */
  isWanted = false;
  #entries: { entryId: number; state: EntryState }[] = [];
  #removals: string[] = [];

  entryChanged(unit: Unit, entryId: number, state: EntryState): void {
    if (this.isWanted) unit.onCommit(() => this.#entries.push({ entryId, state }));
  }

  /** Once committed, the file or folder at `path` has no owner any more. */
  remove(unit: Unit, path: string): void {
    unit.onCommit(() => this.#removals.push(path));
  }

  take(): { entries: { entryId: number; state: EntryState }[]; removals: string[] } {
    const taken = { entries: this.#entries, removals: this.#removals };
    this.#entries = [];
    this.#removals = [];
    return taken;
  }
}
