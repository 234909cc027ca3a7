/**
 * # Edits
 *
 * Attributes changed on the way, without touching anything else: the elements in front of the pixel data are
 * rewritten in memory, the rest of the file is sent as it is.
 *
 * Invariants:
 * - What no edit names stays byte for byte: odd lengths, undefined lengths, private elements, order.
 * - Lengths of sequences and items around a change are made right; group lengths that would be wrong are left out
 *   (retired, PS3.5 7.2).
 * - New values are in the transfer syntax and character set that the data set has at that point.
 */
import { deflateRawSync } from 'node:zlib';
import { DEFAULT_CHARACTER_SET } from './character-set.ts';
import { inflateDataSet } from './deflated.ts';
import { formatTag, parseTagPath, type TagPath } from './dictionary.ts';
import { type Change, editLevel } from './element-edit.ts';
import { type Encoding, encodingOf } from './element-header.ts';
import { findElements } from './element-reader.ts';
import { EditError } from './errors.ts';
import { isPixelData } from './header-index.ts';
import type { HeaderIndex } from './indexed-element.ts';
import { isGroupLength } from './tag.ts';
import { Tag } from './tags.generated.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';

/** One change, in the words of a rule. */
export type AttributeEdit =
  | { readonly set: string; readonly value: readonly (string | number)[] }
  | { readonly remove: string };

export interface Splice {
  /** Takes the place of the bytes of the file from its `dataSetOffset` to `restOffset`. */
  readonly prefix: Uint8Array;
  readonly restOffset: number;
}

/** Who the instance is: PS3.4 B.4.1.3 lets nobody coerce these without making it another instance. */
const IDENTITY = [Tag.SOPClassUID, Tag.SOPInstanceUID] as const;
/** Pixel data, its offset tables, and what comes behind. */
const FIRST_TAG_NOT_EDITED = Tag.ExtendedOffsetTable;

/**
 * Makes edits one after the other, each seeing what the ones before it did.
 *
 * `set` puts an attribute in its place in the order of tags, with the sequences and items on the way to it; without
 * an index on a sequence it sets it in all items. `remove` takes an attribute, or the item that the index on its last
 * step names; what is not there is not missed.
 *
 * @param index of the file that `head` begins; not one from before other edits
 * @param head the first bytes of the Part 10 file: at least as many as the index was made from. A deflated one whole
 * @throws {EditError} when an edit may not be made, has no room, or a value does not fit; nothing is done then
 * @throws {TagPathError} when a path names no attribute
 */
export function applyEdits(index: HeaderIndex, head: Uint8Array, edits: readonly AttributeEdit[]): Splice {
  const changes = edits.map(changeOf);
  if (changes.length === 0) return { prefix: new Uint8Array(0), restOffset: index.dataSetOffset };
  if (index.fault !== undefined && index.pixelDataOffset === undefined) {
    throw new EditError(`Cannot edit a data set that is damaged: ${index.fault.message}`);
  }
  const encoding = encodingOf(index.transferSyntaxUid);
  if (transferSyntaxOf(index.transferSyntaxUid)?.deflated) return editDeflated(index, head, changes);
  const { dataSetOffset, complete } = index;
  const restOffset = readableEnd(index, head);
  const header = head.subarray(dataSetOffset, restOffset);
  return { prefix: changed(header, changes, { encoding, isWhole: complete }), restOffset };
}

/** One deflated stream: nothing can be spliced into it. */
function editDeflated(index: HeaderIndex, head: Uint8Array, changes: readonly Change[]): Splice {
  const { dataSetOffset, totalBytes } = index;
  if (head.length < totalBytes) {
    throw new EditError(
      `Cannot edit a deflated data set that is not in memory as a whole: ${head.length} of ${totalBytes} bytes are`,
      { totalBytes },
    );
  }
  const encoding = encodingOf(index.transferSyntaxUid);
  const bytes = inflateDataSet(head.subarray(dataSetOffset, totalBytes));
  const { endOffset } = findElements(bytes, { encoding, start: 0, stopsBefore: isPixelData });
  const header = changed(bytes.subarray(0, endOffset), changes, { encoding, isWhole: true });
  const deflated = deflateRawSync(Buffer.concat([header, bytes.subarray(endOffset)]));
  const padding = Buffer.alloc(deflated.length % 2); // PS3.5 A.5.
  return { prefix: Buffer.concat([deflated, padding]), restOffset: totalBytes };
}

/** The last element of an incomplete header may run on beyond the head: it stays outside. */
function readableEnd({ elements, endOffset, dataSetOffset }: HeaderIndex, head: Uint8Array): number {
  if (endOffset <= head.length) return endOffset;
  return elements.at(-1)?.offset ?? dataSetOffset;
}

function changed(
  header: Uint8Array,
  changes: readonly Change[],
  { encoding, isWhole }: { readonly encoding: Encoding; readonly isWhole: boolean },
): Uint8Array {
  let bytes = header;
  for (const change of changes) {
    const { elements } = findElements(bytes, { encoding, start: 0 });
    const [{ tag }] = change.path.steps as [TagPath['steps'][number]];
    if (!isWhole && tag > (elements.at(-1)?.tag ?? 0)) {
      throw new EditError(`Cannot edit ${formatTag(tag)}: the header is too long to be read that far`);
    }
    const level = { bytes, start: 0, end: bytes.length, elements, encoding };
    bytes = editLevel(level, change, 0, DEFAULT_CHARACTER_SET) ?? bytes;
  }
  return bytes;
}

function changeOf(edit: AttributeEdit): Change {
  const path = parseTagPath('set' in edit ? edit.set : edit.remove);
  const refuse = (reason: string) =>
    new EditError(`Cannot edit "${path.text}": ${reason}`, { path: path.text });
  path.steps.forEach(({ tag }, depth) => {
    const isIdentity = depth === 0 && path.steps.length === 1 && IDENTITY.some((each) => each === tag);
    if (isIdentity) throw refuse('it would make it another instance');
    if (tag < 0x0008_0000 || tag >= FIRST_TAG_NOT_EDITED)
      throw refuse('no attribute of a data set, or pixel data');
    if (isGroupLength(tag)) throw refuse('group lengths follow from the others');
  });
  if ('remove' in edit) return { path };
  if (path.steps.at(-1)?.index !== undefined) throw refuse('all values of an attribute are set together');
  return { path, values: edit.value };
}
