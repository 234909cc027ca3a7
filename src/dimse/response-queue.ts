/**
 * Responses of one association, in the order of their requests: a peer may send the next request before it has
 * the response to the last, and some only count the responses.
 */
export class ResponseQueue {
  readonly #slots: ResponseSlot[] = [];

  /** Requests whose responses have not left. */
  get length(): number {
    return this.#slots.length;
  }

  /** Takes the place of a request that has arrived. */
  reserve(): ResponseSlot {
    const slot: ResponseSlot = { send: undefined };
    this.#slots.push(slot);
    return slot;
  }

  /** The response is ready; `send` is called as soon as those before it have left. */
  fill(slot: ResponseSlot, send: () => void): void {
    slot.send = send;
    for (let first = this.#slots[0]; first?.send !== undefined; first = this.#slots[0]) {
      this.#slots.shift();
      first.send();
    }
  }
}

/** The place of one request. */
export interface ResponseSlot {
  send: (() => void) | undefined;
}
