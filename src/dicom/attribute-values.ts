import { type CharacterSet, characterSetOfValue, DEFAULT_CHARACTER_SET } from './character-set.ts';
import { dictionaryVr, type TagPath, type TagPathStep } from './dictionary.ts';
import { encodingOf, UNDEFINED_LENGTH } from './element-header.ts';
import { valuesAsText } from './element-value.ts';
import type { HeaderIndex, IndexedElement } from './indexed-element.ts';
import { Tag } from './tags.generated.ts';
import { isVr, type Vr, vrFacts } from './vr.ts';

/** What is the same for every element on the way down. */
interface Surroundings {
  readonly littleEndian: boolean;
  readonly characterSet: CharacterSet;
}

type Values = readonly string[] | 'unread' | undefined;

/**
 * The values of an attribute as text: padding trimmed, numbers in decimal, AT as `(gggg,eeee)`. Bytes and sequences
 * are only told of (`512 bytes`, `2 items`), so that they can be seen to exist.
 *
 * @param path an index on the last step picks one value, on another one item; without, those of all items together
 * @returns no values when the attribute is empty; undefined when it is missing; `unread` when it may be there, but
 *   beyond what the index holds
 */
export function attributeValues(index: HeaderIndex, path: TagPath): Values {
  const { elements, complete, transferSyntaxUid } = index;
  const [first] = path.steps;
  if (first === undefined) return undefined;
  if (!complete && !isReached(elements, first.tag)) return 'unread';
  const { littleEndian } = encodingOf(transferSyntaxUid);
  return valuesIn(elements, path.steps, 0, { littleEndian, characterSet: DEFAULT_CHARACTER_SET });
}

/** Elements come in the order of tags: reading got as far as the last one. */
function isReached(elements: readonly IndexedElement[], tag: number): boolean {
  const last = elements.at(-1);
  return last !== undefined && (tag <= last.tag || elements.some((element) => element.tag === tag));
}

function valuesIn(
  elements: readonly IndexedElement[],
  steps: readonly TagPathStep[],
  depth: number,
  outer: Surroundings,
): Values {
  const step = steps[depth]!;
  const element = findElement(elements, step.tag);
  if (element === undefined) return undefined;
  if (depth === steps.length - 1) return picked(ownValues(element, elements, outer), step.index);
  const { items } = element;
  if (items === undefined) return element.valueLength === 0 || element.vr !== 'SQ' ? undefined : 'unread';
  const surroundings = { ...outer, characterSet: characterSetIn(elements, outer) };
  if (step.index === undefined) return valuesOfAll(element, items, steps, depth, surroundings);
  const item = items[step.index];
  if (item === undefined) return element.itemsLeftOut ? 'unread' : undefined;
  return valuesIn(item, steps, depth + 1, surroundings);
}

function valuesOfAll(
  sequence: IndexedElement,
  items: readonly (readonly IndexedElement[])[],
  steps: readonly TagPathStep[],
  depth: number,
  surroundings: Surroundings,
): Values {
  if (sequence.itemsLeftOut) return 'unread';
  const found: string[] = [];
  let isFound = false;
  for (const item of items) {
    const values = valuesIn(item, steps, depth + 1, surroundings);
    if (values === 'unread') return values;
    if (values === undefined) continue;
    isFound = true;
    found.push(...values);
  }
  return isFound ? found : undefined;
}

function ownValues(
  element: IndexedElement,
  siblings: readonly IndexedElement[],
  outer: Surroundings,
): readonly string[] | 'unread' {
  const { items, value, valueLength } = element;
  if (items !== undefined) return items.length === 0 ? [] : [`${items.length} items`];
  if (valueLength === 0) return [];
  if (value === undefined) {
    if (vrFacts(element.vr).form !== 'bytes') return 'unread';
    return [valueLength === UNDEFINED_LENGTH ? 'encapsulated' : `${valueLength} bytes`];
  }
  const vr = element.vr === 'UN' ? vrOfUnknown(element.tag, value) : element.vr;
  const littleEndian = element.vr === 'UN' || outer.littleEndian;
  const characterSet = vrFacts(vr).characterSet ? characterSetIn(siblings, outer) : outer.characterSet;
  return valuesAsText(vr, value, { littleEndian, characterSet });
}

function picked(values: readonly string[] | 'unread', index: number | undefined): Values {
  if (index === undefined || values === 'unread') return values;
  const value = values[index];
  return value === undefined ? undefined : [value];
}

function findElement(elements: readonly IndexedElement[], tag: number): IndexedElement | undefined {
  for (const element of elements) if (element.tag === tag) return element;
  return undefined;
}

/** An item may have a set of its own. PS3.3 C.12.1.1.2. */
function characterSetIn(elements: readonly IndexedElement[], { characterSet }: Surroundings): CharacterSet {
  const value = findElement(elements, Tag.SpecificCharacterSet)?.value;
  return value === undefined ? characterSet : characterSetOfValue(value);
}

/** UN of an attribute we know is its own VR in little endian (PS3.5 6.2.2); others may be text or anything. */
function vrOfUnknown(tag: number, value: Uint8Array): Vr {
  const vr = dictionaryVr(tag);
  if (isVr(vr) && vr !== 'UN') return vr;
  return value.every((byte) => byte >= 0x20 || byte === 0x1b || byte === 0) ? 'LO' : 'UN';
}
