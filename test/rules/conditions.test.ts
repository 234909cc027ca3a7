import test from 'ava';
import fc from 'fast-check';
import { askRules, holds } from '../support/asked-rules.ts';

const CT = { Modality: 'CT', Rows: 512, ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'], PatientID: ' 42 ' };

/** Conditions that no instance of CT fails, and ones that it does. */
const TRUE: Readonly<Record<string, object>> = {
  'is equals a value': { attribute: 'Modality', is: 'CT' },
  'is compares with padding trimmed': { attribute: 'PatientID', is: '42' },
  'is takes any value of several': { attribute: 'ImageType', is: 'PRIMARY' },
  'an index picks one value, counted from 0': { attribute: 'ImageType[2]', is: 'AXIAL' },
  'in takes one of several words': { attribute: 'Modality', in: ['MR', 'CT'] },
  'contains finds a part': { attribute: 'ImageType', contains: 'XIA' },
  'matches finds a pattern anywhere': { attribute: 'Modality', matches: 'T' },
  'matches is tied to the ends by ^ and $': { attribute: 'Modality', matches: '^CT$' },
  'a tag in brackets names an attribute': { attribute: '(0008,0060)', is: 'CT' },
  'eight digits name an attribute': { attribute: '00080060', is: 'CT' },
  'exists holds of a value': { attribute: 'Modality', exists: true },
  'missing holds of an absent attribute': { attribute: 'StudyID', missing: true },
  'exists: false is missing': { attribute: 'StudyID', exists: false },
  'at-least compares numbers as numbers': { attribute: 'Rows', 'at-least': 90 },
  'at-most compares numbers as numbers': { attribute: 'Rows', 'at-most': 1024 },
  'is compares numbers as numbers': { attribute: 'Rows', is: '512.0' },
  'not of a comparison with a missing attribute holds': { not: { attribute: 'StudyID', is: '7' } },
};
const FALSE: Readonly<Record<string, object>> = {
  'is fails another value': { attribute: 'Modality', is: 'MR' },
  'is counts capitals': { attribute: 'Modality', is: 'ct' },
  'an index beyond the values fails': { attribute: 'ImageType[3]', is: 'AXIAL' },
  'an index picks one value only': { attribute: 'ImageType[0]', is: 'AXIAL' },
  'matches fails where the ends do not fit': { attribute: 'Modality', matches: '^T' },
  'a comparison with a missing attribute fails': { attribute: 'StudyID', is: '7' },
  'at-least fails below': { attribute: 'Rows', 'at-least': 513 },
  'at-least of a missing number fails': { attribute: 'Columns', 'at-least': 0 },
  'at-most of a missing number fails': { attribute: 'Columns', 'at-most': 9999 },
  'exists fails an absent attribute': { attribute: 'StudyID', exists: true },
};

for (const [name, when] of Object.entries(TRUE)) test(name, (t) => t.true(holds(when, CT)));
for (const [name, when] of Object.entries(FALSE)) test(name, (t) => t.false(holds(when, CT)));

test('an empty attribute is missing, and fails every comparison', (t) => {
  const given = { PatientID: '', Rows: [] };

  t.true(holds({ attribute: 'PatientID', missing: true }, given));
  t.false(holds({ attribute: 'PatientID', exists: true }, given));
  t.false(holds({ attribute: 'PatientID', matches: '.*' }, given));
  t.true(holds({ not: { attribute: 'PatientID', is: 'x' } }, given));
});

test('an attribute in a sequence is found in any item, or in the one that is named', (t) => {
  const given = {
    'RequestAttributesSequence[0].AccessionNumber': 'A1',
    'RequestAttributesSequence[1].AccessionNumber': 'A2',
  };

  t.true(holds({ attribute: 'RequestAttributesSequence.AccessionNumber', is: 'A2' }, given));
  t.true(holds({ attribute: 'RequestAttributesSequence[1].AccessionNumber', is: 'A2' }, given));
  t.false(holds({ attribute: 'RequestAttributesSequence[0].AccessionNumber', is: 'A2' }, given));
  t.false(holds({ attribute: 'RequestAttributesSequence[7].AccessionNumber', exists: true }, given));
});

test('decimal strings compare as numbers, dates and times as text', (t) => {
  const given = { SliceThickness: '5.00', StudyDate: '20260131', StudyTime: '173059' };

  t.true(holds({ attribute: 'SliceThickness', is: 5 }, given));
  t.true(holds({ attribute: 'SliceThickness', 'at-most': 10 }, given));
  t.true(holds({ attribute: 'StudyDate', 'at-least': '20260101' }, given));
  t.false(holds({ attribute: 'StudyDate', 'at-most': '20260130' }, given));
  t.true(holds({ attribute: 'StudyTime', 'at-least': '17' }, given));
});

test('a private attribute is compared as it is written', (t) => {
  const given = { '(0009,0010)': 'ACME', '(0009,1001)': '17' };

  t.true(holds({ attribute: '(0009,1001)', is: '17' }, given));
  t.true(holds({ attribute: '(0009,1001)', 'at-least': 9 }, given));
});

test('a SOP class goes by keyword or UID, a transfer syntax by name or UID', (t) => {
  const given = { SOPClassUID: 'CTImageStorage', TransferSyntaxUID: 'jpeg-baseline' };

  t.true(holds({ attribute: 'SOPClassUID', is: '1.2.840.10008.5.1.4.1.1.2' }, given));
  t.true(holds({ attribute: 'SOPClassUID', in: ['MRImageStorage', 'CTImageStorage'] }, given));
  t.true(holds({ attribute: 'TransferSyntaxUID', is: '1.2.840.10008.1.2.4.50' }, given));
  t.true(holds({ attribute: 'SOPClassUID', matches: '^1[.]2[.]840[.]' }, given));
});

test('where an instance came from is told by source, titles and origin', (t) => {
  const given = { from: 'ct1', 'from-ae': 'CT_ONE', 'to-ae': 'GATE' };

  t.true(holds({ from: 'ct1' }, given));
  t.true(holds({ from: ['ct2', 'ct1'] }, given));
  t.false(holds({ from: ['CT1'] }, given));
  t.true(holds({ 'from-ae': 'CT_ONE' }, given));
  t.true(holds({ 'to-ae': ['OTHER', 'GATE'] }, given));
  t.true(holds({ origin: 'received' }, given));
  t.false(holds({ origin: 'converted' }, given));
});

test('a pattern that would hang a backtracking matcher answers at once', (t) => {
  const startedAtMs = performance.now();

  t.false(
    holds({ attribute: 'PatientComments', matches: '^(a+)+$' }, { PatientComments: `${'a'.repeat(900)}b` }),
  );
  t.true(performance.now() - startedAtMs < 1000);
});

const leaf = fc.constantFrom(
  ...Object.values(TRUE),
  ...Object.values(FALSE),
  { from: 'ct1' },
  { 'to-ae': 'SLIDEGATE' },
);
const { condition } = fc.letrec<{ condition: object }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.record({ not: tie('condition') }),
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
  ),
}));

/** The grammar once more, written for reading and not for speed. */
function naive(when: object): boolean {
  if ('all' in when) return (when.all as object[]).every(naive);
  if ('any' in when) return (when.any as object[]).some(naive);
  if ('not' in when) return !naive(when.not as object);
  return Object.values(TRUE).includes(when) || 'to-ae' in when;
}

test('compiled conditions agree with the grammar', (t) => {
  fc.assert(
    fc.property(condition, (when) => {
      t.is(holds(when, CT), naive(when));
    }),
  );
});

test('not undoes not, and turns all into any', (t) => {
  fc.assert(
    fc.property(condition, condition, (one, other) => {
      t.is(holds({ not: { not: one } }, CT), holds(one, CT));
      t.is(holds({ not: { all: [one, other] } }, CT), holds({ any: [{ not: one }, { not: other }] }, CT));
    }),
    { numRuns: 50 },
  );
});

test('the reasons are leaves whose own answers explain the whole', (t) => {
  fc.assert(
    fc.property(condition, (when) => {
      const { explanation } = askRules({ rules: [{ name: 'it holds', when, to: ['there'] }] }, CT);
      const [rule] = explanation.rules;

      t.true((rule?.reasons?.length ?? 0) > 0);
      t.is(rule?.verdict, naive(when) ? 'matched' : 'failed');
    }),
    { numRuns: 50 },
  );
});
