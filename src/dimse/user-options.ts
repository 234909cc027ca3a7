import type { AssociationOutcome } from './association-end.ts';
import type { DataSetSource } from './data-set-sender.ts';

/** The peer to associate with, and how long it may take. */
export interface AssociationTarget {
  readonly host: string;
  readonly port: number;
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly connectTimeoutMs: number;
  /** For the answer to A-ASSOCIATE-RQ and to A-RELEASE-RQ. */
  readonly associationTimeoutMs: number;
  /** For a response, from the moment the request has left. */
  readonly responseTimeoutMs: number;
  /** For the peer to take each block of up to 1 MiB; `responseTimeoutMs` where absent. */
  readonly pduTimeoutMs?: number;
  /** Largest P-DATA-TF that we receive. */
  readonly maxPduLengthBytes: number;
}

/** Proposed as one presentation context. */
export interface RequestedContext {
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUids: readonly string[];
}

export interface StoreCommand {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  /** 0 medium (the default), 1 high, 2 low. */
  readonly priority?: number;
  /** Of the C-MOVE that this C-STORE serves. */
  readonly moveOriginator?: { readonly aeTitle: string; readonly messageId: number };
}

export interface StoreResponse {
  readonly status: number;
  readonly errorComment?: string;
}

/** An open association. One request at a time. */
export interface ServiceUser {
  readonly isOpen: boolean;
  /** In the order of the proposal. */
  acceptedTransferSyntaxes(abstractSyntaxUid: string): readonly string[];
  /**
   * Sends one instance and waits for the response, whatever its status.
   *
   * @throws {NoPresentationContextError} `hold`; nothing was sent, the association stays open
   * @throws {DataSetSourceError} when `dataSet` fails; the association stays open if nothing had been sent
   * @throws {GatewayError} when the association is over; `unclear` once a byte has been sent, else `retry`
   */
  store(command: StoreCommand, dataSet: DataSetSource): Promise<StoreResponse>;
  /** @throws {GatewayError} as `store` does */
  echo(): Promise<{ readonly status: number }>;
  /** Ends the association in order. Resolves when it is over, however it ended. */
  release(): Promise<void>;
  /** Ends it at once; what is under way rejects. */
  abort(): void;
  /** Calls once, when the association has ended; at once when it has already. */
  onClose(callback: (end: AssociationOutcome) => void): void;
}
