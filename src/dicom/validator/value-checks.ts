import { Tag } from '../tags.generated.ts';
import { checkTable } from './check.ts';
import { type Problem, problemAt, shown } from './findings.ts';
import type { Instance } from './instance.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';
import type { TermTable } from './terms.ts';
import { definedTerms, enumeratedValues } from './terms.ts';
import { allDataSets } from './tree.ts';

/** Coding schemes that PS3.16 8.1 has replaced by SNOMED CT. */
const RETIRED_CODING_SCHEMES = ['SRT', 'SNM3', '99SDM'];

const CODE_VALUES = [Tag.CodeValue, Tag.LongCodeValue, Tag.URNCodeValue];

/** Sequences of Common Instance Reference itself. */
const LISTING_SEQUENCES: readonly number[] = [
  Tag.ReferencedSeriesSequence,
  Tag.StudiesContainingOtherReferencedInstancesSequence,
];

/** Sequences whose items refer to composite instances. PS3.3 C.12.2. */
const REFERRING_SEQUENCES: readonly number[] = [
  Tag.ReferencedImageSequence,
  Tag.SourceImageSequence,
  Tag.ReferencedInstanceSequence,
  Tag.SourceInstanceSequence,
  Tag.ConversionSourceAttributesSequence,
];

/** Terms, codes and references: values that PS3.3 and PS3.16 bound. */
export const valueChecks = checkTable({
  'enumerated-value': {
    severity: 'error',
    rule: 'An attribute with enumerated values has one of them. PS3.3 1.',
    instance: (instance) => strangers(instance, enumeratedValues),
  },
  'defined-term': {
    severity: 'warning',
    rule: 'An attribute with defined terms has one of them, or a new one that all understand. PS3.3 1.',
    instance: (instance) => strangers(instance, definedTerms),
  },
  'code-one-value': {
    severity: 'error',
    rule: 'A code has one of Code Value, Long Code Value and URN Code Value. PS3.3 8.1.',
    *instance({ dataSet }) {
      for (const item of allDataSets(dataSet)) {
        const present = CODE_VALUES.filter((tag) => item.has(tag));
        if (present.length > 1)
          yield problemAt(
            item,
            present[1] as number,
            'stands beside another code value; there should be one',
          );
      }
    },
  },
  'code-scheme-current': {
    severity: 'warning',
    rule: 'Codes are of schemes in use: SCT has replaced SRT. PS3.16 8.1.',
    *instance({ dataSet }) {
      for (const item of allDataSets(dataSet)) {
        const scheme = item.text(Tag.CodingSchemeDesignator);
        if (scheme === undefined || !RETIRED_CODING_SCHEMES.includes(scheme)) continue;
        yield problemAt(
          item,
          Tag.CodingSchemeDesignator,
          `is ${scheme}; it should be SCT, with the code of SNOMED CT`,
        );
      }
    },
  },
  'references-listed': {
    severity: 'error',
    rule: 'Every instance that is referred to is listed in the Common Instance Reference Module. PS3.3 C.12.2.',
    *instance({ dataSet, iod }) {
      if (iod?.modules.find(({ section }) => section === 'C.12.2')?.usage !== 'M') return;
      const listed = new Set(listedIn(dataSet));
      for (const { uid, from } of referredToBy(dataSet)) {
        if (listed.has(uid)) continue;
        yield problemAt(
          from,
          Tag.ReferencedSOPInstanceUID,
          'is of an instance that Common Instance Reference does not list',
        );
      }
    },
  },
  'references-used': {
    severity: 'error',
    rule: 'The Common Instance Reference Module is there only when instances are referred to. PS3.3 C.12.2.',
    *instance({ dataSet, iod, perFrame }) {
      if (iod?.modules.find(({ section }) => section === 'C.12.2') === undefined) return;
      const isReferring =
        !referredToBy(dataSet).next().done || perFrame.groups.has(Tag.DerivationImageSequence);
      for (const tag of LISTING_SEQUENCES) {
        if (dataSet.hasValue(tag) && !isReferring)
          yield problemAt(dataSet, tag, 'lists instances; the data set refers to none');
      }
    },
  },
});

function* strangers({ dataSet, iod }: Instance, table: TermTable): Generator<Problem> {
  for (const { keyword, terms, iods, isPrivate } of table) {
    const tag = Tag[keyword];
    if (iods !== undefined && (iod === undefined || !iods.includes(iod.uid))) continue;
    for (const item of iods === undefined ? allDataSets(dataSet) : [dataSet]) {
      const stranger = valuesOf(item, tag).find((value) => value !== '' && !terms.includes(value));
      if (stranger === undefined) continue;
      const is = isPrivate ? 'is something else' : `is ${shown(stranger)}`;
      yield problemAt(item, tag, `${is}; it should be ${terms.join(' or ')}`);
    }
  }
}

/** Values to compare with terms; numbers as they are said, so that 0 and 0.0 are the same. */
function valuesOf(item: ParsedDataSet, tag: number): readonly string[] {
  const isNumeric = ['US', 'DS'].includes(item.get(tag)?.vr ?? '');
  return isNumeric ? item.numbers(tag).map(String) : item.texts(tag);
}

/** UIDs of instances that the module lists: series > instances, studies > series > instances. */
function* listedIn(dataSet: ParsedDataSet): Generator<string> {
  const studies = dataSet.items(Tag.StudiesContainingOtherReferencedInstancesSequence);
  for (const study of [dataSet, ...studies]) {
    for (const series of study.items(Tag.ReferencedSeriesSequence)) {
      for (const instance of series.items(Tag.ReferencedInstanceSequence))
        yield instance.text(Tag.ReferencedSOPInstanceUID) ?? '';
    }
  }
}

function* referredToBy(dataSet: ParsedDataSet): Generator<{ uid: string; from: ParsedDataSet }> {
  for (const { tag, items = [] } of dataSet.elements()) {
    if (LISTING_SEQUENCES.includes(tag) && dataSet.parent === undefined) continue;
    for (const item of items) {
      const uid = item.text(Tag.ReferencedSOPInstanceUID);
      if (uid !== undefined && REFERRING_SEQUENCES.includes(tag)) yield { uid, from: item };
      yield* referredToBy(item);
    }
  }
}
