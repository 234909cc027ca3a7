import { createHash, type Hash } from 'node:crypto';
import { encodingOf, UNDEFINED_LENGTH } from '../dicom/element-header.ts';
import { type RawElement, readElements } from '../dicom/element-reader.ts';
import { DataSetError } from '../dicom/errors.ts';
import { isGroupLength } from '../dicom/tag.ts';
import { EXPLICIT_LE, IMPLICIT_LE } from '../dicom/transfer-syntax.ts';

/** Larger data sets are not compared: both would have to be in memory. */
export const CANONICAL_BYTES_MAX = 64 * 1024 * 1024;

/** Fills files up to some length, and means nothing; some senders keep it and some do not. PS3.10 7.2. */
const DATA_SET_TRAILING_PADDING = 0xfffcfffc;

/** Whether data sets in these transfer syntaxes can be told to be the same although their bytes differ. */
export function isComparable(transferSyntaxUid: string, other: string): boolean {
  const pair = [transferSyntaxUid, other];
  return transferSyntaxUid === other || pair.every((uid) => uid === EXPLICIT_LE || uid === IMPLICIT_LE);
}

/**
 * Digest of what a data set says, whether its VRs are explicit or implicit, its sequences have lengths or
 * delimiters, and padding trails it: tags and values, in order. Undefined when it cannot be read to its end.
 */
export function canonicalDigest(dataSet: Uint8Array, transferSyntaxUid: string): Uint8Array | undefined {
  try {
    const { elements } = readElements(dataSet, { encoding: encodingOf(transferSyntaxUid), start: 0 });
    const digest = createHash('sha256');
    add(digest, dataSet, elements);
    return digest.digest();
  } catch (error) {
    if (error instanceof DataSetError) return undefined;
    throw error;
  }
}

function add(digest: Hash, bytes: Uint8Array, elements: readonly RawElement[]): void {
  for (const { tag, valueOffset, valueLength, endOffset, items } of elements) {
    if (isGroupLength(tag)) continue; // Says how long the group is in this encoding.
    if (tag === DATA_SET_TRAILING_PADDING) continue;
    if (items === undefined) {
      const end = valueLength === UNDEFINED_LENGTH ? endOffset : valueOffset + valueLength;
      digest.update(`${tag} ${end - valueOffset}:`);
      digest.update(bytes.subarray(valueOffset, end));
      continue;
    }
    digest.update(`${tag} [`);
    for (const item of items) {
      digest.update('{');
      add(digest, bytes, item.elements);
      digest.update('}');
    }
    digest.update(']');
  }
}
