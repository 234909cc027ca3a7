/**
 * # Association PDUs
 *
 * A-ASSOCIATE-RQ, -AC and -RJ, A-RELEASE-RQ and -RP, A-ABORT: values to bytes and back. Pure. Decoders take the
 * body of a PDU (what follows its header), encoders return the PDU whole, ready for one write.
 *
 * Items that this edition does not know are passed over (PS3.8 9.3.1); what is cut off or overlaps is refused
 * with {@link PduFormatError}. Whether a request makes sense is decided in negotiation.ts.
 */
import { encodeItem, encodeTextItem, invalidItem, readItems, readText, requireBytes } from './items.ts';
import {
  type Abort,
  type AssociateAccept,
  type AssociateRequest,
  ITEM,
  type NegotiatedPresentationContext,
  PDU_HEADER_BYTES,
  PDU_TYPE,
  PRESENTATION_CONTEXTS_MAX,
  type ProposedPresentationContext,
  type Rejection,
  type UserInformation,
} from './pdu.ts';
import { decodeUserInformation, encodeUserInformation } from './user-information.ts';

/** Protocol version, reserved, two AE titles, reserved: PS3.8 Table 9-11. */
const FIXED_FIELDS_BYTES = 68;
const TITLES_AT = 4;
const AE_TITLE_BYTES = 16;

/** @throws {PduFormatError} */
export function decodeAssociateRequest(body: Buffer): AssociateRequest {
  const { protocolVersion, titleFields, variableItems } = readFixedFields(body);
  let applicationContextName = '';
  let userInformation: UserInformation = { roleSelections: [] };
  const presentationContexts: ProposedPresentationContext[] = [];
  for (const { type, value } of readItems(variableItems)) {
    if (type === ITEM.applicationContext) applicationContextName = readText(value);
    else if (type === ITEM.userInformation) userInformation = decodeUserInformation(value);
    else if (type === ITEM.proposedPresentationContext) {
      // One too many tells enough: a request may hold a hundred thousand.
      if (presentationContexts.length > PRESENTATION_CONTEXTS_MAX) continue;
      presentationContexts.push(decodeProposedContext(value));
    }
  }
  return {
    protocolVersion,
    calledAeTitle: readAeTitle(titleFields, 0),
    callingAeTitle: readAeTitle(titleFields, AE_TITLE_BYTES),
    titleFields,
    applicationContextName,
    presentationContexts,
    userInformation,
  };
}

export function encodeAssociateRequest(request: AssociateRequest): Buffer {
  const contexts = request.presentationContexts.map((context) =>
    encodeItem(
      ITEM.proposedPresentationContext,
      Uint8Array.of(context.id, 0, 0, 0),
      encodeTextItem(ITEM.abstractSyntax, context.abstractSyntaxUid),
      ...context.transferSyntaxUids.map((uid) => encodeTextItem(ITEM.transferSyntax, uid)),
    ),
  );
  return encodeWithFixedFields(PDU_TYPE.associateRequest, request, contexts);
}

/** @throws {PduFormatError} */
export function decodeAssociateAccept(body: Buffer): AssociateAccept {
  const { protocolVersion, titleFields, variableItems } = readFixedFields(body);
  let applicationContextName = '';
  let userInformation: UserInformation = { roleSelections: [] };
  const presentationContexts: NegotiatedPresentationContext[] = [];
  for (const { type, value } of readItems(variableItems)) {
    if (type === ITEM.applicationContext) applicationContextName = readText(value);
    else if (type === ITEM.userInformation) userInformation = decodeUserInformation(value);
    else if (type === ITEM.negotiatedPresentationContext) {
      if (presentationContexts.length >= PRESENTATION_CONTEXTS_MAX) throw invalidItem('too many contexts');
      presentationContexts.push(decodeNegotiatedContext(value));
    }
  }
  return { protocolVersion, titleFields, applicationContextName, presentationContexts, userInformation };
}

export function encodeAssociateAccept(accept: AssociateAccept): Buffer {
  const contexts = accept.presentationContexts.map((context) =>
    encodeItem(
      ITEM.negotiatedPresentationContext,
      Uint8Array.of(context.id, 0, context.result, 0),
      encodeTextItem(ITEM.transferSyntax, context.transferSyntaxUid),
    ),
  );
  return encodeWithFixedFields(PDU_TYPE.associateAccept, accept, contexts);
}

/** The 64 bytes of both titles and the reserved field, for a request of ours. */
export function encodeTitleFields(calledAeTitle: string, callingAeTitle: string): Uint8Array {
  const fields = Buffer.alloc(FIXED_FIELDS_BYTES - TITLES_AT);
  fields.fill(' ', 0, 2 * AE_TITLE_BYTES);
  fields.write(calledAeTitle, 0, AE_TITLE_BYTES, 'latin1');
  fields.write(callingAeTitle, AE_TITLE_BYTES, AE_TITLE_BYTES, 'latin1');
  return fields;
}

/** @throws {PduFormatError} */
export function decodeAssociateReject(body: Buffer): Rejection {
  requireBytes(body, 4, 'A-ASSOCIATE-RJ');
  return { result: body.readUInt8(1), source: body.readUInt8(2), reason: body.readUInt8(3) };
}

export function encodeAssociateReject({ result, source, reason }: Rejection): Buffer {
  return Buffer.of(PDU_TYPE.associateReject, 0, 0, 0, 0, 4, 0, result, source, reason);
}

export function encodeReleaseRequest(): Buffer {
  return Buffer.of(PDU_TYPE.releaseRequest, 0, 0, 0, 0, 4, 0, 0, 0, 0);
}

export function encodeReleaseResponse(): Buffer {
  return Buffer.of(PDU_TYPE.releaseResponse, 0, 0, 0, 0, 4, 0, 0, 0, 0);
}

/** @throws {PduFormatError} */
export function decodeAbort(body: Buffer): Abort {
  requireBytes(body, 4, 'A-ABORT');
  return { source: body.readUInt8(2), reason: body.readUInt8(3) };
}

export function encodeAbort({ source, reason }: Abort): Buffer {
  return Buffer.of(PDU_TYPE.abort, 0, 0, 0, 0, 4, 0, 0, source, reason);
}

function readFixedFields(body: Buffer): {
  protocolVersion: number;
  titleFields: Uint8Array;
  variableItems: Buffer;
} {
  requireBytes(body, FIXED_FIELDS_BYTES, 'the part before the items');
  return {
    protocolVersion: body.readUInt16BE(0),
    titleFields: Uint8Array.from(body.subarray(TITLES_AT, FIXED_FIELDS_BYTES)), // The body does not outlive the call.
    variableItems: body.subarray(FIXED_FIELDS_BYTES),
  };
}

function encodeWithFixedFields(
  pduType: number,
  pdu: Pick<
    AssociateRequest,
    'protocolVersion' | 'titleFields' | 'applicationContextName' | 'userInformation'
  >,
  contexts: readonly Buffer[],
): Buffer {
  const items = Buffer.concat([
    encodeTextItem(ITEM.applicationContext, pdu.applicationContextName),
    ...contexts,
    encodeUserInformation(pdu.userInformation),
  ]);
  const head = Buffer.alloc(PDU_HEADER_BYTES + FIXED_FIELDS_BYTES);
  head.writeUInt8(pduType, 0);
  head.writeUInt32BE(FIXED_FIELDS_BYTES + items.length, 2);
  head.writeUInt16BE(pdu.protocolVersion, PDU_HEADER_BYTES);
  head.set(pdu.titleFields, PDU_HEADER_BYTES + TITLES_AT);
  return Buffer.concat([head, items]);
}

function decodeProposedContext(value: Buffer): ProposedPresentationContext {
  const id = requireBytes(value, 4, 'a presentation context').readUInt8(0);
  let abstractSyntaxUid = '';
  const transferSyntaxUids: string[] = [];
  for (const item of readItems(value.subarray(4))) {
    if (item.type === ITEM.abstractSyntax) abstractSyntaxUid = readText(item.value);
    else if (item.type === ITEM.transferSyntax) transferSyntaxUids.push(readText(item.value));
  }
  return { id, abstractSyntaxUid, transferSyntaxUids };
}

function decodeNegotiatedContext(value: Buffer): NegotiatedPresentationContext {
  requireBytes(value, 4, 'a presentation context');
  let transferSyntaxUid = '';
  for (const item of readItems(value.subarray(4))) {
    if (item.type === ITEM.transferSyntax) transferSyntaxUid = readText(item.value);
  }
  return { id: value.readUInt8(0), result: value.readUInt8(2), transferSyntaxUid };
}

/** Leading and trailing spaces are not significant: PS3.8 Table 9-11. */
function readAeTitle(titleFields: Uint8Array, at: number): string {
  const field = Buffer.from(titleFields.buffer, titleFields.byteOffset + at, AE_TITLE_BYTES);
  return readText(field).replace(/^ +/, '');
}
