/**
 * # Association of the service user
 *
 * The requestor's side: proposes, then sends one request at a time and matches its response. What it promises is
 * in service-user.ts.
 */
import assert from 'node:assert';
import { Association } from './association.ts';
import { type AssociationEnd, type AssociationOutcome, outcomeOfEnd } from './association-end.ts';
import { encodeTitleFields } from './association-pdu.ts';
import type { AssociationUser } from './association-user.ts';
import {
  COMMAND_FIELD,
  type CommandSet,
  DATA_SET_FOLLOWS,
  NO_DATA_SET,
  nextMessageId,
} from './command-set.ts';
import { BLOCK_BYTES, DataSetSender, type DataSetSource } from './data-set-sender.ts';
import {
  DataSetSourceError,
  MessageFormatError,
  NoPresentationContextError,
  PeerPduTooSmallError,
  PeerTimeoutError,
} from './errors.ts';
import { announcesDataSet, type MessageHandler, MessageReader } from './message-reader.ts';
import { encodeCommandPdu, fragmentLength } from './message-writer.ts';
import { isPeerPduLengthSensible, offerOf, peerMaxPduLength } from './negotiation.ts';
import { type AssociateAccept, CONTEXT_RESULT, LEAST_PEER_PDU_LENGTH_BYTES } from './pdu.ts';
import { errorOfEnd } from './requestor-errors.ts';
import { Transport } from './transport.ts';
import type {
  AssociationTarget,
  RequestedContext,
  ServiceUser,
  StoreCommand,
  StoreResponse,
} from './user-options.ts';

const VERIFICATION_SOP_CLASS_UID = '1.2.840.10008.1.1';
/** PDUs for a peer that sets no limit. */
const UNLIMITED_PDU_LENGTH_BYTES = 256 * 1024;
/** How long a peer may take to close its connection after an abort. */
const LINGER_MS_MAX = 5000;

interface AcceptedContext {
  readonly id: number;
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUid: string;
}

/** A request that was sent, or is being sent. */
interface Operation {
  readonly messageId: number;
  readonly responseField: number;
  readonly response: PromiseWithResolvers<CommandSet>;
  isDataSetSent: boolean;
  /** The request has left whole. */
  isRequestSent: boolean;
  /** Came before the request had left. */
  early: CommandSet | undefined;
}

export class RequestorAssociation implements ServiceUser, AssociationUser, MessageHandler {
  readonly #target: AssociationTarget;
  readonly #proposed: readonly RequestedContext[];
  readonly #association: Association;
  readonly #reader: MessageReader;
  readonly #opened = Promise.withResolvers<void>();
  readonly #closeCallbacks: ((end: AssociationOutcome) => void)[] = [];
  #accepted: readonly AcceptedContext[] = [];
  #sender: DataSetSender | undefined;
  #operation: Operation | undefined;
  #lastMessageId = 0;
  #isConnected = false;
  #isBroken = false;
  #end: AssociationEnd | undefined;
  #awaited = { what: 'connection', withinMs: 0 };
  #blockLeft: (() => void) | undefined;

  constructor(target: AssociationTarget, contexts: readonly RequestedContext[]) {
    this.#target = target;
    this.#proposed = contexts;
    this.#reader = new MessageReader(this, (id) => this.#accepted.some((context) => context.id === id));
    this.#association = new Association(Transport.to(target), this, {
      role: 'requestor',
      artimMs: Math.min(target.associationTimeoutMs, LINGER_MS_MAX),
      maxPduLengthBytes: target.maxPduLengthBytes,
    });
  }

  /** @throws {GatewayError} when there is no association */
  async open(): Promise<void> {
    const { calledAeTitle, callingAeTitle, connectTimeoutMs, maxPduLengthBytes } = this.#target;
    const titleFields = encodeTitleFields(calledAeTitle, callingAeTitle);
    this.#association.request({
      calledAeTitle,
      callingAeTitle,
      titleFields,
      presentationContexts: this.#proposed.map((context, index) => ({ id: 2 * index + 1, ...context })),
      ...offerOf(maxPduLengthBytes),
    });
    this.#expect('connection', connectTimeoutMs);
    await this.#opened.promise;
  }

  /** Gives up; whoever waits gets `reason`. */
  cancel(reason: Error): void {
    this.#association.abort('cancelled', reason);
  }

  // What a service user asks for.

  get isOpen(): boolean {
    return this.#association.isEstablished && !this.#isBroken;
  }

  acceptedTransferSyntaxes(abstractSyntaxUid: string): readonly string[] {
    return this.#accepted
      .filter((context) => context.abstractSyntaxUid === abstractSyntaxUid)
      .map((context) => context.transferSyntaxUid);
  }

  async store(command: StoreCommand, dataSet: DataSetSource): Promise<StoreResponse> {
    const { sopClassUid, sopInstanceUid, transferSyntaxUid, moveOriginator } = command;
    const context = this.#context(sopClassUid, transferSyntaxUid);
    const operation = this.#begin(COMMAND_FIELD.storeResponse);
    const request: CommandSet = {
      affectedSopClassUid: sopClassUid,
      commandField: COMMAND_FIELD.storeRequest,
      messageId: operation.messageId,
      priority: command.priority ?? 0,
      commandDataSetType: DATA_SET_FOLLOWS,
      affectedSopInstanceUid: sopInstanceUid,
      moveOriginatorAeTitle: moveOriginator?.aeTitle,
      moveOriginatorMessageId: moveOriginator?.messageId,
    };
    try {
      await this.#sender?.send(context.id, request, dataSet);
    } catch (error) {
      this.#sourceFailed(operation, error as Error);
    }
    this.#requestSent(operation);
    const { status, errorComment } = await operation.response.promise;
    return { status: status as number, ...(errorComment !== undefined && { errorComment }) };
  }

  async echo(): Promise<{ readonly status: number }> {
    const context = this.#context(VERIFICATION_SOP_CLASS_UID);
    const operation = this.#begin(COMMAND_FIELD.echoResponse);
    const request = encodeCommandPdu(context.id, {
      affectedSopClassUid: VERIFICATION_SOP_CLASS_UID,
      commandField: COMMAND_FIELD.echoRequest,
      messageId: operation.messageId,
      commandDataSetType: NO_DATA_SET,
    });
    this.#association.sendData(request);
    this.#requestSent(operation);
    const { status } = await operation.response.promise;
    return { status: status as number };
  }

  async release(): Promise<void> {
    assert(this.#operation === undefined, 'Cannot release: a request is under way');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onClose(() => resolve());
    if (this.isOpen) {
      this.#association.requestRelease();
      this.#expect('answer to the release request', this.#target.associationTimeoutMs);
    }
    await promise;
  }

  abort(): void {
    this.#association.abort('cancelled');
  }

  onClose(callback: (end: AssociationOutcome) => void): void {
    if (this.#end === undefined) this.#closeCallbacks.push(callback);
    else callback(outcomeOfEnd(this.#end));
  }

  // What the association tells.

  associateIndication(): void {} // Acceptors only.

  transportOpened(): void {
    this.#isConnected = true;
    this.#expect('answer to the association request', this.#target.associationTimeoutMs);
  }

  associateConfirm(accept: AssociateAccept): void {
    this.#association.expect(undefined);
    const peerMaxBytes = peerMaxPduLength(accept.userInformation);
    if (!isPeerPduLengthSensible(peerMaxBytes)) {
      const message = `Cannot send to "${this.#target.calledAeTitle}": it must receive PDUs of ${LEAST_PEER_PDU_LENGTH_BYTES} bytes, it takes ${peerMaxBytes}`;
      this.cancel(new PeerPduTooSmallError(message, { peerMaxBytes }));
      return;
    }
    this.#accepted = accept.presentationContexts.flatMap(({ id, result, transferSyntaxUid }) => {
      const proposed = this.#proposed[(id - 1) / 2];
      if (result !== CONTEXT_RESULT.acceptance) return [];
      if (!proposed?.transferSyntaxUids.includes(transferSyntaxUid)) return []; // Not what was proposed: of no use.
      return [{ id, abstractSyntaxUid: proposed.abstractSyntaxUid, transferSyntaxUid }];
    });
    const pduLengthBytes = Math.min(
      peerMaxBytes === 0 ? UNLIMITED_PDU_LENGTH_BYTES : peerMaxBytes,
      BLOCK_BYTES,
    );
    const channel = { write: (block: Buffer) => this.#writeBlock(block), isOver: () => !this.isOpen };
    this.#sender = new DataSetSender(channel, fragmentLength(pduLengthBytes));
    this.#opened.resolve();
  }

  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void {
    this.#reader.fragmentBytes(presentationContextId, isCommand, bytes);
  }

  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void {
    this.#reader.fragmentEnd(presentationContextId, isCommand, isLast);
  }

  bytesRead(): void {}

  writable(): void {} // Each block tells that it has left.

  /** An acceptor may release too: there is nothing to wait for, a response would have come before. */
  releaseIndication(): void {
    this.#association.respondRelease();
  }

  overdue(): void {
    const { what, withinMs } = this.#awaited;
    this.#association.abort('response-timeout', new PeerTimeoutError(what, withinMs, this.#disposition));
  }

  ended(end: AssociationEnd): void {
    this.#end = end;
    const error = errorOfEnd(end, {
      target: this.#target,
      isConnected: this.#isConnected,
      disposition: this.#disposition,
    });
    this.#opened.reject(error); // Has no effect once it is open.
    this.#operation?.response.reject(error);
    this.#operation = undefined;
    this.#blockLeft?.();
    for (const callback of this.#closeCallbacks.splice(0)) callback(outcomeOfEnd(end));
  }

  closed(): void {}

  // Messages.

  command(_presentationContextId: number, command: CommandSet): void {
    const operation = this.#operation;
    const isAwaited =
      operation !== undefined &&
      operation.early === undefined &&
      command.commandField === operation.responseField &&
      command.messageIdBeingRespondedTo === operation.messageId;
    if (!isAwaited)
      throw new MessageFormatError('Cannot take message: it is not the response that is awaited');
    if (announcesDataSet(command) || command.status === undefined) {
      throw new MessageFormatError('Cannot take response: it must have a status and no data set');
    }
    operation.early = command;
    if (operation.isRequestSent) this.#settle(operation, command);
  }

  dataSetBytes(): void {} // No message with a data set is let through.

  dataSetEnd(): void {}

  get #disposition(): 'retry' | 'unclear' {
    return this.#operation?.isDataSetSent ? 'unclear' : 'retry';
  }

  #expect(what: string, withinMs: number): void {
    this.#awaited = { what, withinMs };
    this.#association.expect(withinMs);
  }

  #context(abstractSyntaxUid: string, transferSyntaxUid?: string): AcceptedContext {
    const accepted = this.#accepted.find(
      (context) =>
        context.abstractSyntaxUid === abstractSyntaxUid &&
        (transferSyntaxUid === undefined || context.transferSyntaxUid === transferSyntaxUid),
    );
    if (accepted !== undefined) return accepted;
    throw new NoPresentationContextError(
      `Cannot send to "${this.#target.calledAeTitle}": it must have accepted a presentation context for ${abstractSyntaxUid} in ${transferSyntaxUid ?? 'any transfer syntax'}`,
      { abstractSyntaxUid, transferSyntaxUid: transferSyntaxUid ?? '' },
    );
  }

  #begin(responseField: number): Operation {
    assert(this.#operation === undefined, 'Cannot send a request: another is under way');
    if (!this.isOpen) {
      const end = this.#end ?? { how: 'closed' as const };
      throw errorOfEnd(end, { target: this.#target, isConnected: true, disposition: 'retry' });
    }
    this.#lastMessageId = nextMessageId(this.#lastMessageId);
    const response = Promise.withResolvers<CommandSet>();
    response.promise.catch(() => {}); // It may reject while the request is still being sent.
    const messageId = this.#lastMessageId;
    this.#operation = {
      messageId,
      responseField,
      response,
      isDataSetSent: false,
      isRequestSent: false,
      early: undefined,
    };
    return this.#operation;
  }

  #writeBlock(block: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#operation !== undefined) this.#operation.isDataSetSent = true;
    this.#expect('peer to take the data set', this.#target.pduTimeoutMs ?? this.#target.responseTimeoutMs);
    this.#blockLeft = resolve;
    this.#association.sendData(block, (error) => {
      // The close that follows tells more, but only when the event loop turns: a source that never waits would
      // keep it from turning.
      if (error) this.#isBroken = true;
      this.#association.expect(undefined);
      resolve();
    });
    return promise;
  }

  #requestSent(operation: Operation): void {
    if (this.#operation !== operation || this.#isBroken) return; // The association has ended, or is about to.
    operation.isRequestSent = true;
    if (operation.early !== undefined) this.#settle(operation, operation.early);
    else this.#expect('response', this.#target.responseTimeoutMs);
  }

  #settle(operation: Operation, response: CommandSet): void {
    this.#association.expect(undefined);
    this.#operation = undefined;
    operation.response.resolve(response);
  }

  /** Without the rest of the data set the message cannot be finished, and nothing else can follow it. */
  #sourceFailed(operation: Operation, error: Error): void {
    if (this.#operation !== operation) return;
    if (operation.isDataSetSent || !(error instanceof DataSetSourceError)) this.cancel(error);
    else {
      this.#operation = undefined;
      operation.response.reject(error);
    }
  }
}
