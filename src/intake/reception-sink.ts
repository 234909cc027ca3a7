import type { Committed, Reception } from '../spool/spool.ts';
import { type Answer, answerOfError, EMPTY_DATA_SET, KEPT } from './status-of-error.ts';

/** What becomes of one reception. */
export interface ReceptionOutcome {
  kept(entry: Committed, dataSetBytes: number): void;
  failed(error: unknown): void;
}

/** Hands a data set to the spool, and answers when it is durable. */
export class ReceptionSink {
  readonly #reception: Reception;
  readonly #outcome: ReceptionOutcome;
  #dataSetBytes = 0;
  #failure: Answer | undefined;

  constructor(reception: Reception, outcome: ReceptionOutcome) {
    this.#reception = reception;
    this.#outcome = outcome;
  }

  write(bytes: Uint8Array): boolean {
    this.#dataSetBytes += bytes.byteLength;
    if (this.#failure !== undefined) return true; // Drained: the answer follows the last fragment.
    try {
      return this.#reception.write(bytes);
    } catch (error) {
      this.#fail(error);
      return true;
    }
  }

  onWritable(resume: () => void): void {
    this.#reception.onWritable(resume);
  }

  async end(): Promise<Answer> {
    if (this.#failure !== undefined) return this.#failure;
    if (this.#dataSetBytes === 0) {
      this.#reception.discard('empty');
      return EMPTY_DATA_SET;
    }
    let committed: Committed;
    try {
      committed = await this.#reception.commit();
    } catch (error) {
      return this.#fail(error);
    }
    this.#outcome.kept(committed, this.#dataSetBytes);
    return KEPT;
  }

  discard(reason: string): void {
    this.#reception.discard(reason);
  }

  #fail(error: unknown): Answer {
    this.#outcome.failed(error);
    this.#reception.discard('failed'); // Harmless when the commit has done it.
    this.#failure = answerOfError(error);
    return this.#failure;
  }
}
