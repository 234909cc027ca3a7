import { createHash } from 'node:crypto';
import { allRecords, type NewRecord, type Spool } from '../spool/spool.ts';
import type { FoundFile } from './folder-scan.ts';

/** Forgotten in pieces of so many. */
const BATCH = 1000;
/** A file that is missing may come back with the mount that it is on: only what is old is forgotten. */
const FORGET_AFTER_MS = 30 * 86_400_000;

interface Taken {
  readonly stamp: string;
  readonly sinceMs: number;
}

/**
 * Which files of a folder have been taken and are still there: kept in the spool, so that no restart takes them again.
 * By digests of their names, for names may be those of patients.
 */
export class TakenFiles {
  readonly #spool: Spool;
  readonly #folder: string;
  readonly #collection: string;
  readonly #taken = new Map<string, Taken>();
  #seen = new Set<string>();

  private constructor(spool: Spool, input: string, folder: string) {
    this.#spool = spool;
    this.#folder = folder;
    this.#collection = `folder-input:${input}`;
  }

  static async load(spool: Spool, input: string, folder: string): Promise<TakenFiles> {
    const files = new TakenFiles(spool, input, folder);
    for await (const { key, value, keptAtMs } of allRecords(spool, files.#collection)) {
      files.#taken.set(key, { stamp: String(value), sinceMs: keptAtMs });
    }
    return files;
  }

  has({ name, stamp }: FoundFile): boolean {
    const key = this.#keyOf(name);
    const taken = this.#taken.get(key);
    if (taken !== undefined) this.#seen.add(key);
    return taken?.stamp === stamp;
  }

  /** Durable when it resolves. */
  async add({ name, stamp }: FoundFile): Promise<void> {
    const key = this.#keyOf(name);
    const record: NewRecord = { collection: this.#collection, key, value: stamp };
    this.#taken.set(key, { stamp, sinceMs: Date.now() });
    this.#seen.add(key);
    await this.#spool.keep([record]);
  }

  async remove({ name }: FoundFile): Promise<void> {
    const key = this.#keyOf(name);
    if (this.#taken.delete(key)) await this.#spool.forget(this.#collection, [key]);
  }

  /** A scan has seen all there is, and something: what it has not seen need not be remembered for ever. */
  async scanned(nowMs = Date.now()): Promise<void> {
    const seen = this.#seen;
    this.#seen = new Set();
    if (seen.size === 0) return; // Nothing mounted, perhaps.
    const gone = [...this.#taken]
      .filter(([key, { sinceMs }]) => !seen.has(key) && nowMs - sinceMs > FORGET_AFTER_MS)
      .map(([key]) => key);
    for (let at = 0; at < gone.length; at += BATCH) {
      const keys = gone.slice(at, at + BATCH);
      await this.#spool.forget(this.#collection, keys);
      for (const key of keys) this.#taken.delete(key);
    }
  }

  /** Folder and name: other settings may have the input look elsewhere. */
  #keyOf(name: string): string {
    return createHash('sha256')
      .update(`${this.#folder}\0`)
      .update(name, 'latin1')
      .digest('base64url')
      .slice(0, 32);
  }
}
