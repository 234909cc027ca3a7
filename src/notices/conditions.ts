/** What lasts until it is over: which of it holds now, by the facts. Pure. */
import type { Facts } from './facts.ts';
import type { LastingReason } from './notice.ts';
import type { WatchedSource } from './watched-source.ts';

/** One thing that may hold. `unknown`: as it was before. */
export interface Reading {
  readonly reason: LastingReason;
  readonly subject: string;
  readonly holds: boolean | 'unknown';
  /** Absent: since it was first seen. */
  readonly sinceMs?: number;
  readonly count?: number;
}

/** What a reading has to last before anybody is told; as the alerts of Grafana have it. */
export const TOLD_AFTER_MS: Readonly<Record<LastingReason, number>> = {
  'destination-down': 10 * 60_000,
  'source-silent': 0, // Its own time has passed by then.
  'refusing-input': 60_000,
  unhealthy: 60_000,
  'certificate-expiring': 0,
};
const CERTIFICATE_LEFT_MS = 21 * 24 * 3_600_000;

/**
 * @param lastSeenMs by source, over restarts
 * @param silentSinceMs of the sources that have been told to be silent
 */
export function readConditions(
  facts: Facts,
  sources: readonly WatchedSource[],
  lastSeenMs: Readonly<Record<string, number>>,
  silentSinceMs: (source: string) => number | undefined,
): readonly Reading[] {
  return [
    ...spoolReadings(facts),
    ...destinationReadings(facts),
    ...sources.map((source) =>
      sourceReading(source, {
        nowMs: facts.nowMs,
        lastMs: lastSeenMs[source.name] ?? facts.nowMs,
        silentSinceMs: silentSinceMs(source.name),
      }),
    ),
    ...Object.entries(facts.inputs).map(
      ([name, works]): Reading => ({ reason: 'unhealthy', subject: `input ${name}`, holds: !works }),
    ),
    ...facts.certificates.map(
      ({ name, endsAtMs }): Reading => ({
        reason: 'certificate-expiring',
        subject: name,
        holds: endsAtMs - facts.nowMs < CERTIFICATE_LEFT_MS,
      }),
    ),
  ];
}

function spoolReadings({ spool }: Facts): readonly Reading[] {
  return [
    { reason: 'unhealthy', subject: 'spool', holds: spool?.healthy !== true },
    { reason: 'refusing-input', subject: 'spool', holds: spool === undefined ? 'unknown' : spool.refusing },
  ];
}

function destinationReadings({ spool, destinations }: Facts): readonly Reading[] {
  return Object.entries(destinations).map(([subject, contact]): Reading => {
    const count = spool?.waiting[subject] ?? 0;
    const holdsNow = contact === 'down' && count > 0;
    // A destination that nothing waits for may stay down; it is well again only once it has been reached.
    return {
      reason: 'destination-down',
      subject,
      count,
      holds: holdsNow || (contact === 'up' ? false : 'unknown'),
    };
  });
}

function sourceReading(
  { name, silentAfterMs, workingSinceMs }: WatchedSource,
  at: { readonly nowMs: number; readonly lastMs: number; readonly silentSinceMs: number | undefined },
): Reading {
  const { nowMs, lastMs, silentSinceMs } = at;
  const reading = { reason: 'source-silent', subject: name, sinceMs: lastMs } as const;
  if (silentSinceMs !== undefined && lastMs > silentSinceMs) return { ...reading, holds: false };
  const workingMs = workingSinceMs(nowMs);
  const isSilent = workingMs !== undefined && nowMs - Math.max(lastMs, workingMs) >= silentAfterMs;
  return { ...reading, holds: isSilent || 'unknown' };
}
