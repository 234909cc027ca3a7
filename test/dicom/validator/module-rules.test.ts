import test from 'ava';
import type { DataSet } from '../../../src/dicom/data-set.ts';
import { attributeByTag } from '../../../src/dicom/dictionary.ts';
import { conditions } from '../../../src/dicom/validator/conditions.ts';
import { type AttributeRule, type Iod, iodOf, iodUids } from '../../../src/dicom/validator/iod.ts';
import { type Finding, validateInstance } from '../../../src/dicom/validator/validator.ts';
import { isVr, vrFacts } from '../../../src/dicom/vr.ts';
import { part10File, slideDataSet, sourceOf, WSI } from '../../support/wsi-instance.ts';
import { sparseSlide } from './slide-breaks.ts';

const wsi = iodOf(WSI) as Iod;

async function findingsOf(dataSet: DataSet): Promise<readonly Finding[]> {
  return (await validateInstance(sourceOf(part10File(dataSet)))).findings;
}

/** Where an attribute of a rule stands in a good slide: keywords of the sequences around it, then its own. */
interface Place {
  readonly sequences: readonly string[];
  readonly rule: AttributeRule;
}

function placesIn(
  dataSet: DataSet,
  rules: readonly AttributeRule[],
  sequences: readonly string[] = [],
): Place[] {
  return rules.flatMap((rule) => {
    const [item] = dataSet.has(rule.tag) ? dataSet.items(rule.tag) : [];
    const nested = item === undefined ? [] : placesIn(item, rule.items, [...sequences, rule.keyword]);
    return dataSet.has(rule.tag) ? [{ sequences, rule }, ...nested] : nested;
  });
}

/** Every attribute of a good slide that its IOD asks for. @param isNot the condition that does not hold */
function placesOf(slide: DataSet, isNot: string): Place[] {
  const rules = wsi.modules.flatMap(({ attributes }) => attributes);
  const groups = wsi.functionalGroups.map(({ usage, condition = isNot, sequence }) => ({
    ...sequence,
    type: usage === 'M' || condition !== isNot ? ('1' as const) : ('3' as const),
  }));
  const [shared] = slide.items('SharedFunctionalGroupsSequence');
  const [frame] = slide.items('PerFrameFunctionalGroupsSequence');
  const places = [
    ...placesIn(slide, rules),
    ...placesIn(shared as DataSet, groups, ['SharedFunctionalGroupsSequence']),
    ...(frame === undefined ? [] : placesIn(frame, groups, ['PerFrameFunctionalGroupsSequence'])),
  ];
  return [...new Map(places.map((place) => [pathOf(place), place])).values()].filter(
    ({ rule }) => isAskedFor(rule) && rule.condition !== isNot && !NOT_MISSED.includes(rule.keyword),
  );
}

function isAskedFor({ type, condition }: AttributeRule): boolean {
  return type === '1' || type === '2' || (condition !== undefined && condition in conditions);
}

function pathOf({ sequences, rule }: Place): string {
  return [...sequences.map((keyword) => `${keyword}[0]`), rule.keyword].join('.');
}

function itemAt(dataSet: DataSet, sequences: readonly string[]): DataSet {
  return sequences.reduce((at, keyword) => at.items(keyword)[0] as DataSet, dataSet);
}

/** What cannot be missed by the rule of its module. */
const NOT_MISSED = [
  'SOPClassUID', // Tells the IOD, without which no module is asked for.
  'PyramidUID', // Is its module, which is optional: a check of its own warns.
  'PatientOrientation', // Not asked for beside Image Orientation (Slide).
  'PixelData', // What makes the file puts it in.
];

const slides = {
  TILED_FULL: { good: slideDataSet, isNot: 'is-not-tiled-full' },
  TILED_SPARSE: { good: sparseSlide, isNot: 'is-tiled-full' },
};

for (const [name, { good, isNot }] of Object.entries(slides)) {
  const places = placesOf(good(), isNot);

  test(`every Type 1 and 2 attribute of a ${name} slide is missed when it is not there`, async (t) => {
    t.true(places.length > 90, `${places.length}`);
    for (const place of places) {
      const slide = good();
      itemAt(slide, place.sequences).delete(place.rule.tag);

      const findings = await findingsOf(slide);

      const missed = findings.some(
        ({ check, path }) =>
          /^(attribute|functional-group)-missing$/.test(check) &&
          path?.split('.').at(-1) === place.rule.keyword,
      );
      t.true(missed, pathOf(place));
    }
  });

  test(`every Type 1 attribute of a ${name} slide is found to be empty when it is`, async (t) => {
    for (const place of places.filter(({ rule }) => rule.type.startsWith('1'))) {
      const slide = good();
      setEmpty(itemAt(slide, place.sequences), place.rule.tag);

      const findings = await findingsOf(slide);

      const found = findings.some(
        ({ check, path }) =>
          ['attribute-empty', 'attribute-missing'].includes(check) && path === pathOf(place),
      );
      t.true(found, pathOf(place));
    }
  });
}

function setEmpty(item: DataSet, tag: number): void {
  const vr = attributeByTag(tag)?.vr ?? 'UN';
  const form = isVr(vr) ? vrFacts(vr).form : 'bytes';
  const empty = { text: '', number: [], tag: [], bytes: new Uint8Array(0), items: [] };
  item.set(tag, empty[form]);
}

test('every IOD of the table has its modules, and every condition it names can be decided', (t) => {
  const named = new Set<string>();
  for (const uid of iodUids) {
    const iod = iodOf(uid) as Iod;
    t.true(iod.modules.length > 10, iod.name);
    for (const part of [...iod.modules, ...iod.functionalGroups])
      if (part.condition) named.add(part.condition);
    const rules = [
      ...iod.modules.flatMap(({ attributes }) => attributes),
      ...iod.functionalGroups.map(({ sequence }) => sequence),
    ];
    for (const rule of allRules(rules)) {
      t.true(rule.tag > 0 && /^[A-Z]/.test(rule.keyword), `${iod.name} ${rule.keyword}`);
      if (rule.condition !== undefined) named.add(rule.condition);
    }
  }

  t.deepEqual(
    [...named].filter((name) => !(name in conditions)),
    [],
  );
  t.deepEqual(
    Object.keys(conditions).filter((name) => !named.has(name)),
    [],
  );
});

test('the keywords of the table are those of the dictionary', (t) => {
  const rules = iodUids.flatMap((uid) => iodOf(uid)?.modules.flatMap(({ attributes }) => attributes) ?? []);
  for (const { tag, keyword } of allRules(rules)) {
    const known = attributeByTag(tag)?.keyword;
    if (known !== undefined) t.is(keyword, known);
  }
});

function* allRules(rules: readonly AttributeRule[]): Generator<AttributeRule> {
  for (const rule of rules) {
    yield rule;
    yield* allRules(rule.items);
  }
}
