/**
 * # Messages of the service provider
 *
 * Serves C-ECHO and C-STORE, and N-ACTION and N-EVENT-REPORT where there is somebody for them; every other
 * operation is answered with 0211H. PS3.7 9 and 10.
 *
 * Invariants:
 * - Responses leave in the order of their requests, also when the peer does not wait for them.
 * - The data set of a C-STORE goes to its sink as it comes; nothing of it is kept here.
 * - A sink is told exactly one of `end` and `discard`.
 */
import { CollectedOperation, type CollectingRoom } from './collected-operation.ts';
import { COMMAND_FIELD, type CommandSet, RESPONSE } from './command-set.ts';
import { MessageFormatError } from './errors.ts';
import { announcesDataSet, type MessageHandler, MessageReader } from './message-reader.ts';
import type { AdmittedPeer, NormalizedRequest, ProviderOptions, StoreAnswer } from './provider-options.ts';
import { encodeResponse } from './provider-response.ts';
import { ResponseQueue, type ResponseSlot } from './response-queue.ts';
import type { ReverseRequests } from './reverse-requests.ts';
import { STATUS } from './status.ts';
import { type ServedOperation, StoreOperation } from './store-operation.ts';

export interface AcceptedContext {
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUid: string;
}

/** Why the peer is held back for the moment. */
export type Hold = 'sink' | 'responses' | 'socket';

/** The association that the messages come from. */
export interface MessageChannel {
  readonly options: Pick<ProviderOptions, 'store' | 'action' | 'eventReport' | 'onEvent'>;
  readonly peer: AdmittedPeer;
  readonly contexts: ReadonlyMap<number, AcceptedContext>;
  /** Our own requests to the peer, which its responses belong to. */
  readonly reverse: ReverseRequests;
  readonly room: CollectingRoom;
  /** Sends a response in one write. Returns false when the association is over. */
  send(response: Buffer): boolean;
  hold(why: Hold): void;
  release(why: Hold): void;
  /** A response has left, or never will. */
  responded(): void;
  /** A fault of this program: the association cannot go on. */
  fail(error: unknown): void;
}

/** A request whose response is due. */
interface Operation {
  readonly presentationContextId: number;
  readonly command: CommandSet;
  readonly slot: ResponseSlot;
  /** What takes the data set, or else the answer, known from the command set alone. */
  readonly served: ServedOperation | StoreAnswer;
}

/** Requests of one association that may wait for their responses; a peer that sends more is held back. */
const RESPONSES_DUE_MAX = 64;

export class ProviderMessages implements MessageHandler {
  readonly #channel: MessageChannel;
  readonly #reader: MessageReader;
  readonly #responses = new ResponseQueue();
  #current: Operation | undefined;
  #heldBy: ServedOperation | undefined;
  #stores = 0;

  constructor(channel: MessageChannel) {
    this.#channel = channel;
    this.#reader = new MessageReader(this, (id) => channel.contexts.has(id));
  }

  get isMidMessage(): boolean {
    return this.#reader.isMidMessage;
  }

  get responsesDue(): number {
    return this.#responses.length;
  }

  /** C-STORE requests so far. */
  get stores(): number {
    return this.#stores;
  }

  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void {
    this.#reader.fragmentBytes(presentationContextId, isCommand, bytes);
  }

  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void {
    this.#reader.fragmentEnd(presentationContextId, isCommand, isLast);
  }

  /** No more will come of the message in hand. */
  discard(reason: string): void {
    const { served } = this.#current ?? {};
    this.#current = undefined;
    if (!takesDataSet(served)) return;
    served.discard(reason);
    if (!(served instanceof StoreOperation)) return;
    const { request, dataSetBytes } = served;
    this.#channel.options.onEvent?.({ type: 'store-discarded', request, dataSetBytes, reason });
  }

  command(presentationContextId: number, command: CommandSet): void {
    const { commandField, messageId } = command;
    if (commandField === COMMAND_FIELD.cancelRequest) return; // Of an operation that is long answered.
    if ((commandField & RESPONSE) !== 0) {
      this.#channel.reverse.response(command);
      return;
    }
    if (messageId === undefined)
      throw new MessageFormatError('Cannot read command set: it has no Message ID');
    const operation: Operation = {
      presentationContextId,
      command,
      slot: this.#responses.reserve(),
      served: this.#serve(presentationContextId, command, messageId),
    };
    if (this.#responses.length >= RESPONSES_DUE_MAX) this.#channel.hold('responses');
    if (announcesDataSet(command)) this.#current = operation;
    else this.#finish(operation);
  }

  dataSetBytes(bytes: Buffer): void {
    const served = this.#current?.served;
    if (!takesDataSet(served) || served.write(bytes) || this.#heldBy !== undefined) return;
    this.#heldBy = served;
    this.#channel.hold('sink');
    served.onWritable(() => this.#sinkCaughtUp(served));
  }

  dataSetEnd(): void {
    const operation = this.#current;
    this.#current = undefined;
    if (operation !== undefined) this.#finish(operation);
  }

  #serve(
    presentationContextId: number,
    command: CommandSet,
    messageId: number,
  ): ServedOperation | StoreAnswer {
    const { action, eventReport } = this.#channel.options;
    switch (command.commandField) {
      case COMMAND_FIELD.echoRequest:
        return { status: STATUS.success };
      case COMMAND_FIELD.storeRequest:
        return this.#store(presentationContextId, command, messageId);
      case COMMAND_FIELD.nActionRequest:
        return this.#collect(presentationContextId, command, action);
      case COMMAND_FIELD.eventReportRequest:
        return this.#collect(presentationContextId, command, eventReport);
      default:
        return this.#refuse(command);
    }
  }

  #refuse({ commandField }: CommandSet): StoreAnswer {
    const { peer, options } = this.#channel;
    options.onEvent?.({ type: 'operation-refused', peer, commandField });
    return { status: STATUS.unrecognizedOperation };
  }

  #collect(
    presentationContextId: number,
    command: CommandSet,
    serve: ((request: NormalizedRequest) => Promise<StoreAnswer>) | undefined,
  ): ServedOperation | StoreAnswer {
    if (serve === undefined) return this.#refuse(command);
    const { peer, reverse, room, options } = this.#channel;
    const { transferSyntaxUid } = this.#channel.contexts.get(presentationContextId) as AcceptedContext;
    const request = {
      association: peer,
      reverse,
      sopClassUid: command.requestedSopClassUid ?? command.affectedSopClassUid ?? '',
      sopInstanceUid: command.requestedSopInstanceUid ?? command.affectedSopInstanceUid ?? '',
      typeId: command.actionTypeId ?? command.eventTypeId ?? 0,
      transferSyntaxUid,
    };
    return new CollectedOperation(
      (dataSet) => serve(announcesDataSet(command) ? { ...request, dataSet } : request),
      { room, failed: (error) => options.onEvent?.({ type: 'handler-failed', error }) },
    );
  }

  #store(presentationContextId: number, command: CommandSet, messageId: number): StoreOperation {
    this.#stores += 1;
    const context = this.#channel.contexts.get(presentationContextId) as AcceptedContext; // The reader asked for it.
    const request = {
      association: this.#channel.peer,
      sopClassUid: command.affectedSopClassUid ?? '',
      sopInstanceUid: command.affectedSopInstanceUid ?? '',
      transferSyntaxUid: context.transferSyntaxUid,
      messageId,
      priority: command.priority ?? 0,
    };
    return new StoreOperation(this.#channel.options, request, refusalOfStore(command, context));
  }

  #finish(operation: Operation): void {
    const { served } = operation;
    if (!takesDataSet(served)) {
      this.#respond(operation, served);
      return;
    }
    // A failure of the sink is an answer: what fails here is ours.
    served
      .end()
      .then((answer) => {
        this.#sinkCaughtUp(served);
        this.#respond(operation, answer);
      })
      .catch((error: unknown) => this.#channel.fail(error));
  }

  #respond(operation: Operation, answer: StoreAnswer): void {
    const response = encodeResponse(operation.presentationContextId, operation.command, answer);
    this.#responses.fill(operation.slot, () => {
      const isSent = this.#channel.send(response);
      if (operation.served instanceof StoreOperation) this.#tellAnswered(operation.served, answer, isSent);
    });
    if (this.#responses.length < RESPONSES_DUE_MAX) this.#channel.release('responses');
    this.#channel.responded();
  }

  #tellAnswered(
    { request, dataSetBytes, startedAtMs }: StoreOperation,
    answer: StoreAnswer,
    isSent: boolean,
  ): void {
    const durationMs = performance.now() - startedAtMs;
    const { onEvent } = this.#channel.options;
    onEvent?.({ type: 'store-answered', request, answer, dataSetBytes, durationMs, isSent });
  }

  #sinkCaughtUp(served: ServedOperation): void {
    if (this.#heldBy !== served) return;
    this.#heldBy = undefined;
    this.#channel.release('sink');
  }
}

function takesDataSet(served: ServedOperation | StoreAnswer | undefined): served is ServedOperation {
  return served !== undefined && 'end' in served;
}

/** Why a C-STORE cannot be served, whatever its data set holds. */
function refusalOfStore(command: CommandSet, context: AcceptedContext): StoreAnswer | undefined {
  if (!announcesDataSet(command)) {
    return { status: STATUS.cannotUnderstand, errorComment: 'The request has no data set' };
  }
  if (command.affectedSopClassUid !== context.abstractSyntaxUid) {
    return { status: STATUS.sopClassNotSupported, errorComment: 'SOP class is not that of the context' };
  }
  if (command.affectedSopInstanceUid === undefined) {
    return { status: STATUS.invalidSopInstance, errorComment: 'The request has no SOP Instance UID' };
  }
  return undefined;
}
