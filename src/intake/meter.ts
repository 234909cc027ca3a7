/**
 * Holds events to a rate: the generic cell rate algorithm, which is a bucket of tokens in one number. Pure: the
 * time comes in.
 */
export class Meter {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  /** When the events taken so far would be over at the rate. */
  #paidUntilMs = Number.NEGATIVE_INFINITY;

  /**
   * @param intervalMs between two events in the long run
   * @param burst events that may come at once after a rest, 1 at least
   */
  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs;
    this.#burstMs = intervalMs * (Math.max(1, burst) - 1);
  }

  /** How long the next event would have to wait. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#paidUntilMs - this.#burstMs - nowMs);
  }

  /** Takes an event, and tells how long it has to wait. */
  take(nowMs: number): number {
    const waitMs = this.waitMs(nowMs);
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + this.#intervalMs;
    return waitMs;
  }
}
