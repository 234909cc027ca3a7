import type { StoreAnswer } from './provider-options.ts';
import { NORMALIZED_STATUS } from './status.ts';
import { checkAnswer, PROCESSING_FAILURE, type ServedOperation } from './store-operation.ts';

/** Largest data set of one message: a Storage Commitment of 50 000 references takes as much. */
export const COLLECTED_BYTES_MAX = 8 * 1024 * 1024;

const TOO_LARGE: StoreAnswer = {
  status: NORMALIZED_STATUS.resourceLimitation,
  errorComment: 'Data set is too large',
};

/** Bytes that all messages of a provider together may have in memory. */
export class CollectingRoom {
  #bytesLeft: number;

  constructor(bytes: number) {
    this.#bytesLeft = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#bytesLeft) return false;
    this.#bytesLeft -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytesLeft += bytes;
  }
}

/** One request whose data set is gathered in memory, between its command set and its response. */
export class CollectedOperation implements ServedOperation {
  readonly #serve: (dataSet: Uint8Array) => Promise<StoreAnswer>;
  readonly #failed: (error: unknown) => void;
  readonly #room: CollectingRoom;
  #fragments: Buffer[] = [];
  #bytes = 0;
  #isTooLarge = false;

  /** @param serve called once, with the data set whole; empty where the request has none */
  constructor(
    serve: (dataSet: Uint8Array) => Promise<StoreAnswer>,
    { room, failed }: { readonly room: CollectingRoom; readonly failed: (error: unknown) => void },
  ) {
    this.#serve = serve;
    this.#room = room;
    this.#failed = failed;
  }

  /** What is too large is read to its end and dropped: the answer follows the last fragment. */
  write(bytes: Uint8Array): boolean {
    if (this.#isTooLarge) return true;
    if (this.#bytes + bytes.length > COLLECTED_BYTES_MAX || !this.#room.take(bytes.length)) {
      this.#isTooLarge = true;
      this.#letGo();
      return true;
    }
    this.#fragments.push(Buffer.from(bytes)); // The bytes do not outlive the call.
    this.#bytes += bytes.length;
    return true;
  }

  onWritable(resume: () => void): void {
    resume(); // Never behind.
  }

  async end(): Promise<StoreAnswer> {
    if (this.#isTooLarge) return TOO_LARGE;
    try {
      return checkAnswer(await this.#serve(Buffer.concat(this.#fragments)));
    } catch (error) {
      this.#failed(error);
      return PROCESSING_FAILURE;
    } finally {
      this.#letGo();
    }
  }

  discard(): void {
    this.#letGo();
  }

  #letGo(): void {
    this.#room.giveBack(this.#bytes);
    this.#bytes = 0;
    this.#fragments = [];
  }
}
