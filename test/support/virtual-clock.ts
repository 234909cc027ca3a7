import type { Clock } from '../../src/clock.ts';

interface Timer {
  readonly dueAtMs: number;
  readonly fire: () => void;
}

/** A clock that moves only when told, and lets everything that a moment sets off happen before the next. */
export class VirtualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = { dueAtMs: this.#nowMs + Math.max(0, durationMs), fire: resolve };
    this.#timers.add(timer);
    signal.addEventListener('abort', () => {
      this.#timers.delete(timer);
      resolve();
    });
    return promise;
  }

  /** Moves on, from timer to timer. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await settled();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueAtMs);
      this.#timers.delete(next);
      next.fire();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueAtMs }) => dueAtMs <= untilMs);
    return due.toSorted((a, b) => a.dueAtMs - b.dueAtMs)[0];
  }
}

/** What does not wait for time or the world has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
