import assert from 'node:assert';
import type {
  ProviderOptions,
  StoreAnswer,
  StoreRefusal,
  StoreRequest,
  StoreSink,
} from './provider-options.ts';
import { STATUS } from './status.ts';

/** What a peer learns of a failure that is ours: no word of it may come from an error or from the data set. */
export const PROCESSING_FAILURE: StoreAnswer = {
  status: STATUS.processingFailure,
  errorComment: 'Internal failure',
};

/** A request between its command set and its response. */
export interface ServedOperation {
  /** @returns false when the peer should be held back until `onWritable` calls */
  write(bytes: Uint8Array): boolean;
  onWritable(resume: () => void): void;
  /** The data set is complete. Never rejects. */
  end(): Promise<StoreAnswer>;
  discard(reason: string): void;
}

/**
 * One C-STORE between its command set and its response: the sink behind it may throw at any time, and the peer
 * gets its response all the same.
 */
export class StoreOperation implements ServedOperation {
  readonly request: StoreRequest;
  readonly startedAtMs = performance.now();
  readonly #failed: (error: unknown) => void;
  #sink: StoreSink | undefined;
  #refusal: StoreAnswer | undefined;
  #dataSetBytes = 0;

  /** @param refusal given when the request cannot be served at all */
  constructor(
    options: Pick<ProviderOptions, 'store' | 'onEvent'>,
    request: StoreRequest,
    refusal: StoreAnswer | undefined,
  ) {
    this.request = request;
    this.#failed = (error) => options.onEvent?.({ type: 'handler-failed', error });
    this.#refusal = refusal;
    if (refusal === undefined) this.#open(options);
  }

  get dataSetBytes(): number {
    return this.#dataSetBytes;
  }

  /** @returns false when the peer should be held back until `onWritable` calls */
  write(bytes: Uint8Array): boolean {
    this.#dataSetBytes += bytes.length;
    if (this.#sink === undefined) return true;
    try {
      return this.#sink.write(bytes);
    } catch (error) {
      this.#fail(error);
      return true;
    }
  }

  onWritable(resume: () => void): void {
    try {
      this.#sink?.onWritable(resume);
    } catch (error) {
      this.#fail(error);
      resume();
    }
  }

  /** The data set is complete. Never rejects. */
  async end(): Promise<StoreAnswer> {
    const sink = this.#sink;
    if (sink === undefined) return this.#refusal ?? PROCESSING_FAILURE;
    try {
      return checkAnswer(await sink.end());
    } catch (error) {
      this.#failed(error);
      return PROCESSING_FAILURE;
    }
  }

  discard(reason: string): void {
    try {
      this.#sink?.discard(reason);
    } catch (error) {
      this.#failed(error);
    }
    this.#sink = undefined;
  }

  #open(options: Pick<ProviderOptions, 'store'>): void {
    try {
      const opened = options.store(this.request);
      if (isRefusal(opened)) this.#refusal = checkAnswer(opened.refuse);
      else this.#sink = opened;
    } catch (error) {
      this.#failed(error);
      this.#refusal = PROCESSING_FAILURE;
    }
  }

  #fail(error: unknown): void {
    this.#failed(error);
    this.#refusal = PROCESSING_FAILURE;
    this.discard('failure');
  }
}

function isRefusal(opened: StoreSink | StoreRefusal): opened is StoreRefusal {
  return 'refuse' in opened;
}

/** An answer that cannot be encoded must not get as far as that. */
export function checkAnswer(answer: StoreAnswer): StoreAnswer {
  const { status, errorComment } = answer;
  assert(Number.isInteger(status) && status >= 0 && status <= 0xffff, `${status} is no status`);
  assert(errorComment === undefined || typeof errorComment === 'string', 'An error comment must be text');
  return answer;
}
