import test from 'ava';
import { runRuleTests } from '../../src/rules/rule-tests.ts';
import { ruleSetOf } from '../support/asked-rules.ts';

const FILE = {
  rules: [
    { name: 'address', do: [{ remove: ['PatientAddress'] }], continue: true },
    {
      name: 'slides (lossy JPEG)',
      when: { attribute: 'Modality', is: 'GM' },
      do: [{ convert: { to: 'wsi', tile: 512, 'spacing-mm': 0.5 } }, { set: { StationName: 'A' } }],
      to: ['slides'],
      'to-original': ['archive'],
    },
    {
      name: 'CT',
      when: { attribute: 'Modality', is: 'CT' },
      do: [{ set: { StationName: 'B' } }],
      to: ['archive', 'viewer'],
    },
  ],
  otherwise: { to: ['archive'] },
};

function failuresOf(given: object, expect: object): readonly string[] {
  const [result] = runRuleTests(ruleSetOf({ ...FILE, tests: [{ name: 'the test', given, expect }] }));
  return result?.failures ?? ['the test did not run'];
}

const GM = { Modality: 'GM' };
const SLIDES = ['address', 'slides (lossy JPEG)'];

test('what is as expected passes', (t) => {
  t.deepEqual(
    failuresOf(GM, {
      rule: SLIDES,
      to: ['slides'],
      'to-original': ['archive'],
      convert: { to: 'wsi', tile: 512 },
      set: { StationName: 'A' },
      remove: ['PatientAddress'],
    }),
    [],
  );
  t.deepEqual(
    failuresOf({ Modality: 'CT' }, { to: ['viewer', 'archive'], convert: false, set: { StationName: 'B' } }),
    [],
  );
  t.deepEqual(failuresOf({ Modality: 'US' }, { rule: ['address', 'otherwise'], to: ['archive'] }), []);
  t.deepEqual(failuresOf({ origin: 'converted' }, { rule: 'inherited' }), []);
});

test('each difference is told with what was expected and what was found', (t) => {
  t.deepEqual(failuresOf(GM, { rule: 'CT' }), [
    'rule: expected "CT", found "address", "slides (lossy JPEG)"',
  ]);
  t.deepEqual(failuresOf(GM, { to: ['archive'] }), ['to: expected "archive", found "slides"']);
  t.deepEqual(failuresOf(GM, { 'to-original': [] }), ['to-original: expected nothing, found "archive"']);
  t.deepEqual(failuresOf(GM, { convert: false }), ['convert: expected none, found wsi']);
  t.deepEqual(failuresOf({ Modality: 'CT' }, { convert: true }), [
    'convert: expected a conversion, found none',
  ]);
  t.deepEqual(failuresOf(GM, { convert: { to: 'wsi', tile: 256 } }), [
    'convert: expected wsi; tile 256, found 512',
  ]);
  t.deepEqual(failuresOf(GM, { set: { StationName: 'B' } }), ['set: expected StationName "B", found "A"']);
  t.deepEqual(failuresOf(GM, { set: { Manufacturer: 'B' } }), [
    'set: expected Manufacturer "B", found unchanged',
  ]);
  t.deepEqual(failuresOf(GM, { priority: 'urgent' }), ['priority: expected "urgent", found "normal"']);
  t.deepEqual(failuresOf(GM, { remove: ['StationName'] }), ['remove: expected StationName, found "A"']);
});

test('a test may give what is odd, as instances do', (t) => {
  t.deepEqual(
    failuresOf(
      { Modality: 'ct, or so', StudyDate: 'yesterday', PatientName: 'Ärzte^東京' },
      { rule: ['address', 'otherwise'] },
    ),
    [],
  );
});

test('no rule and no otherwise is the outcome none', (t) => {
  const file = {
    rules: [{ name: 'CT', when: { attribute: 'Modality', is: 'CT' }, to: ['archive'] }],
    tests: [{ name: 'held', given: { Modality: 'US' }, expect: { rule: 'none', to: [] } }],
  };

  t.deepEqual(runRuleTests(ruleSetOf(file))[0]?.failures, []);
});
