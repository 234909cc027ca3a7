import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import { SpoolError } from './errors.ts';
import { fromWireError, reasonOf, type WireError } from './wire-error.ts';

interface Pending {
  resolve(answer: unknown): void;
  reject(error: SpoolError): void;
}

/**
 * One thread of the spool, and the questions that it has not answered yet. When it dies, all of them fail,
 * and so does every later one.
 */
export class ThreadLink<To, From> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #death: SpoolError | undefined;

  /** @param receive what the thread sends; it passes answers on to `settle` */
  constructor(
    entry: URL,
    options: { workerData: object; receive(message: From): void; died(error: SpoolError): void },
  ) {
    this.#worker = new Worker(entry, {
      workerData: options.workerData,
      // Without it the thread strips types itself, and keeps the 30 MB of the compiler that does.
      env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() ?? '' },
    });
    this.#worker.on('message', (message: From) => options.receive(message));
    const die = (reason: string, cause?: unknown) => {
      if (this.#death !== undefined) return;
      this.#death = new SpoolError('SPOOL_CLOSED', `Cannot use the spool: ${reason}`, {}, { cause });
      for (const { reject } of this.#pending.values()) reject(this.#death);
      this.#pending.clear();
      options.died(this.#death);
    };
    this.#worker.on('error', (error) => die(`its thread died: ${reasonOf(error)}`, error));
    this.#worker.on('exit', () => die('it has been closed'));
  }

  post(message: To): void {
    this.#worker.postMessage(message);
  }

  /** Numbers a question for which the caller posts the message. */
  ask<Answer>(post: (id: number) => void): { id: number; answer: Promise<Answer> } {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = new Promise<Answer>((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death);
        return;
      }
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      post(id);
    });
    return { id, answer };
  }

  settle(reply: { id: number; answer: unknown } | { id: number; error: WireError }): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(fromWireError(reply.error));
    else pending?.resolve(reply.answer);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
