import { deflateRawSync, deflateSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { parseTagPath } from '../../src/dicom/dictionary.ts';
import { HeaderIndexError } from '../../src/dicom/errors.ts';
import {
  attributeValues,
  decodeHeaderIndex,
  encodeHeaderIndex,
  type HeaderIndex,
  identityOf,
  indexHeader,
} from '../../src/dicom/header-index.ts';
import { DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
import {
  BIG_ENDIAN,
  EXPLICIT,
  el,
  IMPLICIT,
  type RawElementSpec,
  type RawEncoding,
  rawElements,
  us,
} from '../support/raw-elements.ts';

const ENCODINGS: Readonly<Record<string, RawEncoding>> = {
  [EXPLICIT_LE]: EXPLICIT,
  [IMPLICIT_LE]: IMPLICIT,
  [EXPLICIT_BE]: BIG_ENDIAN,
};
const JPEG = '1.2.840.10008.1.2.4.50';

const SPECS = [
  el(0x00080005, 'CS', 'ISO_IR 100'),
  el(0x00080008, 'CS', 'ORIGINAL\\PRIMARY \\ VOLUME '),
  el(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7\0'),
  el(0x00080018, 'UI', '2.25.42'),
  el(0x00080050, 'SH', ''),
  el(0x00091001, 'UN', 'secret'),
  el(0x00100010, 'PN', 'M\xfcller^J\xf6rg '),
  el(0x0020000d, 'UI', '2.25.1\0'),
  el(0x0020000e, 'UI', '2.25.2'),
  el(0x00204000, 'LT', 'x'.repeat(2000)),
  el(0x00280010, 'US', us(512)),
  el(0x00400275, 'SQ', [
    [el(0x00080050, 'SH', 'A1'), el(0x00321060, 'LO', 'one')],
    [el(0x00080005, 'CS', 'ISO_IR 192'), el(0x00321060, 'LO', 'zw\xc3\xb6lf')],
  ]),
  el(0x00480105, 'SQ', [[el(0x00280002, 'US', us(3))], []], { undefinedLength: true }),
];
const PIXELS = el(0x7fe00010, 'OW', new Uint8Array(600));

function index(
  specs: readonly RawElementSpec[],
  options: { uid?: string; headBytes?: number; totalBytes?: number } = {},
): HeaderIndex {
  const uid = options.uid ?? EXPLICIT_LE;
  const bytes = Buffer.concat([Buffer.alloc(100), rawElements(ENCODINGS[uid] ?? EXPLICIT, specs)]);
  return indexHeader(bytes.subarray(0, options.headBytes), {
    transferSyntaxUid: uid,
    dataSetOffset: 100,
    totalBytes: options.totalBytes ?? bytes.length,
  });
}

function values(of: HeaderIndex, path: string): readonly string[] | 'unread' | undefined {
  return attributeValues(of, parseTagPath(path));
}

for (const uid of [EXPLICIT_LE, IMPLICIT_LE]) {
  test(`attributes are read as text in ${uid}`, (t) => {
    const found = index([...SPECS, PIXELS], { uid });

    t.deepEqual(values(found, 'ImageType'), ['ORIGINAL', 'PRIMARY', 'VOLUME']);
    t.deepEqual(values(found, 'ImageType[2]'), ['VOLUME']);
    t.is(values(found, 'ImageType[3]'), undefined);
    t.deepEqual(values(found, 'PatientName'), ['Müller^Jörg']);
    t.deepEqual(values(found, 'AccessionNumber'), []);
    t.is(values(found, 'Modality'), undefined);
    t.deepEqual(values(found, 'Rows'), ['512']);
    t.deepEqual(values(found, '(0009,1001)'), ['secret']);
  });
}

test('big endian numbers are read as such', (t) => {
  t.deepEqual(values(index([el(0x00280010, 'US', Uint8Array.of(2, 0))], { uid: EXPLICIT_BE }), 'Rows'), [
    '512',
  ]);
});

test('items are reached by index, or all together, each with its own character set', (t) => {
  const found = index([...SPECS, PIXELS]);

  t.deepEqual(values(found, 'RequestAttributesSequence[0].AccessionNumber'), ['A1']);
  t.is(values(found, 'RequestAttributesSequence[1].AccessionNumber'), undefined);
  t.is(values(found, 'RequestAttributesSequence[2].AccessionNumber'), undefined);
  t.deepEqual(values(found, 'RequestAttributesSequence.RequestedProcedureDescription'), ['one', 'zwölf']);
  t.deepEqual(values(found, 'OpticalPathSequence.SamplesPerPixel'), ['3']);
  t.is(values(found, 'OpticalPathSequence.Rows'), undefined);
});

test('sequences and bytes are told of without their content', (t) => {
  const found = index([...SPECS, PIXELS]);

  t.deepEqual(values(found, 'RequestAttributesSequence'), ['2 items']);
  t.deepEqual(values(found, 'PixelData'), ['600 bytes']);
});

test('a text too long for the index is unread, not missing', (t) => {
  t.is(values(index([...SPECS, PIXELS]), 'ImageComments'), 'unread');
});

test('the identity of the instance comes without padding', (t) => {
  t.deepEqual(identityOf(index(SPECS)), {
    sopClassUid: '1.2.840.10008.5.1.4.1.1.7',
    sopInstanceUid: '2.25.42',
    studyInstanceUid: '2.25.1',
    seriesInstanceUid: '2.25.2',
  });
});

test('the index ends at the pixel data and says where it is', (t) => {
  const found = index([...SPECS, PIXELS, el(0xfffcfffc, 'OB', 'ab')]);

  t.true(found.complete);
  t.is(found.fault, undefined);
  t.is(found.pixelDataOffset, found.endOffset);
  t.like(found.elements.at(-1), { tag: 0x7fe00010, offset: found.endOffset, valueLength: 600 });
});

test('pixel data need not be at hand, nor have a length', (t) => {
  const whole = index([...SPECS, PIXELS]);
  const headBytes = whole.endOffset + 12;
  const encapsulated = el(0x7fe00010, 'OB', Buffer.from('feff00e000000000', 'hex'), {
    undefinedLength: true,
  });

  t.like(index([...SPECS, PIXELS], { headBytes }), {
    complete: true,
    pixelDataOffset: whole.pixelDataOffset,
  });
  t.like(index([...SPECS, encapsulated], { uid: JPEG, headBytes }), { complete: true, fault: undefined });
});

test('offsets lead back to the bytes of the file', (t) => {
  const bytes = Buffer.concat([Buffer.alloc(100), rawElements(EXPLICIT, SPECS)]);
  for (const { valueOffset, valueLength, value } of index(SPECS).elements) {
    if (value !== undefined)
      t.deepEqual(Buffer.from(value), bytes.subarray(valueOffset, valueOffset + valueLength));
  }
});

test('a header beyond the head is incomplete without fault, and only what lies there is unread', (t) => {
  const found = index([...SPECS, PIXELS], { headBytes: 700 });

  t.false(found.complete);
  t.is(found.fault, undefined);
  t.deepEqual(values(found, 'PatientName'), ['Müller^Jörg']);
  t.is(values(found, 'PatientID'), undefined);
  t.is(values(found, 'ImageComments'), 'unread');
  t.is(values(found, 'Rows'), 'unread');
});

test('a file that ends too early is a fault, in the header and in the pixel data', (t) => {
  const inHeader = index(SPECS, { totalBytes: 160, headBytes: 160 });
  const whole = index([...SPECS, PIXELS]);
  const inPixels = index([...SPECS, PIXELS], { totalBytes: whole.endOffset + 500 });

  t.like(inHeader, { complete: false, fault: { tag: 0x00080016 } });
  t.like(inPixels, { complete: true, fault: { tag: 0x7fe00010, offset: whole.endOffset } });
});

test('an empty data set and an empty head are no fault', (t) => {
  t.like(index([]), { complete: true, elements: [], fault: undefined });
  t.like(index(SPECS, { headBytes: 0 }), { complete: false, elements: [], fault: undefined });
});

test('a deflated head is inflated, with or without a zlib header', (t) => {
  const plain = rawElements(EXPLICIT, [...SPECS, PIXELS]);
  for (const deflate of [deflateRawSync, deflateSync]) {
    const bytes = Buffer.concat([Buffer.alloc(100), deflate(plain)]);
    const file = { transferSyntaxUid: DEFLATED_LE, dataSetOffset: 100, totalBytes: bytes.length };

    t.deepEqual(indexHeader(bytes, file).elements, index([...SPECS, PIXELS]).elements);
  }
});

test('a deflated head gives what it can, and a deflated file that ends too early is a fault', (t) => {
  const noise = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 2654435761) >>> 13));
  const deflated = deflateRawSync(rawElements(EXPLICIT, [...SPECS, el(0x7fe00010, 'OW', noise)]));
  const bytes = Buffer.concat([Buffer.alloc(100), deflated]);
  const file = { transferSyntaxUid: DEFLATED_LE, dataSetOffset: 100, totalBytes: bytes.length };

  t.like(indexHeader(bytes.subarray(0, 5000), file), { complete: true, fault: undefined });
  t.like(indexHeader(bytes.subarray(0, 5000), { ...file, totalBytes: 5000 }), { fault: { tag: 0x7fe00010 } });
});

test('a deflated head that would swell beyond measure is cut', (t) => {
  const specs = [...SPECS, el(0x00880904, 'UT', new Uint8Array(50_000_000)), PIXELS];
  const bytes = Buffer.concat([Buffer.alloc(100), deflateRawSync(rawElements(EXPLICIT, specs))]);

  const found = indexHeader(bytes, {
    transferSyntaxUid: DEFLATED_LE,
    dataSetOffset: 100,
    totalBytes: bytes.length,
  });

  t.like(found, { complete: false, fault: undefined });
  t.deepEqual(values(found, 'Rows'), ['512']);
});

test('what is not deflated where it should be is a fault', (t) => {
  t.like(index(SPECS, { uid: DEFLATED_LE }), { complete: false, fault: { offset: 100 } });
});

test('of very many items only the first are kept, and the rest is unread', (t) => {
  const items = Array.from({ length: 5000 }, () => [el(0x0048021a, 'SQ', []), el(0x00280010, 'US', us(1))]);
  const found = index([el(0x52009230, 'SQ', items), el(0x7fe00010, 'OB', '')]);

  t.true(found.complete);
  t.true(encodeHeaderIndex(found).length < 100_000);
  t.deepEqual(values(found, 'PerFrameFunctionalGroupsSequence[7].Rows'), ['1']);
  t.is(values(found, 'PerFrameFunctionalGroupsSequence[4999].Rows'), 'unread');
  t.is(values(found, 'PerFrameFunctionalGroupsSequence.Rows'), 'unread');
});

test('decodeHeaderIndex() returns what encodeHeaderIndex() wrote', (t) => {
  const indices = [
    index([...SPECS, PIXELS]),
    index([...SPECS, PIXELS], { uid: IMPLICIT_LE }),
    index([...SPECS].reverse()),
    index(SPECS, { totalBytes: 300 }),
    index([...SPECS, PIXELS], { headBytes: 400 }),
    indexHeader(new Uint8Array(10), {
      transferSyntaxUid: '1.2.3',
      dataSetOffset: 10,
      totalBytes: 5 * 2 ** 40,
    }),
  ];
  for (const each of indices) t.deepEqual(decodeHeaderIndex(encodeHeaderIndex(each)), each);
});

test('the packed index is no longer than the header without its long values', (t) => {
  const found = index([...SPECS, PIXELS]);

  t.true(encodeHeaderIndex(found).length < found.endOffset - found.dataSetOffset - 2000);
});

test('indexHeader() never throws and survives packing, whatever the bytes', (t) => {
  const specimen = rawElements(EXPLICIT, [...SPECS, PIXELS]);
  const damage = fc.array(fc.tuple(fc.nat(specimen.length - 1), fc.nat(255)), { maxLength: 5 });
  const uid = fc.constantFrom(EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_LE, JPEG, 'nonsense');
  fc.assert(
    fc.property(
      uid,
      damage,
      fc.uint8Array(),
      fc.nat(4000),
      fc.nat(4000),
      (transferSyntaxUid, changes, noise, cut, more) => {
        const damaged = Buffer.from(specimen);
        for (const [at, value] of changes) damaged[at] = value;
        for (const bytes of [damaged, noise]) {
          const head = bytes.subarray(0, cut);
          const found = indexHeader(head, {
            transferSyntaxUid,
            dataSetOffset: 0,
            totalBytes: head.length + more,
          });
          t.deepEqual(decodeHeaderIndex(encodeHeaderIndex(found)), found);
          for (const path of [
            'PatientName',
            'RequestAttributesSequence.AccessionNumber',
            'Rows',
            '00091001',
          ]) {
            values(found, path);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('decodeHeaderIndex() throws nothing but HeaderIndexError, whatever the bytes', (t) => {
  const specimen = encodeHeaderIndex(index([...SPECS, PIXELS]));
  const damage = fc.array(fc.tuple(fc.nat(specimen.length - 1), fc.nat(255)), { maxLength: 5 });
  fc.assert(
    fc.property(damage, fc.uint8Array(), fc.nat(specimen.length), (changes, noise, cut) => {
      const damaged = Buffer.from(specimen);
      for (const [at, value] of changes) damaged[at] = value;
      for (const bytes of [damaged, damaged.subarray(0, cut), noise, Buffer.concat([Buffer.of(1), noise])]) {
        try {
          decodeHeaderIndex(bytes);
        } catch (error) {
          if (!(error instanceof HeaderIndexError)) throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
  t.throws(() => decodeHeaderIndex(Uint8Array.of(2)), { instanceOf: HeaderIndexError });
});
