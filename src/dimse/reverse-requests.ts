/**
 * Requests that an acceptor sends to the peer that opened the association: N-EVENT-REPORT, one at a time.
 * PS3.7 10.1.1.
 */
import {
  COMMAND_FIELD,
  type CommandSet,
  DATA_SET_FOLLOWS,
  NO_DATA_SET,
  nextMessageId,
} from './command-set.ts';
import {
  AssociationClosedError,
  MessageFormatError,
  NoPresentationContextError,
  PeerTimeoutError,
} from './errors.ts';
import { encodeMessage } from './message-writer.ts';
import type { AdmittedPeer, EventReport, ReverseLink } from './provider-options.ts';

/** The association under it. */
export interface ReverseChannel {
  readonly peer: AdmittedPeer;
  readonly contexts: ReadonlyMap<
    number,
    { readonly abstractSyntaxUid: string; readonly transferSyntaxUid: string }
  >;
  /** Data set bytes of one PDU. */
  readonly fragmentBytes: number;
  isOpen(): boolean;
  isIdle(): boolean;
  /** Sends a message in one write. Returns false when the association is over. */
  send(message: Buffer): boolean;
}

interface Pending {
  readonly messageId: number;
  readonly response: PromiseWithResolvers<{ readonly status: number }>;
}

export class ReverseRequests implements ReverseLink {
  readonly #channel: ReverseChannel;
  #lastMessageId = 0;
  #pending: Pending | undefined;
  /** Nobody waits for these any more; their responses may come all the same. */
  readonly #abandoned = new Set<number>();

  constructor(channel: ReverseChannel) {
    this.#channel = channel;
  }

  get peer(): AdmittedPeer {
    return this.#channel.peer;
  }

  get isOpen(): boolean {
    return this.#channel.isOpen();
  }

  get isIdle(): boolean {
    return this.#pending === undefined && this.#channel.isIdle();
  }

  transferSyntaxOf(sopClassUid: string): string | undefined {
    return this.#contextOf(sopClassUid)?.transferSyntaxUid;
  }

  async eventReport(event: EventReport, timeoutMs: number): Promise<{ readonly status: number }> {
    const { callingAeTitle } = this.peer;
    const context = this.#contextOf(event.sopClassUid);
    if (context === undefined) {
      throw new NoPresentationContextError(
        `Cannot report to "${callingAeTitle}": it must have proposed a presentation context for ${event.sopClassUid}`,
        { abstractSyntaxUid: event.sopClassUid },
      );
    }
    if (this.#pending !== undefined)
      throw this.#over(`Cannot report to "${callingAeTitle}": another report is under way`);
    this.#lastMessageId = nextMessageId(this.#lastMessageId);
    const pending = { messageId: this.#lastMessageId, response: Promise.withResolvers<{ status: number }>() };
    const command: CommandSet = {
      affectedSopClassUid: event.sopClassUid,
      commandField: COMMAND_FIELD.eventReportRequest,
      messageId: pending.messageId,
      commandDataSetType: event.dataSet === undefined ? NO_DATA_SET : DATA_SET_FOLLOWS,
      affectedSopInstanceUid: event.sopInstanceUid,
      eventTypeId: event.eventTypeId,
    };
    const { fragmentBytes } = this.#channel;
    const message = encodeMessage(command, event.dataSet, {
      presentationContextId: context.id,
      fragmentBytes,
    });
    this.#pending = pending;
    const overdue = setTimeout(() => {
      this.#abandoned.add(pending.messageId);
      pending.response.reject(new PeerTimeoutError('response to the event report', timeoutMs, 'unclear'));
    }, timeoutMs);
    try {
      if (!this.#channel.send(message))
        throw this.#over(`Cannot report to "${callingAeTitle}": it has ended the association`);
      return await pending.response.promise;
    } finally {
      clearTimeout(overdue);
      this.#pending = undefined;
    }
  }

  /** @throws {MessageFormatError} when nobody ever asked for it */
  response(command: CommandSet): void {
    const { commandField, messageIdBeingRespondedTo = 0, status } = command;
    const pending = this.#pending;
    if (commandField === COMMAND_FIELD.eventReportResponse) {
      if (this.#abandoned.delete(messageIdBeingRespondedTo)) return;
      if (pending?.messageId === messageIdBeingRespondedTo && status !== undefined) {
        pending.response.resolve({ status });
        return;
      }
    }
    throw new MessageFormatError('Cannot take response: none is awaited');
  }

  ended(): void {
    const message = `Cannot go on with "${this.peer.callingAeTitle}": the association has ended`;
    this.#pending?.response.reject(this.#over(message));
  }

  #over(message: string): AssociationClosedError {
    return new AssociationClosedError(message, 'retry');
  }

  #contextOf(sopClassUid: string) {
    for (const [id, context] of this.#channel.contexts) {
      if (context.abstractSyntaxUid === sopClassUid) return { id, ...context };
    }
    return undefined;
  }
}
