import test from 'ava';
import fc from 'fast-check';
import { dataSetOf, decimal, removeUnwritable, setCharacterSet } from '../../src/conversion/attributes.ts';
import { GeneratedValues } from '../../src/conversion/generated-values.ts';
import { srgbInputProfile } from '../../src/conversion/icc-profile.ts';
import { momentAt, momentIn } from '../../src/conversion/moment.ts';
import { positionOf } from '../../src/conversion/source-geometry.ts';
import { wsiDataSet } from '../../src/conversion/wsi-dataset.ts';
import type { InstanceFacts, SeriesFacts } from '../../src/conversion/wsi-facts.ts';
import { type DataSet, readDataSet } from '../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';

const instance: InstanceFacts = {
  flavour: 'VOLUME',
  isResampled: false,
  sopInstanceUid: '2.25.10',
  instanceNumber: 1,
  columns: 1000,
  rows: 800,
  frameColumns: 512,
  frameRows: 512,
  numberOfFrames: 4,
  photometricInterpretation: 'YBR_FULL_422',
  lossySteps: [{ method: 'ISO_10918_1', ratio: 12.34567 }],
  baseSopInstanceUid: '2.25.10',
};

function seriesOf(source: DataSet, facts: Partial<SeriesFacts> = {}): SeriesFacts {
  return {
    source,
    instance: {
      sopClassUid: '1.2',
      sopInstanceUid: '1.2.3',
      studyInstanceUid: '2.25.1',
      seriesInstanceUid: '1.2.5',
    },
    sourceKey: 'source 1',
    uids: {
      study: '2.25.1',
      series: '2.25.2',
      frameOfReference: '2.25.3',
      pyramid: '2.25.4',
      acquisition: '2.25.5',
      dimensionOrganization: '2.25.6',
    },
    seriesNumber: 1,
    generated: new GeneratedValues(),
    decidedAt: { date: '20260106', time: '233000', offset: '+0100' },
    columns: 1000,
    rows: 800,
    tile: 512,
    spacing: { rowMm: 0.0005, columnMm: 0.00025 },
    sliceThicknessMm: 0.004,
    origin: { xMm: 25, yMm: 50 },
    samplesPerPixel: 3,
    iccProfile: srgbInputProfile(),
    lossySteps: [],
    ...facts,
  };
}

const make = (source: DataSet, facts: Partial<SeriesFacts> = {}) =>
  wsiDataSet(seriesOf(source, facts), instance);

test('specimen and container of the source are kept, and completed where Type 2 wants more', (t) => {
  const specimen = dataSetOf({
    SpecimenIdentifier: 'S-1',
    SpecimenUID: '1.2.3.4',
    SpecimenShortDescription: 'Part A',
  });

  const dataSet = make(
    dataSetOf({ ContainerIdentifier: 'SLIDE-7', SpecimenDescriptionSequence: [specimen] }),
  );

  const [described] = dataSet.items('SpecimenDescriptionSequence');
  t.is(dataSet.text('ContainerIdentifier'), 'SLIDE-7');
  t.is(described?.text('SpecimenUID'), '1.2.3.4');
  t.is(described?.text('SpecimenShortDescription'), 'Part A');
  t.true(described?.has('SpecimenPreparationSequence'));
  t.is(described?.items('SpecimenTypeCodeSequence')[0]?.text('CodeValue'), '1179252003');
});

test('barcode names the container before anything else, and brings its label module', (t) => {
  const dataSet = make(dataSetOf({ BarcodeValue: 'B-42', ContainerIdentifier: 'SLIDE-7' }));

  t.is(dataSet.text('ContainerIdentifier'), 'B-42');
  t.is(dataSet.text('BarcodeValue'), 'B-42');
  t.true(dataSet.has('LabelText'));
  t.false(make(dataSetOf({})).has('LabelText')); // Both or none.
});

test('specimen without a UID has the same one in every scan of it', (t) => {
  const uidOf = (identifier: string, key: string) =>
    make(dataSetOf({ SpecimenDescriptionSequence: [dataSetOf({ SpecimenIdentifier: identifier })] }), {
      sourceKey: key,
    })
      .items('SpecimenDescriptionSequence')[0]
      ?.text('SpecimenUID');

  t.is(uidOf('S-1', 'scan 1'), uidOf('S-1', 'scan 2'));
  t.not(uidOf('S-1', 'scan 1'), uidOf('S-2', 'scan 1'));
});

test('optical path of the source keeps its light and its objective', (t) => {
  const path = dataSetOf({
    OpticalPathIdentifier: 'X',
    IlluminationTypeCodeSequence: [
      dataSetOf({ CodeValue: '111743', CodeMeaning: 'Epifluorescence illumination' }),
    ],
    IlluminationWaveLength: 520,
    ObjectiveLensPower: 40,
  });

  const [made] = make(dataSetOf({ OpticalPathSequence: [path] })).items('OpticalPathSequence');

  t.is(made?.items('IlluminationTypeCodeSequence')[0]?.text('CodeValue'), '111743');
  t.is(made?.number('IlluminationWaveLength'), 520);
  t.is(made?.number('ObjectiveLensPower'), 40);
  t.false(made?.has('IlluminationColorCodeSequence')); // One of the two.
  t.is(made?.text('OpticalPathIdentifier'), '1');
});

test('source of another study is referred to as such', (t) => {
  const elsewhere = {
    sopClassUid: '1.2',
    sopInstanceUid: '1.2.3',
    studyInstanceUid: '1.9.9',
    seriesInstanceUid: '1.2.5',
  };

  const dataSet = make(dataSetOf({}), { instance: elsewhere });

  t.false(dataSet.has('ReferencedSeriesSequence'));
  t.is(
    dataSet.items('StudiesContainingOtherReferencedInstancesSequence')[0]?.text('StudyInstanceUID'),
    '1.9.9',
  );
});

test('birth date and sex are never made up', (t) => {
  const dataSet = make(dataSetOf({}));

  for (const keyword of ['PatientBirthDate', 'PatientSex', 'PatientName', 'AccessionNumber']) {
    t.true(dataSet.has(keyword), keyword);
    t.is(dataSet.text(keyword), undefined, keyword);
  }
});

test('generated patient and study are the same for all images of a study', (t) => {
  const [one, other] = ['a', 'b'].map((sourceKey) => make(dataSetOf({}), { sourceKey }));

  t.is(one?.text('PatientID'), other?.text('PatientID'));
  t.is(one?.text('StudyID'), other?.text('StudyID'));
  t.true((one?.text('StudyID')?.length ?? 99) <= 16);
  t.not(one?.text('ContainerIdentifier'), other?.text('ContainerIdentifier'));
});

test('slide-coordinates image lies where its centre is, in its own frame of reference', (t) => {
  const centre = dataSetOf({ XOffsetInSlideCoordinateSystem: '12', YOffsetInSlideCoordinateSystem: '30' });
  const source = dataSetOf({ ImageCenterPointCoordinatesSequence: [centre], FrameOfReferenceUID: '1.2.77' });
  const image = { columns: 1001, rows: 801, spacing: { rowMm: 0.01, columnMm: 0.02 } };

  const { origin, frameOfReferenceUid } = positionOf(source, image, new GeneratedValues());

  t.is(frameOfReferenceUid, '1.2.77');
  t.deepEqual(origin, { xMm: 12 + 400 * 0.01, yMm: 30 + 500 * 0.02 });
});

test('attributes whose values cannot be written are left out and named', (t) => {
  const item = dataSetOf({ MappingResource: 'Ä1', CodeMeaning: 'Ähre' });
  const source = dataSetOf({ PatientSex: '§', PatientName: 'Ärztin', ProcedureCodeSequence: [item] });

  t.deepEqual(removeUnwritable(source), ['MappingResource', 'PatientSex']);
  t.is(source.text('PatientName'), 'Ärztin');
  t.is(item.text('CodeMeaning'), 'Ähre');
});

test('character set is the smaller one that all texts fit in, those of items too', (t) => {
  const latin = dataSetOf({ PatientName: 'Müller' });
  const cyrillic = dataSetOf({
    PatientName: 'Muller',
    ProcedureCodeSequence: [dataSetOf({ CodeMeaning: 'Срез' })],
  });

  for (const [dataSet, expected] of [
    [latin, 'ISO_IR 100'],
    [cyrillic, 'ISO_IR 192'],
  ] as const) {
    setCharacterSet(dataSet);
    t.is(dataSet.text('SpecificCharacterSet'), expected);
  }
});

test('decimal string is as exact as 16 characters allow', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (value) => {
      const text = decimal(value);
      t.true(text.length <= 16, text);
      t.true(Math.abs(Number(text) / value - 1) < 1e-9, text);
    }),
  );
  t.is(decimal(0.1 + 0.2), '0.3');
  t.is(decimal(0.00025), '0.00025');
});

test('moments are told in the time zone asked for, in winter and in summer', (t) => {
  const [winter, summer] = [Date.UTC(2026, 0, 6, 23, 30), Date.UTC(2026, 6, 6, 23, 30)];

  t.deepEqual(momentIn(winter, 'Europe/Berlin'), { date: '20260107', time: '003000', offset: '+0100' });
  t.deepEqual(momentIn(summer, 'Europe/Berlin'), { date: '20260707', time: '013000', offset: '+0200' });
  t.deepEqual(momentIn(winter, 'America/St_Johns'), { date: '20260106', time: '200000', offset: '-0330' });
  t.deepEqual(momentIn(winter, 'UTC'), { date: '20260106', time: '233000', offset: '+0000' });
  t.deepEqual(momentAt(winter, 'nonsense'), momentIn(winter, 'UTC'));
  t.regex(momentIn(winter, undefined).offset, /^[+-]\d{4}$/);
});

test('study without a date takes that of what was done in it; a damaged date counts for nothing', (t) => {
  const dated = make(
    dataSetOf({ SeriesDate: '2026.01.05', AcquisitionDate: '20260104', AcquisitionTime: '0915' }),
  );

  t.is(dated.text('StudyDate'), '20260104');
  t.is(dated.text('StudyTime'), '0915');
  t.is(dated.text('ContentDate'), '20260104');
  t.is(dated.text('AcquisitionDateTime'), '202601040915');
  t.is(make(dataSetOf({})).text('StudyDate'), '20260106');
});

test('all of it survives being written and read', (t) => {
  const dataSet = make(dataSetOf({ PatientName: 'Жуков^Пётр' }));

  const bytes = encodeDataSet(dataSet, '1.2.840.10008.1.2.1');
  const { dataSet: read } = readDataSet(bytes, { transferSyntaxUid: '1.2.840.10008.1.2.1' });

  t.is(read.text('PatientName'), 'Жуков^Пётр');
  t.is(read.size, dataSet.size);
  t.is(read.text('LossyImageCompressionRatio'), '12.35');
});
