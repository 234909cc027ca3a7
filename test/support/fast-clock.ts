import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';
import type { Claim, Failure, Spool } from '../../src/spool/spool.ts';

/** A clock that runs so many times faster than that of the machine, for what happens in days, on real sockets. */
export class FastClock implements Clock {
  readonly #factor: number;
  readonly #startedAtMs = Date.now();
  readonly #started = performance.now();

  constructor(factor: number) {
    this.#factor = factor;
  }

  now(): number {
    return this.#startedAtMs + this.elapsed();
  }

  elapsed(): number {
    return (performance.now() - this.#started) * this.#factor;
  }

  async sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    try {
      await delay(Math.max(0, durationMs) / this.#factor, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A moment of this clock on that of the machine, and the other way round. */
  toReal(atMs: number): number {
    return Date.now() + (atMs - this.now()) / this.#factor;
  }

  fromReal(atMs: number): number {
    return this.now() + (atMs - Date.now()) * this.#factor;
  }
}

/** A spool as somebody sees it who lives by the fast clock: moments that go in and come out are of that clock. */
export function spoolOnClock(spool: Spool, clock: FastClock): Spool {
  const claimed = (claim: Claim): Claim => ({
    ...claim,
    createdAtMs: clock.fromReal(claim.createdAtMs),
    ...(claim.firstAttemptAtMs !== undefined && { firstAttemptAtMs: clock.fromReal(claim.firstAttemptAtMs) }),
  });
  const failed = (failure: Failure): Failure => ({
    ...failure,
    ...(failure.retryAtMs !== undefined && { retryAtMs: Math.ceil(clock.toReal(failure.retryAtMs)) }),
  });
  const own: Partial<Spool> = {
    claim: async (request, signal) => (await spool.claim(request, signal)).map(claimed),
    fail: (failures) => spool.fail(failures.map(failed)),
  };
  return new Proxy(spool, {
    get(target, name) {
      const value = own[name as keyof Spool] ?? target[name as keyof Spool];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
