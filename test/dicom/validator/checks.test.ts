import test from 'ava';
import { type CheckName, checks } from '../../../src/dicom/validator/checks.ts';
import { validateInstance } from '../../../src/dicom/validator/validator.ts';
import { part10File, slideDataSet, sourceOf } from '../../support/wsi-instance.ts';
import { type Break, elementBreaks, fileBreaks, frameBreaks, valueBreaks } from './generic-breaks.ts';
import { seriesBreaks } from './series-breaks.ts';
import { imageBreaks, moduleBreaks, multiFrameBreaks, sparseSlide, wsiBreaks } from './slide-breaks.ts';

const breaks: Readonly<Partial<Record<CheckName, Break>>> = {
  ...fileBreaks,
  ...elementBreaks,
  ...valueBreaks,
  ...frameBreaks,
  ...imageBreaks,
  ...moduleBreaks,
  ...multiFrameBreaks,
  ...wsiBreaks,
};

/** Needs a decoder: validator.test.ts. */
const BROKEN_ELSEWHERE = ['frame-decodable'];

async function checksThatFind(file: Uint8Array): Promise<readonly string[]> {
  const { findings } = await validateInstance(sourceOf(file));
  return [...new Set(findings.map(({ check }) => check))].sort();
}

for (const flavor of ['VOLUME', 'THUMBNAIL', 'LABEL', 'OVERVIEW'] as const) {
  test(`a good ${flavor} has no finding`, async (t) => {
    t.deepEqual(await checksThatFind(part10File(slideDataSet({ flavor }))), []);
  });
}

test('a good TILED_SPARSE slide has no finding', async (t) => {
  t.deepEqual(await checksThatFind(part10File(sparseSlide())), []);
});

for (const [name, { file, also = [] }] of Object.entries(breaks)) {
  test(`${name} finds a file that breaks it, and nothing else does`, async (t) => {
    t.deepEqual(await checksThatFind(file()), [name, ...also].sort());
  });
}

test('every check has a file or a series that breaks it', (t) => {
  const broken = [...Object.keys(breaks), ...Object.keys(seriesBreaks), ...BROKEN_ELSEWHERE];
  t.deepEqual(broken.sort(), Object.keys(checks).sort());
});

test('every check says what should be, in one sentence', (t) => {
  for (const [name, { rule }] of Object.entries(checks)) {
    t.regex(name, /^[a-z]+(-[a-z]+)+$/);
    t.regex(rule, /^[A-Z].*\.$/, name);
  }
});
