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

/** An operator retried, held or discarded tasks, from the console or the command line. */
export function operatorActed(
  telemetry: Telemetry,
  event: { action: 'retry' | 'hold' | 'discard'; count: number; by: string; destination?: string },
): void {
  telemetry.metrics.operatorActionsTotal.inc({ action: event.action }, event.count);
  telemetry.log.info(event, 'Operator acted on tasks.');
}

/** A request to the console could not be answered, through a fault of ours. */
export function requestFailed(
  telemetry: Telemetry,
  event: { method: string; path: string; code: string; error: unknown },
): void {
  const { error, ...facts } = event;
  telemetry.log.error({ ...facts, err: error }, 'Console could not answer.');
}

/** An association with a destination was opened. */
export function outgoingAssociationOpened(telemetry: Telemetry, event: { destination: string }): void {
  telemetry.metrics.associationsActive.inc({ direction: 'out', peer: event.destination });
  telemetry.metrics.destinationUp.set({ destination: event.destination }, 1);
  telemetry.log.debug(event, 'Association with a destination opened.');
}

/** An open association with a destination ended. */
export function outgoingAssociationEnded(
  telemetry: Telemetry,
  event: { destination: string; result: 'released' | 'aborted'; reason: string },
): void {
  const { destination, result, reason } = event;
  telemetry.metrics.associationsActive.dec({ direction: 'out', peer: destination });
  telemetry.metrics.associationsTotal.inc({ direction: 'out', peer: destination, result, reason });
  telemetry.log.debug(event, 'Association with a destination ended.');
}

/** No association with a destination could be opened. */
export function outgoingAssociationFailed(
  telemetry: Telemetry,
  event: { destination: string; code: string; reason: string },
): void {
  const { destination, code } = event;
  const result = code === 'ASSOCIATION_REJECTED' ? 'rejected' : 'failed';
  telemetry.metrics.associationsTotal.inc({ direction: 'out', peer: destination, result, reason: code });
  telemetry.metrics.destinationUp.set({ destination }, 0);
  telemetry.log.debug(event, 'Association with a destination could not be opened.');
}

/** A destination is ready for deliveries; nothing has been sent yet. */
export function laneOpened(
  telemetry: Telemetry,
  event: { destination: string; kind: string; slots: number },
): void {
  telemetry.metrics.breakerOpen.set({ destination: event.destination }, 0);
  telemetry.log.info(event, 'Lane opened.');
}

/** Tasks wait for a destination that the configuration does not have. */
export function laneBlocked(telemetry: Telemetry, event: { destination: string; tasks: number }): void {
  telemetry.log.warn(event, 'Deliveries wait for a destination that is not configured.');
}

/** Sending to a destination is suspended: several instances failed in a row. */
export function breakerOpened(
  telemetry: Telemetry,
  event: { destination: string; code: string; failuresInRow: number },
): void {
  telemetry.metrics.breakerOpen.set({ destination: event.destination }, 1);
  telemetry.metrics.destinationUp.set({ destination: event.destination }, 0);
  telemetry.log.warn(event, 'Sending to a destination is suspended.');
}

/** Sending to a destination goes on. */
export function breakerClosed(telemetry: Telemetry, event: { destination: string }): void {
  telemetry.metrics.breakerOpen.set({ destination: event.destination }, 0);
  telemetry.metrics.destinationUp.set({ destination: event.destination }, 1);
  telemetry.log.info(event, 'Sending to a destination goes on.');
}

/** A lane could not reach the spool, or came upon a fault of ours; it goes on. */
export function laneTroubled(telemetry: Telemetry, event: { destination: string; error: unknown }): void {
  telemetry.log.error({ destination: event.destination, err: event.error }, 'Lane is in trouble.');
}

/** What the lanes hold, as the spool counts it. */
export function lanesCounted(
  telemetry: Telemetry,
  lanes: readonly {
    destination: string;
    waiting: number;
    claimed: number;
    held: number;
    oldestWaitingAtMs?: number;
  }[],
): void {
  for (const { destination, waiting, claimed, held, oldestWaitingAtMs } of lanes) {
    for (const [state, count] of Object.entries({ waiting, claimed, held })) {
      telemetry.metrics.deliveryItems.set({ destination, state }, count);
    }
    telemetry.metrics.deliveryOldestPending.set({ destination }, (oldestWaitingAtMs ?? 0) / 1000);
  }
}
