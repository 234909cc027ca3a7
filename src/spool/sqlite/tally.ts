import type { TaskKind } from '../port.ts';
import type { Statements } from './statements.ts';
import type { Unit } from './unit.ts';

/** `total`: entries taken; `entry`: by origin and state; `task`: by kind and stored state; `bytes`: held. */
type Scope = 'total' | 'entry' | 'task' | 'bytes';

interface Cell {
  readonly scope: Scope;
  readonly name: string;
  readonly state: string;
  count: number;
  /** As in the database, outside of the running transaction. */
  committed: number;
  /** How often it has been counted up. */
  raises: number;
}

/** The table `tally`, mirrored in memory; what changed is written once per transaction. */
export class Tally {
  readonly #cells = new Map<string, Cell>();
  readonly #changed = new Set<Cell>();
  readonly #kinds = new Set<TaskKind>();

  constructor(statements: Statements) {
    const rows = statements.all<{ scope: Scope; name: string; state: string; count: number }>('readTally');
    for (const { scope, name, state, count } of rows) {
      Object.assign(this.#cell(scope, name, state), { count, committed: count });
    }
  }

  add(unit: Unit, scope: Scope, name: string, state: string, count: number): void {
    const cell = this.#cell(scope, name, state);
    cell.count += count;
    if (count > 0) cell.raises += 1;
    this.#changed.add(cell);
    unit.onRollback(() => {
      cell.count -= count;
    });
  }

  count(scope: Scope, name: string, state: string): number {
    return this.#cells.get(keyOf(scope, name, state))?.count ?? 0;
  }

  /** Differs from before whenever something has been added, even if as much has gone again. */
  raises(scope: Scope, name: string, state: string): number {
    return this.#cells.get(keyOf(scope, name, state))?.raises ?? 0;
  }

  /** Every kind of task there has ever been. */
  get kinds(): ReadonlySet<TaskKind> {
    return this.#kinds;
  }

  /** Writes what has changed; call within the transaction, and `committed` after it. */
  flush(statements: Statements): void {
    for (const { scope, name, state, count, committed } of this.#changed) {
      if (count !== committed) statements.run('addToTally', scope, name, state, count - committed);
    }
  }

  committed(): void {
    for (const cell of this.#changed) cell.committed = cell.count;
    this.#changed.clear();
  }

  #cell(scope: Scope, name: string, state: string): Cell {
    const key = keyOf(scope, name, state);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { scope, name, state, count: 0, committed: 0, raises: 0 };
      this.#cells.set(key, cell);
      if (scope === 'task') this.#kinds.add(name as TaskKind);
    }
    return cell;
  }
}

function keyOf(scope: Scope, name: string, state: string): string {
  return `${scope}\n${name}\n${state}`;
}
