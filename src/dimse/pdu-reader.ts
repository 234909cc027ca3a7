/**
 * # PDU reader
 *
 * Bytes, cut anywhere, to PDUs. Data set fragments are handed on as they come, as views of the bytes fed: nothing
 * is gathered and nothing is copied, however long a PDU is. Only association PDUs are gathered, up to
 * {@link ASSOCIATION_PDU_BYTES_MAX}, and only when they do not arrive in one piece.
 *
 * Views are valid during the call that hands them over, never after. Pure: no sockets, no clock.
 */
import { PduFormatError } from './errors.ts';
import {
  ABORT_REASON,
  COMMAND_FRAGMENT,
  LAST_FRAGMENT,
  PDU_HEADER_BYTES,
  PDU_TYPE,
  PDV_HEADER_BYTES,
} from './pdu.ts';

/** Takes what the reader finds, in order. */
export interface PduHandler {
  /** Any PDU but P-DATA-TF; `body` is what follows the header. */
  associationPdu(type: number, body: Buffer): void;
  /** The header of a P-DATA-TF; its fragments follow. */
  dataPduStart(): void;
  /** Bytes of a fragment, never none. A fragment may come in several pieces. */
  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void;
  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void;
}

/** Largest A-ASSOCIATE-RQ or -AC: 128 contexts with every transfer syntax there is take a tenth of it. */
export const ASSOCIATION_PDU_BYTES_MAX = 1024 * 1024;
/** A-ASSOCIATE-RJ, A-RELEASE-RQ, A-RELEASE-RP and A-ABORT have this length: PS3.8 9.3.4, 9.3.6 to 9.3.8. */
const SHORT_PDU_BYTES = 4;

type Step = 'pdu-header' | 'association-body' | 'pdv-header' | 'pdv-value' | 'stopped';

export class PduReader {
  readonly #handler: PduHandler;
  readonly #dataPduBytesMax: number;
  readonly #header = Buffer.alloc(Math.max(PDU_HEADER_BYTES, PDV_HEADER_BYTES));
  #headerFilled = 0;
  #step: Step = 'pdu-header';
  #pduType = 0;
  #pduLeft = 0;
  #body: Buffer | undefined;
  #bodyFilled = 0;
  #pdvLeft = 0;
  #presentationContextId = 0;
  #isCommand = false;
  #isLast = false;
  #pdusRead = 0;

  /** @param dataPduBytesMax largest P-DATA-TF we agreed to receive, without its header: PS3.8 D.1 */
  constructor(handler: PduHandler, dataPduBytesMax: number) {
    this.#handler = handler;
    this.#dataPduBytesMax = dataPduBytesMax;
  }

  /** PDUs read whole so far: tells whether there was progress. */
  get pdusRead(): number {
    return this.#pdusRead;
  }

  /** True between the first and the last byte of a PDU. */
  get isMidPdu(): boolean {
    return this.#step === 'pdu-header' ? this.#headerFilled > 0 : this.#step !== 'stopped';
  }

  /** Takes no notice of anything from here on: framing is lost, or the association is. */
  stop(): void {
    this.#step = 'stopped';
    this.#body = undefined;
  }

  /**
   * Reads on.
   *
   * @throws {PduFormatError} at the first byte that cannot belong to a PDU; the reader is of no more use then
   */
  feed(bytes: Uint8Array): void {
    const buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < buffer.length) {
      switch (this.#step) {
        case 'pdu-header':
          at = this.#readPduHeader(buffer, at);
          break;
        case 'pdv-header':
          at = this.#readPdvHeader(buffer, at);
          break;
        case 'pdv-value':
          at = this.#readPdvValue(buffer, at);
          break;
        case 'association-body':
          at = this.#readAssociationBody(buffer, at);
          break;
        case 'stopped':
          return;
      }
    }
  }

  #readPduHeader(buffer: Buffer, at: number): number {
    let header = buffer;
    let headerAt = at;
    let end = at + PDU_HEADER_BYTES;
    if (this.#headerFilled > 0 || end > buffer.length) {
      end = this.#fillHeader(buffer, at, PDU_HEADER_BYTES);
      if (this.#headerFilled < PDU_HEADER_BYTES) {
        // A type that does not exist needs no length: a web browser learns at once that it is wrong here.
        checkPduType(this.#header.readUInt8(0));
        return end;
      }
      header = this.#header;
      headerAt = 0;
      this.#headerFilled = 0;
    }
    this.#startPdu(header.readUInt8(headerAt), header.readUInt32BE(headerAt + 2));
    return end;
  }

  #startPdu(type: number, lengthBytes: number): void {
    checkPduType(type);
    checkPduLength(type, lengthBytes, this.#dataPduBytesMax);
    this.#pduType = type;
    this.#pduLeft = lengthBytes;
    if (type === PDU_TYPE.data) {
      this.#step = 'pdv-header';
      this.#handler.dataPduStart();
    } else {
      this.#step = 'association-body';
    }
  }

  #readPdvHeader(buffer: Buffer, at: number): number {
    let header = buffer;
    let headerAt = at;
    let end = at + PDV_HEADER_BYTES;
    if (this.#headerFilled > 0 || end > buffer.length) {
      end = this.#fillHeader(buffer, at, PDV_HEADER_BYTES);
      if (this.#headerFilled < PDV_HEADER_BYTES) return end;
      header = this.#header;
      headerAt = 0;
      this.#headerFilled = 0;
    }
    const lengthBytes = header.readUInt32BE(headerAt);
    const valueBytes = lengthBytes - 2; // Context id and message control header count, the length field does not.
    const leftInPdu = this.#pduLeft - PDV_HEADER_BYTES;
    if (valueBytes < 0 || valueBytes > leftInPdu) {
      throw new PduFormatError(
        `Cannot read PDV: it must take 2 to ${leftInPdu + 2} bytes, it announces ${lengthBytes}`,
        ABORT_REASON.invalidPduParameterValue,
        { lengthBytes },
      );
    }
    const control = header.readUInt8(headerAt + 5); // The other bits are not tested: PS3.8 E.2.
    this.#presentationContextId = header.readUInt8(headerAt + 4);
    this.#isCommand = (control & COMMAND_FRAGMENT) !== 0;
    this.#isLast = (control & LAST_FRAGMENT) !== 0;
    this.#pduLeft = leftInPdu;
    this.#pdvLeft = valueBytes;
    this.#step = 'pdv-value';
    if (valueBytes === 0) this.#endPdv();
    return end;
  }

  #readPdvValue(buffer: Buffer, at: number): number {
    const end = Math.min(at + this.#pdvLeft, buffer.length);
    this.#pdvLeft -= end - at;
    this.#pduLeft -= end - at;
    this.#handler.fragmentBytes(this.#presentationContextId, this.#isCommand, buffer.subarray(at, end));
    if (this.#pdvLeft === 0) this.#endPdv();
    return end;
  }

  #endPdv(): void {
    if (this.#step === 'stopped') return;
    if (this.#pduLeft === 0) this.#endPdu();
    else if (this.#pduLeft < PDV_HEADER_BYTES) {
      throw new PduFormatError(
        `Cannot read P-DATA-TF: ${this.#pduLeft} bytes remain after its last PDV`,
        ABORT_REASON.invalidPduParameterValue,
      );
    } else this.#step = 'pdv-header';
    this.#handler.fragmentEnd(this.#presentationContextId, this.#isCommand, this.#isLast);
  }

  #readAssociationBody(buffer: Buffer, at: number): number {
    const length = this.#pduLeft;
    const end = Math.min(at + length - this.#bodyFilled, buffer.length);
    if (this.#body === undefined && end - at === length) {
      this.#endAssociationPdu(buffer.subarray(at, end));
      return end;
    }
    this.#body ??= Buffer.allocUnsafe(length);
    buffer.copy(this.#body, this.#bodyFilled, at, end);
    this.#bodyFilled += end - at;
    if (this.#bodyFilled === length) this.#endAssociationPdu(this.#body);
    return end;
  }

  #endAssociationPdu(body: Buffer): void {
    this.#body = undefined;
    this.#bodyFilled = 0;
    this.#endPdu();
    this.#handler.associationPdu(this.#pduType, body);
  }

  #endPdu(): void {
    this.#step = 'pdu-header';
    this.#pdusRead += 1;
  }

  #fillHeader(buffer: Buffer, at: number, bytes: number): number {
    const end = Math.min(at + bytes - this.#headerFilled, buffer.length);
    buffer.copy(this.#header, this.#headerFilled, at, end);
    this.#headerFilled += end - at;
    return end;
  }
}

function checkPduType(type: number): void {
  if (type >= PDU_TYPE.associateRequest && type <= PDU_TYPE.abort) return;
  throw new PduFormatError(
    `Cannot read PDU: its type must be 1 to 7, it is ${type}`,
    ABORT_REASON.unrecognizedPdu,
    { type },
  );
}

function checkPduLength(type: number, lengthBytes: number, dataPduBytesMax: number): void {
  let least = SHORT_PDU_BYTES;
  let most = SHORT_PDU_BYTES;
  if (type === PDU_TYPE.data) {
    least = PDV_HEADER_BYTES; // "One or more" PDVs: PS3.8 9.3.5.
    most = dataPduBytesMax;
  } else if (type === PDU_TYPE.associateRequest || type === PDU_TYPE.associateAccept) {
    most = ASSOCIATION_PDU_BYTES_MAX;
  }
  if (lengthBytes >= least && lengthBytes <= most) return;
  throw new PduFormatError(
    `Cannot read PDU of type ${type}: it must have ${least} to ${most} bytes, it announces ${lengthBytes}`,
    ABORT_REASON.invalidPduParameterValue,
    { type, lengthBytes },
  );
}
