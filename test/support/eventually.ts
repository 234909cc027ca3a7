import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for what nothing tells of: a file that goes, a socket that closes.
 *
 * @throws {Error} naming `what` when it has not come true within `limitMs`
 */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const until = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > until) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await delay(5);
  }
}
