import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type QueryName, queries } from './queries.ts';

/** Statements that move a transaction, prepared like all others. */
const CONTROL = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollBack: 'ROLLBACK',
  savepoint: 'SAVEPOINT request',
  release: 'RELEASE request',
  rollBackToSavepoint: 'ROLLBACK TO request',
} as const;

/** The statements of queries.ts, each prepared when it is first used. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<QueryName, StatementSync>();
  readonly #control: Record<keyof typeof CONTROL, StatementSync>;
  #syncsCommits = true; // As openDatabase() has set it.

  constructor(db: DatabaseSync) {
    this.#db = db;
    const prepare = (name: keyof typeof CONTROL) => db.prepare(CONTROL[name]);
    this.#control = {
      begin: prepare('begin'),
      commit: prepare('commit'),
      rollBack: prepare('rollBack'),
      savepoint: prepare('savepoint'),
      release: prepare('release'),
      rollBackToSavepoint: prepare('rollBackToSavepoint'),
    };
  }

  /** False also after SQLite has given a transaction up by itself, as it does when the disk is full. */
  get isInTransaction(): boolean {
    return this.#db.isTransaction;
  }

  get syncsCommits(): boolean {
    return this.#syncsCommits;
  }

  /** Whether the next commits sync the log before they return. Between transactions only. */
  syncCommits(isWanted: boolean): void {
    if (isWanted === this.#syncsCommits) return;
    this.#db.exec(`PRAGMA synchronous = ${isWanted ? 'FULL' : 'NORMAL'}`);
    this.#syncsCommits = isWanted;
  }

  /** Carries the log over into the database and empties it. Between transactions only. */
  truncateLog(): void {
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  control(name: keyof typeof CONTROL): void {
    this.#control[name].run();
  }

  /** Returns how many rows it changed. */
  run(name: QueryName, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(name).run(...values).changes);
  }

  /** Returns the number of the new row. */
  insert(name: QueryName, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(name).run(...values).lastInsertRowid);
  }

  get<Row>(name: QueryName, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(name).get(...values) as Row | undefined;
  }

  all<Row>(name: QueryName, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(name).all(...values) as Row[];
  }

  /** As `all`, with named values; those that the statement does not mention are ignored. */
  page<Row>(name: QueryName, values: Record<string, SQLInputValue>): Row[] {
    return this.#prepare(name).all(values) as Row[];
  }

  #prepare(name: QueryName): StatementSync {
    let statement = this.#prepared.get(name);
    if (statement === undefined) {
      statement = this.#db.prepare(queries[name]);
      statement.setAllowUnknownNamedParameters(true);
      this.#prepared.set(name, statement);
    }
    return statement;
  }
}
