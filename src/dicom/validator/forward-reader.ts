import { createInflateRaw } from 'node:zlib';

/** A file, or anything else whose bytes can be read at a position. */
export interface ByteSource {
  /** Fills `into` from `position` as far as it can; returns the bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  readonly sizeBytes: number;
  /** What a person calls it: a file name. */
  readonly name?: string;
}

/** Bytes that come once and in order. */
interface Sequence {
  /** @returns the bytes read, 0 only at the end */
  read(into: Uint8Array): Promise<number>;
  skip(countBytes: number): Promise<void>;
}

/** The most that can be looked at in one piece. */
export const WINDOW_BYTES = 256 * 1024;

/** Beyond this a deflated data set is an attack, not an image. */
const INFLATED_BYTES_MAX = 4 * 2 ** 30;

/**
 * Reads bytes from front to back through one window, so that memory does not grow with the file.
 *
 * `bytes` from `start` to `end` are at hand; `fill()` gets more. Positions count from the first byte of the
 * sequence: of the file, or of the inflated data set.
 */
export class ForwardReader {
  bytes = new Uint8Array(WINDOW_BYTES);
  view = new DataView(this.bytes.buffer);
  start = 0;
  end = 0;
  /** The sequence has no more bytes than those at hand. */
  isAtEnd = false;
  readonly #sequence: Sequence;
  #consumedBytes: number;

  constructor(sequence: Sequence, positionOfFirst = 0) {
    this.#sequence = sequence;
    this.#consumedBytes = positionOfFirst;
  }

  /** Position of the next byte. */
  get position(): number {
    return this.#consumedBytes;
  }

  get availableBytes(): number {
    return this.end - this.start;
  }

  /**
   * Gets at least `countBytes` to hand, at most {@link WINDOW_BYTES}.
   *
   * @returns false when the sequence ends before
   */
  async fill(countBytes: number): Promise<boolean> {
    if (this.availableBytes >= countBytes) return true;
    this.bytes.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    while (this.end < countBytes && !this.isAtEnd) {
      const readBytes = await this.#sequence.read(this.bytes.subarray(this.end));
      if (readBytes === 0) this.isAtEnd = true;
      this.end += readBytes;
    }
    return this.end >= countBytes;
  }

  /** Steps over bytes at hand. */
  take(countBytes: number): void {
    this.start += countBytes;
    this.#consumedBytes += countBytes;
  }

  /** Steps over bytes whether at hand or not. Stepping over the end is not noticed until the next `fill()`. */
  async skip(countBytes: number): Promise<void> {
    const atHandBytes = Math.min(countBytes, this.availableBytes);
    this.take(atHandBytes);
    if (atHandBytes === countBytes) return;
    await this.#sequence.skip(countBytes - atHandBytes);
    this.#consumedBytes += countBytes - atHandBytes;
  }
}

/** The bytes of a source as they are. */
export function sequenceOf(source: ByteSource, from = 0): Sequence {
  let position = from;
  return {
    async read(into) {
      const readBytes = await source.read(into, position);
      position += readBytes;
      return readBytes;
    },
    async skip(countBytes) {
      position += countBytes;
    },
  };
}

/**
 * The bytes of a source inflated (RFC 1951), a piece at a time. PS3.5 A.5.
 *
 * A stream that is damaged or inflates beyond bounds ends where it could be read no further.
 */
export function inflatedSequenceOf(source: ByteSource, from: number): Sequence {
  const chunks = inflate(source, from)[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  async function read(into: Uint8Array): Promise<number> {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done) return 0;
      rest = next.value;
    }
    const piece = rest.subarray(0, into.length);
    into.set(piece);
    rest = rest.subarray(piece.length);
    return piece.length;
  }

  return {
    read,
    async skip(countBytes) {
      const discarded = new Uint8Array(Math.min(countBytes, WINDOW_BYTES));
      for (let left = countBytes; left > 0; ) {
        const readBytes = await read(discarded.subarray(0, Math.min(left, discarded.length)));
        if (readBytes === 0) return;
        left -= readBytes;
      }
    },
  };
}

async function* inflate(source: ByteSource, from: number): AsyncGenerator<Uint8Array> {
  const inflater = createInflateRaw();
  const feeding = feed(source, from, inflater);
  feeding.catch(() => inflater.destroy()); // Wakes the loop below; the error itself is thrown where it is awaited.
  let inflatedBytes = 0;
  try {
    for await (const chunk of inflater) {
      inflatedBytes += chunk.length;
      if (inflatedBytes > INFLATED_BYTES_MAX) return;
      yield chunk;
    }
  } catch {
    // Damaged: what follows is missing, and whoever reads finds the end too early.
  } finally {
    inflater.destroy();
    await feeding;
  }
}

/** Writes the source to the inflater as fast as it takes it. */
async function feed(
  source: ByteSource,
  from: number,
  inflater: ReturnType<typeof createInflateRaw>,
): Promise<void> {
  for (let position = from; !inflater.destroyed; ) {
    const chunk = new Uint8Array(64 * 1024);
    const readBytes = await source.read(chunk, position);
    if (readBytes === 0) break;
    position += readBytes;
    if (!inflater.write(chunk.subarray(0, readBytes))) {
      await new Promise<void>((resolve) => {
        inflater.once('drain', resolve).once('close', resolve);
      });
    }
  }
  if (!inflater.destroyed) inflater.end();
}
