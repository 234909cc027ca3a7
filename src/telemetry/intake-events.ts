/** What happens where instances come in: as events.ts, one function per thing that can happen. */
import type { Telemetry } from './telemetry.ts';

/** An input takes instances. */
export function inputStarted(
  telemetry: Telemetry,
  event: { input: string; kind: string; place: string },
): void {
  telemetry.log.info(event, 'Input started.');
}

export function inputStopped(telemetry: Telemetry, event: { input: string }): void {
  telemetry.log.info(event, 'Input stopped.');
}

/** Other sources are in force, for callers that come from now on. */
export function admissionReloaded(telemetry: Telemetry, event: { sources: number }): void {
  telemetry.log.info(event, 'Sources and admission were put in force.');
}

/** An input met an error that nobody expected; it goes on. */
export function inputFailed(telemetry: Telemetry, event: { input: string; error: unknown }): void {
  const { error, ...facts } = event;
  telemetry.log.error({ ...facts, err: error }, 'Input failed.');
}

/** A caller was admitted and its association accepted. */
export function incomingAssociationAccepted(
  telemetry: Telemetry,
  event: {
    input: string;
    source: string;
    callingAeTitle: string;
    calledAeTitle: string;
    peerAddress: string;
    presentationContexts: number;
    /** Subject of the certificate that the caller has shown. */
    certificate?: string;
    /** What the caller says of its user: never a passcode or a token. */
    userIdentityType?: string;
    username?: string;
  },
): void {
  telemetry.metrics.associationsActive.inc({ direction: 'in', peer: event.source });
  telemetry.log.debug(event, 'Association accepted.');
}

/** A request for an association was rejected: by title, by limit, or as one that cannot be taken. */
export function incomingAssociationRejected(
  telemetry: Telemetry,
  event: {
    input: string;
    peerAddress: string;
    reason: string;
    /** Which sources nearly fit. */
    hint?: string;
    /** Of a caller that is known, and has reached a limit. */
    source?: string;
    callingAeTitle?: string;
    calledAeTitle?: string;
    certificate?: string;
  },
): void {
  const { source: peer = 'unknown', reason } = event;
  const labels = { direction: 'in', peer, result: 'rejected', reason };
  telemetry.metrics.associationsTotal.inc(labels);
  telemetry.log.warn(event, 'Association rejected.');
}

/** An association that was accepted has ended. */
export function incomingAssociationEnded(
  telemetry: Telemetry,
  event: {
    input: string;
    source: string;
    peerAddress: string;
    result: 'released' | 'aborted';
    reason: string;
    durationMs: number;
    stores: number;
  },
): void {
  const { source, result, reason } = event;
  telemetry.metrics.associationsActive.dec({ direction: 'in', peer: source });
  telemetry.metrics.associationsTotal.inc({ direction: 'in', peer: source, result, reason });
  if (result === 'released') telemetry.log.debug(event, 'Association released.');
  else telemetry.log.warn(event, 'Association ended out of order.');
}

/** A connection to a secure port was not secured, or its peer has shown no good certificate. */
export function incomingHandshakeFailed(
  telemetry: Telemetry,
  event: { input: string; peerAddress: string; code: string; message: string },
): void {
  const { message, ...facts } = event;
  const reason = event.code.toLowerCase().replaceAll('_', '-');
  const labels = { direction: 'in', peer: 'unknown', result: 'rejected', reason };
  telemetry.metrics.associationsTotal.inc(labels);
  telemetry.log.warn({ ...facts, reason: message }, 'Secure connection failed.');
}

/** A connection ended without an association: a port scan, a health check, or a peer that speaks something else. */
export function incomingConnectionEnded(
  telemetry: Telemetry,
  event: { input: string; peerAddress: string; reason: string },
): void {
  telemetry.log.debug(event, 'Connection ended without an association.');
}

/** An instance is durable. */
export function instanceReceived(
  telemetry: Telemetry,
  event: { source: string; entryId: number; duplicateOf?: number; held?: string; dataSetBytes: number },
): void {
  const { source } = event;
  telemetry.metrics.receivedInstancesTotal.inc({ source });
  telemetry.metrics.receivedBytesTotal.inc({ source }, event.dataSetBytes);
  telemetry.metrics.sourceLastReceived.set({ source }, Date.now() / 1000);
  if (event.held === undefined) {
    telemetry.log.debug(event, 'Instance received.');
    return;
  }
  telemetry.metrics.heldTotal.inc({ stage: 'rules', code: event.held });
  telemetry.log.warn(event, 'Instance received and held for a person to look at.');
}

/** An instance could not be taken into custody; its sender is told. */
export function receptionFailed(telemetry: Telemetry, event: { source: string; error: unknown }): void {
  const { error, ...facts } = event;
  telemetry.log.error({ ...facts, err: error }, 'Instance could not be kept.');
}

/** A C-STORE was answered; not sent when its sender had gone, who then does not know what became of it. */
export function storeAnswered(
  telemetry: Telemetry,
  event: {
    source: string;
    callingAeTitle: string;
    status: string;
    /** What the sender was told beside the status; ours, and free of patient data. */
    reason?: string;
    durationMs: number;
    isSent: boolean;
  },
): void {
  const { source, status } = event;
  telemetry.metrics.storeRequestsTotal.inc({ source, status });
  telemetry.metrics.storeDurationSeconds.observe({ source }, event.durationMs / 1000);
  if (status === '0000' && event.isSent) telemetry.log.debug(event, 'C-STORE answered.');
  else telemetry.log.warn(event, 'C-STORE refused, or answered to nobody.');
}

/** A C-STORE broke off before its data set was complete; nothing of it is kept. */
export function storeDiscarded(
  telemetry: Telemetry,
  event: { source: string; dataSetBytes: number; reason: string },
): void {
  telemetry.log.warn(event, 'C-STORE broke off; what had come was discarded.');
}

/** A caller asked for an operation that is not provided. */
export function operationRefused(
  telemetry: Telemetry,
  event: { source: string; commandField: number },
): void {
  telemetry.log.warn(event, 'Operation refused: it is not provided.');
}
