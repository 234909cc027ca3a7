import { ok as assert } from 'node:assert';
import { type CharacterSet, characterSetOfValue, DEFAULT_CHARACTER_SET } from './character-set.ts';
import { inflateDataSet } from './deflated.ts';
import { attributeByKeyword, dictionaryVr, formatTag } from './dictionary.ts';
import { type Encoding, encodingOf, UNDEFINED_LENGTH } from './element-header.ts';
import { type RawElement, readElements } from './element-reader.ts';
import { decodeNumbers, decodeTags, decodeTexts, type ScalarValue, trimPadding } from './element-value.ts';
import { Tag } from './tags.generated.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';
import { isVr, type Vr, vrFacts } from './vr.ts';

/** Of text VRs text, of number VRs and AT numbers, 64-bit ones big; items of SQ; bytes of all others. */
export type ElementValue =
  | readonly string[]
  | readonly number[]
  | readonly bigint[]
  | readonly DataSet[]
  | Uint8Array;

export interface Element {
  readonly tag: number;
  readonly vr: Vr;
  readonly value: ElementValue;
  /** The value is items of fragments: written with undefined length. PS3.5 A.4. */
  readonly encapsulated?: boolean;
}

/**
 * A small data set in memory, to build or to read: without bulk data. Elements come in the order of their tags.
 * Attributes are named by keyword or tag; a keyword that the dictionary lacks is a bug of the caller.
 */
export class DataSet implements Iterable<Element> {
  readonly #elements = new Map<number, Element>();
  #isSorted = true;
  #lastTag = -1;

  /**
   * @param value one value, or all of them; none for an empty element
   * @param vr default: that of the dictionary. Where it leaves two open, the one that fits, OW for bytes
   */
  set(
    attribute: string | number,
    value: ScalarValue | ElementValue | readonly ScalarValue[],
    vr?: string,
  ): this {
    const tag = tagOf(attribute);
    const values = isScalar(value) ? [value] : value;
    const chosen = vr ?? vrThatFits(tag, values);
    assert(isVr(chosen), `Cannot set ${formatTag(tag)}: "${chosen}" is no VR`);
    this.#put({ tag, vr: chosen, value: asKept(chosen, values) });
    return this;
  }

  /** Sets encapsulated Pixel Data. @param items Basic Offset Table and fragments, each with its item header */
  setEncapsulated(attribute: string | number, items: Uint8Array): this {
    this.#put({ tag: tagOf(attribute), vr: 'OB', value: items, encapsulated: true });
    return this;
  }

  /** Takes an element as it is, from another data set or a reader. */
  add(element: Element): this {
    this.#put(element);
    return this;
  }

  get(attribute: string | number): Element | undefined {
    return this.#elements.get(tagOf(attribute));
  }

  has(attribute: string | number): boolean {
    return this.#elements.has(tagOf(attribute));
  }

  delete(attribute: string | number): boolean {
    return this.#elements.delete(tagOf(attribute));
  }

  /** First value as text, padding trimmed; undefined when missing or empty. */
  text(attribute: string | number): string | undefined {
    return this.texts(attribute)[0] || undefined;
  }

  /** All values as text, padding trimmed; none when missing, empty, bytes or items. */
  texts(attribute: string | number): readonly string[] {
    const element = this.get(attribute);
    if (element === undefined || element.value instanceof Uint8Array || element.vr === 'SQ') return [];
    const facts = vrFacts(element.vr);
    const texts = element.value.map((value) => trimPadding(String(value), facts));
    return texts.length === 1 && texts[0] === '' ? [] : texts;
  }

  /** First value as a number; undefined when missing, empty or none. */
  number(attribute: string | number): number | undefined {
    const text = this.text(attribute);
    const number = Number(text);
    return text === undefined || Number.isNaN(number) ? undefined : number;
  }

  /** Items of a sequence; none when missing or empty. */
  items(attribute: string | number): readonly DataSet[] {
    const element = this.get(attribute);
    return element?.vr === 'SQ' ? (element.value as readonly DataSet[]) : [];
  }

  /** Of VRs that are bytes. */
  bytes(attribute: string | number): Uint8Array | undefined {
    const value = this.get(attribute)?.value;
    return value instanceof Uint8Array ? value : undefined;
  }

  get size(): number {
    return this.#elements.size;
  }

  /** In the order of tags. */
  *[Symbol.iterator](): IterableIterator<Element> {
    this.#sort();
    yield* this.#elements.values();
  }

  #put(element: Element): void {
    if (!this.#elements.has(element.tag)) {
      if (element.tag < this.#lastTag) this.#isSorted = false;
      else this.#lastTag = element.tag;
    }
    this.#elements.set(element.tag, element);
  }

  #sort(): void {
    if (this.#isSorted) return;
    const sorted = [...this.#elements.values()].sort((a, b) => a.tag - b.tag);
    this.#elements.clear();
    for (const element of sorted) this.#elements.set(element.tag, element);
    this.#isSorted = true;
  }
}

/**
 * Reads a data set that is whole in memory.
 *
 * @param options `offset`: where it starts; `stopBefore`: ends reading before the first top-level element with
 *   this tag or a higher one
 * @returns `endOffset`: first byte that was not read, in the inflated bytes where the transfer syntax is deflated
 * @throws {DataSetError} when it cannot be read up to there
 */
export function readDataSet(
  bytes: Uint8Array,
  options: { readonly transferSyntaxUid: string; readonly offset?: number; readonly stopBefore?: number },
): { dataSet: DataSet; endOffset: number } {
  const { transferSyntaxUid, offset = 0, stopBefore } = options;
  const isDeflated = transferSyntaxOf(transferSyntaxUid)?.deflated ?? false;
  const encoding = encodingOf(transferSyntaxUid);
  const plain = isDeflated ? inflateDataSet(bytes.subarray(offset)) : bytes;
  const source = new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
  const { elements, endOffset } = readElements(source, {
    encoding,
    start: isDeflated ? 0 : offset,
    ...(stopBefore !== undefined && { stopsBefore: (tag) => tag >= stopBefore }),
  });
  return { dataSet: dataSetOf(source, elements, encoding, DEFAULT_CHARACTER_SET), endOffset };
}

function dataSetOf(
  bytes: Uint8Array,
  elements: readonly RawElement[],
  encoding: Encoding,
  outerSet: CharacterSet,
): DataSet {
  const dataSet = new DataSet();
  const terms = elements.find(({ tag }) => tag === Tag.SpecificCharacterSet);
  const characterSet =
    terms === undefined ? outerSet : characterSetOfValue(bytes.subarray(terms.valueOffset, terms.endOffset));
  for (const element of elements) {
    const { tag, vr, valueOffset, valueLength, endOffset, items } = element;
    if (items !== undefined) {
      const value = items.map((item) => dataSetOf(bytes, item.elements, item.encoding, characterSet));
      dataSet.add({ tag, vr: 'SQ', value });
    } else if (valueLength === UNDEFINED_LENGTH) {
      dataSet.add({ tag, vr, value: bytes.subarray(valueOffset, endOffset - 8), encapsulated: true });
    } else {
      const value = bytes.subarray(valueOffset, valueOffset + valueLength);
      dataSet.add({ tag, vr, value: decoded(vr, value, encoding, characterSet) });
    }
  }
  return dataSet;
}

function decoded(
  vr: Vr,
  bytes: Uint8Array,
  { littleEndian }: Encoding,
  characterSet: CharacterSet,
): ElementValue {
  switch (vrFacts(vr).form) {
    case 'text':
      return bytes.length === 0 ? [] : decodeTexts(vr, bytes, characterSet);
    case 'number':
      return decodeNumbers(vr, bytes, littleEndian) as readonly number[];
    case 'tag':
      return decodeTags(bytes, littleEndian);
    default:
      return bytes;
  }
}

function tagOf(attribute: string | number): number {
  if (typeof attribute === 'number') return attribute;
  const found = attributeByKeyword(attribute);
  assert(found !== undefined, `The dictionary has no attribute "${attribute}"`);
  return found.tag;
}

function vrThatFits(tag: number, values: ElementValue | readonly ScalarValue[]): Vr {
  const vr = dictionaryVr(tag);
  switch (vr) {
    case 'US or SS':
      return Array.isArray(values) && values.some((value) => Number(value) < 0) ? 'SS' : 'US';
    case 'US or OW':
      return values instanceof Uint8Array ? 'OW' : 'US';
    case 'OB or OW':
      return 'OW';
    default:
      return vr;
  }
}

/** Values in the form that the VR is kept in. */
function asKept(vr: Vr, values: ElementValue | readonly ScalarValue[]): ElementValue {
  if (values instanceof Uint8Array) return values;
  const isOfItems = vrFacts(vr).form === 'items';
  assert(
    values.every((value) => value instanceof DataSet === isOfItems),
    `Cannot set values as VR ${vr}: items belong into SQ, and nothing else`,
  );
  return vrFacts(vr).form === 'text' ? values.map(String) : (values as ElementValue);
}

function isScalar(value: unknown): value is ScalarValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
}
