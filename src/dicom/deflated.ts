/** Deflated Explicit VR Little Endian. PS3.5 A.5. */
import { constants, inflateRawSync, inflateSync } from 'node:zlib';
import { DataSetError } from './errors.ts';

/** Deflate makes at most 1032 bytes of one; a data set read whole is small. */
const WHOLE_BYTES_MAX = 64 * 2 ** 20;
const TRIES_MAX = 12;

/**
 * @param deflated all of it
 * @throws {DataSetError} when it is damaged, or more than 64 MiB
 */
export function inflateDataSet(deflated: Uint8Array): Uint8Array {
  try {
    return inflateEither(deflated, { maxOutputLength: WHOLE_BYTES_MAX });
  } catch (cause) {
    const reason = `Cannot inflate data set: it is damaged, cut off or larger than ${WHOLE_BYTES_MAX} bytes`;
    throw new DataSetError(reason, { tag: 0, offset: 0 }, { cause });
  }
}

export interface InflatedHead {
  readonly bytes: Uint8Array;
  /** Why there is no more: nothing is missing, enough was inflated, or the input ends too early. */
  readonly ended: 'end' | 'limit' | 'input';
}

/**
 * Inflates as much as fits.
 *
 * @param deflated the first bytes, or all of them
 * @param bytesMax of the result; with `limit` it may be less, seldom below a quarter
 * @returns undefined when the bytes are no deflated data
 */
export function inflateHead(deflated: Uint8Array, bytesMax: number): InflatedHead | undefined {
  try {
    return { bytes: inflateEither(deflated, { maxOutputLength: bytesMax }), ended: 'end' };
  } catch (error) {
    if (!isTooLarge(error) && !isCutOff(error)) return undefined;
  }
  // zlib gives all or nothing: find how much of the input makes little enough output.
  let bytes: Uint8Array = new Uint8Array(0);
  let fits = 0;
  let tooMuch = deflated.length + 1;
  for (let tries = 0; tries < TRIES_MAX && tooMuch - fits > 1 && bytes.length <= bytesMax / 4; tries++) {
    const count = tries === 0 ? deflated.length : (fits + tooMuch) >> 1;
    try {
      const part = deflated.subarray(0, count);
      bytes = inflateEither(part, { maxOutputLength: bytesMax, finishFlush: constants.Z_SYNC_FLUSH });
      fits = count;
    } catch (error) {
      if (!isTooLarge(error)) return undefined;
      tooMuch = count;
    }
  }
  return { bytes, ended: fits === deflated.length ? 'input' : 'limit' };
}

/** Some writers put a zlib header in front, against the standard. */
function inflateEither(
  deflated: Uint8Array,
  options: { maxOutputLength: number; finishFlush?: number },
): Uint8Array {
  try {
    return inflateRawSync(deflated, options);
  } catch (error) {
    if (isTooLarge(error) || (deflated[0]! & 0x0f) !== 8) throw error;
    return inflateSync(deflated, options);
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}

/** The input ends before the deflated data does. */
function isCutOff(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
}
