/**
 * What a transaction does beside its rows: changes in memory that must go with a rollback, and effects that
 * must wait for the commit. A request that fails inside a group takes only its own back.
 */
export class Unit {
  #undo: (() => void)[] = [];
  #effects: (() => void)[] = [];

  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  onCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  mark(): { readonly undo: number; readonly effects: number } {
    return { undo: this.#undo.length, effects: this.#effects.length };
  }

  rollBackTo(mark: { readonly undo: number; readonly effects: number }): void {
    for (const undo of this.#undo.splice(mark.undo).reverse()) undo();
    this.#effects.length = mark.effects;
  }

  rollBack(): void {
    this.rollBackTo({ undo: 0, effects: 0 });
  }

  /** Runs the effects. The rows are on disk by now. */
  commit(): void {
    const effects = this.#effects;
    this.#undo = [];
    this.#effects = [];
    for (const effect of effects) effect();
  }
}
