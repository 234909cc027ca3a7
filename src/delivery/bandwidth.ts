/**
 * # Bandwidth
 *
 * Holds back what is sent to one destination, all its slots together, so that no second carries more bytes than
 * allowed, and hardly fewer. It is the reading of what is sent next that waits: a peer sees a slow sender, not
 * one that stops, and what was sent is answered at once.
 */
import type { Clock } from '../clock.ts';

/** Given out at a time, as a share of what a second may carry. */
const PIECES_PER_S = 8;

/** What is read piece by piece, such as a Part 10 file or a data set. */
export interface Readable {
  read(into: Uint8Array, position: number): Promise<number>;
}

/** For the kinds: what they send, they read through this. */
export interface Pace {
  /**
   * The source, read no faster than allowed. Its `read` fills less than it could, to send in small pieces, and
   * `blockBytesMax` says how many bytes should be collected before they are sent on.
   */
  paced<Source extends Readable>(source: Source): Source & { readonly blockBytesMax?: number };
}

/** What is to be sent, read no faster than the destination is allowed. */
export function paced<Source extends Readable>(
  source: Source,
  { pace }: { readonly pace?: Pace },
): Source & { readonly blockBytesMax?: number } {
  return pace ? pace.paced(source) : source;
}

export class Bandwidth implements Pace {
  readonly #bytesPerS: number;
  readonly #pieceBytes: number;
  readonly #clock: Pick<Clock, 'elapsed' | 'sleep'>;
  readonly #closing = new AbortController();
  /** When all that was given out has passed at the rate allowed. */
  #passedAtMs = 0;

  constructor(bytesPerS: number, clock: Pick<Clock, 'elapsed' | 'sleep'>) {
    this.#bytesPerS = bytesPerS;
    this.#pieceBytes = Math.max(2, 2 * Math.floor(bytesPerS / PIECES_PER_S / 2)); // Fragments are even.
    this.#clock = clock;
  }

  paced<Source extends Readable>(source: Source): Source & { readonly blockBytesMax: number } {
    return {
      ...source,
      blockBytesMax: this.#pieceBytes,
      read: async (into, position) => {
        const bytesRead = await source.read(into.subarray(0, this.#pieceBytes), position);
        await this.#pass(bytesRead);
        return bytesRead;
      },
    };
  }

  /** Nothing waits any more: whoever sends is cut off otherwise. */
  close(): void {
    this.#closing.abort();
  }

  /** Waits until what was given out before has passed; what was not used of late is worth one piece. */
  async #pass(bytes: number): Promise<void> {
    const now = this.#clock.elapsed();
    const creditMs = 1000 / PIECES_PER_S;
    const startMs = Math.max(this.#passedAtMs, now - creditMs);
    this.#passedAtMs = startMs + (bytes / this.#bytesPerS) * 1000;
    if (startMs > now) await this.#clock.sleep(startMs - now, this.#closing.signal);
  }
}
