import type { CommandSet } from './command-set.ts';
import { DataSetSourceError } from './errors.ts';
import { commandPduLength, framedLength, frameInPlace, writeCommandPdu } from './message-writer.ts';

/** Reads a data set, from wherever it lies. */
export interface DataSetSource {
  readonly lengthBytes: number;
  /** Bytes to collect before they are sent on, at most: a source that is held back on purpose flows evenly so. */
  readonly blockBytesMax?: number;
  /**
   * Fills `into` from `position`, counted from the start of the data set, with at least one byte.
   *
   * @returns the bytes read; 0 is the end, which may come no earlier than `lengthBytes`
   */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** A data set that is in memory. */
export function sourceOfBytes(bytes: Uint8Array): DataSetSource {
  return {
    lengthBytes: bytes.length,
    async read(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** Where blocks go. */
export interface BlockChannel {
  /** Sends a block in one write. Resolves when it has left, or never will. */
  write(block: Buffer): Promise<void>;
  /** True when the association has ended: there is no use in going on. */
  isOver(): boolean;
}

/** Data set bytes of one block, less what does not fill a PDU. */
const BLOCK_BYTES = 1024 * 1024;
/** PDUs for a peer that sets no limit. */
const UNLIMITED_PDU_LENGTH_BYTES = 256 * 1024;

/** Largest PDU to send. @param peerMaxBytes what the peer receives; 0 is unlimited */
export function sentPduLength(peerMaxBytes: number): number {
  return Math.min(peerMaxBytes || UNLIMITED_PDU_LENGTH_BYTES, BLOCK_BYTES);
}

/**
 * Sends requests with a data set, block by block: one read, PDU headers put in between in place, one write. While
 * a block leaves, the next is read; there are never more than two. A small instance goes in one write with its
 * command set. PS3.8 Annex E.
 */
export class DataSetSender {
  readonly #channel: BlockChannel;
  readonly #fragmentBytes: number;
  readonly #blockBytes: number;
  readonly #blocks: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn: 0 | 1 = 0;

  /** @param fragmentBytes data set bytes of one PDU, even and at least 2, at most {@link BLOCK_BYTES} */
  constructor(channel: BlockChannel, fragmentBytes: number) {
    this.#channel = channel;
    this.#fragmentBytes = fragmentBytes;
    this.#blockBytes = fragmentBytes * Math.max(1, Math.floor(BLOCK_BYTES / fragmentBytes));
  }

  /**
   * Resolves when all has left, or the association has ended.
   *
   * @throws {DataSetSourceError} when the source fails; the message is incomplete then
   */
  async send(presentationContextId: number, command: CommandSet, dataSet: DataSetSource): Promise<void> {
    const fragmentBytes = this.#fragmentBytes;
    const blockBytes = this.#blockBytesFor(dataSet);
    let leaving: Promise<void> | undefined;
    let position = 0;
    let start = commandPduLength(command);
    do {
      const dataSetBytes = Math.min(blockBytes, dataSet.lengthBytes - position);
      const end = start + framedLength(dataSetBytes, fragmentBytes);
      const block = this.#nextBlock(end);
      await readWhole(dataSet, block.subarray(end - dataSetBytes, end), position);
      if (position === 0) writeCommandPdu(presentationContextId, command, block, 0);
      position += dataSetBytes;
      const isEndOfDataSet = position === dataSet.lengthBytes;
      frameInPlace(
        block,
        { start, end, dataSetBytes },
        { presentationContextId, fragmentBytes },
        isEndOfDataSet,
      );
      await leaving;
      if (this.#channel.isOver()) return;
      leaving = this.#channel.write(block.subarray(0, end));
      start = 0;
    } while (position < dataSet.lengthBytes);
    await leaving;
  }

  /** Whole fragments, or one that is shorter: even, as all are. */
  #blockBytesFor({ blockBytesMax = this.#blockBytes }: DataSetSource): number {
    if (blockBytesMax >= this.#blockBytes) return this.#blockBytes;
    const fragments = Math.floor(blockBytesMax / this.#fragmentBytes);
    return fragments > 0 ? fragments * this.#fragmentBytes : Math.max(2, blockBytesMax - (blockBytesMax % 2));
  }

  /** The block that is not leaving. It is kept for the next message and grows when it must. */
  #nextBlock(bytes: number): Buffer {
    this.#turn = this.#turn === 0 ? 1 : 0;
    if (this.#blocks[this.#turn].length < bytes) this.#blocks[this.#turn] = Buffer.allocUnsafeSlow(bytes);
    return this.#blocks[this.#turn];
  }
}

async function readWhole(dataSet: DataSetSource, into: Uint8Array, position: number): Promise<void> {
  let filled = 0;
  while (filled < into.length) {
    const bytesRead = await readSome(dataSet, into.subarray(filled), position + filled);
    if (bytesRead <= 0) {
      throw new DataSetSourceError(
        `Cannot send data set: it must have ${dataSet.lengthBytes} bytes, it ends after ${position + filled}`,
        'hold',
      );
    }
    filled += bytesRead;
  }
}

async function readSome(dataSet: DataSetSource, into: Uint8Array, position: number): Promise<number> {
  try {
    return await dataSet.read(into, position);
  } catch (cause) {
    throw new DataSetSourceError(`Cannot send data set: reading it failed at byte ${position}`, 'retry', {
      cause,
    });
  }
}
