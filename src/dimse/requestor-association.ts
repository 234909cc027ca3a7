/**
 * # Association of the service user
 *
 * The requestor's side: proposes, then sends one request at a time and matches its response. What it promises is
 * in service-user.ts.
 */
import assert from 'node:assert';
import { VERIFICATION_SOP_CLASS_UID } from '../dicom/sop-class.ts';
import { AcceptedContexts } from './accepted-contexts.ts';
import { Association } from './association.ts';
import { type AssociationEnd, type AssociationOutcome, outcomeOfEnd } from './association-end.ts';
import type { AssociationUser } from './association-user.ts';
import {
  COMMAND_FIELD,
  type CommandSet,
  DATA_SET_FOLLOWS,
  NO_DATA_SET,
  nextMessageId,
  RESPONSE,
} from './command-set.ts';
import { DataSetSender, type DataSetSource, sentPduLength, sourceOfBytes } from './data-set-sender.ts';
import { DataSetSourceError, MessageFormatError, PeerPduTooSmallError, PeerTimeoutError } from './errors.ts';
import { IncomingRequests } from './incoming-requests.ts';
import { announcesDataSet, type MessageHandler, MessageReader } from './message-reader.ts';
import { encodeCommandPdu, fragmentLength } from './message-writer.ts';
import { isPeerPduLengthSensible, peerMaxPduLength, requestOf } from './negotiation.ts';
import { type AssociateAccept, LEAST_PEER_PDU_LENGTH_BYTES } from './pdu.ts';
import { errorOfEnd } from './requestor-errors.ts';
import { categoryOfStatus } from './status.ts';
import { Transport } from './transport.ts';
import type {
  AssociationServices,
  AssociationTarget,
  NormalizedCommand,
  RequestedContext,
  Roles,
  ServiceUser,
  StoreCommand,
  StoreResponse,
} from './user-options.ts';

/** How long a peer may take to close its connection after an abort. */
const LINGER_MS_MAX = 5000;

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
  readonly #incoming: IncomingRequests | undefined;
  #accepted: AcceptedContexts;
  /** Responses that wait until the request in hand has left. */
  #responsesDue: Buffer[] = [];
  #sender: DataSetSender | undefined;
  #operation: Operation | undefined;
  #lastMessageId = 0;
  #isConnected = false;
  #isBroken = false;
  #end: AssociationEnd | undefined;
  #awaited = { what: 'connection', withinMs: 0 };
  #blockLeft: (() => void) | undefined;

  constructor(
    target: AssociationTarget,
    contexts: readonly RequestedContext[],
    { eventReport }: AssociationServices,
  ) {
    this.#target = target;
    this.#proposed = contexts;
    this.#accepted = new AcceptedContexts(target.calledAeTitle, contexts);
    if (eventReport)
      this.#incoming = new IncomingRequests(eventReport, (response) => this.#respond(response));
    this.#reader = new MessageReader(this, (id) => this.#accepted.transferSyntaxOf(id) !== undefined);
    this.#association = new Association(Transport.to(target), this, {
      role: 'requestor',
      artimMs: Math.min(target.associationTimeoutMs, LINGER_MS_MAX),
      maxPduLengthBytes: target.maxPduLengthBytes,
    });
  }

  /** @throws {GatewayError} when there is no association */
  async open(): Promise<void> {
    this.#association.request(requestOf(this.#target, this.#proposed));
    this.#expect('connection', this.#target.connectTimeoutMs);
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
    return this.#accepted.transferSyntaxes(abstractSyntaxUid);
  }

  async store(command: StoreCommand, dataSet: DataSetSource): Promise<StoreResponse> {
    const { sopClassUid, sopInstanceUid, transferSyntaxUid, moveOriginator } = command;
    const context = this.#accepted.contextFor(sopClassUid, transferSyntaxUid);
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

  action(command: NormalizedCommand, dataSet: Uint8Array): Promise<StoreResponse> {
    const { sopClassUid, sopInstanceUid, typeId } = command;
    return this.#normalized(command, dataSet, COMMAND_FIELD.nActionRequest, {
      requestedSopClassUid: sopClassUid,
      requestedSopInstanceUid: sopInstanceUid,
      actionTypeId: typeId,
    });
  }

  eventReport(command: NormalizedCommand, dataSet: Uint8Array): Promise<StoreResponse> {
    const { sopClassUid, sopInstanceUid, typeId } = command;
    return this.#normalized(command, dataSet, COMMAND_FIELD.eventReportRequest, {
      affectedSopClassUid: sopClassUid,
      affectedSopInstanceUid: sopInstanceUid,
      eventTypeId: typeId,
    });
  }

  grantedRoles(abstractSyntaxUid: string): Roles | undefined {
    return this.#accepted.grantedRoles(abstractSyntaxUid);
  }

  async echo(): Promise<{ readonly status: number }> {
    const context = this.#accepted.contextFor(VERIFICATION_SOP_CLASS_UID);
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
    await Promise.race([this.#incoming?.answered, promise]);
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
    this.#accepted = new AcceptedContexts(this.#target.calledAeTitle, this.#proposed, accept);
    const channel = { write: (block: Buffer) => this.#writeBlock(block), isOver: () => !this.isOpen };
    this.#sender = new DataSetSender(channel, fragmentLength(sentPduLength(peerMaxBytes)));
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

  command(presentationContextId: number, command: CommandSet): void {
    if (command.commandField === COMMAND_FIELD.eventReportRequest && this.#incoming !== undefined) {
      const transferSyntaxUid = this.#accepted.transferSyntaxOf(presentationContextId) ?? '';
      this.#incoming.begin(presentationContextId, transferSyntaxUid, command);
      return;
    }
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
    if (!operation.isRequestSent && isSuccess(command.status)) {
      throw new MessageFormatError(
        'Cannot believe response: it says success before the peer had the whole message',
      );
    }
    operation.early = command;
    if (operation.isRequestSent) this.#settle(operation, command);
  }

  dataSetBytes(bytes: Buffer): void {
    this.#incoming?.dataSetBytes(bytes);
  }

  dataSetEnd(): void {
    this.#incoming?.dataSetEnd();
  }

  get #disposition(): 'retry' | 'unclear' {
    return this.#operation?.isDataSetSent ? 'unclear' : 'retry';
  }

  #expect(what: string, withinMs: number): void {
    this.#awaited = { what, withinMs };
    this.#association.expect(withinMs);
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

  async #normalized(
    { sopClassUid, transferSyntaxUid }: NormalizedCommand,
    dataSet: Uint8Array,
    commandField: number,
    elements: Partial<CommandSet>,
  ): Promise<StoreResponse> {
    const context = this.#accepted.contextFor(sopClassUid, transferSyntaxUid);
    const operation = this.#begin(commandField | RESPONSE);
    const { messageId } = operation;
    const command = { commandField, messageId, commandDataSetType: DATA_SET_FOLLOWS, ...elements };
    await this.#sender?.send(context.id, command, sourceOfBytes(dataSet));
    this.#requestSent(operation);
    const { status, errorComment } = await operation.response.promise;
    return { status: status as number, ...(errorComment !== undefined && { errorComment }) };
  }

  /** Fragments of two messages may not be mixed: a response waits for the request that is leaving. */
  #respond(response: Buffer): void {
    if (this.#operation !== undefined && !this.#operation.isRequestSent) this.#responsesDue.push(response);
    else if (this.#association.maySend && !this.#isBroken) this.#association.sendData(response);
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
    for (const response of this.#responsesDue.splice(0)) this.#respond(response);
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

/** A status that means that the peer has the instance. */
function isSuccess(status: number): boolean {
  const { outcome } = categoryOfStatus(status);
  return outcome === 'delivered' || outcome === 'warning' || outcome === 'duplicate';
}
