import type { AssociationEnd } from './association-end.ts';
import type { AssociateAccept, AssociateRequest } from './pdu.ts';

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
