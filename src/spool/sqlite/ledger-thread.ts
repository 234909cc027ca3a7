import type { SpoolError } from '../errors.ts';
import { ThreadLink } from '../thread-link.ts';
import { fromWireError } from '../wire-error.ts';
import type {
  Answer,
  Ask,
  FromLedger,
  GroupNews,
  Recovered,
  Request,
  RequestType,
  ToLedger,
  WorkerOptions,
} from './messages.ts';

/** The main thread's end of the ledger's thread. */
export class LedgerThread {
  readonly #link: ThreadLink<ToLedger, FromLedger>;
  readonly #started = Promise.withResolvers<{ epoch: number; recovered: Recovered }>();
  readonly #listeners: { heard(news: GroupNews): void; died(error: SpoolError): void };
  #outbox: Request[] = [];

  constructor(
    options: WorkerOptions,
    listeners: { heard(news: GroupNews): void; died(error: SpoolError): void },
  ) {
    this.#listeners = listeners;
    this.#link = new ThreadLink(new URL('./worker.ts', import.meta.url), {
      workerData: options,
      receive: (message) => this.#receive(message),
      died: (error) => {
        this.#started.reject(error);
        listeners.died(error);
      },
    });
  }

  /**
   * Resolves once recovery is over.
   *
   * @throws {SpoolError} when the directory is locked or cannot be used
   */
  started(): Promise<{ epoch: number; recovered: Recovered }> {
    return this.#started.promise;
  }

  addArena(arena: SharedArrayBuffer): void {
    this.#link.post({ type: 'arena', arena });
  }

  /** Sends a request with all others of this turn. */
  ask<Type extends RequestType>(
    type: Type,
    fields: Ask<Type>,
  ): { readonly id: number; readonly answer: Promise<Answer<Type>> } {
    return this.#link.ask<Answer<Type>>((id) => {
      if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
      // TypeScript cannot see that the fields go with the type.
      this.#outbox.push({ ...fields, id, type } as unknown as Request);
    });
  }

  terminate(): Promise<void> {
    return this.#link.terminate();
  }

  #flush(): void {
    const requests = this.#outbox;
    this.#outbox = [];
    this.#link.post({ type: 'requests', requests });
  }

  #receive(message: FromLedger): void {
    switch (message.type) {
      case 'ready':
        this.#started.resolve(message);
        break;
      case 'unavailable':
        this.#started.reject(fromWireError(message.error));
        break;
      case 'group':
        for (const reply of message.replies) this.#link.settle(reply);
        this.#listeners.heard(message.news);
        break;
      default:
        message satisfies never;
    }
  }
}
