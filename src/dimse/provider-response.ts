import { type CommandSet, NO_DATA_SET, RESPONSE, toErrorComment } from './command-set.ts';
import { encodeCommandPdu } from './message-writer.ts';
import type { StoreAnswer } from './provider-options.ts';

/** PS3.5 9.1. What is longer is no UID and is not repeated: a response must fit the smallest PDU. */
const UID_CHARACTERS_MAX = 64;

/** The response to a request, as one PDU. PS3.7 9.3 and 10.3. */
export function encodeResponse(
  presentationContextId: number,
  request: CommandSet,
  { status, errorComment }: StoreAnswer,
): Buffer {
  return encodeCommandPdu(presentationContextId, {
    affectedSopClassUid: repeatable(request.affectedSopClassUid ?? request.requestedSopClassUid),
    commandField: request.commandField | RESPONSE,
    messageIdBeingRespondedTo: request.messageId,
    commandDataSetType: NO_DATA_SET,
    status,
    errorComment: errorComment === undefined ? undefined : toErrorComment(errorComment),
    eventTypeId: request.eventTypeId,
    actionTypeId: request.actionTypeId,
    affectedSopInstanceUid: repeatable(request.affectedSopInstanceUid ?? request.requestedSopInstanceUid),
  });
}

function repeatable(uid: string | undefined): string | undefined {
  return uid !== undefined && uid.length <= UID_CHARACTERS_MAX ? uid : undefined;
}
