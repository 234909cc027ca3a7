/** What of an instance changes on its way out: edits of a rule, the VR encoding, a padding byte. */
import { applyEdits } from '../dicom/edits.ts';
import { type HeaderIndex, type IndexedElement, indexHeader } from '../dicom/header-index.ts';
import { type TransferSyntax, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { vrFacts } from '../dicom/vr.ts';
import { type RewrittenEncoding, rewriteVrEncoding, trailingRange } from '../dicom/vr-encoding.ts';
import { GatewayError } from '../errors.ts';
import type { AttributeEdit } from '../spool/spool.ts';
import { DeliveryError } from './errors.ts';
import {
  type HeadedSource,
  joined,
  type Part,
  type Part10Source,
  readAhead,
  readFully,
} from './part10-source.ts';

const UNDEFINED_LENGTH = 0xffff_ffff;
/** Held in memory to be rewritten. */
const TRAILING_BYTES_MAX = 8 * 1024 * 1024;

/** The index of a source, made anew: after a change the stored one no longer fits. */
export function indexOf(source: HeadedSource): HeaderIndex {
  return indexHeader(source.head, {
    transferSyntaxUid: source.transferSyntaxUid,
    dataSetOffset: source.dataSetOffset,
    totalBytes: source.sizeBytes,
  });
}

/**
 * The source with attributes changed; all else stays byte for byte.
 *
 * @throws {DeliveryError} when the edits cannot be made
 */
export async function withEdits(
  source: HeadedSource,
  edits: readonly AttributeEdit[],
): Promise<HeadedSource> {
  if (edits.length === 0) return source;
  try {
    return await spliced(source, applyEdits(indexOf(source), source.head, edits));
  } catch (error) {
    if (!(error instanceof GatewayError) || error instanceof DeliveryError) throw error;
    throw new DeliveryError(
      'EDIT_IMPOSSIBLE',
      `Cannot make the edits of the rule: ${error.message}`,
      {},
      {
        cause: error,
      },
    );
  }
}

/**
 * A native source in the other Little Endian VR encoding.
 *
 * @throws {DeliveryError} when its header cannot be read well enough for it
 */
export async function withVrEncoding(source: HeadedSource, transferSyntaxUid: string): Promise<HeadedSource> {
  try {
    const index = indexOf(source);
    const trailing = await readTrailing(source, trailingRange(index));
    const rewritten = rewriteVrEncoding(source.head, index, transferSyntaxUid, trailing);
    return await spliced({ ...source, transferSyntaxUid }, rewritten);
  } catch (error) {
    if (!(error instanceof GatewayError) || error instanceof DeliveryError) throw error;
    throw new DeliveryError(
      'TRANSFER_SYNTAX_NOT_ACCEPTED',
      `Cannot send as the destination takes the instance in another VR encoding only, and it cannot be rewritten: ${error.message}`,
      {},
      { cause: error },
    );
  }
}

/**
 * A source whose data set has an even length, as PS3.5 7.1.1 wants it and many receivers insist.
 *
 * @param odd what to do otherwise: nothing, or give odd values the padding byte they lack
 * @throws {DeliveryError} when the length is odd and stays so
 */
export async function withEvenLength(source: HeadedSource, odd: 'hold' | 'pad'): Promise<HeadedSource> {
  const lengthBytes = source.sizeBytes - source.dataSetOffset;
  if (lengthBytes % 2 === 0) return source;
  if (odd === 'pad') {
    const padded = joined(paddedParts(source), source);
    if ((padded.sizeBytes - padded.dataSetOffset) % 2 === 0) return readAhead(padded);
  }
  throw new DeliveryError(
    'ODD_LENGTH',
    `Cannot send as the length of a data set must be even: it has ${lengthBytes} bytes` +
      (odd === 'pad' ? ', and the odd value does not stand at the top of it' : ''),
    { lengthBytes },
  );
}

function paddedParts(source: HeadedSource): readonly Part[] {
  const end = source.sizeBytes;
  const syntax = transferSyntaxOf(source.transferSyntaxUid);
  if (syntax?.deflated) return [{ source, from: 0, to: end }, Uint8Array.of(0)]; // PS3.5 A.5.
  const parts: Part[] = [];
  let copiedTo = 0;
  for (const element of indexOf(source).elements) {
    const { valueOffset, valueLength } = element;
    if (valueLength === UNDEFINED_LENGTH || valueLength % 2 === 0 || valueOffset + valueLength > end)
      continue;
    const length = encodeLength(element, syntax, valueLength + 1);
    if (!length) continue;
    parts.push({ source, from: copiedTo, to: valueOffset - length.byteLength }, length);
    parts.push(
      { source, from: valueOffset, to: valueOffset + valueLength },
      Uint8Array.of(vrFacts(element.vr).padding),
    );
    copiedTo = valueOffset + valueLength;
  }
  return [...parts, { source, from: copiedTo, to: end }];
}

/** The length field of an element; undefined where it has no room for that length. PS3.5 7.1. */
function encodeLength(
  { vr }: IndexedElement,
  syntax: TransferSyntax | undefined,
  lengthBytes: number,
): Uint8Array | undefined {
  const isShort = syntax?.explicitVr !== false && !vrFacts(vr).longHeader;
  if (lengthBytes > (isShort ? 0xffff : 0xfffffffe)) return undefined;
  const bytes = new Uint8Array(isShort ? 2 : 4);
  const view = new DataView(bytes.buffer);
  const littleEndian = syntax?.littleEndian !== false;
  if (isShort) view.setUint16(0, lengthBytes, littleEndian);
  else view.setUint32(0, lengthBytes, littleEndian);
  return bytes;
}

/** Elements behind the pixel data: a few, if any. */
async function readTrailing(
  source: HeadedSource,
  range: { readonly offset: number; readonly length: number } | undefined,
): Promise<Uint8Array | undefined> {
  if (!range || range.length > TRAILING_BYTES_MAX) return undefined;
  const bytes = Buffer.allocUnsafe(range.length);
  for (let filled = 0; filled < range.length; ) {
    filled += await source.read(bytes.subarray(filled), range.offset + filled);
  }
  return bytes;
}

/** Replaces the beginning of a data set, and its end where there is a `tail`. */
function spliced(
  source: HeadedSource,
  { prefix, restOffset, tail }: RewrittenEncoding,
): Promise<HeadedSource> {
  const fileMeta: Part = { source, from: 0, to: source.dataSetOffset };
  const rest: Part = { source, from: restOffset, to: tail?.offset ?? source.sizeBytes };
  const end: Part[] = tail
    ? [{ source: inPlaceOfEnd(source, tail), from: 0, to: tail.bytes.byteLength }]
    : [];
  return readAhead(joined([fileMeta, prefix, rest, ...end], source));
}

/** Other bytes for the end of a source, which is read in its turn all the same: so it is known to be undamaged. */
function inPlaceOfEnd(source: HeadedSource, tail: NonNullable<RewrittenEncoding['tail']>): Part10Source {
  let isRead = false;
  return {
    ...source,
    async read(into, position) {
      if (!isRead) await readFully(source, Buffer.allocUnsafe(source.sizeBytes - tail.offset), tail.offset);
      isRead = true;
      const piece = tail.bytes.subarray(position, position + into.byteLength);
      into.set(piece);
      return piece.byteLength;
    },
  };
}
