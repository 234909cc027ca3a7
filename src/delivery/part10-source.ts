/** Part 10 files as they are read for sending: in memory where small, put together from parts where edited. */
import type { DataSetSource } from '../dimse/service-user.ts';

/** Read ahead of its turn: a small instance whole, of a large one the header. No change reaches further. */
export const HEAD_BYTES_MAX = 1024 * 1024;
const HEAD_BYTES_MIN = 64 * 1024;
/** Of buffers that nobody uses now. */
const KEPT_BYTES = 4 * HEAD_BYTES_MAX;

/** A Part 10 file, not necessarily as it lies on disk. Positions count from its start. */
export interface Part10Source {
  readonly sizeBytes: number;
  readonly dataSetOffset: number;
  readonly transferSyntaxUid: string;
  /** Fills `into` from `position`; returns the bytes read, at least one. */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** A source whose beginning is in memory. */
export interface HeadedSource extends Part10Source {
  /** The first bytes, at most {@link HEAD_BYTES_MAX}. */
  readonly head: Uint8Array;
}

/** A part of a source put together: bytes, or a range of another source. */
export type Part = Uint8Array | { readonly source: Part10Source; readonly from: number; readonly to: number };

/** Buffers for heads, used again: fresh ones cost page faults and garbage collection for every instance. */
export class HeadBuffers {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;

  take(bytes: number): Buffer {
    const at = this.#free.findIndex((buffer) => buffer.byteLength >= bytes);
    const [buffer] = at < 0 ? [] : this.#free.splice(at, 1);
    if (buffer) this.#freeBytes -= buffer.byteLength;
    return buffer ?? Buffer.allocUnsafeSlow(Math.max(HEAD_BYTES_MIN, 2 ** Math.ceil(Math.log2(bytes))));
  }

  giveBack(buffer: Buffer): void {
    if (this.#freeBytes + buffer.byteLength > KEPT_BYTES) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
  }
}

/**
 * Reads the beginning of a source, so that sending it can start at once.
 *
 * @param buffer at least as large as the head; a fresh one when absent
 */
export async function readAhead(source: Part10Source, buffer?: Buffer): Promise<HeadedSource> {
  const { sizeBytes, dataSetOffset, transferSyntaxUid } = source;
  const headBytes = headBytesOf(source);
  const head = buffer ? buffer.subarray(0, headBytes) : Buffer.allocUnsafeSlow(headBytes);
  for (let position = 0; position < head.byteLength; ) {
    position += await source.read(head.subarray(position), position);
  }
  return {
    sizeBytes,
    dataSetOffset,
    transferSyntaxUid,
    head,
    async read(into, position) {
      if (position >= head.byteLength) return source.read(into, position);
      return head.copy(into, 0, position);
    },
  };
}

/** How much of a source its head holds. */
export function headBytesOf({ sizeBytes }: Part10Source): number {
  return Math.min(sizeBytes, HEAD_BYTES_MAX);
}

/** Parts one after the other, seen as one file. */
export function joined(
  parts: readonly Part[],
  about: { readonly dataSetOffset: number; readonly transferSyntaxUid: string },
): Part10Source {
  let sizeBytes = 0;
  const placed = parts.map((part) => {
    const start = sizeBytes;
    sizeBytes += lengthOf(part);
    return { part, start, end: sizeBytes };
  });
  return {
    sizeBytes,
    dataSetOffset: about.dataSetOffset,
    transferSyntaxUid: about.transferSyntaxUid,
    async read(into, position) {
      const place = placed.find(({ end }) => position < end);
      if (!place) throw new RangeError(`Cannot read at ${position}: the file has ${sizeBytes} bytes`);
      const wanted = into.subarray(0, place.end - position);
      const offset = position - place.start;
      if (place.part instanceof Uint8Array) {
        wanted.set(place.part.subarray(offset, offset + wanted.byteLength));
        return wanted.byteLength;
      }
      return place.part.source.read(wanted, place.part.from + offset);
    },
  };
}

/** Fills a buffer from a source that has enough bytes behind `position`. */
export async function readFully(source: Part10Source, into: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < into.byteLength; ) {
    filled += await source.read(into.subarray(filled), position + filled);
  }
}

/** The data set of a file, as an association sends it. */
export function dataSetOf(source: Part10Source): DataSetSource {
  const { dataSetOffset } = source;
  return {
    lengthBytes: source.sizeBytes - dataSetOffset,
    read: (into, position) => source.read(into, position + dataSetOffset),
  };
}

function lengthOf(part: Part): number {
  return part instanceof Uint8Array ? part.byteLength : part.to - part.from;
}
