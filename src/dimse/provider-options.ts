import type { TlsPeerError } from '../tls/errors.ts';
import type { PeerCertificate } from '../tls/peer-certificate.ts';
import type { TlsListening } from '../tls/server.ts';
import type { AssociationEnd } from './association-end.ts';
import type { Rejection, UserIdentity } from './pdu.ts';

/** Who asks for an association. */
export interface AssociationRequest extends PeerConnection {
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  /** What the peer says of its user; never checked. */
  readonly userIdentity?: UserIdentity;
}

/** Where a peer connects from. */
export interface PeerConnection {
  readonly peerAddress: string;
  /** Shown over TLS, and found good. */
  readonly certificate?: PeerCertificate;
}

export type Admission =
  | {
      readonly admitted: true /** Named source of the configuration, or `unknown`. */;
      readonly source: string;
    }
  | {
      readonly admitted: false;
      readonly rejection: Rejection;
      /** Whose it is, where it is known and has reached a limit. */
      readonly source?: string;
    };

/** A peer that was admitted. */
export interface AdmittedPeer extends AssociationRequest {
  readonly source: string;
}

export interface StoreRequest {
  readonly association: AdmittedPeer;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly messageId: number;
  readonly priority: number;
}

/** The status of a response. The comment must not name a patient: it is logged on both sides. */
export interface StoreAnswer {
  readonly status: number;
  readonly errorComment?: string;
}

/** Takes the data set of one C-STORE, as a stream. */
export interface StoreSink {
  /**
   * Takes the next bytes; they are overwritten when it returns.
   *
   * @returns false when the peer should be held back until `onWritable` calls
   */
  write(bytes: Uint8Array): boolean;
  /** Registers what to call, once, when writing may go on. */
  onWritable(resume: () => void): void;
  /** The data set is complete. The response leaves with what this resolves to. */
  end(): Promise<StoreAnswer>;
  /** The data set will never be complete; nothing of it may stay. */
  discard(reason: string): void;
}

/** An N-ACTION or N-EVENT-REPORT, its data set in memory. PS3.7 10.1.1 and 10.1.4. */
export interface NormalizedRequest {
  readonly association: AdmittedPeer;
  /** The association that it came on, to send requests back. */
  readonly reverse: ReverseLink;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** Action Type ID or Event Type ID. */
  readonly typeId: number;
  readonly transferSyntaxUid: string;
  /** Absent where the request has none. */
  readonly dataSet?: Uint8Array;
}

/** Something that happened, told to the peer. PS3.7 10.1.1. */
export interface EventReport {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly eventTypeId: number;
  /** In the transfer syntax that was accepted for `sopClassUid`. */
  readonly dataSet?: Uint8Array;
}

/** An association that a peer opened, as the way back to it. */
export interface ReverseLink {
  readonly peer: AdmittedPeer;
  readonly isOpen: boolean;
  /** Neither side has a request in hand: what comes now is no surprise amid another message. */
  readonly isIdle: boolean;
  /** Of the first accepted presentation context; undefined when the peer has none for the SOP class. */
  transferSyntaxOf(sopClassUid: string): string | undefined;
  /**
   * Sends an N-EVENT-REPORT-RQ and waits for the response, whatever its status.
   *
   * @throws {GatewayError} when there is no context for it, the association is over, or no response comes in time
   */
  eventReport(event: EventReport, timeoutMs: number): Promise<{ readonly status: number }>;
}

/** Instead of a sink: the data set is read and dropped, the answer follows its last fragment. */
export interface StoreRefusal {
  readonly refuse: StoreAnswer;
}

/** What a provider tells about itself. */
export type ProviderEvent =
  | {
      readonly type: 'association-accepted';
      readonly peer: AdmittedPeer;
      readonly presentationContexts: number;
    }
  | {
      readonly type: 'association-rejected';
      readonly peer: AssociationRequest;
      /** Whose it is, where it was rejected for a limit only. */
      readonly source?: string;
      readonly rejection: Rejection;
    }
  | {
      readonly type: 'association-ended';
      readonly peer: AdmittedPeer;
      readonly end: AssociationEnd;
      readonly durationMs: number;
      readonly stores: number;
    }
  /** A connection to a secure port that never became a secure one, or whose peer showed no good certificate. */
  | { readonly type: 'handshake-failed'; readonly peerAddress: string; readonly error: TlsPeerError }
  /** A connection that never became an association. */
  | { readonly type: 'connection-ended'; readonly peerAddress: string; readonly end: AssociationEnd }
  | {
      readonly type: 'store-answered';
      readonly request: StoreRequest;
      readonly answer: StoreAnswer;
      readonly dataSetBytes: number;
      /** From the command set to the response. */
      readonly durationMs: number;
      /** False when the association had ended before the answer was known. */
      readonly isSent: boolean;
    }
  /** The data set never became complete. */
  | {
      readonly type: 'store-discarded';
      readonly request: StoreRequest;
      readonly dataSetBytes: number;
      readonly reason: string;
    }
  /** A message of a service that is not provided. */
  | { readonly type: 'operation-refused'; readonly peer: AdmittedPeer; readonly commandField: number }
  /** What was given to the provider threw: a bug there. */
  | { readonly type: 'handler-failed'; readonly error: unknown };

export interface ProviderTimeouts {
  /**
   * ARTIM: from the connection to its A-ASSOCIATE-RQ, and from the end of an association to its close. A TLS handshake
   * has as much, before.
   */
  readonly associationMs: number;
  /** For the rest of a PDU, and for the next PDU of a message; also for the peer to take our responses. */
  readonly pduMs: number;
  /** Between messages. */
  readonly idleMs: number;
}

export interface ProviderOptions {
  readonly host: string;
  /** 0 takes a free one; the provider tells which. */
  readonly port: number;
  /** Secures every connection; absent: none. */
  readonly tls?: TlsListening;
  readonly associationsMax: number;
  /** Largest P-DATA-TF received, as told to every peer. */
  readonly maxPduLengthBytes: number;
  readonly timeouts: ProviderTimeouts;
  readonly transferSyntaxUids: readonly string[];
  acceptsAbstractSyntax(uid: string): boolean;
  admit(request: AssociationRequest): Admission;
  /** Called between two reads: what it throws becomes a status of 0110H. */
  store(request: StoreRequest): StoreSink | StoreRefusal;
  /** Whether requestors may be the SCP of a SOP class: then they report to us. PS3.7 D.3.3.4. */
  acceptsRequestorAsScp?(sopClassUid: string): boolean;
  /** Serves N-ACTION; 0211H where absent. What it throws becomes a status of 0110H. */
  action?(request: NormalizedRequest): Promise<StoreAnswer>;
  /** Serves N-EVENT-REPORT, in the same way. */
  eventReport?(request: NormalizedRequest): Promise<StoreAnswer>;
  /** A peer has associated, and can be sent requests of our own. */
  associated?(link: ReverseLink): void;
  onEvent?(event: ProviderEvent): void;
}
