import { retentionFailed, retentionRan } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Spool } from './port.ts';
import { reasonOf } from './wire-error.ts';

/** How long what has been settled is kept. */
export interface RetentionOptions {
  readonly keepDeliveredMs: number;
  readonly keepSourcesMs: number;
  readonly keepHeadersMs: number;
  readonly keepLedgerMs: number;
}

const INTERVAL_MS = 60_000;
/** Entries per call; a call that finds as many is followed by another. */
const ENTRIES_PER_CALL = 5000;

/** Runs retention every minute until `signal` aborts. */
export function startRetention(
  spool: Pick<Spool, 'purge'>,
  options: RetentionOptions,
  { telemetry, signal }: { telemetry: Telemetry; signal: AbortSignal },
): void {
  let isRunning = false;
  const timer = setInterval(async () => {
    if (isRunning) return;
    isRunning = true;
    try {
      const entries = await runRetention(spool, options);
      if (entries > 0) retentionRan(telemetry, { entries });
    } catch (error) {
      if (!signal.aborted) retentionFailed(telemetry, { reason: reasonOf(error) });
    } finally {
      isRunning = false;
    }
  }, INTERVAL_MS).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
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
      limit: ENTRIES_PER_CALL,
    });
    entries += purged;
    if (purged < ENTRIES_PER_CALL) return entries;
  }
}
