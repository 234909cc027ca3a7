/**
 * # Message reader
 *
 * Fragments to messages: a command set, gathered and decoded, then its data set, handed on as it comes.
 * PS3.7 6.3, PS3.8 Annex E. Pure.
 */
import { COMMAND_SET_BYTES_MAX, type CommandSet, decodeCommandSet, NO_DATA_SET } from './command-set.ts';
import { MessageFormatError, PduFormatError } from './errors.ts';
import { ABORT_REASON } from './pdu.ts';

/** Takes messages, one after the other. */
export interface MessageHandler {
  /** A command set has arrived. Its data set follows when {@link announcesDataSet} says so. */
  command(presentationContextId: number, command: CommandSet): void;
  /** `bytes` is valid during the call only. */
  dataSetBytes(bytes: Buffer): void;
  dataSetEnd(): void;
}

/** Most command sets take less; the room grows for one that does not, and stays. */
const COMMAND_ROOM_BYTES = 512;

export function announcesDataSet(command: CommandSet): boolean {
  return command.commandDataSetType !== NO_DATA_SET;
}

export class MessageReader {
  readonly #handler: MessageHandler;
  readonly #isAccepted: (presentationContextId: number) => boolean;
  #room = Buffer.allocUnsafe(COMMAND_ROOM_BYTES);
  #commandBytes = 0;
  #part: 'none' | 'command' | 'data-set' = 'none';
  #presentationContextId = 0;

  /** @param isAccepted whether a presentation context was accepted in the negotiation */
  constructor(handler: MessageHandler, isAccepted: (presentationContextId: number) => boolean) {
    this.#handler = handler;
    this.#isAccepted = isAccepted;
  }

  /** True from the first fragment of a message to the last. */
  get isMidMessage(): boolean {
    return this.#part !== 'none';
  }

  /** @throws {PduFormatError} when a fragment of another context, or of the other kind, belongs here */
  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void {
    this.#check(presentationContextId, isCommand);
    if (isCommand) this.#gather(bytes);
    else this.#handler.dataSetBytes(bytes);
  }

  /** @throws {PduFormatError | MessageFormatError} */
  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void {
    this.#check(presentationContextId, isCommand); // A fragment without bytes is seen here first.
    if (!isLast) return;
    if (isCommand) this.#endCommand();
    else {
      this.#part = 'none';
      this.#handler.dataSetEnd();
    }
  }

  #check(presentationContextId: number, isCommand: boolean): void {
    if (this.#part === 'none') {
      if (!isCommand) throw unexpected('a data set fragment came without a command set that announces it');
      this.#startMessage(presentationContextId);
      return;
    }
    if (isCommand && this.#part === 'data-set')
      throw unexpected('a command came amid the data set of another');
    if (!isCommand && this.#part === 'command')
      throw unexpected('a data set fragment came amid a command set');
    if (presentationContextId !== this.#presentationContextId) {
      throw new PduFormatError(
        `Cannot read message: it began in presentation context ${this.#presentationContextId}, a fragment is of ${presentationContextId}`,
        ABORT_REASON.invalidPduParameterValue,
      );
    }
  }

  #startMessage(presentationContextId: number): void {
    if (!this.#isAccepted(presentationContextId)) {
      throw new PduFormatError(
        `Cannot read message: presentation context ${presentationContextId} was not accepted`,
        ABORT_REASON.invalidPduParameterValue,
      );
    }
    this.#presentationContextId = presentationContextId;
    this.#part = 'command';
    this.#commandBytes = 0;
  }

  /** Copied: the bytes do not outlive the call. The room is used again for every command set. */
  #gather(bytes: Buffer): void {
    const end = this.#commandBytes + bytes.length;
    if (end > COMMAND_SET_BYTES_MAX) {
      throw new MessageFormatError(
        `Cannot read command set: it must have ${COMMAND_SET_BYTES_MAX} bytes at most, ${end} came so far`,
      );
    }
    if (end > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.min(2 * end, COMMAND_SET_BYTES_MAX));
      this.#room.copy(room, 0, 0, this.#commandBytes);
      this.#room = room;
    }
    bytes.copy(this.#room, this.#commandBytes);
    this.#commandBytes = end;
  }

  #endCommand(): void {
    const command = decodeCommandSet(this.#room.subarray(0, this.#commandBytes));
    this.#part = announcesDataSet(command) ? 'data-set' : 'none';
    this.#handler.command(this.#presentationContextId, command);
  }
}

function unexpected(what: string): PduFormatError {
  return new PduFormatError(`Cannot read message: ${what}`, ABORT_REASON.unexpectedPduParameter);
}
