/**
 * The next things to deliver: claimed in batches, the first of them made ready before their turn, so that a
 * slot never waits for the spool between two sends.
 *
 * The products of one conversion go through one slot, in the order of their claims: a set arrives in order.
 */
import type { Claim } from '../spool/spool.ts';
import { HEAD_BYTES_MAX } from './part10-source.ts';

export interface ClaimQueueOptions<Ready> {
  /** Waits for at least one claim; resolves without any when `signal` aborts. */
  claim(limit: number, signal: AbortSignal): Promise<readonly Claim[]>;
  /** Makes a claim ready to be sent. */
  prepare(claim: Claim): Promise<Ready>;
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
/** The first batch, while nothing is known of sizes. */
const FIRST_BATCH = 16;

/** A claim whose turn has come. */
export interface Next<Ready> {
  readonly claim: Claim;
  readonly ready: Promise<Ready>;
}

interface Waiting<Ready> {
  readonly claim: Claim;
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
  readonly #setOfSlot = new Map<number, number>();
  #claiming: Promise<void> | undefined;
  /** Of the claims of late. */
  #meanBytes = CLAIMED_BYTES / FIRST_BATCH;
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
    const next = this.#pick(slot);
    if (next) {
      this.#claimMore();
      return Promise.resolve(next);
    }
    this.#setOfSlot.delete(slot);
    const { promise, resolve } = Promise.withResolvers<Next<Ready> | undefined>();
    this.#takers.push({ slot, give: resolve });
    this.#claimMore();
    return promise.then((given) => {
      if (this.#failure) throw this.#failure.error;
      return given;
    });
  }

  /** Empties the queue, after the signal has aborted. The caller lets go of what was made ready. */
  async drain(): Promise<readonly (Claim | Next<Ready>)[]> {
    await this.#claiming;
    const left = this.#waiting;
    this.#waiting = [];
    return left.map(({ claim, ready }) => (ready ? { claim, ready } : claim));
  }

  /** One claim request at a time, when less than half a batch is left or a slot has nothing to do. */
  #claimMore(): void {
    const { batchMax, signal } = this.#options;
    const batch = Math.min(batchMax, Math.max(4, Math.floor(CLAIMED_BYTES / this.#meanBytes)));
    const starving = this.#takers.length > 0 && this.#waiting.length < 4 * batch;
    if (this.#claiming || signal.aborted || (this.#waiting.length > batch / 2 && !starving)) return;
    this.#claiming = this.#options
      .claim(batch, signal)
      .then((claims) => this.#admit(claims))
      .catch((error: unknown) => {
        this.#failure = { error };
        this.#dismissTakers();
      });
  }

  #admit(claims: readonly Claim[]): void {
    this.#claiming = undefined;
    for (const claim of claims) {
      this.#waiting.push({ claim });
      this.#meanBytes += (claim.entry.sizeBytes - this.#meanBytes) / 8;
    }
    if (this.#options.signal.aborted) return;
    // The slot that became free last goes first: its association is warm.
    for (const taker of this.#takers.splice(0).reverse()) {
      const next = this.#pick(taker.slot);
      if (next) taker.give(next);
      else this.#takers.unshift(taker);
    }
    this.#prepareAhead();
    if (claims.length > 0) this.#claimMore();
    else if (this.#takers.length > 0) setImmediate(() => this.#claimMore());
  }

  #pick(slot: number): Next<Ready> | undefined {
    const index = this.#indexFor(slot);
    const picked = this.#waiting[index];
    if (!picked) return undefined;
    this.#waiting.splice(index, 1);
    const set = setOf(picked.claim);
    if (set === undefined) this.#setOfSlot.delete(slot);
    else this.#setOfSlot.set(slot, set);
    const next = { claim: picked.claim, ready: this.#prepared(picked) };
    this.#prepareAhead();
    return next;
  }

  /** A slot goes on with its set; otherwise it takes the first claim whose set no other slot is sending. */
  #indexFor(slot: number): number {
    const own = this.#setOfSlot.get(slot);
    const continued = own === undefined ? -1 : this.#waiting.findIndex(({ claim }) => setOf(claim) === own);
    if (continued >= 0) return continued;
    const taken = new Set(this.#setOfSlot.values());
    return this.#waiting.findIndex(({ claim }) => {
      const set = setOf(claim);
      return set === undefined || set === own || !taken.has(set);
    });
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

/** Products of one conversion belong together. */
function setOf({ entry }: Claim): number | undefined {
  return entry.origin === 'converted' ? entry.parentEntryId : undefined;
}
