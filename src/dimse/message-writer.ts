/**
 * # Message writer
 *
 * Messages to PDUs that are ready for one write each. PS3.7 6.3, PS3.8 9.3.5 and Annex E. Pure.
 */
import { type CommandSet, commandSetLength, writeCommandSet } from './command-set.ts';
import { COMMAND_FRAGMENT, LAST_FRAGMENT, PDU_HEADER_BYTES, PDU_TYPE, PDV_HEADER_BYTES } from './pdu.ts';

/** In front of every fragment when each has a PDU of its own. */
const FRAGMENT_HEADER_BYTES = PDU_HEADER_BYTES + PDV_HEADER_BYTES;

/** Bytes of the one PDU that {@link writeCommandPdu} writes. */
export function commandPduLength(command: CommandSet): number {
  return FRAGMENT_HEADER_BYTES + commandSetLength(command);
}

/**
 * Writes a command set as one PDU into `into` at `at`.
 *
 * @returns where it ends
 */
export function writeCommandPdu(
  presentationContextId: number,
  command: CommandSet,
  into: Buffer,
  at: number,
): number {
  const end = writeCommandSet(command, into, at + FRAGMENT_HEADER_BYTES);
  const lengthBytes = end - at - FRAGMENT_HEADER_BYTES;
  writeFragmentHeader(into, at, presentationContextId, lengthBytes, COMMAND_FRAGMENT | LAST_FRAGMENT);
  return end;
}

export function encodeCommandPdu(presentationContextId: number, command: CommandSet): Buffer {
  const pdu = Buffer.allocUnsafe(commandPduLength(command));
  writeCommandPdu(presentationContextId, command, pdu, 0);
  return pdu;
}

/** A whole message, for one write: a data set that is in memory all the same. */
export function encodeMessage(
  command: CommandSet,
  dataSet: Uint8Array | undefined,
  fragmentation: Fragmentation,
): Buffer {
  const { presentationContextId, fragmentBytes } = fragmentation;
  if (dataSet === undefined) return encodeCommandPdu(presentationContextId, command);
  const start = commandPduLength(command);
  const end = start + framedLength(dataSet.length, fragmentBytes);
  const message = Buffer.allocUnsafe(end);
  writeCommandPdu(presentationContextId, command, message, 0);
  message.set(dataSet, end - dataSet.length);
  frameInPlace(message, { start, end, dataSetBytes: dataSet.length }, fragmentation, true);
  return message;
}

/** How the data set of one message is cut. */
export interface Fragmentation {
  readonly presentationContextId: number;
  /** Bytes of the data set in each PDU but the last: even, as some peers refuse odd fragments. */
  readonly fragmentBytes: number;
}

/** Data set bytes per PDU for a peer that receives PDUs up to `maxPduLengthBytes`. */
export function fragmentLength(maxPduLengthBytes: number): number {
  const bytes = maxPduLengthBytes - PDV_HEADER_BYTES;
  return bytes - (bytes % 2);
}

/** Bytes that `dataSetBytes` take as PDUs. At least one PDU, also without bytes. */
export function framedLength(dataSetBytes: number, fragmentBytes: number): number {
  return dataSetBytes + FRAGMENT_HEADER_BYTES * Math.max(1, Math.ceil(dataSetBytes / fragmentBytes));
}

/**
 * Turns the last `dataSetBytes` of `block[start, end)` into PDUs that fill it, in place: each fragment moves down
 * to its header. `end - start` is {@link framedLength} of them.
 */
export function frameInPlace(
  block: Buffer,
  range: { readonly start: number; readonly end: number; readonly dataSetBytes: number },
  fragmentation: Fragmentation,
  isEndOfDataSet: boolean,
): void {
  const { presentationContextId, fragmentBytes } = fragmentation;
  let from = range.end - range.dataSetBytes;
  let to = range.start;
  do {
    const lengthBytes = Math.min(fragmentBytes, range.end - from);
    const isLast = isEndOfDataSet && from + lengthBytes === range.end;
    // The last fragment lies in place already.
    if (to + FRAGMENT_HEADER_BYTES !== from) {
      block.copyWithin(to + FRAGMENT_HEADER_BYTES, from, from + lengthBytes);
    }
    writeFragmentHeader(block, to, presentationContextId, lengthBytes, isLast ? LAST_FRAGMENT : 0);
    from += lengthBytes;
    to += FRAGMENT_HEADER_BYTES + lengthBytes;
  } while (from < range.end);
}

function writeFragmentHeader(
  into: Buffer,
  at: number,
  presentationContextId: number,
  lengthBytes: number,
  control: number,
): void {
  into.writeUInt16BE(PDU_TYPE.data << 8, at);
  into.writeUInt32BE(PDV_HEADER_BYTES + lengthBytes, at + 2);
  into.writeUInt32BE(2 + lengthBytes, at + PDU_HEADER_BYTES);
  into.writeUInt8(presentationContextId, at + 10);
  into.writeUInt8(control, at + 11);
}
