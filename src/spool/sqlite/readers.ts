import type { RevocableInstance } from '../files/stored-instance.ts';

/** Open instances, by entry. */
export class Readers {
  readonly #open = new Map<number, Set<RevocableInstance>>();

  add(entryId: number, opened: RevocableInstance): void {
    const known = this.#open.get(entryId);
    if (known === undefined) this.#open.set(entryId, new Set([opened]));
    else known.add(opened);
  }

  remove(entryId: number, opened: RevocableInstance): void {
    const known = this.#open.get(entryId);
    known?.delete(opened);
    if (known?.size === 0) this.#open.delete(entryId);
  }

  /** Nobody reads the entry any more once this resolves. */
  async revoke(entryId: number): Promise<void> {
    await Promise.all([...(this.#open.get(entryId) ?? [])].map((opened) => opened.revoke()));
  }
}
