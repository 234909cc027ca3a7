/**
 * # Service user
 *
 * Opens an association and sends C-ECHO, C-STORE, N-ACTION and N-EVENT-REPORT on it, one at a time; answers the
 * N-EVENT-REPORTs that come back on it.
 *
 * Invariants:
 * - Every promise settles: with a response, or with a typed error whose disposition says what is known. Once a byte
 *   of an object has been sent, a failure is `unclear`; before, it is `retry`.
 * - A data set is read and sent in blocks; two of them are held at most, whatever its size.
 */
import assert from 'node:assert';
import { PRESENTATION_CONTEXTS_MAX } from './pdu.ts';
import { RequestorAssociation } from './requestor-association.ts';
import type {
  AssociationServices,
  AssociationTarget,
  RequestedContext,
  ServiceUser,
} from './user-options.ts';

export type { AssociationOutcome } from './association-end.ts';
export type { DataSetSource } from './data-set-sender.ts';
export type { UserIdentity } from './pdu.ts';
export type {
  AssociationServices,
  AssociationTarget,
  IncomingEventReport,
  RequestedContext,
  ServiceUser,
  StoreCommand,
  StoreResponse,
} from './user-options.ts';

/**
 * Connects and associates. None of the contexts need be accepted for the association to open.
 *
 * @param contexts 1 to 128
 * @param signal gives the opening up; it has no say over the association once it is open
 * @param services what the peer may ask on the association
 * @throws {ConnectionFailedError | TlsPeerError} `retry`
 * @throws {AssociationRejectedError} `hold` when rejected for good, `retry` when for now
 * @throws {PeerTimeoutError | PeerProtocolError | AssociationAbortedError | AssociationClosedError} `retry`
 * @throws {PeerPduTooSmallError} `hold`
 * @throws the reason of `signal`
 */
export async function openAssociation(
  target: AssociationTarget,
  contexts: readonly RequestedContext[],
  signal?: AbortSignal,
  services: AssociationServices = {},
): Promise<ServiceUser> {
  assert(
    contexts.length > 0 && contexts.length <= PRESENTATION_CONTEXTS_MAX,
    `Cannot propose ${contexts.length} presentation contexts: it must be 1 to ${PRESENTATION_CONTEXTS_MAX}`,
  );
  signal?.throwIfAborted();
  const association = new RequestorAssociation(target, contexts, services);
  const cancel = () => association.cancel(signal?.reason);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await association.open();
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
  return association;
}
