/**
 * Suspends sending to a destination that is in trouble. Only several *different* instances failing in a row
 * open it: one poison instance does not. While it is open nothing is claimed and nothing counts.
 */
import type { Interval } from '../schedule/intervals.ts';
import { backOffMs, probePace } from './retry-policy.ts';
import type { RetrySettings } from './retry-settings.ts';

/** `half-open`: one instance at a time, until the first is taken. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How the destination is asked whether it is well again. After A7xx only another instance can tell. */
export type Probe = 'echo' | 'instance';

/** Intervals kept in full; older ones are joined, and the time between them then counts as suspended too. */
const INTERVALS_MAX = 256;

interface BreakerDeps {
  now(): number;
  /** Monotonic: an outage is no longer because somebody sets the clock. */
  elapsed(): number;
  random(): number;
}

export class Breaker {
  readonly #settings: RetrySettings;
  readonly #deps: BreakerDeps;
  #state: BreakerState = 'closed';
  /** Entries that failed since the destination last took something. */
  readonly #failing = new Set<number>();
  #failuresInRow = 0;
  #openings = 0;
  #openedAtMs = 0;
  #openedAtElapsedMs = 0;
  #probe: Probe = 'echo';
  #probeAtMs = 0;
  #lastTaken: { readonly entryId: number; readonly atMs: number } | undefined;
  #lastTakenBefore: { readonly entryId: number; readonly atMs: number } | undefined;
  readonly #suspensions: Interval[] = [];

  constructor(settings: RetrySettings, deps: BreakerDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get probe(): Probe {
    return this.#probe;
  }

  /** When the next probe is due, while it is open. */
  get probeAtMs(): number {
    return this.#probeAtMs;
  }

  get failuresInRow(): number {
    return this.#failuresInRow;
  }

  /** Instances that failed since the destination last took something. */
  get failing(): ReadonlySet<number> {
    return this.#failing;
  }

  /** The destination took an instance: whatever was wrong is over. */
  taken(entryId: number): void {
    if (this.#lastTaken?.entryId !== entryId) this.#lastTakenBefore = this.#lastTaken;
    this.#lastTaken = { entryId, atMs: this.#deps.now() };
    this.#failing.clear();
    this.#failuresInRow = 0;
    this.#openings = 0;
    this.#close();
  }

  /** The destination answered, though it refused the instance: it is there. */
  answered(): void {
    if (this.#state === 'half-open') this.#close();
  }

  /** An instance failed for a reason that may be the destination's. */
  failed(entryId: number, probe: Probe): void {
    this.#failing.add(entryId);
    this.#failuresInRow += 1;
    if (this.#state === 'open') return; // It was on its way when the breaker opened.
    if (this.#state === 'half-open' || this.#failing.size >= this.#settings.breaker_after) this.#open(probe);
  }

  /** A probe did not get through. */
  probeFailed(): void {
    if (this.#state === 'open') this.#open(this.#probe);
  }

  /** One instance may try. */
  letOneTry(): void {
    if (this.#state === 'open') this.#state = 'half-open';
  }

  /** The destination took another instance than this one since `sinceMs`, and failed none but this one since. */
  othersPass(entryId: number, sinceMs: number): boolean {
    const other = this.#lastTaken?.entryId === entryId ? this.#lastTakenBefore : this.#lastTaken;
    return other !== undefined && other.atMs >= sinceMs && !this.othersFail(entryId);
  }

  /** Another instance failed since the destination last took something, or sending is suspended. */
  othersFail(entryId: number): boolean {
    return this.#state !== 'closed' || this.#failing.size > (this.#failing.has(entryId) ? 1 : 0);
  }

  /** How long sending has been suspended; 0 when it is not. */
  get suspendedForMs(): number {
    return this.#state === 'closed' ? 0 : this.#deps.elapsed() - this.#openedAtElapsedMs;
  }

  /** When sending was suspended, as far as is remembered: to now, while it is. */
  get suspensions(): readonly Interval[] {
    const now = { fromMs: this.#openedAtMs, toMs: this.#deps.now() };
    return this.#state === 'closed' ? this.#suspensions : [...this.#suspensions, now];
  }

  #open(probe: Probe): void {
    const pace = { ...probePace(this.#settings), jitter: this.#settings.jitter };
    const now = this.#deps.now();
    if (this.#state === 'closed') {
      this.#openedAtMs = now;
      this.#openedAtElapsedMs = this.#deps.elapsed();
    }
    this.#state = 'open';
    this.#probe = probe;
    this.#probeAtMs = now + backOffMs(pace, this.#openings, this.#deps.random());
    this.#openings += 1;
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#suspensions.push({ fromMs: this.#openedAtMs, toMs: this.#deps.now() });
    if (this.#suspensions.length > INTERVALS_MAX) {
      const [oldest, next] = this.#suspensions.splice(0, 2);
      this.#suspensions.unshift({ fromMs: oldest!.fromMs, toMs: next!.toMs });
    }
    // What failed before is over; the length of the next wait is not, until something has been taken.
    this.#failing.clear();
  }
}
