import { setTimeout as delay } from 'node:timers/promises';

/** Time as lanes and notices see it; a test brings its own. */
export interface Clock {
  /** Milliseconds since 1970, for due times that outlive the process. */
  now(): number;
  /** Milliseconds on the monotonic clock, for what is measured: nobody sets it. */
  elapsed(): number;
  /** Waits on the monotonic clock, so that no change of the wall clock shortens a back-off. Ends early, without error, on `signal`. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  async sleep(durationMs, signal) {
    try {
      await delay(Math.max(0, durationMs), undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
