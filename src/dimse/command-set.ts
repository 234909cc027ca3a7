/**
 * # Command sets
 *
 * The command set of a message: group 0000, Implicit VR Little Endian whatever the transfer syntax of its
 * context. PS3.7 6.3 and Annex E. Pure.
 */
import { MessageFormatError } from './errors.ts';

/** PS3.7 Table E.1-1, Command Field. A response has the bit {@link RESPONSE}. */
export const COMMAND_FIELD = {
  storeRequest: 0x0001,
  getRequest: 0x0010,
  findRequest: 0x0020,
  moveRequest: 0x0021,
  echoRequest: 0x0030,
  eventReportRequest: 0x0100,
  nGetRequest: 0x0110,
  nSetRequest: 0x0120,
  nActionRequest: 0x0130,
  nCreateRequest: 0x0140,
  nDeleteRequest: 0x0150,
  cancelRequest: 0x0fff,
  storeResponse: 0x8001,
  echoResponse: 0x8030,
  eventReportResponse: 0x8100,
  nActionResponse: 0x8130,
} as const;

export const RESPONSE = 0x8000;
/** Command Data Set Type of a message without a data set; any other value announces one. */
export const NO_DATA_SET = 0x0101;
/** Command Data Set Type that we write when one follows. */
export const DATA_SET_FOLLOWS = 0x0001;
/** Far more than any command set takes; a peer that sends more is broken. */
export const COMMAND_SET_BYTES_MAX = 64 * 1024;
const MESSAGE_ID_MAX = 0xffff;
const ERROR_COMMENT_CHARACTERS_MAX = 64; // VR LO.

/** Elements that this gateway writes or reads; others are passed over. */
export interface CommandSet {
  readonly commandField: number;
  readonly commandDataSetType: number;
  readonly messageId?: number | undefined;
  readonly messageIdBeingRespondedTo?: number | undefined;
  readonly affectedSopClassUid?: string | undefined;
  readonly affectedSopInstanceUid?: string | undefined;
  readonly requestedSopClassUid?: string | undefined;
  readonly requestedSopInstanceUid?: string | undefined;
  readonly priority?: number | undefined;
  readonly status?: number | undefined;
  readonly errorComment?: string | undefined;
  readonly eventTypeId?: number | undefined;
  readonly actionTypeId?: number | undefined;
  readonly moveOriginatorAeTitle?: string | undefined;
  readonly moveOriginatorMessageId?: number | undefined;
}

type Field = keyof CommandSet;
type ElementVr = 'UI' | 'US' | 'AE' | 'LO';

/** Element number in group 0000, field, VR; ascending, as they are written. */
const ELEMENTS: readonly (readonly [number, Field, ElementVr])[] = [
  [0x0002, 'affectedSopClassUid', 'UI'],
  [0x0003, 'requestedSopClassUid', 'UI'],
  [0x0100, 'commandField', 'US'],
  [0x0110, 'messageId', 'US'],
  [0x0120, 'messageIdBeingRespondedTo', 'US'],
  [0x0700, 'priority', 'US'],
  [0x0800, 'commandDataSetType', 'US'],
  [0x0900, 'status', 'US'],
  [0x0902, 'errorComment', 'LO'],
  [0x1000, 'affectedSopInstanceUid', 'UI'],
  [0x1001, 'requestedSopInstanceUid', 'UI'],
  [0x1002, 'eventTypeId', 'US'],
  [0x1008, 'actionTypeId', 'US'],
  [0x1030, 'moveOriginatorAeTitle', 'AE'],
  [0x1031, 'moveOriginatorMessageId', 'US'],
];
const ELEMENT_BY_NUMBER = new Map(ELEMENTS.map((element) => [element[0], element] as const));

const ELEMENT_HEADER_BYTES = 8;
const GROUP_LENGTH_BYTES = ELEMENT_HEADER_BYTES + 4;

/** Bytes that {@link writeCommandSet} will write. */
export function commandSetLength(command: CommandSet): number {
  let length = GROUP_LENGTH_BYTES;
  for (const [, field] of ELEMENTS) {
    const value = command[field];
    if (value === undefined) continue;
    length += ELEMENT_HEADER_BYTES + (typeof value === 'number' ? 2 : evenLength(value.length));
  }
  return length;
}

/**
 * Writes a command set, with its group length, into `into` at `at`.
 *
 * @returns where it ends
 */
export function writeCommandSet(command: CommandSet, into: Buffer, at: number): number {
  let end = at + GROUP_LENGTH_BYTES;
  for (const [element, field, vr] of ELEMENTS) {
    const value = command[field];
    if (value === undefined) continue;
    into.writeUInt32LE(element << 16, end); // Group 0000, then the element number.
    if (typeof value === 'number') {
      into.writeUInt32LE(2, end + 4);
      into.writeUInt16LE(value, end + ELEMENT_HEADER_BYTES);
      end += ELEMENT_HEADER_BYTES + 2;
    } else {
      const length = evenLength(value.length);
      into.writeUInt32LE(length, end + 4);
      into.write(value, end + ELEMENT_HEADER_BYTES, value.length, 'latin1');
      end += ELEMENT_HEADER_BYTES + length;
      if (length > value.length) into[end - 1] = vr === 'UI' ? 0 : 0x20;
    }
  }
  into.writeUInt32LE(0, at);
  into.writeUInt32LE(4, at + 4);
  into.writeUInt32LE(end - at - GROUP_LENGTH_BYTES, at + ELEMENT_HEADER_BYTES);
  return end;
}

/**
 * Reads a command set. Group length is not relied on and order is not asked for: some peers get them wrong.
 *
 * @throws {MessageFormatError} when it is cut off, of another group, or without Command Field or Data Set Type
 */
export function decodeCommandSet(bytes: Buffer): CommandSet {
  const fields: Partial<Record<Field, string | number>> = {};
  let at = 0;
  while (at < bytes.length) {
    if (at + ELEMENT_HEADER_BYTES > bytes.length) throw malformed('an element header is cut off', at);
    if (bytes.readUInt16LE(at) !== 0) throw malformed('it holds an element that is not of group 0000', at);
    const element = ELEMENT_BY_NUMBER.get(bytes.readUInt16LE(at + 2));
    const length = bytes.readUInt32LE(at + 4);
    const valueAt = at + ELEMENT_HEADER_BYTES;
    if (length > bytes.length - valueAt) throw malformed('an element is longer than the command set', at);
    if (element !== undefined) fields[element[1]] = readValue(bytes, valueAt, length, element[2]);
    at = valueAt + length;
  }
  const { commandField, commandDataSetType } = fields;
  if (typeof commandField !== 'number') throw malformed('it has no Command Field', at);
  if (typeof commandDataSetType !== 'number') throw malformed('it has no Command Data Set Type', at);
  return fields as CommandSet; // Each field has the type of its VR.
}

/** The Message ID of the next request: no two that are under way have the same. */
export function nextMessageId(last: number): number {
  return (last % MESSAGE_ID_MAX) + 1;
}

/** A text that fits the VR LO of Error Comment: ASCII without backslash, 64 characters. */
export function toErrorComment(text: string): string {
  return text.replace(/[^\x20-\x5b\x5d-\x7e]/g, '?').slice(0, ERROR_COMMENT_CHARACTERS_MAX);
}

function readValue(bytes: Buffer, at: number, length: number, vr: ElementVr): string | number {
  if (vr === 'US') {
    if (length !== 2) throw malformed('a number does not take 2 bytes', at);
    return bytes.readUInt16LE(at);
  }
  let end = at + length;
  while (end > at && (bytes[end - 1] === 0 || bytes[end - 1] === 0x20)) end -= 1;
  let start = at;
  while (start < end && bytes[start] === 0x20) start += 1;
  return bytes.toString('latin1', start, end);
}

function malformed(what: string, offset: number): MessageFormatError {
  return new MessageFormatError(`Cannot read command set: ${what} (offset ${offset})`, { offset });
}

function evenLength(length: number): number {
  return length + (length & 1);
}
