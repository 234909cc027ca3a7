import type { StoreAnswer, StoreSink } from '../dimse/provider-options.ts';

/**
 * A sink that answers after a while, for a source that sends faster than it may. What was received is kept at once,
 * and nothing more is read of its association until then.
 */
export class PacedSink implements StoreSink {
  readonly #sink: StoreSink;
  readonly #turn: Promise<void>;
  #hasCome = false;

  constructor(sink: StoreSink, waitMs: number) {
    this.#sink = sink;
    this.#turn = new Promise((resolve) => setTimeout(resolve, waitMs)).then(() => {
      this.#hasCome = true;
    });
  }

  write(bytes: Uint8Array): boolean {
    return this.#sink.write(bytes) && this.#hasCome;
  }

  onWritable(resume: () => void): void {
    const hasRoom = new Promise<void>((resolve) => this.#sink.onWritable(resolve));
    void Promise.all([hasRoom, this.#turn]).then(() => resume());
  }

  async end(): Promise<StoreAnswer> {
    const answer = await this.#sink.end();
    await this.#turn;
    return answer;
  }

  discard(reason: string): void {
    this.#sink.discard(reason);
  }
}
