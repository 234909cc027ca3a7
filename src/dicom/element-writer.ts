import { deflateRawSync } from 'node:zlib';
import { ByteSink } from './byte-sink.ts';
import { type CharacterSet, characterSetOf, DEFAULT_CHARACTER_SET } from './character-set.ts';
import type { DataSet, Element } from './data-set.ts';
import { dictionaryVr } from './dictionary.ts';
import { type Encoding, encodingOf, ITEM, SEQUENCE_END, UNDEFINED_LENGTH } from './element-header.ts';
import { encodeValue, type ScalarValue } from './element-value.ts';
import { Tag } from './tags.generated.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';
import { type Vr, vrFacts } from './vr.ts';

const SHORT_LENGTH_MAX = 0xffff;

/**
 * Writes a data set: elements in order, lengths even, sequences and items with their length.
 *
 * @param transferSyntaxUid an unknown one is written as explicit VR little endian
 * @throws {ValueError} when a VR cannot hold its value, or the character set of the data set a text
 * @see PS3.5 7
 */
export function encodeDataSet(dataSet: DataSet, transferSyntaxUid: string): Uint8Array {
  const bytes = encodeElements(dataSet, encodingOf(transferSyntaxUid), DEFAULT_CHARACTER_SET);
  return transferSyntaxOf(transferSyntaxUid)?.deflated ? evened(deflateRawSync(bytes)) : bytes;
}

/** The same for an item, or for elements that go into another data set. @param outerSet in force around it */
export function encodeElements(
  elements: Iterable<Element>,
  encoding: Encoding,
  outerSet: CharacterSet,
): Uint8Array {
  const sink = new ByteSink();
  writeElements(sink, [...elements], encoding, outerSet);
  return sink.bytes();
}

/**
 * Writes tag, VR and length of one element.
 *
 * A value that is too long for a short header goes out as UN. PS3.5 6.2.2.
 */
export function writeElementHeader(
  sink: ByteSink,
  header: { readonly tag: number; readonly vr: Vr; readonly length: number },
  encoding: Encoding,
): void {
  const { tag, vr, length } = header;
  const { explicitVr, littleEndian } = encoding;
  const hasLongHeader = vrFacts(vr).longHeader;
  sink.tag(tag, littleEndian);
  if (!explicitVr) {
    sink.uint32(length, littleEndian);
  } else if (!hasLongHeader && length <= SHORT_LENGTH_MAX) {
    sink.ascii(vr);
    sink.uint16(length, littleEndian);
  } else {
    sink.ascii(hasLongHeader ? vr : 'UN');
    sink.uint16(0, littleEndian);
    sink.uint32(length, littleEndian);
  }
}

function writeElements(
  sink: ByteSink,
  elements: readonly Element[],
  encoding: Encoding,
  outerSet: CharacterSet,
): void {
  const terms = elements.find(({ tag }) => tag === Tag.SpecificCharacterSet)?.value;
  const characterSet = Array.isArray(terms)
    ? characterSetOf(terms.map((term) => String(term).trim()))
    : outerSet;
  for (const element of elements) writeElement(sink, element, encoding, characterSet);
}

function writeElement(
  sink: ByteSink,
  element: Element,
  encoding: Encoding,
  characterSet: CharacterSet,
): void {
  const { tag, vr, value, encapsulated = false } = element;
  const { littleEndian, explicitVr } = encoding;
  const content =
    vr === 'SQ' && Array.isArray(value)
      ? encodeItems(value as readonly DataSet[], encoding, characterSet)
      : encodeValue(vr, value as readonly ScalarValue[] | Uint8Array, { littleEndian, characterSet });
  // Without VR, only that shows a sequence which the dictionary does not know.
  const isDelimited = encapsulated || (vr === 'SQ' && !explicitVr && dictionaryVr(tag) !== 'SQ');
  writeElementHeader(sink, { tag, vr, length: isDelimited ? UNDEFINED_LENGTH : content.length }, encoding);
  sink.append(content);
  if (!isDelimited) return;
  sink.tag(SEQUENCE_END, littleEndian);
  sink.uint32(0, littleEndian);
}

function encodeItems(items: readonly DataSet[], encoding: Encoding, characterSet: CharacterSet): Uint8Array {
  const sink = new ByteSink();
  for (const item of items) {
    const content = encodeElements(item, encoding, characterSet);
    sink.tag(ITEM, encoding.littleEndian);
    sink.uint32(content.length, encoding.littleEndian);
    sink.append(content);
  }
  return sink.bytes();
}

/** A deflated data set of odd length gets one byte of padding. PS3.5 A.5. */
function evened(bytes: Uint8Array): Uint8Array {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
}
