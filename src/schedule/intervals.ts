/** A stretch of time, from the first moment to the one after the last. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How much of the time since `sinceMs` the intervals cover together: what two of them share counts once. */
export function coveredMs(intervals: readonly Interval[], sinceMs: number): number {
  let coveredToMs = sinceMs;
  let sumMs = 0;
  for (const { fromMs, toMs } of intervals.toSorted((a, b) => a.fromMs - b.fromMs)) {
    sumMs += Math.max(0, toMs - Math.max(fromMs, coveredToMs));
    coveredToMs = Math.max(coveredToMs, toMs);
  }
  return sumMs;
}
