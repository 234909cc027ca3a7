/**
 * # Association of the service provider
 *
 * Admits a peer, negotiates, and has its messages served, within limits of time and backlog.
 *
 * Invariant: while the sink, the responses or the socket are behind, nothing more is read from the peer, and no
 * limit of time runs against it except for taking what we send.
 */
import { Association } from './association.ts';
import type { AssociationEnd } from './association-end.ts';
import type { AssociationUser } from './association-user.ts';
import type { CollectingRoom } from './collected-operation.ts';
import { sentPduLength } from './data-set-sender.ts';
import { fragmentLength } from './message-writer.ts';
import { negotiate, peerMaxPduLength } from './negotiation.ts';
import { type AssociateRequest, CONTEXT_RESULT, REJECTION, type Rejection } from './pdu.ts';
import {
  type AcceptedContext,
  type Hold,
  type MessageChannel,
  ProviderMessages,
} from './provider-messages.ts';
import type {
  Admission,
  AdmittedPeer,
  AssociationRequest,
  PeerConnection,
  ProviderOptions,
} from './provider-options.ts';
import { ReverseRequests } from './reverse-requests.ts';
import type { Transport } from './transport.ts';

/** The provider that an association belongs to. */
export interface ProviderHost {
  readonly options: ProviderOptions;
  readonly transferSyntaxUids: ReadonlySet<string>;
  readonly room: CollectingRoom;
  /** Whether one more association is within the limit. */
  hasRoom(): boolean;
  closed(association: ProviderAssociation): void;
}

/** What the peer is given time for. */
type Awaited = 'nothing' | 'rest-of-message' | 'next-message' | 'taking-responses';

export class ProviderAssociation implements AssociationUser {
  readonly #host: ProviderHost;
  readonly #connection: PeerConnection;
  readonly #association: Association;
  readonly #holds = new Set<Hold>();
  #isRejected = false;
  #peer: AdmittedPeer | undefined;
  #messages: ProviderMessages | undefined;
  #reverse: ReverseRequests | undefined;
  #acceptedAtMs = 0;
  #isReleasing = false;
  #isStopping = false;
  #awaited: Awaited = 'nothing';
  #pdusReadThen = 0;

  constructor(host: ProviderHost, transport: Transport, connection: PeerConnection) {
    this.#host = host;
    this.#connection = connection;
    const { timeouts, maxPduLengthBytes } = host.options;
    this.#association = new Association(transport, this, {
      role: 'acceptor',
      artimMs: timeouts.associationMs,
      maxPduLengthBytes,
    });
  }

  /** From the acceptance to the end. */
  get isAssociated(): boolean {
    return this.#peer !== undefined && this.#association.maySend;
  }

  listen(): void {
    this.#association.listen();
  }

  /** Ends the association as soon as what was begun is answered; its connection goes within `lingerMs`. */
  stop(lingerMs: number): void {
    this.#isStopping = true;
    this.#association.limitArtim(lingerMs);
    this.#proceed();
  }

  /** Ends the association now. */
  abort(): void {
    this.#association.abort('stopping');
  }

  /** Closes the connection without a word. */
  drop(): void {
    this.#association.drop();
  }

  associateIndication(request: AssociateRequest): void {
    const { callingAeTitle, calledAeTitle, userInformation } = request;
    const { userIdentity } = userInformation;
    const caller = {
      callingAeTitle,
      calledAeTitle,
      ...this.#connection,
      ...(userIdentity && { userIdentity }),
    };
    const admission = this.#admit(caller);
    if (admission.admitted) this.#accept(request, { ...caller, source: admission.source });
    else {
      const { rejection, source } = admission;
      this.#isRejected = true;
      const facts = { peer: caller, rejection, ...(source !== undefined && { source }) };
      this.#host.options.onEvent?.({ type: 'association-rejected', ...facts });
      this.#association.reject(rejection);
    }
  }

  transportOpened(): void {} // Requestors only.

  associateConfirm(): void {} // Requestors only.

  fragmentBytes(presentationContextId: number, isCommand: boolean, bytes: Buffer): void {
    this.#messages?.fragmentBytes(presentationContextId, isCommand, bytes);
  }

  fragmentEnd(presentationContextId: number, isCommand: boolean, isLast: boolean): void {
    this.#messages?.fragmentEnd(presentationContextId, isCommand, isLast);
  }

  bytesRead(): void {
    this.#watch();
  }

  releaseIndication(): void {
    this.#isReleasing = true;
    if (this.#messages?.isMidMessage) this.#association.abort('unexpected-pdu');
    else this.#proceed();
  }

  overdue(): void {
    this.#association.abort(this.#awaited === 'next-message' ? 'idle-timeout' : 'pdu-timeout');
  }

  writable(): void {
    this.#release('socket');
  }

  ended(end: AssociationEnd): void {
    this.#messages?.discard(end.how);
    this.#reverse?.ended();
    if (this.#isRejected) return; // Told before.
    const { onEvent } = this.#host.options;
    const peer = this.#peer;
    if (peer === undefined)
      onEvent?.({ type: 'connection-ended', peerAddress: this.#connection.peerAddress, end });
    else {
      const durationMs = performance.now() - this.#acceptedAtMs;
      onEvent?.({ type: 'association-ended', peer, end, durationMs, stores: this.#messages?.stores ?? 0 });
    }
  }

  closed(): void {
    this.#host.closed(this);
  }

  #admit(caller: AssociationRequest): Admission {
    const { options } = this.#host;
    try {
      const admission = options.admit(caller);
      if (!admission.admitted) return admission;
      const { source } = admission;
      if (this.#isStopping) return { ...rejected(REJECTION.temporaryCongestion), source };
      return this.#host.hasRoom() ? admission : { ...rejected(REJECTION.localLimitExceeded), source };
    } catch (error) {
      options.onEvent?.({ type: 'handler-failed', error });
      return rejected(REJECTION.temporaryCongestion);
    }
  }

  #accept(request: AssociateRequest, peer: AdmittedPeer): void {
    const { options, transferSyntaxUids } = this.#host;
    const { maxPduLengthBytes } = options;
    const accept = negotiate(request, {
      acceptsAbstractSyntax: (uid) => options.acceptsAbstractSyntax(uid),
      acceptsRequestorAsScp: (uid) => options.acceptsRequestorAsScp?.(uid) ?? false,
      transferSyntaxUids,
      maxPduLengthBytes,
    });
    const contexts = new Map<number, AcceptedContext>();
    accept.presentationContexts.forEach(({ id, result, transferSyntaxUid }, index) => {
      const abstractSyntaxUid = request.presentationContexts[index]?.abstractSyntaxUid ?? '';
      if (result === CONTEXT_RESULT.acceptance) contexts.set(id, { abstractSyntaxUid, transferSyntaxUid });
    });
    this.#peer = peer;
    this.#acceptedAtMs = performance.now();
    const reverse = this.#reverseRequests(peer, contexts, peerMaxPduLength(request.userInformation));
    this.#reverse = reverse;
    this.#messages = new ProviderMessages(this.#channel(peer, contexts, reverse));
    this.#association.accept(accept);
    options.onEvent?.({ type: 'association-accepted', peer, presentationContexts: contexts.size });
    try {
      options.associated?.(reverse);
    } catch (error) {
      options.onEvent?.({ type: 'handler-failed', error });
    }
  }

  #reverseRequests(
    peer: AdmittedPeer,
    contexts: ReadonlyMap<number, AcceptedContext>,
    peerMaxBytes: number,
  ): ReverseRequests {
    return new ReverseRequests({
      peer,
      contexts,
      fragmentBytes: fragmentLength(sentPduLength(peerMaxBytes)),
      isOpen: () => this.#association.isEstablished,
      isIdle: () => this.#association.isEstablished && this.#isIdle && !this.#isStopping,
      send: (message) => this.#send(message),
    });
  }

  get #isIdle(): boolean {
    const { isMidMessage = false, responsesDue = 0 } = this.#messages ?? {};
    return !isMidMessage && responsesDue === 0 && !this.#association.isMidPdu;
  }

  #channel(
    peer: AdmittedPeer,
    contexts: ReadonlyMap<number, AcceptedContext>,
    reverse: ReverseRequests,
  ): MessageChannel {
    return {
      options: this.#host.options,
      peer,
      contexts,
      reverse,
      room: this.#host.room,
      send: (response) => this.#send(response),
      hold: (why) => this.#hold(why),
      release: (why) => this.#release(why),
      responded: () => this.#proceed(),
      fail: (error) => this.#association.abort('internal', error as Error),
    };
  }

  #send(message: Buffer): boolean {
    if (!this.#association.maySend) return false;
    if (!this.#association.sendData(message)) this.#hold('socket');
    return true;
  }

  #hold(why: Hold): void {
    this.#holds.add(why);
    this.#association.pause();
  }

  #release(why: Hold): void {
    if (!this.#holds.delete(why) || this.#holds.size > 0) return;
    this.#association.resume();
    this.#watch();
  }

  /** Does what waits for the responses that were due. */
  #proceed(): void {
    const { isMidMessage = false, responsesDue = 0 } = this.#messages ?? {};
    if (responsesDue === 0) {
      if (this.#isReleasing && this.#association.maySend) this.#association.respondRelease();
      else if (this.#isStopping && !isMidMessage && !this.#association.isMidPdu) this.abort();
    }
    this.#watch();
  }

  /** Sets the limit of time to what is awaited now. It runs on while nothing has changed and no PDU was read. */
  #watch(): void {
    const awaited = this.#whatIsAwaited();
    const { pdusRead } = this.#association;
    if (awaited === this.#awaited && pdusRead === this.#pdusReadThen) return;
    this.#awaited = awaited;
    this.#pdusReadThen = pdusRead;
    const { pduMs, idleMs } = this.#host.options.timeouts;
    if (awaited === 'nothing') this.#association.expect(undefined);
    else this.#association.expect(awaited === 'next-message' ? idleMs : pduMs);
  }

  #whatIsAwaited(): Awaited {
    if (this.#holds.has('socket')) return 'taking-responses';
    if (this.#holds.size > 0) return 'nothing';
    if (this.#association.isMidPdu || this.#messages?.isMidMessage) return 'rest-of-message';
    return this.#messages === undefined || this.#messages.responsesDue > 0 ? 'nothing' : 'next-message';
  }
}

function rejected(rejection: Rejection): Admission & { admitted: false } {
  return { admitted: false, rejection };
}
