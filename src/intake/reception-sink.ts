import type { Reception } from '../spool/spool.ts';
import { type Answer, answerOfError, EMPTY_DATA_SET, KEPT } from './status-of-error.ts';

/** What becomes of one reception. */
export interface ReceptionOutcome {
  kept(entry: { readonly entryId: number; readonly duplicateOf?: number }, dataSetBytes: number): void;
  failed(error: unknown): void;
}

/** Hands a data set to the spool, and answers when it is durable. */
export class ReceptionSink {
  readonly #reception: Reception;
  readonly #outcome: ReceptionOutcome;
  #dataSetBytes = 0;

  constructor(reception: Reception, outcome: ReceptionOutcome) {
    this.#reception = reception;
    this.#outcome = outcome;
  }

  write(bytes: Uint8Array): boolean {
    this.#dataSetBytes += bytes.byteLength;
    return this.#reception.write(bytes);
  }

  onWritable(resume: () => void): void {
    this.#reception.onWritable(resume);
  }

  async end(): Promise<Answer> {
    if (this.#dataSetBytes === 0) {
      this.#reception.discard('empty');
      return EMPTY_DATA_SET;
    }
    let committed: Awaited<ReturnType<Reception['commit']>>;
    try {
      committed = await this.#reception.commit();
    } catch (error) {
      this.#outcome.failed(error);
      return answerOfError(error);
    }
    this.#outcome.kept(committed, this.#dataSetBytes);
    return KEPT;
  }

  discard(reason: string): void {
    this.#reception.discard(reason);
  }
}
