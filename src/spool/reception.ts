import { SpoolError } from './errors.ts';
import type { Arrival, Committed, Reception } from './port.ts';
import { BLOCK_BYTES, type BlockPool, type StagedBytes } from './staging.ts';

/** Up to this size an instance is gathered in memory and shares a segment; beyond, it gets its own file. */
export const SMALL_BYTES_MAX = 1024 * 1024;
/** A file is written in pieces of this many blocks. */
const PIECE_BLOCKS = SMALL_BYTES_MAX / BLOCK_BYTES;
/** Bytes on their way to a file at which the sender is asked to pause. */
const IN_FLIGHT_BYTES_MAX = 4 * SMALL_BYTES_MAX;

/** A finished file that waits for its row. */
export interface ReceivedFile {
  readonly fileName: string;
  readonly sizeBytes: number;
}

/** A file in the making, in another thread. */
export interface FileInTheMaking<File extends ReceivedFile> {
  /** Writes the bytes and gives their blocks back; resolves when that has happened, rejects when it failed. */
  write(bytes: StagedBytes): Promise<void>;
  /** Synced, under its final name. */
  finish(): Promise<File>;
  /** Removes it, finished or not. */
  discard(): void;
  /** It is finished and stays: no further call will come. */
  forget(): void;
}

/** What a reception needs of the adapter that it ends in. */
export interface Custody<File extends ReceivedFile> {
  readonly blocks: BlockPool;
  beginFile(arrival: Arrival): FileInTheMaking<File>;
  /** Bytes of the whole Part 10 file. Takes the blocks over, whatever the outcome. */
  commitBytes(arrival: Arrival, bytes: StagedBytes): Promise<Committed>;
  /** Takes the finished file over: it stays if the entry does. */
  commitFile(arrival: Arrival, finished: File, file: FileInTheMaking<File>): Promise<Committed>;
  /** `bytes` more have left for the disk. */
  spent(bytes: number): void;
  /** The reception is over: its reserve is free. */
  ended(): void;
}

/** Gathers one instance: in memory while it is small, then in a file. */
export class StagedReception<File extends ReceivedFile> implements Reception {
  readonly #arrival: Arrival;
  readonly #custody: Custody<File>;
  readonly #ended: () => void;
  #blocks: number[] = [];
  #gatheredBytes = 0;
  #file: FileInTheMaking<File> | undefined;
  #inFlightBytes = 0;
  #failure: unknown;
  #resume: (() => void) | undefined;
  #state: 'open' | 'committing' | 'ended' = 'open';

  /** @param ended called once, when the reception is over one way or another */
  constructor(arrival: Arrival, custody: Custody<File>, ended: () => void) {
    this.#arrival = arrival;
    this.#custody = custody;
    this.#ended = ended;
    this.#gather(arrival.fileMeta);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== 'open' || this.#failure !== undefined) return true; // Drained; commit() says why.
    this.#gather(bytes);
    return this.#isWritable;
  }

  onWritable(resume: () => void): void {
    if (this.#isWritable) queueMicrotask(resume);
    else this.#resume = resume;
  }

  async commit(): Promise<Committed> {
    if (this.#state !== 'open') {
      throw new SpoolError('REQUEST_REJECTED', 'Cannot commit the reception: it has ended before');
    }
    this.#state = 'committing';
    try {
      return await (this.#file === undefined ? this.#commitBytes() : this.#commitFile(this.#file));
    } finally {
      this.#end();
    }
  }

  discard(_reason: string): void {
    if (this.#state !== 'open') return;
    this.#file?.discard();
    this.#end();
  }

  #commitBytes(): Promise<Committed> {
    const bytes = this.#takeGathered();
    this.#custody.spent(bytes.lengthBytes);
    return this.#custody.commitBytes(this.#arrival, bytes);
  }

  async #commitFile(file: FileInTheMaking<File>): Promise<Committed> {
    this.#sendPiece(file);
    let finished: File;
    try {
      finished = await file.finish();
      if (this.#failure !== undefined) throw this.#failure;
    } catch (error) {
      file.discard();
      throw error;
    }
    return this.#custody.commitFile(this.#arrival, finished, file);
  }

  #gather(bytes: Uint8Array): void {
    const { blocks } = this.#custody;
    for (let taken = 0; taken < bytes.byteLength; ) {
      const used = this.#gatheredBytes % BLOCK_BYTES;
      if (used === 0) this.#makeRoom();
      const view = blocks.memory.view(this.#blocks.at(-1) as number);
      const part = bytes.subarray(taken, taken + BLOCK_BYTES - used);
      view.set(part, used);
      taken += part.byteLength;
      this.#gatheredBytes += part.byteLength;
    }
  }

  /** Adds a block; sends what is gathered to a file first, when it is too much to keep in memory. */
  #makeRoom(): void {
    const { blocks } = this.#custody;
    const full = this.#blocks.length;
    if (full >= PIECE_BLOCKS || (full > 0 && blocks.isScarce)) {
      this.#file ??= this.#custody.beginFile(this.#arrival);
      this.#sendPiece(this.#file);
    }
    this.#blocks.push(blocks.take());
  }

  #sendPiece(file: FileInTheMaking<File>): void {
    const piece = this.#takeGathered();
    if (piece.lengthBytes === 0) return;
    this.#custody.spent(piece.lengthBytes);
    this.#inFlightBytes += piece.lengthBytes;
    file
      .write(piece)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#inFlightBytes -= piece.lengthBytes;
        if (!this.#isWritable) return;
        const resume = this.#resume;
        this.#resume = undefined;
        resume?.();
      });
  }

  get #isWritable(): boolean {
    if (this.#failure !== undefined || this.#inFlightBytes === 0) return true;
    return this.#inFlightBytes < IN_FLIGHT_BYTES_MAX && !this.#custody.blocks.isScarce;
  }

  #takeGathered(): StagedBytes {
    const gathered = { blocks: this.#blocks, lengthBytes: this.#gatheredBytes };
    this.#blocks = [];
    this.#gatheredBytes = 0;
    return gathered;
  }

  #end(): void {
    this.#state = 'ended';
    this.#custody.blocks.give(this.#blocks);
    this.#blocks = [];
    this.#gatheredBytes = 0;
    this.#custody.ended();
    this.#ended();
  }
}
