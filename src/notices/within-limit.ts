import { systemClock } from '../clock.ts';

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
