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

/** A destination did not report in time, or not on all of it, and was asked again under another transaction. */
export function commitmentAskedAgain(
  telemetry: Telemetry,
  event: { destination: string; transactionUid: string; instances: number; longestWaitMs: number },
): void {
  const labels = { direction: 'out', peer: event.destination, outcome: 'not-reported' };
  telemetry.metrics.commitmentRequestsTotal.inc(labels);
  telemetry.log.warn(
    event,
    'Destination did not report in time, and was asked for storage commitment again.',
  );
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

/** A destination has reported on what it was asked to commit to; the report is on disk. */
export function commitmentReportReceived(
  telemetry: Telemetry,
  event: { source: string; transactionUid: string; committed: number; failed: number },
): void {
  telemetry.log.debug(event, 'Commitment report received.');
}

/** A source asked us to commit to what it has sent; the request is on disk. */
export function commitmentAsked(
  telemetry: Telemetry,
  event: {
    source: string;
    callingAeTitle: string;
    transactionUid: string;
    instances: number;
    /** The same request once more. */
    again: boolean;
  },
): void {
  const { source: peer, again } = event;
  const outcome = again ? 'repeated' : 'accepted';
  telemetry.metrics.commitmentRequestsTotal.inc({ direction: 'in', peer, outcome });
  telemetry.log.debug(event, 'Source asked for storage commitment.');
}

/** A request for storage commitment could not be taken. */
export function commitmentNotTaken(
  telemetry: Telemetry,
  event: { source: string; callingAeTitle: string; status: string; reason: string },
): void {
  telemetry.metrics.commitmentRequestsTotal.inc({ direction: 'in', peer: event.source, outcome: 'refused' });
  telemetry.log.warn(event, 'Request for storage commitment refused.');
}

/** It is known of all instances of a request whether we commit to them. */
export function commitmentDecided(
  telemetry: Telemetry,
  event: { source: string; transactionUid: string; committed: number; failed: number; durationMs: number },
): void {
  const { source: peer, committed, failed } = event;
  telemetry.metrics.commitmentsTotal.inc({ direction: 'in', peer, outcome: 'committed' }, committed);
  telemetry.metrics.commitmentsTotal.inc({ direction: 'in', peer, outcome: 'failed' }, failed);
  if (failed === 0) telemetry.log.debug(event, 'Storage commitment decided.');
  else telemetry.log.warn(event, 'Storage commitment decided: not all instances are safe.');
}

/** A source has our report, and said so. */
export function commitmentReported(
  telemetry: Telemetry,
  event: { source: string; transactionUid: string; how: 'same-association' | 'own-association' },
): void {
  const labels = { direction: 'in', peer: event.source, outcome: 'reported' };
  telemetry.metrics.commitmentRequestsTotal.inc(labels);
  telemetry.log.debug(event, 'Commitment report delivered.');
}

/** A report did not reach its source; it is tried again, unless it is `given up`. */
export function commitmentReportFailed(
  telemetry: Telemetry,
  event: {
    source: string;
    callingAeTitle: string;
    transactionUid: string;
    reason: string;
    tries: number;
    givenUp: boolean;
  },
): void {
  const outcome = event.givenUp ? 'not-reported' : 'report-failed';
  telemetry.metrics.commitmentRequestsTotal.inc({ direction: 'in', peer: event.source, outcome });
  if (event.givenUp) telemetry.log.error(event, 'Commitment report given up.');
  else telemetry.log.warn(event, 'Commitment report did not arrive.');
}

/** A report has nowhere to go until its source calls again: it has no `commitment` host in the settings. */
export function commitmentReportWaits(
  telemetry: Telemetry,
  event: { source: string; callingAeTitle: string; transactionUid: string },
): void {
  telemetry.log.warn(event, 'Commitment report waits for its source to call.');
}

/** Requests of sources that are not done with; read when it changes. */
export function commitmentsOpen(
  telemetry: Telemetry,
  open: readonly { readonly source: string; readonly state: 'waiting' | 'decided' }[],
): void {
  telemetry.metrics.commitmentRequestsOpen.reset();
  for (const { source, state } of open) telemetry.metrics.commitmentRequestsOpen.inc({ peer: source, state });
}

/** Storage commitment for sources could not go on; it tries again. */
export function commitmentStalled(telemetry: Telemetry, event: { error: unknown }): void {
  telemetry.log.error({ err: event.error }, 'Storage commitment stalled.');
}
