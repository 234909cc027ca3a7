/**
 * The claims in hand: kept from lapsing while they are worked on, and settled in batches behind the sender's
 * back. Whatever the spool cannot write now is written later; until then the claim stays ours.
 */

import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type Claim, ClaimsLostError, type Completion, type Failure, type Spool } from '../spool/spool.ts';

/** How long a claim survives us, should we die without a word. */
export const LEASE_MS = 120_000;
const RENEW_EVERY_MS = LEASE_MS / 4;
/** Settlements that may wait for the spool before senders wait too. */
const BACKLOG_MAX = 1000;
const TRY_AGAIN_MS = 1000;

interface Settlement<T> {
  readonly what: T;
  readonly claim: Claim;
  readonly then?: () => void;
}

export class Settlements {
  readonly #spool: Pick<Spool, 'complete' | 'fail' | 'release' | 'renew' | 'defer'>;
  readonly #clock: Clock;
  readonly #onTrouble: (error: unknown) => void;
  readonly #held = new Set<Claim>();
  readonly #closing = new AbortController();
  #completions: Settlement<Completion>[] = [];
  #failures: Settlement<Failure>[] = [];
  #releases: Settlement<Claim>[] = [];
  #writing: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;

  constructor(deps: {
    spool: Pick<Spool, 'complete' | 'fail' | 'release' | 'renew' | 'defer'>;
    clock: Clock;
    onTrouble: (error: unknown) => void;
  }) {
    this.#spool = deps.spool;
    this.#clock = deps.clock;
    this.#onTrouble = deps.onTrouble;
  }

  /** Takes charge of fresh claims. */
  hold(claims: readonly Claim[]): void {
    for (const claim of claims) this.#held.add(claim);
    if (claims.length > 0) this.#renewing ??= this.#keepRenewing();
  }

  /** @param then called once the spool has it */
  complete(completion: Completion, then: () => void): void {
    this.#completions.push({ what: completion, claim: completion.claim, then });
    this.#write();
  }

  /** @param then called once the spool has it */
  fail(failure: Failure, then: () => void): void {
    this.#failures.push({ what: failure, claim: failure.claim, then });
    this.#write();
  }

  /** An operator has stepped in: claims of these tasks are no longer ours. */
  lose(taskIds: readonly number[]): void {
    if (this.#held.size > 0) this.#forget(taskIds);
  }

  /** True once the spool has said that a claim is no longer ours: an operator stepped in. */
  isLost(claim: Claim): boolean {
    return !this.#held.has(claim);
  }

  release(claims: readonly Claim[]): void {
    if (claims.length === 0) return;
    this.#releases.push(...claims.map((claim) => ({ what: claim, claim })));
    this.#write();
  }

  /**
   * Puts claims off until a time.
   *
   * @throws {GatewayError} when the spool cannot write it; then they wait again as they did before
   */
  async defer(claims: readonly Claim[], dueAtMs: number): Promise<void> {
    try {
      await this.#spool.defer(claims, { dueAtMs });
      this.#forget(claims.map(({ taskId }) => taskId));
    } catch (error) {
      if (!(error instanceof ClaimsLostError)) {
        this.release(claims);
        throw error;
      }
      this.#forget(claims.map(({ taskId }) => taskId)); // The rest has been put off.
    }
  }

  /** Waits while so much is unwritten that more should not be sent. */
  async room(): Promise<void> {
    while (this.#writing && this.#backlog >= BACKLOG_MAX) await this.#writing;
  }

  /** Writes what is left; gives up on it when `signal` aborts, for the leases then lapse. */
  async close(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#closing.abort(), { once: true });
    while (this.#writing) await this.#writing;
    this.#closing.abort();
  }

  get #backlog(): number {
    return this.#completions.length + this.#failures.length + this.#releases.length;
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      // Something may have come after the last look and before this moment.
      if (this.#backlog > 0 && !this.#closing.signal.aborted) this.#write();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#backlog > 0 && !this.#closing.signal.aborted) {
      const completions = this.#completions.splice(0);
      const failures = this.#failures.splice(0);
      const releases = this.#releases.splice(0);
      this.#completions.unshift(...(await this.#attempt(completions, (all) => this.#spool.complete(all))));
      this.#failures.unshift(...(await this.#attempt(failures, (all) => this.#spool.fail(all))));
      this.#releases.unshift(...(await this.#attempt(releases, (all) => this.#spool.release(all))));
    }
  }

  /** @returns what could not be written and has to be tried again */
  async #attempt<T>(
    batch: readonly Settlement<T>[],
    write: (all: readonly T[]) => Promise<void>,
  ): Promise<readonly Settlement<T>[]> {
    if (batch.length === 0) return [];
    try {
      await write(batch.map(({ what }) => what));
    } catch (error) {
      this.#onTrouble(error);
      if (error instanceof ClaimsLostError) {
        this.#forget(error.taskIds); // The rest has been written.
      } else if (error instanceof GatewayError && error.disposition === 'hold') {
        if (batch.length > 1) return this.#attemptEach(batch, write);
        this.#forget([batch[0]!.claim.taskId]); // It would be refused for ever; its lease lapses.
      } else {
        await this.#clock.sleep(TRY_AGAIN_MS, this.#closing.signal);
        return batch;
      }
    }
    for (const { claim, then } of batch) if (this.#held.delete(claim)) then?.();
    return [];
  }

  /** One by one, so that what the spool refuses takes nothing else with it. */
  async #attemptEach<T>(
    batch: readonly Settlement<T>[],
    write: (all: readonly T[]) => Promise<void>,
  ): Promise<readonly Settlement<T>[]> {
    const left: Settlement<T>[] = [];
    for (const one of batch) left.push(...(await this.#attempt([one], write)));
    return left;
  }

  #forget(taskIds: readonly number[]): void {
    const lost = new Set(taskIds);
    for (const claim of this.#held) if (lost.has(claim.taskId)) this.#held.delete(claim);
  }

  async #keepRenewing(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await this.#clock.sleep(RENEW_EVERY_MS, signal);
      if (signal.aborted || this.#held.size === 0) break;
      try {
        await this.#spool.renew([...this.#held], LEASE_MS);
      } catch (error) {
        if (error instanceof ClaimsLostError) this.#forget(error.taskIds);
        else this.#onTrouble(error);
      }
    }
    this.#renewing = undefined;
  }
}
