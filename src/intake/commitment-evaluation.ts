import type { Spool } from '../spool/spool.ts';
import type { CommitmentHead, CommitmentItem } from './commitment-store.ts';
import { entryFor, overdueReason, verdictOn } from './commitment-verdict.ts';
import type { EntryWatch } from './entry-watch.ts';

/** Queries that are under way at a time. */
const QUERIES = 32;
/** Entries of one SOP Instance UID that are looked at: each source that sends it may have some. */
const ENTRIES_MAX = 100;
/** Looking at everything again may take this share of the time. */
const LOOKING_SHARE = 0.05;

interface EvaluationTiming {
  readonly graceMs: number;
  readonly lookEveryMs: number;
}

/** One request on its way to its verdicts: what is decided stays decided, the rest is looked at when it changes. */
export class CommitmentEvaluation {
  readonly head: CommitmentHead;
  readonly #spool: Spool;
  readonly #timing: EvaluationTiming;
  #items: CommitmentItem[] | undefined;
  readonly #watch: EntryWatch;
  /** Entries that are waited for, and what they are waited for by. */
  readonly #awaited = new Map<number, Set<CommitmentItem>>();
  readonly #changed = new Set<number>();
  /** When everything is looked at again. */
  #lookAtMs = 0;

  constructor(
    head: CommitmentHead,
    deps: { readonly spool: Spool; readonly watch: EntryWatch; readonly timing: EvaluationTiming },
  ) {
    this.head = head;
    this.#spool = deps.spool;
    this.#watch = deps.watch;
    this.#timing = deps.timing;
  }

  get nextLookInMs(): number {
    if (this.#changed.size > 0) return 0;
    return Math.max(0, Math.min(this.#lookAtMs, this.head.dueAtMs) - Date.now());
  }

  /** One of the entries that are waited for has changed. */
  entryChanged(entryId: number): void {
    if (this.#awaited.has(entryId)) this.#changed.add(entryId);
  }

  /** It is over: nothing is waited for any more. */
  close(): void {
    for (const entryId of this.#awaited.keys()) this.#watch.remove(entryId, this);
    this.#awaited.clear();
  }

  /**
   * Decides what can be decided now.
   *
   * @param load the references, undecided; called once
   * @returns all of them once all are decided
   */
  async look(load: () => Promise<CommitmentItem[]>): Promise<readonly CommitmentItem[] | undefined> {
    this.#items ??= await load();
    const isOverdue = Date.now() >= this.head.dueAtMs;
    const startedAtMs = Date.now();
    if (isOverdue || startedAtMs >= this.#lookAtMs) {
      this.close();
      this.#changed.clear();
      await this.#decide(this.#items.filter(isUndecided), isOverdue);
      const tookMs = Date.now() - startedAtMs;
      this.#lookAtMs = startedAtMs + Math.max(this.#timing.lookEveryMs, tookMs / LOOKING_SHARE);
      const graceEndsAtMs = this.head.askedAtMs + this.#timing.graceMs;
      if (graceEndsAtMs > startedAtMs) this.#lookAtMs = Math.min(this.#lookAtMs, graceEndsAtMs);
    } else if (this.#changed.size > 0) {
      const items = [...this.#changed].flatMap((entryId) => [...(this.#awaited.get(entryId) ?? [])]);
      for (const entryId of this.#changed) {
        this.#awaited.delete(entryId);
        this.#watch.remove(entryId, this);
      }
      this.#changed.clear();
      await this.#decide(items, isOverdue);
    }
    return this.#items.some(isUndecided) ? undefined : this.#items;
  }

  async #decide(items: readonly CommitmentItem[], isOverdue: boolean): Promise<void> {
    const changedSince = this.#watch.record(); // What is read of these may be older.
    try {
      for (let at = 0; at < items.length; at += QUERIES) {
        await Promise.all(items.slice(at, at + QUERIES).map((item) => this.#decideOne(item, isOverdue)));
      }
    } finally {
      for (const entryId of changedSince()) this.entryChanged(entryId);
    }
  }

  async #decideOne(item: CommitmentItem, isOverdue: boolean): Promise<void> {
    const { sopInstanceUid } = item;
    const entries = await this.#spool.query({ sopInstanceUid, limit: ENTRIES_MAX });
    const entry = entryFor(this.head.source, entries);
    const isInGrace = Date.now() < this.head.askedAtMs + this.#timing.graceMs;
    if (entry === undefined && isInGrace && !isOverdue) return; // Looked at again when the grace is over.
    const verdict = verdictOn(item.sopClassUid, entry);
    if (verdict.decided) item.failureReason = verdict.failureReason ?? 0;
    else if (isOverdue) item.failureReason = overdueReason(verdict);
    else if (entry !== undefined) {
      const waiting = this.#awaited.get(entry.entryId);
      if (waiting) waiting.add(item);
      else this.#awaited.set(entry.entryId, new Set([item]));
      this.#watch.add(entry.entryId, this);
    }
  }
}

function isUndecided({ failureReason }: CommitmentItem): boolean {
  return failureReason === undefined;
}
