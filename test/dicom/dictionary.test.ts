import test from 'ava';
import {
  attributeByKeyword,
  attributeByTag,
  dictionaryVr,
  formatTag,
  parseTagPath,
} from '../../src/dicom/dictionary.ts';
import { TagPathError } from '../../src/dicom/errors.ts';
import { Tag } from '../../src/dicom/tags.generated.ts';

test('an attribute is found by keyword and by tag', (t) => {
  const attribute = { tag: 0x00080018, keyword: 'SOPInstanceUID', vr: 'UI', vm: '1' };

  t.like(attributeByKeyword('SOPInstanceUID'), attribute);
  t.like(attributeByTag(Tag.SOPInstanceUID), attribute);
  t.is(attributeByKeyword('sopinstanceuid'), undefined);
});

test('each tag of a repeating group is the attribute of its first one', (t) => {
  t.like(attributeByTag(0x60023000), { tag: 0x60023000, keyword: 'OverlayData', vr: 'OB or OW' });
  t.like(attributeByTag(0x501e0005), { tag: 0x501e0005, keyword: 'CurveDimensions', vr: 'US' });
  t.like(attributeByTag(0x00203122), { tag: 0x00203122, keyword: 'SourceImageIDs' });
  t.is(attributeByTag(0x60203000), undefined);
  t.is(attributeByTag(0x60033000), undefined);
});

test('what the dictionary leaves out has a VR by rule: private creators, group lengths, all others UN', (t) => {
  t.is(dictionaryVr(0x00090010), 'LO');
  t.is(dictionaryVr(0x00091001), 'UN');
  t.is(dictionaryVr(0x00100000), 'UL');
  t.is(dictionaryVr(0x00087777), 'UN');
  t.is(dictionaryVr(Tag.PixelData), 'OB or OW');
  t.is(dictionaryVr(Tag.SmallestImagePixelValue), 'US or SS');
});

test('the dictionary of dcmjs is corrected where PS3.6 says otherwise', (t) => {
  t.like(attributeByTag(0x00660040), { keyword: 'LongPrimitivePointIndexList', vr: 'OL' });
  t.is(attributeByKeyword('NumberOfTableColumns')?.tag, 0x0040a803);
});

test('formatTag() writes tags as the standard does', (t) => {
  t.is(formatTag(0x7fe00010), '(7FE0,0010)');
  t.is(formatTag(0xfffee000), '(FFFE,E000)');
});

test('a tag path may be a keyword, a tag, or several with indices', (t) => {
  t.deepEqual(parseTagPath('Modality').steps, [{ tag: 0x00080060 }]);
  t.deepEqual(parseTagPath('00080060').steps, [{ tag: 0x00080060 }]);
  t.deepEqual(parseTagPath('(0008,0060)').steps, [{ tag: 0x00080060 }]);
  t.deepEqual(parseTagPath('ImageType[2]').steps, [{ tag: 0x00080008, index: 2 }]);
  t.deepEqual(parseTagPath('RequestAttributesSequence[0].AccessionNumber').steps, [
    { tag: 0x00400275, index: 0 },
    { tag: 0x00080050 },
  ]);
});

test('a tag path that leads nowhere is refused, saying which part', (t) => {
  for (const [path, part] of [
    ['PatientNme', 'PatientNme'],
    ['', '""'],
    ['RequestAttributesSequence[x].Modality', 'RequestAttributesSequence[x]'],
    ['Modality.PatientID', '(0008,0060)'],
    ['0008006', '0008006'],
  ] as const) {
    const error = t.throws(() => parseTagPath(path), { instanceOf: TagPathError });
    t.true(error.message.includes(part), error.message);
  }
});
