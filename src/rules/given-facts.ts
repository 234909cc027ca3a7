import { DataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { indexHeader } from '../dicom/header-index.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { EXPLICIT_LE } from '../dicom/transfer-syntax.ts';
import type { AttributeName } from './attributes.ts';
import { Facts } from './facts.ts';
import type { RuleTest } from './rule-test-syntax.ts';

/** The facts of an instance that exists only in the words of a test: encoded, indexed and read like any other. */
export function givenFacts({ circumstances, attributes }: RuleTest['given'], attributeCount: number): Facts {
  const known = { sopClassUid: '', transferSyntaxUid: EXPLICIT_LE };
  const dataSet = new DataSet();
  // Names and descriptions may be in any script.
  dataSet.set(Tag.SpecificCharacterSet, ['ISO_IR 192']);
  for (const { attribute, values } of attributes) {
    if (attribute.source === 'header') put(dataSet, attribute, values);
    else known[attribute.source] = values[0] ?? '';
  }
  return new Facts({ ...circumstances, ...known }, attributeCount, () => {
    const bytes = encodeDataSet(dataSet, EXPLICIT_LE);
    return indexHeader(bytes, { transferSyntaxUid: EXPLICIT_LE, dataSetOffset: 0, totalBytes: bytes.length });
  });
}

/** Makes the sequences and items on the way to the attribute as they are needed. */
function put(dataSet: DataSet, { path, vr }: AttributeName, values: readonly string[]): void {
  const last = path.steps.at(-1);
  let within = dataSet;
  for (const { tag, index = 0 } of path.steps.slice(0, -1)) {
    const items = [...(within.items(tag) ?? [])];
    while (items.length <= index) items.push(new DataSet());
    within.set(tag, items, 'SQ');
    within = items[index] ?? within;
  }
  if (last === undefined) return;
  const texts = last.index === undefined ? values : [...new Array<string>(last.index).fill(''), ...values];
  const encoding = encodingOf(vr, texts);
  within.set(last.tag, encoding.value, encoding.vr);
}

/** A VR that can carry the values: where the dictionary leaves it open, the first that fits. */
function encodingOf(vr: string, texts: readonly string[]) {
  switch (vr) {
    case 'US or SS':
      return { vr: texts.some((text) => text.startsWith('-')) ? 'SS' : 'US', value: texts.map(Number) };
    case 'US':
    case 'SS':
    case 'UL':
    case 'SL':
    case 'FL':
    case 'FD':
      return { vr, value: texts.map(Number) };
    case 'UV':
    case 'SV':
      return { vr, value: texts.map(BigInt) };
    case 'UN':
      return { vr: 'LO', value: texts };
    default:
      return { vr, value: texts };
  }
}
