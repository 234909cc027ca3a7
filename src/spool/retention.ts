import { retentionFailed, retentionRan } from '../telemetry/events.ts';
import { spaceFreedEarly } from '../telemetry/spool-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Spool } from './port.ts';
import { reasonOf } from './wire-error.ts';

/** How long what has been settled is kept. */
export interface RetentionOptions {
  readonly keepDeliveredMs: number;
  readonly keepSourcesMs: number;
  readonly keepHeadersMs: number;
  readonly keepLedgerMs: number;
  /** Bytes of settled entries go early while less than this is free. */
  readonly keepFreeBytes: number;
}

const INTERVAL_MS = 60_000;
/** Entries per call; a call that finds as many is followed by another. */
const ENTRIES_PER_CALL = 5000;

/** Removes what has been kept long enough: every minute, and when space becomes short. */
export class Retention {
  readonly #spool: Pick<Spool, 'purge'>;
  readonly #options: RetentionOptions;
  readonly #telemetry: Telemetry;
  readonly #signal: AbortSignal;
  #isRunning = false;
  /** There is nothing left to remove, however little is free: until the next minute, asking again is of no use. */
  #isExhausted = false;

  /** Runs until `signal` aborts. */
  constructor(
    spool: Pick<Spool, 'purge'>,
    options: RetentionOptions,
    { telemetry, signal }: { telemetry: Telemetry; signal: AbortSignal },
  ) {
    this.#spool = spool;
    this.#options = options;
    this.#telemetry = telemetry;
    this.#signal = signal;
    const timer = setInterval(() => {
      this.#isExhausted = false;
      void this.#run((entries) => retentionRan(telemetry, { entries }));
    }, INTERVAL_MS).unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  /** Free space has been seen to be less than is wanted. */
  async spaceIsShort(freeBytes: number): Promise<void> {
    if (this.#isExhausted) return;
    const entries = await this.#run((removed) =>
      spaceFreedEarly(this.#telemetry, {
        entries: removed,
        freeBytes,
        wantedBytes: this.#options.keepFreeBytes,
      }),
    );
    if (entries === 0) this.#isExhausted = true;
  }

  async #run(tell: (entries: number) => void): Promise<number | undefined> {
    if (this.#isRunning || this.#signal.aborted) return undefined;
    this.#isRunning = true;
    try {
      const entries = await runRetention(this.#spool, this.#options);
      if (entries > 0) tell(entries);
      return entries;
    } catch (error) {
      if (!this.#signal.aborted) retentionFailed(this.#telemetry, { reason: reasonOf(error) });
      return undefined;
    } finally {
      this.#isRunning = false;
    }
  }
}

/** Removes all that is due by now. Returns how many entries have lost something. */
export async function runRetention(
  spool: Pick<Spool, 'purge'>,
  options: RetentionOptions,
  nowMs = Date.now(),
): Promise<number> {
  let entries = 0;
  for (;;) {
    const purged = await spool.purge({
      settledBeforeMs: nowMs - options.keepDeliveredMs,
      sourcesSettledBeforeMs: nowMs - options.keepSourcesMs,
      headersSettledBeforeMs: nowMs - options.keepHeadersMs,
      ledgerSettledBeforeMs: nowMs - options.keepLedgerMs,
      freeBytesWanted: options.keepFreeBytes,
      limit: ENTRIES_PER_CALL,
    });
    entries += purged;
    if (purged < ENTRIES_PER_CALL) return entries;
  }
}
