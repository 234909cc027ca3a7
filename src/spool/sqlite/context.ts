import type { SteadyClock } from '../clock.ts';
import type { SpoolFolders } from '../files/folders.ts';
import type { StepHook } from '../steps.ts';
import { News } from './news.ts';
import type { Statements } from './statements.ts';
import { StudyOrder } from './study-order.ts';
import { Superseded } from './superseded.ts';
import { Tally } from './tally.ts';
import { Unit } from './unit.ts';

/** What every verb of the ledger works with. One per open database. */
export interface LedgerContext {
  readonly statements: Statements;
  readonly tally: Tally;
  readonly unit: Unit;
  readonly clock: SteadyClock;
  readonly folders: SpoolFolders;
  readonly step: StepHook;
  /** Of the volume, measured now. */
  readonly freeBytes: () => number;
  readonly news: News;
  readonly order: StudyOrder;
  readonly superseded: Superseded;
  /** Tasks that have a work folder. */
  readonly workFolders: Set<number>;
}

export function createContext(
  parts: Pick<LedgerContext, 'statements' | 'clock' | 'folders' | 'step' | 'freeBytes'>,
): LedgerContext {
  const basis = { ...parts, tally: new Tally(parts.statements), unit: new Unit(), news: new News() };
  return {
    ...basis,
    order: new StudyOrder(basis),
    superseded: new Superseded(),
    workFolders: new Set(),
  };
}
