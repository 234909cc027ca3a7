import { setTimeout as delay } from 'node:timers/promises';

/** Time as the notices see it; a test brings its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Ends early, without error, on `signal`. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: Date.now,
  async sleep(durationMs, signal) {
    try {
      await delay(Math.max(0, durationMs), undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};

/** What `work` comes to, or undefined when it takes longer than `limitMs` of real time, or fails. */
export async function withinLimit<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work, systemClock.sleep(limitMs, over.signal).then(() => undefined)]);
  } catch {
    return undefined;
  } finally {
    over.abort();
  }
}
