import { outcomeOfEnd } from '../dimse/association-end.ts';
import { REJECTION, type Rejection } from '../dimse/pdu.ts';
import type { AssociationRequest, ProviderEvent } from '../dimse/provider-options.ts';
import { statusDigits } from '../dimse/status.ts';
import {
  incomingAssociationAccepted,
  incomingAssociationEnded,
  incomingAssociationRejected,
  incomingConnectionEnded,
  incomingHandshakeFailed,
  inputFailed,
  operationRefused,
  storeAnswered,
  storeDiscarded,
} from '../telemetry/intake-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Says what a provider tells in the words of logs and metrics: sources by name, reasons of closed sets. */
export function reportProviderEvent(
  telemetry: Telemetry,
  input: string,
  event: ProviderEvent,
  describeMisfit: (caller: AssociationRequest) => string,
): void {
  switch (event.type) {
    case 'association-accepted': {
      const { presentationContexts } = event;
      const { source } = event.peer;
      const facts = { input, source, ...callerFacts(event.peer), presentationContexts };
      incomingAssociationAccepted(telemetry, { ...facts, ...identityFacts(event.peer) });
      return;
    }
    case 'association-rejected': {
      const { source } = event;
      const facts = { input, ...(source !== undefined && { source }), ...callerFacts(event.peer) };
      const isMisfit = event.rejection === REJECTION.callingAeTitleNotRecognized;
      const hint = isMisfit ? { hint: describeMisfit(event.peer) } : {};
      incomingAssociationRejected(telemetry, { ...facts, reason: rejectionReason(event.rejection), ...hint });
      return;
    }
    case 'handshake-failed': {
      const { peerAddress, error } = event;
      incomingHandshakeFailed(telemetry, { input, peerAddress, code: error.code, message: error.message });
      return;
    }
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
      const status = statusDigits(answer.status);
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

/** PS3.7 Table D.3-14. */
const IDENTITY_TYPES: Readonly<Record<number, string>> = {
  1: 'username',
  2: 'username-and-passcode',
  3: 'kerberos',
  4: 'saml',
  5: 'jwt',
};
/** Of a username in the log. */
const USERNAME_CHARACTERS_MAX = 64;

function callerFacts({ callingAeTitle, calledAeTitle, peerAddress, certificate }: AssociationRequest) {
  const subject = certificate === undefined ? {} : { certificate: certificate.subject };
  return { callingAeTitle, calledAeTitle, peerAddress, ...subject };
}

function identityFacts({ userIdentity }: AssociationRequest) {
  if (userIdentity === undefined) return {};
  const userIdentityType = IDENTITY_TYPES[userIdentity.type] ?? 'other';
  const { username } = userIdentity;
  return { userIdentityType, ...(username !== undefined && { username: printable(username) }) };
}

/** What came over the wire, fit for a line of log. */
function printable(text: string): string {
  return Array.from(text.replaceAll(/[\p{C}\s]+/gu, ' ').trim())
    .slice(0, USERNAME_CHARACTERS_MAX)
    .join('');
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
