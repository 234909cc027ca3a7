import type { FoundFile } from './folder-scan.ts';

interface Wait {
  readonly stamp: string;
  readonly untilMs: number;
  readonly failures: number;
  /** In which scan it was seen last. */
  scan: number;
}

const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 600_000;

/** Which files are left alone for the time being: those that may still be written, and those that could not be read. */
export class FileWaits {
  readonly #settleMs: number;
  readonly #waits = new Map<string, Wait>();
  #scan = 0;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  get size(): number {
    return this.#waits.size;
  }

  /**
   * Whether a file may be read now.
   *
   * @param nowMs monotonic: times of files are of another machine's clock
   */
  isReady({ name, stamp }: FoundFile, nowMs: number): boolean {
    let wait = this.#waits.get(name);
    if (wait?.stamp !== stamp) {
      wait = { stamp, untilMs: nowMs + this.#settleMs, failures: 0, scan: this.#scan };
      this.#waits.set(name, wait);
    }
    wait.scan = this.#scan;
    return nowMs >= wait.untilMs;
  }

  /**
   * Puts a file off, each time for longer.
   *
   * @returns how often that has happened since it changed
   */
  failed({ name, stamp }: FoundFile, nowMs: number): number {
    const wait = this.#waits.get(name);
    const failures = (wait?.stamp === stamp ? wait.failures : 0) + 1;
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    this.#waits.set(name, { stamp, untilMs: nowMs + delayMs, failures, scan: this.#scan });
    return failures;
  }

  /** The file is settled in every sense, or gone. */
  done({ name }: FoundFile): void {
    this.#waits.delete(name);
  }

  /** A scan has seen all there is: files that it has not seen are gone. */
  scanned(): void {
    for (const [name, wait] of this.#waits) if (wait.scan !== this.#scan) this.#waits.delete(name);
    this.#scan += 1;
  }
}
