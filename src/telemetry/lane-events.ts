/** Events of the lanes beside those of single attempts, which are in events.ts. */
import type { Telemetry } from './telemetry.ts';

/** A delivery was tried for longer than its destination is given; it waits for an operator. */
export function deliveryGivenUp(
  telemetry: Telemetry,
  event: { destination: string; entryId: number; attempt: number; code: string },
): void {
  telemetry.metrics.gaveUpTotal.inc({ destination: event.destination });
  telemetry.log.error(event, 'Delivery was given up.');
}

/** An instance that would have been sent is on record as such. */
export function deliveryReported(
  telemetry: Telemetry,
  event: { destination: string; entryId: number },
): void {
  const { destination } = event;
  telemetry.metrics.deliveriesTotal.inc({ destination, outcome: 'reported', status: 'none' });
  telemetry.log.debug(event, 'Delivery was reported, and not sent.');
}

/** A delivery was settled without its destination, which had been down for long. */
export function deliverySkipped(telemetry: Telemetry, event: { destination: string; entryId: number }): void {
  telemetry.metrics.deliveriesSkippedTotal.inc({ destination: event.destination });
  telemetry.log.warn(event, 'Delivery was skipped as the destination is down.');
}

/** Another destination takes over a delivery, as its own had been down for long. */
export function deliveryFailedOver(
  telemetry: Telemetry,
  event: { destination: string; entryId: number; to: string },
): void {
  telemetry.metrics.deliveriesFailedOverTotal.inc({ destination: event.destination, to: event.to });
  telemetry.log.warn(event, 'Delivery was handed to another destination.');
}

/** A lane has come to the beginning or the end of its windows, or was opened. */
export function laneHoursChanged(
  telemetry: Telemetry,
  event: { destination: string; isOpen: boolean },
): void {
  telemetry.metrics.laneClosed.set({ destination: event.destination }, event.isOpen ? 0 : 1);
  telemetry.log.info(event, 'Hours of a lane.');
}

/** Whether a destination is sent to, or only reported on. Said when its lane opens. */
export function laneReportOnly(
  telemetry: Telemetry,
  event: { destination: string; reportOnly: boolean },
): void {
  telemetry.metrics.reportOnly.set({ destination: event.destination }, event.reportOnly ? 1 : 0);
  if (event.reportOnly)
    telemetry.log.warn(event, 'Nothing is sent to a destination: it is only reported on.');
}

/** A lane was closed: its destination left the settings, or has others now. */
export function laneClosed(telemetry: Telemetry, event: { destination: string; isRemoved: boolean }): void {
  const { destination, isRemoved } = event;
  if (isRemoved) {
    const { breakerOpen, destinationUp, laneClosed: closed, reportOnly } = telemetry.metrics;
    for (const gauge of [breakerOpen, destinationUp, closed, reportOnly]) gauge.remove({ destination });
  }
  telemetry.log.info(event, 'Lane closed.');
}
