/**
 * # Negotiation
 *
 * What an acceptor answers to an A-ASSOCIATE-RQ. Pure: a request and a policy give an answer.
 *
 * Offered in return: the default asynchronous operations window of 1/1 (no item, PS3.7 D.3.3.3), no extended
 * negotiation. The requestor is the SCU; it may be the SCP of classes where the policy says so.
 */
import { IMPLICIT_LE, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dicom/uid.ts';
import { encodeTitleFields } from './association-pdu.ts';
import {
  APPLICATION_CONTEXT_NAME,
  type AssociateAccept,
  type AssociateRequest,
  CONTEXT_RESULT,
  DEFAULT_PDU_LENGTH_BYTES,
  LEAST_PEER_PDU_LENGTH_BYTES,
  type NegotiatedPresentationContext,
  PRESENTATION_CONTEXTS_MAX,
  type ProposedPresentationContext,
  REJECTION,
  type Rejection,
  type RoleSelection,
  type UserInformation,
} from './pdu.ts';

import type { AssociationTarget, RequestedContext } from './user-options.ts';

/** What an acceptor supports. */
export interface NegotiationPolicy {
  acceptsAbstractSyntax(uid: string): boolean;
  /** Whether the requestor may be the SCP of a class; absent: never. */
  acceptsRequestorAsScp?(uid: string): boolean;
  readonly transferSyntaxUids: ReadonlySet<string>;
  /** Largest P-DATA-TF we receive. The peer's own maximum has no bearing on it: PS3.8 D.1. */
  readonly maxPduLengthBytes: number;
}

/**
 * Why the service-provider cannot take the request, whoever sends it.
 *
 * @returns undefined when it is acceptable
 */
export function refusalOf(request: AssociateRequest): Rejection | undefined {
  if ((request.protocolVersion & 1) === 0) return REJECTION.protocolVersionNotSupported;
  if (request.applicationContextName !== APPLICATION_CONTEXT_NAME) {
    return REJECTION.applicationContextNotSupported;
  }
  if (!areContextsWellFormed(request.presentationContexts)) return REJECTION.malformedRequest;
  if (!isPeerPduLengthSensible(peerMaxPduLength(request.userInformation))) return REJECTION.notSupported;
  return undefined;
}

/** Largest P-DATA-TF the peer receives, in bytes; 0 is unlimited. */
export function peerMaxPduLength(information: UserInformation): number {
  return information.maxPduLengthBytes ?? DEFAULT_PDU_LENGTH_BYTES;
}

export function isPeerPduLengthSensible(maxPduLengthBytes: number): boolean {
  return maxPduLengthBytes === 0 || maxPduLengthBytes >= LEAST_PEER_PDU_LENGTH_BYTES;
}

/** The acceptance of a request that {@link refusalOf} has passed. */
export function negotiate(request: AssociateRequest, policy: NegotiationPolicy): AssociateAccept {
  const proposedRoles = new Map(
    request.userInformation.roleSelections.map((role) => [role.sopClassUid, role] as const),
  );
  const presentationContexts = request.presentationContexts.map((context) =>
    negotiateContext(context, policy, proposedRoles.get(context.abstractSyntaxUid)),
  );
  const acceptedUids = new Set(
    request.presentationContexts
      .filter((_, index) => presentationContexts[index]?.result === CONTEXT_RESULT.acceptance)
      .map((context) => context.abstractSyntaxUid),
  );
  return {
    protocolVersion: 1,
    titleFields: request.titleFields,
    applicationContextName: APPLICATION_CONTEXT_NAME,
    presentationContexts,
    userInformation: {
      maxPduLengthBytes: policy.maxPduLengthBytes,
      implementationClassUid: IMPLEMENTATION_CLASS_UID,
      implementationVersionName: IMPLEMENTATION_VERSION_NAME,
      roleSelections: [...proposedRoles.values()]
        .filter((role) => acceptedUids.has(role.sopClassUid))
        .map((role) => ({ ...role, scp: grantsScp(role, policy) })),
      userIdentityAcknowledged: acknowledgesIdentity(request.userInformation),
    },
  };
}

/** A request of ours. The default role of a SOP class needs no item: PS3.7 D.3.3.4. */
export function requestOf(
  { calledAeTitle, callingAeTitle, maxPduLengthBytes, userIdentity }: AssociationTarget,
  contexts: readonly RequestedContext[],
): AssociateRequest {
  return {
    protocolVersion: 1,
    calledAeTitle,
    callingAeTitle,
    titleFields: encodeTitleFields(calledAeTitle, callingAeTitle),
    applicationContextName: APPLICATION_CONTEXT_NAME,
    presentationContexts: contexts.map((context, index) => ({ id: 2 * index + 1, ...context })),
    userInformation: {
      maxPduLengthBytes,
      implementationClassUid: IMPLEMENTATION_CLASS_UID,
      implementationVersionName: IMPLEMENTATION_VERSION_NAME,
      roleSelections: contexts.flatMap(({ abstractSyntaxUid: sopClassUid, roles }) =>
        roles ? [{ sopClassUid, ...roles }] : [],
      ),
      ...(userIdentity && { userIdentity }),
    },
  };
}

/** At most 128 contexts, each with an odd id of its own, in any order. PS3.8 9.3.2.2. */
function areContextsWellFormed(contexts: readonly ProposedPresentationContext[]): boolean {
  if (contexts.length === 0 || contexts.length > PRESENTATION_CONTEXTS_MAX) return false;
  const ids = new Set(contexts.map((context) => context.id));
  return ids.size === contexts.length && contexts.every((context) => context.id % 2 === 1);
}

function negotiateContext(
  context: ProposedPresentationContext,
  policy: NegotiationPolicy,
  role: RoleSelection | undefined,
): NegotiatedPresentationContext {
  const { id, abstractSyntaxUid, transferSyntaxUids } = context;
  const declined = (result: number): NegotiatedPresentationContext => ({
    id,
    result,
    transferSyntaxUid: transferSyntaxUids[0] ?? IMPLICIT_LE, // Not significant, but not absent.
  });
  if (!policy.acceptsAbstractSyntax(abstractSyntaxUid)) {
    return declined(CONTEXT_RESULT.abstractSyntaxNotSupported);
  }
  // A requestor that will not be the SCU has no use for a context whose SCU we are not.
  if (role !== undefined && !role.scu && !grantsScp(role, policy))
    return declined(CONTEXT_RESULT.userRejection);
  const supported = transferSyntaxUids.filter((uid) => policy.transferSyntaxUids.has(uid));
  // The requestor's first choice, but pixels that were never lossy stay so: no lossy one beside another.
  const transferSyntaxUid = supported.find((uid) => transferSyntaxOf(uid)?.lossy === 'never') ?? supported[0];
  if (transferSyntaxUid === undefined) return declined(CONTEXT_RESULT.transferSyntaxesNotSupported);
  return { id, result: CONTEXT_RESULT.acceptance, transferSyntaxUid };
}

function grantsScp({ sopClassUid, scp }: RoleSelection, policy: NegotiationPolicy): boolean {
  return scp && (policy.acceptsRequestorAsScp?.(sopClassUid) ?? false);
}

/**
 * Identities are neither needed nor checked: admission goes by AE title, address and certificate. A requestor that
 * insists on an answer gets one, whatever the type. PS3.7 D.3.3.7.
 */
function acknowledgesIdentity({ userIdentity }: UserInformation): boolean {
  return userIdentity?.positiveResponseRequested === true;
}
