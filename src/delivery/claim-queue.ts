/**
 * The next things to deliver: claimed in batches, the first of them made ready before their turn, so that a
 * slot never waits for the spool between two sends.
 *
 * What belongs together, a *set*, goes through one slot, in the order of its claims and back to back. The more
 * urgent goes first, though a set of the same slot is under way.
 */
import type { Claim } from '../spool/spool.ts';
import { HEAD_BYTES_MAX } from './part10-source.ts';

export interface ClaimQueueOptions<Ready> {
  /** Waits for at least one claim; resolves without any when `signal` aborts. */
  claim(limit: number, signal: AbortSignal): Promise<readonly Claim[]>;
  /** Makes a claim ready to be sent. */
  prepare(claim: Claim): Promise<Ready>;
  /** The set that a claim belongs to, if any. */
  setOf(claim: Claim): string | undefined;
  /** Higher first. */
  priorityOf(claim: Claim): number;
  /**
   * How long a slot that has come to the end of its set waits for the spool to give more of it, before it takes
   * another; absent: not at all.
   */
  patience?(): Promise<void>;
  /** Claims asked for at a time, at most. */
  readonly batchMax: number;
  /** What is made ready ahead of its turn, at most. */
  readonly aheadMax: number;
  readonly signal: AbortSignal;
}

/** What is claimed and not yet sent holds up whatever is more urgent: no more of it than this, once sizes are known. */
const CLAIMED_BYTES = 64 * 1024 * 1024;
/** Beginnings in memory ahead of their turn. */
const AHEAD_BYTES = 8 * 1024 * 1024;
/** What so many have gone before goes first: the spool gave it out since it has waited long, and may give no other. */
const PASSED_MAX = 128;
/** The first batch, while nothing is known of sizes. */
const FIRST_BATCH = 16;

/** A claim whose turn has come. */
export interface Next<Ready> {
  readonly claim: Claim;
  readonly ready: Promise<Ready>;
}

interface Waiting<Ready> {
  readonly claim: Claim;
  readonly set: string | undefined;
  readonly priority: number;
  /** How many that are more urgent were put before it. */
  passed: number;
  ready?: Promise<Ready>;
}

interface Taker<Ready> {
  readonly slot: number;
  readonly give: (next: Next<Ready> | undefined) => void;
}

export class ClaimQueue<Ready> {
  readonly #options: ClaimQueueOptions<Ready>;
  #waiting: Waiting<Ready>[] = [];
  readonly #takers: Taker<Ready>[] = [];
  /** The set that each slot is sending. */
  readonly #setOfSlot = new Map<number, string>();
  #claiming: Promise<void> | undefined;
  /** Of the claims of late. */
  #meanBytes = CLAIMED_BYTES / FIRST_BATCH;
  /** The last answer was as long as it could be. */
  #spoolHadMore = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ClaimQueueOptions<Ready>) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#dismissTakers(), { once: true });
  }

  /**
   * Waits for the next claim of a slot. What the slot took before must be settled: its set may then go on.
   *
   * @returns undefined once the signal has aborted
   * @throws what `claim` threw
   */
  take(slot: number): Promise<Next<Ready> | undefined> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#options.signal.aborted) return Promise.resolve(undefined);
    const awaitsMore = this.#awaitsMore(slot);
    const next = awaitsMore ? undefined : this.#pick(slot);
    if (next) {
      this.#claimMore();
      return Promise.resolve(next);
    }
    if (!awaitsMore) this.#setOfSlot.delete(slot);
    const { promise, resolve } = Promise.withResolvers<Next<Ready> | undefined>();
    this.#takers.push({ slot, give: resolve });
    this.#claimMore();
    if (awaitsMore) void this.#options.patience?.().then(() => this.#giveToTakers());
    return promise.then((given) => {
      if (this.#failure) throw this.#failure.error;
      return given;
    });
  }

  /** Takes what waits of a set out of the queue. The caller lets go of it, and of what was made ready. */
  dropSet(set: string): readonly (Claim | Next<Ready>)[] {
    const dropped = this.#waiting.filter((waiting) => waiting.set === set);
    this.#waiting = this.#waiting.filter((waiting) => !dropped.includes(waiting));
    return dropped.map(leftOf);
  }

  /** Empties the queue, after the signal has aborted. The caller lets go of what was made ready. */
  async drain(): Promise<readonly (Claim | Next<Ready>)[]> {
    await this.#claiming;
    const left = this.#waiting;
    this.#waiting = [];
    return left.map(leftOf);
  }

  /** One claim request at a time, when less than half a batch is left or a slot has nothing to do. */
  #claimMore(): void {
    const { batchMax, signal } = this.#options;
    const batch = Math.min(batchMax, Math.max(4, Math.floor(CLAIMED_BYTES / this.#meanBytes)));
    const starving = this.#takers.length > 0 && this.#waiting.length < 4 * batch;
    if (this.#claiming || signal.aborted || (this.#waiting.length > batch / 2 && !starving)) return;
    this.#claiming = this.#options
      .claim(batch, signal)
      .then((claims) => {
        this.#spoolHadMore = claims.length >= batch;
        this.#admit(claims);
      })
      .catch((error: unknown) => {
        this.#failure = { error };
        this.#dismissTakers();
      });
  }

  #admit(claims: readonly Claim[]): void {
    this.#claiming = undefined;
    for (const claim of claims) {
      this.#insert(claim);
      this.#meanBytes += (claim.entry.sizeBytes - this.#meanBytes) / 8;
    }
    if (this.#options.signal.aborted) return;
    this.#giveToTakers();
    this.#prepareAhead();
    if (claims.length > 0) this.#claimMore();
    else if (this.#takers.length > 0) setImmediate(() => this.#claimMore());
  }

  /** The slot that became free last goes first: its association is warm. */
  #giveToTakers(): void {
    for (const taker of this.#takers.splice(0).reverse()) {
      const next = this.#pick(taker.slot);
      if (next) taker.give(next);
      else this.#takers.unshift(taker);
    }
  }

  /** Its set has come to an end here, but perhaps not in the spool, which had more to give when it was last asked. */
  #awaitsMore(slot: number): boolean {
    const own = this.#setOfSlot.get(slot);
    const isPatient = this.#options.patience !== undefined && this.#spoolHadMore;
    return isPatient && own !== undefined && !this.#waiting.some(({ set }) => set === own);
  }

  /** Behind everything that is as urgent, or has been passed often enough, and behind all of its set. */
  #insert(claim: Claim): void {
    const { setOf, priorityOf } = this.#options;
    const set = setOf(claim);
    const priority = priorityOf(claim);
    const index = this.#waiting.findLastIndex(
      (other) =>
        other.priority >= priority || other.passed >= PASSED_MAX || (set !== undefined && other.set === set),
    );
    for (const other of this.#waiting.slice(index + 1)) other.passed += 1;
    this.#waiting.splice(index + 1, 0, { claim, set, priority, passed: 0 });
  }

  #pick(slot: number): Next<Ready> | undefined {
    const index = this.#indexFor(slot);
    const picked = this.#waiting[index];
    if (!picked) return undefined;
    this.#waiting.splice(index, 1);
    const { set } = picked;
    if (set === undefined) this.#setOfSlot.delete(slot);
    else this.#setOfSlot.set(slot, set);
    const next = { claim: picked.claim, ready: this.#prepared(picked) };
    this.#prepareAhead();
    return next;
  }

  /**
   * The first claim whose set no other slot is sending; but a slot goes on with its set before it takes others that
   * are not more urgent.
   */
  #indexFor(slot: number): number {
    const own = this.#setOfSlot.get(slot);
    const taken = new Set(this.#setOfSlot.values());
    const first = this.#waiting.findIndex(({ set }) => set === undefined || set === own || !taken.has(set));
    if (own === undefined || first < 0) return first;
    const continued = this.#waiting.findIndex(({ set }) => set === own);
    const isMoreUrgent = this.#waiting[first]!.priority > (this.#waiting[continued]?.priority ?? -Infinity);
    return isMoreUrgent ? first : continued;
  }

  #prepareAhead(): void {
    let bytes = 0;
    for (const waiting of this.#waiting.slice(0, this.#options.aheadMax)) {
      bytes += Math.min(waiting.claim.entry.sizeBytes, HEAD_BYTES_MAX);
      if (bytes > AHEAD_BYTES) return;
      void this.#prepared(waiting);
    }
  }

  #prepared(waiting: Waiting<Ready>): Promise<Ready> {
    if (!waiting.ready) {
      waiting.ready = this.#options.prepare(waiting.claim);
      waiting.ready.catch(() => {}); // Reported to the slot that takes it.
    }
    return waiting.ready;
  }

  #dismissTakers(): void {
    for (const taker of this.#takers.splice(0)) taker.give(undefined);
  }
}

function leftOf<Ready>({ claim, ready }: Waiting<Ready>): Claim | Next<Ready> {
  return ready ? { claim, ready } : claim;
}
