/**
 * # Events
 *
 * One function per thing that can happen: it counts and it logs, so that log and metric cannot disagree.
 * Labels are closed sets or names of the configuration; log fields never hold a patient's data.
 */
import type { Telemetry } from './telemetry.ts';

/** The gateway is up: everything accepts work. */
export function gatewayStarted(telemetry: Telemetry, event: { version: string; inputs: number }): void {
  telemetry.metrics.buildInfo.set({ version: event.version }, 1);
  telemetry.log.info(event, 'Gateway started.');
}

/** The gateway has drained and stopped. */
export function gatewayStopped(telemetry: Telemetry, event: { reason: string }): void {
  telemetry.log.info(event, 'Gateway stopped.');
}

/** A destination took an instance. Emitted once per entry and destination. */
export function deliveryTaken(
  telemetry: Telemetry,
  event: {
    destination: string;
    entryId: number;
    attempt: number;
    outcome: 'delivered' | 'warning' | 'duplicate';
    status: string;
    sizeBytes: number;
    durationMs: number;
    latencyMs: number;
  },
): void {
  const { destination, outcome, status } = event;
  telemetry.metrics.deliveriesTotal.inc({ destination, outcome, status });
  telemetry.metrics.sentBytesTotal.inc({ destination }, event.sizeBytes);
  telemetry.metrics.sendDurationSeconds.observe({ destination }, event.durationMs / 1000);
  telemetry.metrics.deliveryLatencySeconds.observe({ destination }, event.latencyMs / 1000);
  telemetry.metrics.destinationUp.set({ destination }, 1);
  if (outcome === 'delivered') telemetry.log.debug(event, 'Destination took an instance.');
  else telemetry.log.warn(event, 'Destination took an instance with a warning.');
}

/** A destination did not take an instance. Emitted once per attempt, whatever the disposition. */
export function deliveryFailed(
  telemetry: Telemetry,
  event: {
    destination: string;
    entryId: number;
    attempt: number;
    code: string;
    disposition: string;
    status: string;
    reason: string;
  },
): void {
  const { destination, disposition, status } = event;
  telemetry.metrics.deliveriesTotal.inc({ destination, outcome: disposition, status });
  if (disposition === 'hold') telemetry.metrics.heldTotal.inc({ stage: 'delivery', code: event.code });
  telemetry.log.warn(event, 'Delivery failed.');
}
