import test from 'ava';
import { DataSet } from '../../src/dicom/data-set.ts';
import { parseTagPath } from '../../src/dicom/dictionary.ts';
import { applyEdits } from '../../src/dicom/edits.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { attributeValues, indexHeader } from '../../src/dicom/header-index.ts';
import { EXPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
import { set } from '../../src/rules/action-set.ts';
import type { AttributeEdit } from '../../src/spool/spool.ts';

const FITTING: Readonly<Record<string, string>> = {
  AcquisitionDateTime: '20260131173059.123456+0100',
  BitsGrouped: '65535',
  BodyPartExamined: 'HEAD',
  PatientAge: '045Y',
  PatientName: 'Yamada^Tarou=山田^太郎=やまだ^たろう',
  PatientComments: 'two\nlines, and a \\',
  SeriesNumber: '-7',
  SliceThickness: '.5e1',
  StudyDate: '20260131',
  StudyInstanceUID: '2.25.1',
  StudyTime: '1730',
  StationAETitle: 'CT 1',
  TableAngle: '0.5',
};
function editsOf(values: Readonly<Record<string, unknown>>): readonly AttributeEdit[] {
  const step = set.plan(set.options.parse(values));
  return step.step === 'edit' ? step.edits : [];
}

test('what set accepts can be spliced into a header, and read back from it', (t) => {
  const dataSet = new DataSet().set('SpecificCharacterSet', 'ISO_IR 192').set('Modality', 'CT');
  const file = { transferSyntaxUid: EXPLICIT_LE, dataSetOffset: 0 };
  const head = encodeDataSet(dataSet, EXPLICIT_LE);
  const index = indexHeader(head, { ...file, totalBytes: head.length });

  for (const [keyword, value] of Object.entries(FITTING)) {
    const edits = editsOf({ [keyword]: value });
    const { prefix, restOffset } = applyEdits(index, head, edits);
    const edited = Buffer.concat([prefix, head.subarray(restOffset)]);
    const after = indexHeader(edited, { ...file, totalBytes: edited.length });
    const [read = ''] = [attributeValues(after, parseTagPath(keyword)) ?? []].flat();

    const isNumber = Number.isFinite(Number(value));
    t.is(isNumber ? Number(read) : read, isNumber ? Number(value) : value, keyword);
  }
});

test('set gives attributes one value, several, or none', (t) => {
  t.deepEqual(editsOf({ StationName: 'A', ImageType: ['DERIVED', 'PRIMARY'], PatientComments: '' }), [
    { set: 'StationName', value: ['A'] },
    { set: 'ImageType', value: ['DERIVED', 'PRIMARY'] },
    { set: 'PatientComments', value: [] },
  ]);
});

test('set names attributes by keyword where there is one, also inside sequences', (t) => {
  t.deepEqual(editsOf({ '00081010': 'A', '(0040,0275)[0].AccessionNumber': 'B' }), [
    { set: 'StationName', value: ['A'] },
    { set: 'RequestAttributesSequence[0].AccessionNumber', value: ['B'] },
  ]);
});

const UNFITTING: Readonly<Record<string, string>> = {
  AcquisitionDateTime: 'yesterday',
  BitsGrouped: '65536',
  BodyPartExamined: 'head',
  PatientAge: '45',
  PatientName: 'A=B=C=D',
  PatientID: 'x'.repeat(65),
  StationName: 'two\u0007bells',
  SeriesNumber: '2147483648',
  SliceThickness: '1,5',
  StudyDate: '2026-01-31',
  StudyInstanceUID: '1..2',
  StudyTime: '17:30',
  StationAETitle: 'longer than sixteen characters',
  TableAngle: 'steep',
};

for (const [keyword, value] of Object.entries(FITTING)) {
  test(`set writes ${JSON.stringify(value)} as ${keyword}`, (t) => {
    t.deepEqual(editsOf({ [keyword]: value }), [{ set: keyword, value: [value] }]);
  });
}
for (const [keyword, value] of Object.entries(UNFITTING)) {
  test(`set refuses ${JSON.stringify(value)} as ${keyword}`, (t) => {
    const { error } = set.options.safeParse({ [keyword]: value });

    t.true(error?.issues[0]?.message.startsWith(`${keyword} (`));
  });
}
