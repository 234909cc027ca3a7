import test from 'ava';
import type { DataSet } from '../../../src/dicom/data-set.ts';
import {
  type InstanceFacts,
  markInherited,
  validateInstance,
  validateSeries,
} from '../../../src/dicom/validator/validator.ts';
import { part10File, sourceOf } from '../../support/wsi-instance.ts';
import { concatenated, type SeriesBreak, seriesBreaks, slideSeries } from './series-breaks.ts';

async function factsOf(series: readonly DataSet[]): Promise<readonly InstanceFacts[]> {
  const reports = await Promise.all(series.map((dataSet) => validateInstance(sourceOf(part10File(dataSet)))));
  return reports.map(({ facts }) => facts);
}

async function checksThatFind(series: readonly DataSet[], isComplete = true): Promise<readonly string[]> {
  const { findings } = validateSeries(await factsOf(series), { isComplete });
  return [...new Set(findings.map(({ check }) => check))].sort();
}

test('a good series has no finding', async (t) => {
  t.deepEqual(await checksThatFind(slideSeries()), []);
});

test('a good series whose base is a concatenation has no finding', async (t) => {
  t.deepEqual(await checksThatFind(concatenated()), []);
});

for (const [name, { change, also = [] }] of Object.entries<SeriesBreak>(seriesBreaks)) {
  test(`${name} finds a series that breaks it, and nothing else does`, async (t) => {
    const series = slideSeries();
    t.deepEqual(await checksThatFind(change(series) ?? series), [name, ...also].sort());
  });
}

test('a part of a series is not blamed for what is elsewhere', async (t) => {
  const [, level] = slideSeries();
  const [, part] = concatenated();

  t.deepEqual(await checksThatFind([level as DataSet], false), []);
  t.deepEqual(await checksThatFind([level as DataSet]), ['series-one-base']);
  t.deepEqual(await checksThatFind([part as DataSet], false), []);
  t.deepEqual(await checksThatFind([part as DataSet]), ['series-concatenation']);
});

test('series without facts of slides are compared by patient, study and equipment only', async (t) => {
  const [base, level] = slideSeries();
  for (const dataSet of [base, level]) dataSet?.set('SOPClassUID', '1.2.840.10008.5.1.4.1.1.77.1.2');
  base?.set('FrameOfReferenceUID', '1.2.3');
  level?.set('PatientID', 'P2');

  t.deepEqual(await checksThatFind([base as DataSet, level as DataSet]), ['series-entities-equal']);
});

test('facts hold no patient', async (t) => {
  const [facts] = await factsOf(slideSeries());
  const text = JSON.stringify(facts);

  for (const secret of ['Anna', '"P1"', '"A1"', '"C1"']) t.false(text.includes(secret), secret);
});

test('markInherited() marks what the source has too, by check and attribute', async (t) => {
  const [source, product] = slideSeries();
  source?.set('PatientSex', 'X').set('StudyID', '');
  product?.set('PatientSex', 'X').set('FocusMethod', 'NONE');
  const [ofSource, ofProduct] = await Promise.all(
    [source, product].map((dataSet) => validateInstance(sourceOf(part10File(dataSet as DataSet)))),
  );

  const marked = markInherited(ofProduct?.findings ?? [], ofSource?.findings ?? []);

  t.deepEqual(
    marked.map(({ path, inherited }) => [path, inherited]),
    [
      ['PatientSex', true],
      ['FocusMethod', undefined],
    ],
  );
});
