/**
 * # PDUs
 *
 * The names and numbers of PS3.8 9.3 and of the negotiation sub-items of PS3.7 Annex D, as values.
 * All lengths in PDUs and items are big-endian, whatever the transfer syntax.
 */

/** PS3.8 9.3.1. */
export const PDU_TYPE = {
  associateRequest: 0x01,
  associateAccept: 0x02,
  associateReject: 0x03,
  data: 0x04,
  releaseRequest: 0x05,
  releaseResponse: 0x06,
  abort: 0x07,
} as const;

/** Type, reserved byte, length of what follows. */
export const PDU_HEADER_BYTES = 6;
/** Length of the rest, presentation context id, message control header: PS3.8 9.3.5.1 and Annex E. */
export const PDV_HEADER_BYTES = 6;
/** Bits of the message control header: PS3.8 E.2. */
export const COMMAND_FRAGMENT = 0x01;
export const LAST_FRAGMENT = 0x02;

/** Items and sub-items: PS3.8 9.3.2, 9.3.3 and PS3.7 D.3. */
export const ITEM = {
  applicationContext: 0x10,
  proposedPresentationContext: 0x20,
  negotiatedPresentationContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maximumLength: 0x51,
  implementationClassUid: 0x52,
  asynchronousOperationsWindow: 0x53,
  roleSelection: 0x54,
  implementationVersionName: 0x55,
  userIdentity: 0x58,
  userIdentityResponse: 0x59,
} as const;

/** The only application context of DICOM: PS3.7 A.2.1. */
export const APPLICATION_CONTEXT_NAME = '1.2.840.10008.3.1.1.1';
/** Ids are the odd numbers up to 255: PS3.8 9.3.2.2. */
export const PRESENTATION_CONTEXTS_MAX = 128;
/** What a peer that does not say is taken to receive. */
export const DEFAULT_PDU_LENGTH_BYTES = 16_384;
/**
 * Least PDU length of a peer we talk to. The standard sets none; every message without a data set fits in one
 * PDU of this size, and no sane peer asks for less.
 */
export const LEAST_PEER_PDU_LENGTH_BYTES = 1024;

/** Result of a presentation context: PS3.8 Table 9-18. */
export const CONTEXT_RESULT = {
  acceptance: 0,
  userRejection: 1,
  noReason: 2,
  abstractSyntaxNotSupported: 3,
  transferSyntaxesNotSupported: 4,
} as const;

/** A-ASSOCIATE-RJ: PS3.8 Table 9-21. */
export interface Rejection {
  /** 1 rejected-permanent, 2 rejected-transient. */
  readonly result: number;
  /** 1 service-user, 2 service-provider (ACSE), 3 service-provider (presentation). */
  readonly source: number;
  /** Its meaning depends on `source`. */
  readonly reason: number;
}

export const REJECTION = {
  notSupported: { result: 1, source: 1, reason: 1 },
  applicationContextNotSupported: { result: 1, source: 1, reason: 2 },
  callingAeTitleNotRecognized: { result: 1, source: 1, reason: 3 },
  calledAeTitleNotRecognized: { result: 1, source: 1, reason: 7 },
  malformedRequest: { result: 1, source: 2, reason: 1 },
  protocolVersionNotSupported: { result: 1, source: 2, reason: 2 },
  temporaryCongestion: { result: 2, source: 3, reason: 1 },
  localLimitExceeded: { result: 2, source: 3, reason: 2 },
} as const satisfies Record<string, Rejection>;

/** PS3.8 Table 9-21, the pairs of source and reason that it gives a meaning. */
const REJECTION_WORDS: Readonly<Record<string, string>> = {
  '1.1': 'it gives no reason',
  '1.2': 'it does not support the application context',
  '1.3': 'it does not know the calling AE title',
  '1.7': 'it does not know the called AE title',
  '2.1': 'it gives no reason',
  '2.2': 'it does not support the protocol version',
  '3.1': 'it is congested for the moment',
  '3.2': 'it has reached its limit of associations for the moment',
};

/** What a rejection says, in words and in the numbers of the standard. */
export function describeRejection({ result, source, reason }: Rejection): string {
  const words = REJECTION_WORDS[`${source}.${reason}`] ?? 'its reason is none of the standard';
  return `${words} (result ${result}, source ${source}, reason ${reason})`;
}

/** A-ABORT: PS3.8 Table 9-26. */
export interface Abort {
  /** 0 service-user, 2 service-provider. */
  readonly source: number;
  /** Significant when the service-provider aborts; else 0. */
  readonly reason: number;
}

export const ABORT_REASON = {
  notSpecified: 0,
  unrecognizedPdu: 1,
  unexpectedPdu: 2,
  unrecognizedPduParameter: 4,
  unexpectedPduParameter: 5,
  invalidPduParameterValue: 6,
} as const;

export type AbortReason = (typeof ABORT_REASON)[keyof typeof ABORT_REASON];

export interface ProposedPresentationContext {
  readonly id: number;
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUids: readonly string[];
}

export interface NegotiatedPresentationContext {
  readonly id: number;
  /** See {@link CONTEXT_RESULT}. */
  readonly result: number;
  /** Significant only when accepted. */
  readonly transferSyntaxUid: string;
}

/** PS3.7 D.3.3.4: which roles the requestor of the association may play for a SOP class. */
export interface RoleSelection {
  readonly sopClassUid: string;
  readonly scu: boolean;
  readonly scp: boolean;
}

/**
 * Who uses the requestor: PS3.7 D.3.3.7. Of a request that was received, never the passcode or token: nothing here
 * that may be logged holds one.
 */
export interface UserIdentity {
  /** 1 username, 2 username and passcode, 3 Kerberos ticket, 4 SAML assertion, 5 JSON web token. */
  readonly type: number;
  readonly positiveResponseRequested: boolean;
  /** Of types 1 and 2. */
  readonly username?: string;
  /** Of type 2, in a request of ours only. */
  readonly passcode?: string;
}

/** PS3.8 9.3.2.3 and PS3.7 D.3.3. */
export interface UserInformation {
  /** Largest P-DATA-TF the sender receives; 0 is unlimited. PS3.8 D.1. */
  readonly maxPduLengthBytes?: number;
  readonly implementationClassUid?: string;
  readonly implementationVersionName?: string;
  readonly asynchronousOperationsWindow?: { readonly invoked: number; readonly performed: number };
  readonly roleSelections: readonly RoleSelection[];
  /** Of a request. */
  readonly userIdentity?: UserIdentity;
  /** Of an acceptance: the identity is acknowledged, without a server response. */
  readonly userIdentityAcknowledged?: boolean;
}

export interface AssociateRequest {
  /** Bit 0 stands for version 1, the only one there is. */
  readonly protocolVersion: number;
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  /** Both titles and the reserved field, 64 bytes as they came: an acceptance repeats them. */
  readonly titleFields: Uint8Array;
  readonly applicationContextName: string;
  /** One more than {@link PRESENTATION_CONTEXTS_MAX} at most: enough to see that there are too many. */
  readonly presentationContexts: readonly ProposedPresentationContext[];
  readonly userInformation: UserInformation;
}

export interface AssociateAccept {
  readonly protocolVersion: number;
  readonly titleFields: Uint8Array;
  readonly applicationContextName: string;
  readonly presentationContexts: readonly NegotiatedPresentationContext[];
  readonly userInformation: UserInformation;
}
