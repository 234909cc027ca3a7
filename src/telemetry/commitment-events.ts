/** What happens with storage commitment: as events.ts, one function per thing that can happen. */
import type { Telemetry } from './telemetry.ts';

/** A destination was asked to commit to what it has taken, and will report. */
export function commitmentRequested(
  telemetry: Telemetry,
  event: { destination: string; transactionUid: string; instances: number },
): void {
  const labels = { direction: 'out', peer: event.destination, outcome: 'asked' };
  telemetry.metrics.commitmentRequestsTotal.inc(labels);
  telemetry.log.debug(event, 'Destination was asked for storage commitment.');
}

/** A destination could not be asked, or will not commit; it is tried again, or held. */
export function commitmentRequestFailed(
  telemetry: Telemetry,
  event: {
    destination: string;
    code: string;
    reason: string;
    outcome: 'unreachable' | 'unclear' | 'refused';
    /** Tasks that wait for a person now. */
    held: number;
  },
): void {
  const { destination: peer, outcome, code, held } = event;
  if (held > 0) telemetry.metrics.heldTotal.inc({ stage: 'commitment', code }, held);
  telemetry.metrics.commitmentRequestsTotal.inc({ direction: 'out', peer, outcome });
  telemetry.log.warn(event, 'Destination could not be asked for storage commitment.');
}

/** A destination was asked again and again, and never reported. */
export function commitmentGivenUp(telemetry: Telemetry, event: { destination: string; held: number }): void {
  telemetry.metrics.heldTotal.inc({ stage: 'commitment', code: 'COMMITMENT_NOT_REPORTED' }, event.held);
  telemetry.log.error(event, 'Destination never reported on what it was asked to commit to.');
}

/** A destination has committed to an instance. */
export function commitmentGiven(telemetry: Telemetry, event: { destination: string; entryId: number }): void {
  const labels = { direction: 'out', peer: event.destination, outcome: 'committed' };
  telemetry.metrics.commitmentsTotal.inc(labels);
  telemetry.log.debug(event, 'Destination committed to an instance.');
}

/** A destination took an instance and does not commit to it: it is sent again, or held. */
export function commitmentDenied(
  telemetry: Telemetry,
  event: { destination: string; entryId: number; reason: string; held: boolean },
): void {
  const { destination: peer } = event;
  telemetry.metrics.commitmentsTotal.inc({ direction: 'out', peer, outcome: 'failed' });
  if (event.held) telemetry.metrics.heldTotal.inc({ stage: 'delivery', code: 'NOT_COMMITTED' });
  telemetry.log.warn(event, 'Destination did not commit to an instance that it took.');
}

/** A report came that changes nothing: of a transaction that is settled, or was never asked for. */
export function commitmentReportIdle(
  telemetry: Telemetry,
  event: { transactionUid: string; why: 'settled' | 'unknown' },
): void {
  telemetry.metrics.commitmentReportsIdleTotal.inc({ reason: event.why });
  telemetry.log.info(event, 'Commitment report changes nothing.');
}
