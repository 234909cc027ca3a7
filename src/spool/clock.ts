const SKEW_MS_MAX = 1000;

/**
 * A clock in milliseconds since 1970 that no one can set: it starts at the wall clock and then follows the
 * monotonic one. Due times are kept on it, so that a back-off of ten minutes takes ten minutes.
 */
export class SteadyClock {
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  #offsetMs: number;

  constructor(wallMs: () => number = Date.now, monotonicMs: () => number = () => performance.now()) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    this.#offsetMs = wallMs() - monotonicMs();
  }

  nowMs(): number {
    return Math.round(this.#offsetMs + this.#monotonicMs());
  }

  wallMs(): number {
    return this.#wallMs();
  }

  /** A time somebody computed from the wall clock just now, on this clock. */
  fromWallMs(wallMs: number): number {
    return Math.round(wallMs - this.#wallMs() + this.nowMs());
  }

  /** How far the wall clock is ahead of this one; negative when behind. */
  get skewMs(): number {
    return Math.round(this.#wallMs() - this.nowMs());
  }

  /** True when the wall clock has been set, not just corrected. */
  get isSkewed(): boolean {
    return Math.abs(this.skewMs) > SKEW_MS_MAX;
  }

  /** Moves this clock by `skewMs`; whoever keeps due times on it moves them by the same. */
  shift(skewMs: number): void {
    this.#offsetMs += skewMs;
  }
}
