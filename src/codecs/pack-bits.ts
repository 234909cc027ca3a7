/** Runs and literals as RLE Lossless writes them. PS3.5 G.3; the same bytes as TIFF's PackBits. */

const LENGTH_MAX = 128;

/** Undoes PackBits piece by piece: input and output may end anywhere. */
export class PackBitsDecoder {
  #literalsLeft = 0;
  #repeatsLeft = 0;
  /** The byte to repeat, once it has been read. */
  #repeated = -1;

  /**
   * Decodes until `output` is full or `input` is used up.
   *
   * @returns how far it came in each
   */
  decode(
    input: Uint8Array,
    inputFrom: number,
    output: Uint8Array,
    outputFrom: number,
  ): { inputAt: number; outputAt: number } {
    let inputAt = inputFrom;
    let outputAt = outputFrom;
    while (outputAt < output.byteLength) {
      if (this.#repeatsLeft > 0) {
        if (this.#repeated < 0) {
          if (inputAt === input.byteLength) break;
          this.#repeated = input[inputAt++]!;
        }
        const count = Math.min(this.#repeatsLeft, output.byteLength - outputAt);
        output.fill(this.#repeated, outputAt, outputAt + count);
        outputAt += count;
        this.#repeatsLeft -= count;
      } else if (this.#literalsLeft > 0) {
        const count = Math.min(this.#literalsLeft, output.byteLength - outputAt, input.byteLength - inputAt);
        if (count === 0) break;
        for (let index = 0; index < count; index += 1) output[outputAt + index] = input[inputAt + index]!;
        inputAt += count;
        outputAt += count;
        this.#literalsLeft -= count;
      } else {
        if (inputAt === input.byteLength) break;
        const control = input[inputAt++]!;
        if (control < 128) this.#literalsLeft = control + 1;
        else if (control > 128) {
          this.#repeatsLeft = 257 - control;
          this.#repeated = -1;
        } // 128 is a no-operation.
      }
    }
    return { inputAt, outputAt };
  }
}

/** Longest that `length` bytes can become: one control byte for every 128 of them. */
export function packedBytesMax(length: number): number {
  return length + Math.ceil(length / LENGTH_MAX);
}

/**
 * Packs one row; runs never cross rows.
 *
 * @param into at least {@link packedBytesMax} bytes from `intoFrom`
 * @returns where the next byte goes
 */
export function packRow(row: Uint8Array, into: Uint8Array, intoFrom: number): number {
  let intoAt = intoFrom;
  let literalFrom = 0;
  let rowAt = 0;
  const flushLiterals = (until: number) => {
    while (literalFrom < until) {
      const count = Math.min(LENGTH_MAX, until - literalFrom);
      into[intoAt++] = count - 1;
      into.set(row.subarray(literalFrom, literalFrom + count), intoAt);
      intoAt += count;
      literalFrom += count;
    }
  };
  while (rowAt < row.byteLength) {
    let runEnd = rowAt + 1;
    while (runEnd < row.byteLength && runEnd - rowAt < LENGTH_MAX && row[runEnd] === row[rowAt]) runEnd += 1;
    // A run of two pays only where no literals are open: else it costs a control byte more.
    const pays = runEnd - rowAt > 2 || (runEnd - rowAt === 2 && literalFrom === rowAt);
    if (pays) {
      flushLiterals(rowAt);
      into[intoAt++] = 257 - (runEnd - rowAt);
      into[intoAt++] = row[rowAt]!;
      literalFrom = runEnd;
    }
    rowAt = runEnd;
  }
  flushLiterals(row.byteLength);
  return intoAt;
}
