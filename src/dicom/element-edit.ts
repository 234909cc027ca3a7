import { type CharacterSet, characterSetOfValue } from './character-set.ts';
import { DataSet } from './data-set.ts';
import { dictionaryVr, type TagPath } from './dictionary.ts';
import { type Encoding, UNDEFINED_LENGTH } from './element-header.ts';
import type { RawElement, RawItem } from './element-reader.ts';
import { encodeElements } from './element-writer.ts';
import { itemHeader } from './encapsulation.ts';
import { EditError, ValueError } from './errors.ts';
import { formatTag, isGroupLength } from './tag.ts';
import { Tag } from './tags.generated.ts';
import { type ContextVr, isVr, type Vr } from './vr.ts';

/** An edit made ready. */
export interface Change {
  readonly path: TagPath;
  /** Undefined: remove. */
  readonly values?: readonly (string | number)[];
}

/** A data set, or an item of it. */
interface Level {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly elements: readonly RawElement[];
  readonly encoding: Encoding;
}

/** Bytes `from` to `to` give way to others. */
interface Cut {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/**
 * Makes a change to a data set or item.
 *
 * @param depth of the level in the path of the change
 * @param outerSet in force around the level
 * @returns the elements of the level anew; undefined when nothing changes
 * @throws {EditError} when the change cannot be made
 */
export function editLevel(
  level: Level,
  change: Change,
  depth: number,
  outerSet: CharacterSet,
): Uint8Array | undefined {
  const { tag, index } = change.path.steps[depth]!;
  const isLast = depth === change.path.steps.length - 1;
  const found = level.elements.filter((element) => element.tag === tag);
  const characterSet = characterSetOfLevel(level, outerSet);
  let cuts: readonly Cut[];
  if (isLast && change.values !== undefined) {
    cuts = replacing(level, found, encodedElement(level, found[0], tag, change, characterSet), tag);
  } else if (isLast && index === undefined) {
    cuts = found.map(({ offset, endOffset }) => ({ from: offset, to: endOffset, bytes: NOTHING }));
  } else if (found[0] !== undefined) {
    const edited = editSequence(level, found[0], change, depth, characterSet);
    cuts = edited === undefined ? [] : replacing(level, found.slice(0, 1), edited, tag);
  } else {
    cuts =
      isLast || change.values === undefined
        ? []
        : replacing(level, [], newSequence(level, change, depth, characterSet), tag);
  }
  return cuts.length === 0 ? undefined : cut(level, [...cuts, ...staleLengths(level, tag)]);
}

/** Puts an element in the place of those found, or before the first with a higher tag. */
function replacing(
  level: Level,
  found: readonly RawElement[],
  bytes: Uint8Array,
  tag: number,
): readonly Cut[] {
  const [first, ...duplicates] = found;
  const place = first ?? level.elements.find((element) => element.tag > tag);
  const from = place?.offset ?? level.elements.at(-1)?.endOffset ?? level.start;
  return [
    { from, to: first?.endOffset ?? from, bytes },
    ...duplicates.map(({ offset, endOffset }) => ({ from: offset, to: endOffset, bytes: NOTHING })),
  ];
}

/** Group length of the group that changed, and Length to End: both retired. */
function staleLengths({ elements }: Level, changedTag: number): readonly Cut[] {
  const isStale = (tag: number) =>
    isGroupLength(tag) ? tag >>> 16 === changedTag >>> 16 : tag === Tag.LengthToEnd && tag !== changedTag;
  return elements
    .filter(({ tag }) => isStale(tag))
    .map(({ offset, endOffset }) => ({ from: offset, to: endOffset, bytes: NOTHING }));
}

function cut({ bytes, start, end }: Level, cuts: readonly Cut[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let position = start;
  for (const { from, to, bytes: replacement } of cuts.toSorted((a, b) => a.from - b.from)) {
    parts.push(bytes.subarray(position, from), replacement);
    position = to;
  }
  parts.push(bytes.subarray(position, end));
  return Buffer.concat(parts);
}

/** Goes down into the items that the change names. */
function editSequence(
  level: Level,
  sequence: RawElement,
  change: Change,
  depth: number,
  characterSet: CharacterSet,
): Uint8Array | undefined {
  const { items, tag } = sequence;
  const { index } = change.path.steps[depth]!;
  if (items === undefined) {
    throw refusal(change, `${formatTag(tag)} must be a sequence to have items, it is ${sequence.vr}`);
  }
  const isLast = depth === change.path.steps.length - 1;
  const chosen = items.filter((_, position) => index === undefined || position === index);
  if (chosen.length === 0 && (isLast || change.values === undefined)) return undefined;
  const cuts = chosen.flatMap((item) => {
    if (isLast) return [{ from: item.offset, to: item.endOffset, bytes: NOTHING }];
    const within = { ...item, bytes: level.bytes, start: item.valueOffset, end: contentEnd(item) };
    const content = editLevel(within, change, depth + 1, characterSet);
    return content === undefined
      ? []
      : [{ from: item.offset, to: item.endOffset, bytes: itemAround(level, item, content) }];
  });
  if (chosen.length === 0) {
    if (index !== undefined && index > items.length) {
      throw refusal(change, `item ${index} would leave a gap behind the ${items.length} there are`);
    }
    const end = items.at(-1)?.endOffset ?? sequence.valueOffset;
    cuts.push({
      from: end,
      to: end,
      bytes: newItem(change, depth, sequenceEncoding(level, sequence), characterSet),
    });
  }
  return cuts.length === 0 ? undefined : sequenceAround(level, sequence, cuts);
}

function contentEnd({ valueOffset, valueLength, endOffset, elements }: RawItem): number {
  if (valueLength !== UNDEFINED_LENGTH) return valueOffset + valueLength;
  const last = elements.at(-1)?.endOffset ?? valueOffset;
  return Math.min(endOffset, last);
}

/** The item with another content: its header and delimiter as they are, but for the length. */
function itemAround({ bytes }: Level, item: RawItem, content: Uint8Array): Uint8Array {
  const header = new Uint8Array(bytes.subarray(item.offset, item.valueOffset));
  if (item.valueLength === UNDEFINED_LENGTH) {
    return Buffer.concat([header, content, bytes.subarray(contentEnd(item), item.endOffset)]);
  }
  setLength(header, content.length, item.encoding);
  return Buffer.concat([header, content]);
}

/** The sequence with other items, likewise. */
function sequenceAround(level: Level, sequence: RawElement, cuts: readonly Cut[]): Uint8Array {
  const { offset, valueOffset, valueLength, endOffset } = sequence;
  const header = new Uint8Array(level.bytes.subarray(offset, valueOffset));
  const value = cut({ ...level, start: valueOffset, end: endOffset }, cuts);
  if (valueLength !== UNDEFINED_LENGTH) setLength(header, value.length, level.encoding);
  return Buffer.concat([header, value]);
}

/** Sequences and items have lengths of 32 bits in every encoding, at the end of their header. */
function setLength(header: Uint8Array, length: number, { littleEndian }: Encoding): void {
  new DataView(header.buffer, header.byteOffset).setUint32(header.length - 4, length, littleEndian);
}

/** Of items that come anew into a sequence: as those that are there. */
function sequenceEncoding({ encoding }: Level, { vr, items }: RawElement): Encoding {
  return items?.[0]?.encoding ?? (vr === 'UN' ? { explicitVr: false, littleEndian: true } : encoding);
}

function newSequence(level: Level, change: Change, depth: number, characterSet: CharacterSet): Uint8Array {
  const { tag, index = 0 } = change.path.steps[depth]!;
  if (index > 0) throw refusal(change, `item ${index} would leave a gap: the sequence is missing`);
  const item = newItem(change, depth, level.encoding, characterSet);
  return encodeElements([{ tag, vr: 'SQ', value: item }], level.encoding, characterSet);
}

function newItem(change: Change, depth: number, encoding: Encoding, characterSet: CharacterSet): Uint8Array {
  const empty: Level = { bytes: NOTHING, start: 0, end: 0, elements: [], encoding };
  const content = editLevel(empty, change, depth + 1, characterSet) ?? NOTHING;
  const header = itemHeader(content.length);
  return encoding.littleEndian ? Buffer.concat([header, content]) : Buffer.concat([swapped(header), content]);
}

function swapped(header: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 0xfe, 0xe0, 0x00, ...header.subarray(4).toReversed());
}

function encodedElement(
  level: Level,
  existing: RawElement | undefined,
  tag: number,
  change: Change,
  characterSet: CharacterSet,
): Uint8Array {
  const values = change.values ?? [];
  const vr = vrForValues(existing, tag, values);
  if (vr === 'SQ' && values.length > 0) throw refusal(change, 'a sequence can be emptied, not set to values');
  try {
    const dataSet = new DataSet().set(tag, values, vr);
    return encodeElements(dataSet, level.encoding, characterSet);
  } catch (cause) {
    if (!(cause instanceof ValueError)) throw cause;
    throw new EditError(
      `Cannot set "${change.path.text}": ${cause.message}`,
      { path: change.path.text },
      { cause },
    );
  }
}

/** Of the element that is there; else of the dictionary, text where that does not know the attribute. */
function vrForValues(
  existing: RawElement | undefined,
  tag: number,
  values: readonly (string | number)[],
): Vr {
  if (existing !== undefined && existing.vr !== 'UN') return existing.vr;
  const vr: Vr | ContextVr = dictionaryVr(tag);
  if (isVr(vr)) return vr === 'UN' ? 'LO' : vr;
  return vr === 'US or SS' && values.some((value) => Number(value) < 0) ? 'SS' : 'US';
}

function characterSetOfLevel({ bytes, elements }: Level, outerSet: CharacterSet): CharacterSet {
  const terms = elements.find(({ tag }) => tag === Tag.SpecificCharacterSet);
  if (terms === undefined) return outerSet;
  return characterSetOfValue(bytes.subarray(terms.valueOffset, terms.endOffset));
}

function refusal({ path }: Change, reason: string): EditError {
  return new EditError(`Cannot edit "${path.text}": ${reason}`, { path: path.text });
}
