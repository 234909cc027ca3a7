import type { Unit } from './unit.ts';

/** Entries that somebody is still at work on although another has taken their place; by that other. */
export class Superseded {
  readonly #successors = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#successors.size === 0;
  }

  successorOf(entryId: number): number | undefined {
    return this.#successors.get(entryId);
  }

  /** True while the entry must wait for those before it. */
  isBarred(successorId: number): boolean {
    return [...this.#successors.values()].includes(successorId);
  }

  set(unit: Unit, entryId: number, successorId: number | undefined): void {
    const before = this.#successors.get(entryId);
    this.#put(entryId, successorId);
    unit.onRollback(() => this.#put(entryId, before));
  }

  #put(entryId: number, successorId: number | undefined): void {
    if (successorId === undefined) this.#successors.delete(entryId);
    else this.#successors.set(entryId, successorId);
  }
}
