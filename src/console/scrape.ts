/** Gauges of what lies in the spool: read when Prometheus asks, so that they are never older than the answer. */
import { partsOfKind, type SpoolStatus } from '../spool/spool.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ConsolePorts } from './ports.ts';

/** The spool is one volume; the label leaves room for more. */
const VOLUME = 'spool';

/** Everything in Prometheus' text format. */
export async function scrape({
  spool,
  telemetry,
  lanes,
}: Pick<ConsolePorts, 'spool' | 'telemetry' | 'lanes'>): Promise<string> {
  const { metrics } = telemetry;
  collectGauges(
    metrics,
    await spool.status(),
    lanes().map(({ destination }) => destination),
  );
  return metrics.registry.metrics();
}

function collectGauges(metrics: Metrics, status: SpoolStatus, destinations: readonly string[]): void {
  for (const [state, count] of Object.entries(status.states)) {
    metrics.entries.set({ origin: 'received', state }, count);
  }
  for (const [state, count] of Object.entries(status.producedStates)) {
    metrics.entries.set({ origin: 'converted', state }, count);
  }
  metrics.storageFreeBytes.set({ volume: VOLUME }, status.freeBytes);
  metrics.storageUsedBytes.set({ volume: VOLUME }, status.usedBytes);
  metrics.refusingInput.set({ volume: VOLUME }, status.refusing ? 1 : 0);
  collectTasks(metrics, status, destinations);
}

/** States and destinations with nothing to do are 0 rather than missing, so that alerts can compare. */
function collectTasks(metrics: Metrics, { tasks }: SpoolStatus, destinations: readonly string[]): void {
  metrics.tasks.reset();
  metrics.deliveryItems.reset();
  metrics.deliveryOldestPending.reset();
  for (const state of ['waiting', 'claimed', 'held']) {
    for (const stage of ['rules', 'conversion', 'delivery', 'commitment'])
      metrics.tasks.set({ stage, state }, 0);
    for (const destination of destinations) metrics.deliveryItems.set({ destination, state }, 0);
  }
  const oldest = new Map(destinations.map((destination) => [destination, 0]));
  for (const { kind, state, count, oldestAtMs } of tasks) {
    const { stage, destination } = partsOfKind(kind);
    metrics.tasks.inc({ stage, state }, count);
    if (destination === undefined) continue;
    if (stage === 'commitment') {
      // Taken, and not done with: what is held there is a dead letter like any other.
      const itemState = state === 'held' ? state : 'awaiting-commitment';
      metrics.deliveryItems.inc({ destination, state: itemState }, count);
      continue;
    }
    metrics.deliveryItems.inc({ destination, state }, count);
    if (state === 'held' || count === 0) continue;
    const before = oldest.get(destination) || Number.POSITIVE_INFINITY;
    oldest.set(destination, Math.min(before, oldestAtMs));
  }
  for (const [destination, atMs] of oldest) {
    metrics.deliveryOldestPending.set({ destination }, atMs / 1000);
  }
}
