import type { FileHandle } from 'node:fs/promises';
import type { EncodedFrame } from '../codecs/codec.ts';

/** Bytes within a file; positions count from its start. */
export class ByteRange implements EncodedFrame {
  readonly lengthBytes: number;
  readonly #file: FileHandle;
  readonly #offset: number;

  constructor(file: FileHandle, offset: number, lengthBytes: number) {
    this.#file = file;
    this.#offset = offset;
    this.lengthBytes = lengthBytes;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const count = Math.min(into.byteLength, this.lengthBytes - position);
    if (count <= 0) return 0;
    return (await this.#file.read(into, 0, count, this.#offset + position)).bytesRead;
  }

  /** As many bytes as there are, from the start. */
  async head(lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(lengthBytes, this.lengthBytes));
    let filled = 0;
    for (let count = -1; count !== 0 && filled < bytes.byteLength; filled += count) {
      count = await this.read(bytes.subarray(filled), filled);
    }
    return bytes.subarray(0, filled);
  }
}

interface Part {
  readonly offset: number;
  readonly length: number;
}

/** Parts of a range, read as one: the fragments of a frame. */
export function joined(range: EncodedFrame, parts: readonly Part[]): EncodedFrame {
  return {
    lengthBytes: parts.reduce((sum, { length }) => sum + length, 0),
    async read(into, position) {
      let before = 0;
      for (const { offset, length } of parts) {
        const within = position - before;
        if (within < length) return range.read(into.subarray(0, length - within), offset + within);
        before += length;
      }
      return 0;
    },
  };
}

/**
 * The same bytes with those of every 16-bit word exchanged: how samples of 8 bits lie in words of a big endian
 * data set. PS3.5 D.2.
 */
export function swappedWords(range: EncodedFrame): EncodedFrame {
  return {
    lengthBytes: range.lengthBytes,
    async read(into, position) {
      const start = position - (position % 2);
      const words = Buffer.alloc(Math.ceil((position + into.byteLength - start) / 2) * 2);
      let filled = 0;
      for (let count = -1; count !== 0 && filled < words.byteLength; filled += count) {
        count = await range.read(words.subarray(filled), start + filled);
      }
      const whole = words.subarray(0, filled - (filled % 2)).swap16();
      const part = whole.subarray(position - start, position - start + into.byteLength);
      into.set(part);
      return part.byteLength;
    },
  };
}
