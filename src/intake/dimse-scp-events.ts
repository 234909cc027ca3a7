import { outcomeOfEnd } from '../dimse/association-end.ts';
import { REJECTION, type Rejection } from '../dimse/pdu.ts';
import type { ProviderEvent } from '../dimse/provider-options.ts';
import { formatStatus } from '../dimse/status.ts';
import {
  incomingAssociationAccepted,
  incomingAssociationEnded,
  incomingAssociationRejected,
  incomingConnectionEnded,
  inputFailed,
  operationRefused,
  storeAnswered,
  storeDiscarded,
} from '../telemetry/intake-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Says what a provider tells in the words of logs and metrics: sources by name, reasons of closed sets. */
export function reportProviderEvent(telemetry: Telemetry, input: string, event: ProviderEvent): void {
  switch (event.type) {
    case 'association-accepted': {
      const { source, callingAeTitle, calledAeTitle, peerAddress } = event.peer;
      const { presentationContexts } = event;
      incomingAssociationAccepted(telemetry, {
        input,
        source,
        callingAeTitle,
        calledAeTitle,
        peerAddress,
        presentationContexts,
      });
      return;
    }
    case 'association-rejected':
      incomingAssociationRejected(telemetry, {
        input,
        ...event.peer,
        reason: rejectionReason(event.rejection),
      });
      return;
    case 'association-ended': {
      const { source, peerAddress } = event.peer;
      const { durationMs, stores } = event;
      const outcome = outcomeOfEnd(event.end);
      incomingAssociationEnded(telemetry, { input, source, peerAddress, durationMs, stores, ...outcome });
      return;
    }
    case 'connection-ended': {
      const { end, peerAddress } = event;
      if (end.how === 'rejected') {
        const reason = rejectionReason(end.rejection);
        incomingAssociationRejected(telemetry, { input, peerAddress, reason });
      } else incomingConnectionEnded(telemetry, { input, peerAddress, reason: outcomeOfEnd(end).reason });
      return;
    }
    case 'store-answered': {
      const { request, answer, durationMs, isSent } = event;
      const status = formatStatus(answer.status).slice(0, 4);
      const { source, callingAeTitle } = request.association;
      const reason = answer.errorComment === undefined ? {} : { reason: answer.errorComment };
      storeAnswered(telemetry, { source, callingAeTitle, status, ...reason, durationMs, isSent });
      return;
    }
    case 'store-discarded': {
      const { request, dataSetBytes, reason } = event;
      storeDiscarded(telemetry, { source: request.association.source, dataSetBytes, reason });
      return;
    }
    case 'operation-refused': {
      const { peer, commandField } = event;
      operationRefused(telemetry, { source: peer.source, commandField });
      return;
    }
    case 'handler-failed':
      inputFailed(telemetry, { input, error: event.error });
      return;
    default:
      event satisfies never;
  }
}

const REASONS: readonly (readonly [Rejection, string])[] = [
  [REJECTION.callingAeTitleNotRecognized, 'calling-ae-title'],
  [REJECTION.calledAeTitleNotRecognized, 'called-ae-title'],
  [REJECTION.localLimitExceeded, 'local-limit'],
  [REJECTION.temporaryCongestion, 'congestion'],
];

/** A closed set: it becomes a metric label. */
function rejectionReason({ result, source, reason }: Rejection): string {
  const known = REASONS.find(
    ([one]) => one.result === result && one.source === source && one.reason === reason,
  );
  return known?.[1] ?? 'unsupported';
}
