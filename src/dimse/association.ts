/**
 * # Association
 *
 * One association over one transport connection, acceptor or requestor: the state machine of state-machine.ts
 * with the actions it names. Its user gets the indications and confirmations of PS3.8 as calls, and makes requests
 * and responses as calls.
 *
 * Invariants:
 * - Every PDU and every primitive passes through the table; a pair that Table 9-10 lacks is a bug here.
 * - `ended` is told exactly once, `closed` exactly once and last. Between the two ARTIM runs: no connection stays
 *   half-open.
 * - Whatever its user throws while bytes are read, ends this association and nothing else.
 *
 * Deliberately absent: messages, and any opinion on who may associate.
 */
import assert from 'node:assert';
import type { AbortCause, AssociationEnd } from './association-end.ts';
import {
  decodeAbort,
  decodeAssociateAccept,
  decodeAssociateReject,
  decodeAssociateRequest,
  encodeAbort,
  encodeAssociateAccept,
  encodeAssociateReject,
  encodeAssociateRequest,
  encodeReleaseRequest,
  encodeReleaseResponse,
} from './association-pdu.ts';
import type { AssociationOptions, AssociationUser } from './association-user.ts';
import { Deadline } from './deadline.ts';
import { MessageFormatError, PduFormatError } from './errors.ts';
import { refusalOf } from './negotiation.ts';
import {
  ABORT_REASON,
  type Abort,
  type AbortReason,
  type AssociateAccept,
  type AssociateRequest,
  PDU_TYPE,
  type Rejection,
} from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import {
  type Action,
  actionFor,
  EVENT,
  type Event,
  NEXT_STATES,
  STATE,
  type State,
} from './state-machine.ts';
import type { Transport } from './transport.ts';

/** What an event brings along. */
interface EventDetail {
  /** The PDU to send, or the body of the one received. */
  readonly pdu?: Buffer;
  readonly cause?: AbortCause;
  readonly abortReason?: AbortReason;
  readonly error?: Error;
}

const NO_DETAIL: EventDetail = {};
const BY_USER: Abort = { source: 0, reason: ABORT_REASON.notSpecified };

export class Association {
  readonly #transport: Transport;
  readonly #user: AssociationUser;
  readonly #isRequestor: boolean;
  readonly #reader: PduReader;
  readonly #deadline = new Deadline(() => this.#deadlineExpired());
  #artimMs: number;
  #state: State = STATE.idle;
  #request: Buffer | undefined;
  #end: AssociationEnd | undefined;
  #isEndTold = false;

  constructor(transport: Transport, user: AssociationUser, options: AssociationOptions) {
    this.#transport = transport;
    this.#user = user;
    this.#isRequestor = options.role === 'requestor';
    this.#artimMs = options.artimMs;
    this.#reader = new PduReader(this, options.maxPduLengthBytes);
  }

  get isEstablished(): boolean {
    return this.#state === STATE.established;
  }

  /** True as well after the peer has asked for release, until that is answered. */
  get maySend(): boolean {
    return this.#state === STATE.established || this.#state === STATE.awaitingReleaseResponse;
  }

  get isMidPdu(): boolean {
    return this.#reader.isMidPdu;
  }

  get pdusRead(): number {
    return this.#reader.pdusRead;
  }

  /** Acceptor: takes up the connection that a peer opened. */
  listen(): void {
    this.#fire(EVENT.transportIndication);
  }

  /** Requestor: opens the connection, then asks for the association. */
  request(request: AssociateRequest): void {
    this.#request = encodeAssociateRequest(request);
    this.#fire(EVENT.associateRequest);
  }

  accept(accept: AssociateAccept): void {
    this.#fire(EVENT.acceptResponse, { pdu: encodeAssociateAccept(accept) });
  }

  reject(rejection: Rejection): void {
    this.#endedBy({ how: 'rejected', rejection });
    this.#fire(EVENT.rejectResponse, { pdu: encodeAssociateReject(rejection) });
  }

  /**
   * Sends whole P-DATA-TF PDUs, as they are, in one write.
   *
   * @param flushed called once: when the bytes have left, or with an error when they never will
   * @returns false when the caller should wait for `writable`
   */
  sendData(pdus: Uint8Array, flushed?: (error?: Error | null) => void): boolean {
    // DT-1 and AR-7 send and keep the state.
    assert(this.maySend, `Cannot send data in Sta${this.#state}: the association must be open`);
    return this.#transport.write(pdus, flushed);
  }

  requestRelease(): void {
    this.#fire(EVENT.releaseRequest);
  }

  respondRelease(): void {
    this.#fire(EVENT.releaseResponse);
  }

  /** Gives the association up now; harmless when it is over. */
  abort(cause: AbortCause, error?: Error): void {
    if (actionFor(this.#state, EVENT.abortRequest) !== undefined) {
      this.#fire(EVENT.abortRequest, { cause, ...(error && { error }) });
    } else if (this.#state === STATE.awaitingAssociateRequest) {
      this.#endedBy({ how: 'aborted', abort: BY_USER, cause }); // Nobody to tell: the peer has not asked yet.
      this.#transport.close();
    }
  }

  /** Sets, or with undefined lifts, the time within which the peer must do what is expected of it. */
  expect(withinMs: number | undefined): void {
    if (this.#isArtimState) return;
    if (withinMs === undefined) this.#deadline.stop();
    else this.#deadline.start(withinMs);
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  /** From now on ARTIM is no longer than this. */
  limitArtim(artimMs: number): void {
    this.#artimMs = Math.min(this.#artimMs, artimMs);
    if (this.#state === STATE.awaitingTransportClose) this.#startArtim();
  }

  /** Closes the connection without a word. */
  drop(): void {
    this.#transport.close();
  }

  // What the transport tells.

  transportOpened(): void {
    this.#fire(EVENT.transportConfirm);
  }

  bytesReceived(bytes: Buffer): void {
    try {
      this.#reader.feed(bytes);
      this.#user.bytesRead();
    } catch (error) {
      this.#readingFailed(error as Error);
    }
  }

  writable(): void {
    this.#user.writable();
  }

  transportClosed(error: Error | undefined): void {
    this.#reader.stop();
    this.#endedBy({ how: 'closed', ...(error && { error }) });
    if (this.#state !== STATE.idle) this.#fire(EVENT.transportClosed);
    this.#deadline.close();
    this.#tellEnd();
    this.#user.closed();
  }

  // What the PDU reader tells.

  associationPdu(type: number, body: Buffer): void {
    switch (type) {
      case PDU_TYPE.associateRequest:
        this.#requestReceived(body);
        return;
      case PDU_TYPE.associateAccept:
        this.#fire(EVENT.acceptReceived, { pdu: body });
        return;
      case PDU_TYPE.associateReject:
        this.#fire(EVENT.rejectReceived, { pdu: body });
        return;
      case PDU_TYPE.releaseRequest:
        this.#fire(EVENT.releaseRequestReceived);
        return;
      case PDU_TYPE.releaseResponse:
        this.#fire(EVENT.releaseAnswerReceived);
        return;
      default: // A-ABORT: the reader passes no other type.
        this.#fire(EVENT.abortReceived, { pdu: body });
        return;
    }
  }

  dataPduStart(): void {
    this.#fire(EVENT.dataReceived);
  }

  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void {
    if (this.#takesData) this.#user.fragmentBytes(presentationContextId, isCommand, bytes);
  }

  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void {
    if (this.#takesData) this.#user.fragmentEnd(presentationContextId, isCommand, isLast);
  }

  // The state machine.

  get #takesData(): boolean {
    return this.#state === STATE.established || this.#state === STATE.awaitingReleaseAnswer;
  }

  /** ARTIM runs, or nothing does: the user has no say over the time. */
  get #isArtimState(): boolean {
    const state = this.#state;
    return (
      state === STATE.idle ||
      state === STATE.awaitingAssociateRequest ||
      state === STATE.awaitingTransportClose
    );
  }

  /** Moves to the next state, then does what the action says. */
  #fire(event: Event, detail: EventDetail = NO_DETAIL): void {
    const action = actionFor(this.#state, event);
    assert(
      action !== undefined,
      `Evt${event} cannot happen in Sta${this.#state}: Table 9-10 has no such pair`,
    );
    const [next, otherwise] = NEXT_STATES[action];
    this.#state = action === 'AR-8' && !this.#isRequestor ? (otherwise as State) : next;
    Association.#actions[action](this, detail);
    this.#tellEnd();
  }

  /** AE-6, the one action that must read the PDU to know its next state. */
  #requestReceived(body: Buffer): void {
    if (actionFor(this.#state, EVENT.requestReceived) !== 'AE-6') {
      this.#fire(EVENT.requestReceived);
      return;
    }
    const request = decodeAssociateRequest(body);
    const refusal = refusalOf(request);
    this.#deadline.stop();
    this.#state = STATE.awaitingAssociateResponse;
    if (refusal === undefined) this.#user.associateIndication(request);
    else this.reject(refusal); // Sta3 and AE-8 at once are the other branch of AE-6.
  }

  /** Tables 9-6 to 9-9: what each action does, besides moving to its next state. */
  static readonly #actions: Record<Action, (self: Association, detail: EventDetail) => void> = {
    'AE-1': (self) => self.#transport.start(self),
    'AE-2': (self) => {
      self.#send(self.#request);
      self.#user.transportOpened();
    },
    'AE-3': (self, { pdu }) => self.#user.associateConfirm(decodeAssociateAccept(present(pdu))),
    'AE-4': (self, { pdu }) =>
      self.#close({ how: 'rejected', rejection: decodeAssociateReject(present(pdu)) }),
    'AE-5': (self) => {
      self.#startArtim();
      self.#transport.start(self);
    },
    'AE-6': () => {}, // Done in #requestReceived.
    'AE-7': (self, { pdu }) => self.#send(pdu),
    'AE-8': (self, { pdu }) => self.#sendLast(pdu),
    'DT-1': () => {}, // Done in sendData, as AR-7 is.
    'DT-2': () => {}, // The fragments follow, as they do after AR-6.
    'AR-1': (self) => self.#send(encodeReleaseRequest()),
    'AR-2': (self) => self.#user.releaseIndication(),
    'AR-3': (self) => self.#close({ how: 'released' }),
    'AR-4': (self) => {
      self.#endedBy({ how: 'released' });
      self.#sendLast(encodeReleaseResponse());
    },
    'AR-5': (self) => self.#deadline.stop(),
    'AR-6': () => {},
    'AR-7': () => {},
    'AR-8': (self) => {
      if (self.#isRequestor) self.#user.releaseIndication(); // An acceptor responds after AR-10.
    },
    'AR-9': (self) => self.#send(encodeReleaseResponse()),
    'AR-10': (self) => self.#user.releaseIndication(),
    'AA-1': (self, detail) => self.#abort(BY_USER, detail),
    'AA-2': (self, { cause = 'association-timeout', error }) =>
      self.#close({ how: 'aborted', abort: BY_USER, cause, ...(error && { error }) }),
    'AA-3': (self, { pdu }) => self.#close({ how: 'aborted-by-peer', abort: decodeAbort(present(pdu)) }),
    'AA-4': (self) => self.#deadline.stop(), // The end is told by transportClosed.
    'AA-5': (self) => self.#deadline.stop(),
    'AA-6': () => {},
    'AA-7': (self, detail) => self.#abort(byProvider(detail), detail),
    'AA-8': (self, detail) => self.#abort(byProvider(detail), detail),
  };

  #abort(abort: Abort, detail: EventDetail): void {
    const { cause = 'unexpected-pdu', error } = detail;
    this.#endedBy({ how: 'aborted', abort, cause, ...(error && { error }) });
    this.#sendLast(encodeAbort(abort));
  }

  #readingFailed(error: Error): void {
    if (error instanceof PduFormatError) {
      this.#reader.stop(); // Where the next PDU starts is not known any more.
      if (actionFor(this.#state, EVENT.invalidPduReceived) === undefined) return;
      const { abortReason } = error;
      this.#fire(EVENT.invalidPduReceived, { cause: 'invalid-pdu', abortReason, error });
    } else {
      this.abort(error instanceof MessageFormatError ? 'message-format' : 'internal', error);
    }
  }

  #deadlineExpired(): void {
    if (actionFor(this.#state, EVENT.artimExpired) === undefined) this.#user.overdue();
    else this.#fire(EVENT.artimExpired);
  }

  #startArtim(): void {
    // Reading goes on in any case: only so is it seen that the peer closes.
    this.#transport.resume();
    this.#deadline.start(this.#artimMs);
  }

  #send(pdu: Buffer | undefined): void {
    this.#transport.write(present(pdu));
  }

  /** After this PDU only the peer's closing is awaited. */
  #sendLast(pdu: Buffer | undefined): void {
    this.#send(pdu);
    this.#startArtim();
  }

  #close(end: AssociationEnd): void {
    this.#endedBy(end);
    this.#transport.close();
  }

  /** The first end counts: what comes after is only the connection closing. */
  #endedBy(end: AssociationEnd): void {
    this.#end ??= end;
  }

  #tellEnd(): void {
    if (this.#end === undefined || this.#isEndTold) return;
    this.#isEndTold = true;
    this.#user.ended(this.#end);
  }
}

function present(pdu: Buffer | undefined): Buffer {
  assert(pdu !== undefined, 'The event brought no PDU');
  return pdu;
}

function byProvider({ abortReason = ABORT_REASON.unexpectedPdu }: EventDetail): Abort {
  return { source: 2, reason: abortReason };
}
