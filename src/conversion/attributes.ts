/** Short words for building and copying attributes, so that the modules of the IOD read as tables. */
import { DataSet, type Element } from '../dicom/data-set.ts';
import { attributeByTag, formatTag, isPrivateTag, type TagPath } from '../dicom/dictionary.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { vrFacts } from '../dicom/vr.ts';

export type Keyword = keyof typeof Tag;

/** Items and values as one or as a list; an empty text or list is an empty element, undefined none at all. */
export type AttributeValue =
  | string
  | number
  | Uint8Array
  | readonly string[]
  | readonly number[]
  | readonly DataSet[]
  | undefined;

export type Attributes = Partial<Readonly<Record<Keyword, AttributeValue>>>;

export function setAttributes(into: DataSet, attributes: Attributes): void {
  for (const [keyword, value] of Object.entries(attributes)) {
    if (value !== undefined) into.set(keyword, value === '' ? [] : value);
  }
}

/** @param base what else the data set has; its own attributes give way */
export function dataSetOf(attributes: Attributes, base?: DataSet): DataSet {
  const dataSet = new DataSet();
  for (const element of base ?? []) dataSet.add(element);
  setAttributes(dataSet, attributes);
  return dataSet;
}

/** Code Sequence Macro. PS3.3 8.8. */
export function code(value: string, schemeDesignator: string, meaning: string): DataSet {
  return dataSetOf({ CodeValue: value, CodingSchemeDesignator: schemeDesignator, CodeMeaning: meaning });
}

/** Copies attributes that have a value. */
export function copyAttributes(source: DataSet, into: DataSet, keywords: readonly Keyword[]): void {
  for (const keyword of keywords) {
    const element = source.get(keyword);
    const isEmpty = element === undefined || element.value.length === 0;
    if (!isEmpty) into.add(withoutLocal(element));
  }
}

/** Items of a sequence, to be put into another data set. */
export function itemsOf(source: DataSet, keyword: Keyword): readonly DataSet[] {
  return source.items(keyword).map(withoutLocalElements);
}

/** Without what holds in the source alone: character sets of items and private elements. */
function withoutLocal(element: Element): Element {
  const { value } = element;
  if (!isItems(value)) return element;
  return { ...element, value: value.map(withoutLocalElements) };
}

function withoutLocalElements(item: DataSet): DataSet {
  const copy = new DataSet();
  for (const element of item) {
    if (element.tag !== Tag.SpecificCharacterSet && !isPrivateTag(element.tag))
      copy.add(withoutLocal(element));
  }
  return copy;
}

/**
 * Removes attributes whose values no character set makes right: codes, dates and numbers with letters beyond
 * ASCII in them.
 *
 * @returns their keywords, those of items included
 */
export function removeUnwritable(dataSet: DataSet): readonly string[] {
  const removed: string[] = [];
  for (const { tag, vr, value } of [...dataSet]) {
    if (isItems(value)) {
      for (const item of value) removed.push(...removeUnwritable(item));
    } else if (vrFacts(vr).form === 'text' && !vrFacts(vr).characterSet) {
      if ((value as readonly string[]).every((text) => /^[\0-\x7f]*$/.test(text))) continue;
      dataSet.delete(tag);
      removed.push(attributeByTag(tag)?.keyword ?? formatTag(tag));
    }
  }
  return [...new Set(removed)];
}

/** All values that are numbers. */
export function numbersOf(source: DataSet, keyword: Keyword): readonly number[] {
  return source.texts(keyword).map(Number).filter(Number.isFinite);
}

/** All values at a path, as text; without an index of all items. */
export function valuesAt(source: DataSet, path: TagPath): readonly string[] {
  let dataSets: readonly DataSet[] = [source];
  for (const { tag, index } of path.steps.slice(0, -1)) {
    dataSets = dataSets.flatMap((dataSet) => {
      const items = dataSet.items(tag);
      return index === undefined ? items : items.slice(index, index + 1);
    });
  }
  const { tag, index } = path.steps.at(-1)!;
  const values = dataSets.flatMap((dataSet) => dataSet.texts(tag));
  return index === undefined ? values : values.slice(index, index + 1);
}

const DS_CHARACTERS_MAX = 16;

/** A number as DS, as exact as 16 characters allow. PS3.5 6.2. */
export function decimal(value: number, digits = 15): string {
  for (let precision = digits; precision > 1; precision -= 1) {
    const rounded = Number(value.toPrecision(precision));
    // Leading zeros cost digits: an exponent may cost fewer.
    for (const text of [String(rounded), rounded.toExponential()]) {
      if (text.length <= DS_CHARACTERS_MAX) return text;
    }
  }
  return String(Number(value.toPrecision(1)));
}

/** Declares the smaller of two character sets that all texts fit in. PS3.3 C.12.1.1.2. */
export function setCharacterSet(dataSet: DataSet): void {
  const isLatin1 = everyText(dataSet, (text) => /^[\0-\u007f\u00a0-\u00ff]*$/.test(text));
  dataSet.set('SpecificCharacterSet', isLatin1 ? 'ISO_IR 100' : 'ISO_IR 192');
}

function everyText(dataSet: DataSet, holds: (text: string) => boolean): boolean {
  for (const { vr, value } of dataSet) {
    if (isItems(value)) {
      if (!value.every((item) => everyText(item, holds))) return false;
    } else if (vrFacts(vr).characterSet && Array.isArray(value)) {
      if (!value.every((text) => holds(String(text)))) return false;
    }
  }
  return true;
}

function isItems(value: Element['value']): value is readonly DataSet[] {
  return Array.isArray(value) && value[0] instanceof DataSet;
}
