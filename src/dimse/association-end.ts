import type { Abort, Rejection } from './pdu.ts';

/** Why this side gave an association up. Closed set: it becomes a metric label. */
export type AbortCause =
  | 'invalid-pdu' // Bytes that are no PDU, or break the bounds.
  | 'unexpected-pdu' // A PDU that may not come now.
  | 'message-format' // A message that breaks PS3.7.
  | 'pdu-timeout' // The peer stalled within a message, or takes no responses.
  | 'idle-timeout'
  | 'response-timeout'
  | 'association-timeout'
  | 'stopping' // This gateway stops.
  | 'cancelled' // By whoever uses the association.
  | 'internal'; // A bug here; the error tells.

/** How an association came to its end. */
export type AssociationEnd =
  | { readonly how: 'released' }
  | { readonly how: 'rejected'; readonly rejection: Rejection }
  | { readonly how: 'aborted-by-peer'; readonly abort: Abort }
  | { readonly how: 'aborted'; readonly abort: Abort; readonly cause: AbortCause; readonly error?: Error }
  /** The connection went away under it. */
  | { readonly how: 'closed'; readonly error?: Error };

/** How an association that was open ended; `reason` is of a closed set. */
export interface AssociationOutcome {
  readonly result: 'released' | 'aborted';
  readonly reason: string;
}

/** For those who only count. */
export function outcomeOfEnd(end: AssociationEnd): AssociationOutcome {
  switch (end.how) {
    case 'released':
      return { result: 'released', reason: 'released' };
    case 'aborted':
      return { result: 'aborted', reason: end.cause };
    default:
      return { result: 'aborted', reason: end.how };
  }
}
