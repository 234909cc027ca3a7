import type { Abort, AssociateAccept, AssociateRequest, Rejection } from './pdu.ts';

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

/** Whoever uses an association. Indications come in order, each after the one before has returned. */
export interface AssociationUser {
  /** Acceptor only: answer with `accept` or `reject`. */
  associateIndication(request: AssociateRequest): void;
  /** Requestor only: the connection is open, the answer is awaited. */
  transportOpened(): void;
  /** Requestor only; a rejection is told by `ended`. */
  associateConfirm(accept: AssociateAccept): void;
  /** `bytes` is valid during the call only. A fragment may come in several pieces. */
  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void;
  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void;
  /** All that one read brought has been told. */
  bytesRead(): void;
  /** Answer with `respondRelease`. */
  releaseIndication(): void;
  /** What `expect` set a limit to has not come. */
  overdue(): void;
  /** What was sent has left the backlog. */
  writable(): void;
  /** Exactly once, at the moment the association is over or lost. */
  ended(end: AssociationEnd): void;
  /** Exactly once and last: the connection is gone. */
  closed(): void;
}

export interface AssociationOptions {
  readonly role: 'acceptor' | 'requestor';
  /** The ARTIM timer of PS3.8 9.1.5. */
  readonly artimMs: number;
  /** Largest P-DATA-TF that we receive. */
  readonly maxPduLengthBytes: number;
}
