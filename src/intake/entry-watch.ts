/** Whoever waits for an entry to change. */
export interface EntryWatcher {
  entryChanged(entryId: number): void;
}

/** Who waits for which entries: each change costs one look, however many wait for others. */
export class EntryWatch {
  readonly #watchers = new Map<number, Set<EntryWatcher>>();
  readonly #recordings = new Set<Set<number>>();

  add(entryId: number, watcher: EntryWatcher): void {
    const watchers = this.#watchers.get(entryId);
    if (watchers) watchers.add(watcher);
    else this.#watchers.set(entryId, new Set([watcher]));
  }

  remove(entryId: number, watcher: EntryWatcher): void {
    const watchers = this.#watchers.get(entryId);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(entryId);
  }

  /** @returns whether somebody waits for it */
  changed(entryId: number): boolean {
    for (const recording of this.#recordings) recording.add(entryId);
    const watchers = this.#watchers.get(entryId);
    for (const watcher of watchers ?? []) watcher.entryChanged(entryId);
    return watchers !== undefined;
  }

  /** Notes every entry that changes from now on. @returns ends that, with what has changed */
  record(): () => ReadonlySet<number> {
    const recording = new Set<number>();
    this.#recordings.add(recording);
    return () => {
      this.#recordings.delete(recording);
      return recording;
    };
  }
}
