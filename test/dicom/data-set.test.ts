import test from 'ava';
import fc from 'fast-check';
import { DataSet, readDataSet } from '../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { DataSetError, ValueError } from '../../src/dicom/errors.ts';
import { Tag } from '../../src/dicom/tags.generated.ts';
import { DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
import { type Vr, vrTable } from '../../src/dicom/vr.ts';
import { EXPLICIT, el, rawElements, us } from '../support/raw-elements.ts';

const UIDS = [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_LE];

function specimen(): DataSet {
  return new DataSet()
    .set('PatientName', 'Müller^Jörg')
    .set('SpecificCharacterSet', 'ISO_IR 100')
    .set('ImageType', ['ORIGINAL', 'PRIMARY'])
    .set('SOPInstanceUID', '2.25.1')
    .set('AccessionNumber', '')
    .set('Rows', 512)
    .set('PixelSpacing', [0.5, 0.25])
    .set('FrameIncrementPointer', [Tag.FrameTime])
    .set('OpticalPathSequence', [
      new DataSet().set('OpticalPathIdentifier', '1').set('IlluminationColorCodeSequence', []),
      new DataSet(),
    ])
    .set('ExposureTimeInms', 1.5)
    .set('ExtendedOffsetTable', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
    .set(0x00091001, 'private', 'LO');
}

for (const uid of UIDS) {
  test(`readDataSet() returns what encodeDataSet() wrote in ${uid}`, (t) => {
    const bytes = encodeDataSet(specimen(), uid);
    const { dataSet } = readDataSet(bytes, { transferSyntaxUid: uid });

    t.is(bytes.length % 2, 0);
    t.is(dataSet.text('PatientName'), 'Müller^Jörg');
    t.deepEqual(dataSet.texts('ImageType'), ['ORIGINAL', 'PRIMARY']);
    t.is(dataSet.text('SOPInstanceUID'), '2.25.1');
    t.is(dataSet.text('AccessionNumber'), undefined);
    t.true(dataSet.has('AccessionNumber'));
    t.is(dataSet.number('Rows'), 512);
    t.deepEqual(dataSet.texts('PixelSpacing'), ['0.5', '0.25']);
    t.deepEqual(dataSet.get('FrameIncrementPointer')?.value, [Tag.FrameTime]);
    t.is(dataSet.items('OpticalPathSequence').length, 2);
    t.is(dataSet.items('OpticalPathSequence')[0]?.text('OpticalPathIdentifier'), '1');
    t.true(dataSet.items('OpticalPathSequence')[0]?.has('IlluminationColorCodeSequence'));
    t.is(dataSet.number('ExposureTimeInms'), 1.5);
    t.deepEqual(dataSet.bytes('ExtendedOffsetTable')?.length, 8);
    t.deepEqual(encodeDataSet(dataSet, uid), bytes);
  });
}

test('elements come in the order of their tags, whatever the order they were set in', (t) => {
  const tags = [...specimen()].map(({ tag }) => tag);

  t.deepEqual(
    tags,
    tags.toSorted((a, b) => a - b),
  );
});

test('a data set can be changed', (t) => {
  const dataSet = specimen().set('Rows', 7);

  t.is(dataSet.number('Rows'), 7);
  t.true(dataSet.delete('Rows'));
  t.false(dataSet.has('Rows'));
  t.is(dataSet.number('Rows'), undefined);
  t.deepEqual(dataSet.items('Rows'), []);
});

test('explicit VR little endian is written byte for byte as PS3.5 says', (t) => {
  const bytes = encodeDataSet(specimen(), EXPLICIT_LE);
  const expected = rawElements(EXPLICIT, [
    el(0x00080005, 'CS', 'ISO_IR 100'),
    el(0x00080008, 'CS', 'ORIGINAL\\PRIMARY'),
    el(0x00080018, 'UI', '2.25.1'),
    el(0x00080050, 'SH', ''),
    el(0x00091001, 'LO', 'private '),
    el(0x00100010, 'PN', 'M\xfcller^J\xf6rg '),
    el(0x00189328, 'FD', Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0x3f)),
    el(0x00280009, 'AT', Uint8Array.of(0x18, 0, 0x63, 0x10)),
    el(0x00280010, 'US', us(512)),
    el(0x00280030, 'DS', '0.5\\0.25'),
    el(0x00480105, 'SQ', [[el(0x00480106, 'SH', '1 '), el(0x00480108, 'SQ', [])], []]),
    el(0x7fe00001, 'OV', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
  ]);

  t.deepEqual(Buffer.from(bytes), expected);
});

test('reading stops before a tag and says where', (t) => {
  const bytes = encodeDataSet(specimen(), EXPLICIT_LE);
  const { dataSet, endOffset } = readDataSet(Buffer.concat([Buffer.alloc(7), bytes]), {
    transferSyntaxUid: EXPLICIT_LE,
    offset: 7,
    stopBefore: Tag.PixelSpacing,
  });

  t.is(dataSet.number('Rows'), 512);
  t.false(dataSet.has('PixelSpacing'));
  t.deepEqual([...bytes.subarray(endOffset - 7, endOffset - 3)], [0x28, 0, 0x30, 0]);
});

test('encapsulated pixel data keeps its fragments', (t) => {
  const fragments = Buffer.from('feff00e000000000feff00e004000000ffd8ffd9', 'hex');
  const bytes = encodeDataSet(new DataSet().setEncapsulated('PixelData', fragments), EXPLICIT_LE);

  t.deepEqual(
    Buffer.from(bytes),
    rawElements(EXPLICIT, [el(0x7fe00010, 'OB', fragments, { undefinedLength: true })]),
  );
  const { dataSet } = readDataSet(bytes, { transferSyntaxUid: EXPLICIT_LE });
  t.deepEqual(Buffer.from(dataSet.bytes('PixelData') ?? []), fragments);
  t.deepEqual(encodeDataSet(dataSet, EXPLICIT_LE), bytes);
});

test('where the dictionary leaves the VR open, the value decides', (t) => {
  const vrs = (value: number | Uint8Array) => new DataSet().set('LUTData', value).get('LUTData')?.vr;

  t.is(vrs(1), 'US');
  t.is(vrs(Uint8Array.of(1, 2)), 'OW');
  t.is(new DataSet().set('SmallestImagePixelValue', -1).get('SmallestImagePixelValue')?.vr, 'SS');
  t.is(new DataSet().set('SmallestImagePixelValue', 1).get('SmallestImagePixelValue')?.vr, 'US');
});

test('a value too long for a short header is written as UN', (t) => {
  const long = 'x'.repeat(70_000);
  const bytes = encodeDataSet(new DataSet().set('ImageComments', long), EXPLICIT_LE);

  t.is(Buffer.from(bytes).toString('latin1', 4, 6), 'UN');
  t.is(Buffer.from(bytes).readUInt32LE(8), 70_000);
});

test('an item may have a character set of its own', (t) => {
  const dataSet = new DataSet()
    .set('SpecificCharacterSet', 'ISO_IR 100')
    .set('PatientName', 'é')
    .set('RequestAttributesSequence', [
      new DataSet().set('SpecificCharacterSet', 'ISO_IR 192').set('RequestedProcedureDescription', '王'),
      new DataSet().set('RequestedProcedureDescription', 'é'),
    ]);
  const read = readDataSet(encodeDataSet(dataSet, EXPLICIT_LE), { transferSyntaxUid: EXPLICIT_LE }).dataSet;

  t.is(read.text('PatientName'), 'é');
  t.deepEqual(
    read.items('RequestAttributesSequence').map((item) => item.text('RequestedProcedureDescription')),
    ['王', 'é'],
  );
});

test('a private sequence can be told from other values in implicit VR', (t) => {
  const dataSet = new DataSet().set(0x00091001, [new DataSet().set('CodeValue', 'x')], 'SQ');

  const read = readDataSet(encodeDataSet(dataSet, IMPLICIT_LE), { transferSyntaxUid: IMPLICIT_LE }).dataSet;

  t.is(read.items(0x00091001)[0]?.text('CodeValue'), 'x');
});

test('values that a VR cannot hold are refused', (t) => {
  const encode = (attribute: string, value: string | number | bigint) => () =>
    encodeDataSet(new DataSet().set(attribute, value), EXPLICIT_LE);

  for (const attempt of [
    encode('Rows', 70_000),
    encode('Rows', -1),
    encode('Rows', 1.5),
    encode('Rows', 'many'),
    encode('Rows', ''),
    encode('ReferencePixelX0', 2 ** 31),
    encode('FrameIncrementPointer', 'x'),
    encode('PatientName', 'é'),
    encode('PixelData', 'text'),
  ]) {
    t.throws(attempt, { instanceOf: ValueError });
  }
});

test('a keyword that the dictionary lacks is a bug', (t) => {
  t.throws(() => new DataSet().set('PatientNme', 'x'), { message: /PatientNme/ });
  t.throws(() => new DataSet().set('PatientName', 'x', 'XX'), { message: /XX/ });
  t.throws(() => new DataSet().set('OpticalPathSequence', 'x'), { message: /SQ/ });
  t.throws(() => new DataSet().set('PatientName', [new DataSet()]), { message: /SQ/ });
});

test('numbers of every width survive', (t) => {
  const numbers: Readonly<Record<string, fc.Arbitrary<number | bigint>>> = {
    US: fc.integer({ min: 0, max: 0xffff }),
    SS: fc.integer({ min: -0x8000, max: 0x7fff }),
    UL: fc.nat(0xffffffff),
    SL: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    UV: fc.bigInt(0n, 2n ** 64n - 1n),
    SV: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    FL: fc.float({ noNaN: true }),
    FD: fc.double({ noNaN: true }),
  };
  const cases = fc
    .constantFrom(...Object.keys(numbers))
    .chain((vr) => fc.tuple(fc.constant(vr), fc.array(numbers[vr]!, { minLength: 1 })));
  fc.assert(
    fc.property(cases, fc.constantFrom(EXPLICIT_LE, EXPLICIT_BE), ([vr, values], uid) => {
      const bytes = encodeDataSet(new DataSet().set(0x00091001, values, vr), uid);

      const read = readDataSet(bytes, { transferSyntaxUid: uid }).dataSet.get(0x00091001);

      t.deepEqual(read?.value, values as readonly number[]);
    }),
  );
});

test('every VR reads what it wrote', (t) => {
  for (const [vr, { form }] of Object.entries(vrTable)) {
    const value = {
      text: ['1'],
      number: [1],
      tag: [1],
      bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      items: [],
    }[form];
    const written = form === 'number' && (vr === 'UV' || vr === 'SV') ? [1n] : value;
    const bytes = encodeDataSet(new DataSet().set(0x00091001, written as string[], vr), EXPLICIT_LE);
    const read = readDataSet(bytes, { transferSyntaxUid: EXPLICIT_LE }).dataSet.get(0x00091001);
    t.is(read?.vr, vr as Vr);
    t.deepEqual(encodeDataSet(new DataSet().add(read!), EXPLICIT_LE), bytes, vr);
  }
});

test('readDataSet() throws nothing but DataSetError, whatever the bytes', (t) => {
  const written = encodeDataSet(specimen(), EXPLICIT_LE);
  const damage = fc.array(fc.tuple(fc.nat(written.length - 1), fc.nat(255)), { maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...UIDS), damage, fc.uint8Array(), (transferSyntaxUid, changes, noise) => {
      const damaged = Buffer.from(written);
      for (const [at, value] of changes) damaged[at] = value;
      for (const bytes of [damaged, noise]) {
        try {
          readDataSet(bytes, { transferSyntaxUid });
        } catch (error) {
          if (!(error instanceof DataSetError)) throw error;
        }
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});
