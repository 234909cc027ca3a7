import { TagPathError } from './errors.ts';
import { formatTag, isGroupLength, isPrivateCreator, isPrivateTag } from './tag.ts';
import { Tag, valueFacts } from './tags.generated.ts';
import { type ContextVr, isVr, type Vr } from './vr.ts';

export { formatTag, isPrivateTag } from './tag.ts';

/** What PS3.6 says of an attribute. */
export interface Attribute {
  readonly tag: number;
  readonly keyword: string;
  /** For some, another attribute of the data set decides between two. */
  readonly vr: Vr | ContextVr;
  /** Such as `1`, `1-n`, `3-3n`. */
  readonly vm: string;
}

/** One step of a path for each level; the last one may pick a value, the others pick items. */
export interface TagPath {
  /** As it was written. */
  readonly text: string;
  readonly steps: readonly TagPathStep[];
}

export interface TagPathStep {
  readonly tag: number;
  /** Counted from 0; undefined means all of them. */
  readonly index?: number;
}

const attributes = readAttributes();
const byTag = new Map(attributes.map((attribute) => [attribute.tag, attribute]));
const byKeyword = new Map(attributes.map((attribute) => [attribute.keyword, attribute]));

/** @param keyword as in PS3.6: `PatientID` */
export function attributeByKeyword(keyword: string): Attribute | undefined {
  return byKeyword.get(keyword);
}

/** @returns the attribute, also for each tag of a repeating group, with the tag that was asked for */
export function attributeByTag(tag: number): Attribute | undefined {
  const found = byTag.get(tag);
  if (found !== undefined) return found;
  const repeated = byTag.get(firstOfItsRange(tag));
  return repeated === undefined ? undefined : { ...repeated, tag };
}

/** Every keyword, for suggestions where one was misspelt. */
export function keywords(): IterableIterator<string> {
  return byKeyword.keys();
}

/** VR of a tag where the encoding does not tell. PS3.5 7.1.3, 6.2.2. */
export function dictionaryVr(tag: number): Vr | ContextVr {
  if (isGroupLength(tag)) return 'UL';
  if (isPrivateTag(tag)) return isPrivateCreator(tag) ? 'LO' : 'UN';
  return byTag.get(tag)?.vr ?? byTag.get(firstOfItsRange(tag))?.vr ?? 'UN';
}

/**
 * Reads where an attribute is.
 *
 * @param text keyword, `00080060` or `(0008,0060)`; nested ones joined by dots, with the item in brackets:
 *   `RequestAttributesSequence[0].AccessionNumber`. Brackets on the last pick one value: `ImageType[2]` is the
 *   third. Counted from 0.
 * @throws {TagPathError} when it names no attribute of the dictionary and is no tag either
 */
export function parseTagPath(text: string): TagPath {
  const steps = text.split('.').map((part) => parseStep(part, text));
  for (const step of steps.slice(0, -1)) {
    const vr = dictionaryVr(step.tag);
    if (vr !== 'SQ' && vr !== 'UN') {
      throw new TagPathError(
        `Cannot read tag path "${text}": ${formatTag(step.tag)} must be a sequence to hold others, it is ${vr}`,
        { path: text },
      );
    }
  }
  return { text, steps };
}

function parseStep(part: string, path: string): TagPathStep {
  const match =
    /^(?:\(([0-9a-f]{4}),([0-9a-f]{4})\)|([0-9a-f]{8})|([a-z][a-z0-9]*))(?:\[(\d{1,6})\])?$/i.exec(part);
  if (match === null) {
    throw new TagPathError(
      `Cannot read tag path "${path}": "${part}" must be a keyword or a tag such as (0008,0060), with an index in brackets at most`,
      { path },
    );
  }
  const [, group, element, hex, keyword, index] = match;
  const tag =
    keyword === undefined ? Number.parseInt(hex ?? `${group}${element}`, 16) : byKeyword.get(keyword)?.tag;
  if (tag === undefined) {
    throw new TagPathError(`Cannot read tag path "${path}": the dictionary has no attribute "${keyword}"`, {
      path,
    });
  }
  return index === undefined ? { tag } : { tag, index: Number(index) };
}

/** Repeating groups stand in the dictionary at their first tag. PS3.5 7.6. */
function firstOfItsRange(tag: number): number {
  const group = tag >>> 16;
  if ((group & 1) === 0) {
    if ((group & 0xffe0) === 0x5000 || (group & 0xffe0) === 0x6000) return (tag & 0xff00ffff) >>> 0;
    if ((group & 0xff00) === 0x7f00 && group !== 0x7fe0) return (0x7f000000 | (tag & 0xffff)) >>> 0;
  }
  return group === 0x0020 && (tag & 0xff00) === 0x3100 ? 0x00203100 : tag;
}

function readAttributes(): readonly Attribute[] {
  const facts = valueFacts.split('|');
  return Object.entries(Tag).map(([keyword, tag], index) => {
    const [vr = '', vm = ''] = (facts[index] ?? '').split(':');
    return { tag, keyword, vr: isVr(vr) ? vr : (vr as ContextVr), vm };
  });
}
