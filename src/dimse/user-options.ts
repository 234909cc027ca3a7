import type { TlsTarget } from '../tls/client.ts';
import type { AssociationOutcome } from './association-end.ts';
import type { DataSetSource } from './data-set-sender.ts';
import type { UserIdentity } from './pdu.ts';

/** The peer to associate with, and how long it may take. */
export interface AssociationTarget {
  readonly host: string;
  readonly port: number;
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  /** Secures the connection; absent: it is not. */
  readonly tls?: TlsTarget;
  /** Whom we say we are, besides the calling AE title. */
  readonly userIdentity?: UserIdentity;
  /** For the connection, and the TLS handshake. */
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
  /** Our roles for the SOP class; absent: the default, which is SCU. PS3.7 D.3.3.4. */
  readonly roles?: Roles;
}

export interface Roles {
  readonly scu: boolean;
  readonly scp: boolean;
}

/** What a peer may ask on an association that we opened. */
export interface AssociationServices {
  /** Serves N-EVENT-REPORT; what it throws becomes a status of 0110H. Where absent, such a request ends the association. */
  eventReport?(request: IncomingEventReport): Promise<StoreResponse>;
}

/** An N-EVENT-REPORT of the peer, its data set in memory. PS3.7 10.1.1. */
export interface IncomingEventReport {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly eventTypeId: number;
  readonly transferSyntaxUid: string;
  /** Absent where the request has none. */
  readonly dataSet?: Uint8Array;
}

/** An N-ACTION or N-EVENT-REPORT of ours. PS3.7 10.1.1 and 10.1.4. */
export interface NormalizedCommand {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Action Type ID or Event Type ID. */
  readonly typeId: number;
  /** Of `dataSet`: one of those accepted for the SOP class. */
  readonly transferSyntaxUid: string;
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
  /** Our roles as the peer granted them; undefined when it said nothing of the SOP class. */
  grantedRoles(abstractSyntaxUid: string): Roles | undefined;
  /**
   * Sends an N-ACTION with its data set and waits for the response, whatever its status.
   *
   * @throws {GatewayError} as `store` does
   */
  action(command: NormalizedCommand, dataSet: Uint8Array): Promise<StoreResponse>;
  /** Sends an N-EVENT-REPORT; otherwise as `action`. */
  eventReport(command: NormalizedCommand, dataSet: Uint8Array): Promise<StoreResponse>;
  /** @throws {GatewayError} as `store` does */
  echo(): Promise<{ readonly status: number }>;
  /** Ends the association in order. Resolves when it is over, however it ended. */
  release(): Promise<void>;
  /** Ends it at once; what is under way rejects. */
  abort(): void;
  /** Calls once, when the association has ended; at once when it has already. */
  onClose(callback: (end: AssociationOutcome) => void): void;
}
