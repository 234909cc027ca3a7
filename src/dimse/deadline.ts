/**
 * One time limit that is set again and again, on the monotonic clock.
 *
 * Setting it costs a clock reading: the timer behind it is left running and asks, when it fires, whether the
 * limit has moved. So a limit may be set for every PDU.
 */
export class Deadline {
  readonly #expired: () => void;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  get isRunning(): boolean {
    return this.#dueAtMs !== Number.POSITIVE_INFINITY;
  }

  start(withinMs: number): void {
    this.#dueAtMs = performance.now() + withinMs;
    if (this.#dueAtMs < this.#timerAtMs) this.#arm();
  }

  /** There is no limit until the next start. */
  stop(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }

  /** Lets go of the timer, for good. */
  close(): void {
    this.stop();
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = this.#dueAtMs;
    // Rounded up: a timer that fires early would only ask in vain.
    this.#timer = setTimeout(() => this.#fired(), Math.ceil(this.#dueAtMs - performance.now()));
  }

  #fired(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    if (!this.isRunning) return;
    if (performance.now() < this.#dueAtMs) this.#arm();
    else {
      this.stop();
      this.#expired();
    }
  }
}
