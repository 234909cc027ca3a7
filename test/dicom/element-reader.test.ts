import test from 'ava';
import fc from 'fast-check';
import { encodingOf } from '../../src/dicom/element-header.ts';
import { DEPTH_MAX, type ElementsFound, findElements, readElements } from '../../src/dicom/element-reader.ts';
import { DataSetError } from '../../src/dicom/errors.ts';
import { EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
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

const UIDS = [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE];
const ENCODINGS: Readonly<Record<string, RawEncoding>> = {
  [EXPLICIT_LE]: EXPLICIT,
  [IMPLICIT_LE]: IMPLICIT,
  [EXPLICIT_BE]: BIG_ENDIAN,
};

function find(specs: readonly RawElementSpec[], uid = EXPLICIT_LE): ElementsFound {
  return findElements(rawElements(ENCODINGS[uid]!, specs), { encoding: encodingOf(uid), start: 0 });
}

/** Tags only, nested as they are. */
function shape(found: Pick<ElementsFound, 'elements'>): unknown {
  return found.elements.map(({ tag, items }) => (items ? [tag, items.map(shape)] : tag));
}

const SPECS = [
  el(0x00080005, 'CS', 'ISO_IR 100'),
  el(0x00091001, 'UN', 'private '),
  el(0x00400275, 'SQ', [[el(0x00080050, 'SH', 'A1')], [el(0x00321060, 'LO', 'x')]]),
  el(
    0x00480105,
    'SQ',
    [[el(0x00220019, 'SQ', [[el(0x00080100, 'SH', '12')]], { undefinedLength: true })], []],
    {
      undefinedLength: true,
    },
  ),
  el(0x00480106, 'SH', 'odd'),
  el(0x00880200, 'SQ', [[el(0x00280010, 'US', us(1))]]),
];
const SHAPE = [
  0x00080005,
  0x00091001,
  [0x00400275, [[0x00080050], [0x00321060]]],
  [0x00480105, [[[0x00220019, [[0x00080100]]]], []]],
  0x00480106,
  [0x00880200, [[0x00280010]]],
];

for (const uid of UIDS) {
  test(`elements are found in ${uid}, nested ones and odd lengths included`, (t) => {
    const found = find(SPECS, uid);

    t.is(found.ended, 'end');
    t.deepEqual(shape(found), SHAPE);
  });

  test(`each element of ${uid} ends where the next one starts`, (t) => {
    const { elements, endOffset } = find(SPECS, uid);

    t.deepEqual(
      elements.map((element) => element.endOffset),
      [...elements.slice(1).map((element) => element.offset), endOffset],
    );
  });
}

test('implicit VR takes the VR of the dictionary, signed pixel values by Pixel Representation', (t) => {
  const specs = (representation: number) => [
    el(0x00280103, 'US', us(representation)),
    el(0x00280106, 'US', us(1)),
    el(0x60003000, 'OW', us(1)),
    el(0x7fe00010, 'OW', us(1)),
  ];
  const vrs = (representation: number) =>
    find(specs(representation), IMPLICIT_LE).elements.map(({ vr }) => vr);

  t.deepEqual(vrs(0), ['US', 'US', 'OW', 'OW']);
  t.deepEqual(vrs(1), ['US', 'SS', 'OW', 'OW']);
});

test('UN of undefined length is a sequence in implicit VR, or as it was left', (t) => {
  const items = [[el(0x00080100, 'SH', 'AB'), el(0x00080102, 'SH', '99X ')]];
  for (const itemEncoding of [IMPLICIT, EXPLICIT]) {
    const found = find([
      el(0x00091010, 'UN', items, { undefinedLength: true, itemEncoding }),
      el(0x00100010, 'PN', 'A^'),
    ]);
    t.deepEqual(shape(found), [[0x00091010, [[0x00080100, 0x00080102]]], 0x00100010]);
  }
});

test('a VR of a later edition has a long header, and one of spaces a short one', (t) => {
  const later = Buffer.concat([
    rawElements(EXPLICIT, [el(0x00091001, 'UN', 'abcd')]),
    rawElements(EXPLICIT, SPECS),
  ]);
  later.write('XY', 4);
  const spaces = rawElements(EXPLICIT, [el(0x00280120, '  ', us(7)), el(0x00280121, 'US', us(1))]);

  t.is(
    findElements(later, { encoding: encodingOf(EXPLICIT_LE), start: 0 }).elements.length,
    1 + SPECS.length,
  );
  t.is(findElements(spaces, { encoding: encodingOf(EXPLICIT_LE), start: 0 }).elements.length, 2);
});

test('delimiters that lengths make needless are passed over', (t) => {
  const delimiter = Buffer.from('feff0de000000000feffdde000000000', 'hex');
  const bytes = Buffer.concat([
    rawElements(EXPLICIT, SPECS),
    delimiter,
    rawElements(EXPLICIT, [el(0x7fe00010, 'OW', us(1))]),
  ]);

  const found = findElements(bytes, { encoding: encodingOf(EXPLICIT_LE), start: 0 });

  t.is(found.ended, 'end');
  t.is(found.elements.length, SPECS.length + 1);
});

test('zeros behind the last element are padding', (t) => {
  const bytes = Buffer.concat([rawElements(EXPLICIT, SPECS), Buffer.alloc(13)]);

  t.like(findElements(bytes, { encoding: encodingOf(EXPLICIT_LE), start: 0 }), {
    ended: 'end',
    endOffset: bytes.length - 13,
  });
});

test('an icon may be encapsulated', (t) => {
  const fragments = Buffer.from('feff00e000000000feff00e004000000ffd8ffd9', 'hex');
  const found = find([
    el(0x00880200, 'SQ', [[el(0x7fe00010, 'OB', fragments, { undefinedLength: true })]]),
    el(0x7fe00010, 'OB', fragments, { undefinedLength: true }),
  ]);

  t.deepEqual(shape(found), [[0x00880200, [[0x7fe00010]]], 0x7fe00010]);
});

test('reading stops before what it shall stop before', (t) => {
  const bytes = rawElements(EXPLICIT, SPECS);
  const found = findElements(bytes, {
    encoding: encodingOf(EXPLICIT_LE),
    start: 0,
    stopsBefore: (tag) => tag >= 0x00480105,
  });

  t.is(found.ended, 'stop');
  t.is(found.elements.length, 3);
  t.is(found.elements.at(-1)?.endOffset, found.endOffset);
});

test('a value past the end of the data set is a fault that names the element', (t) => {
  const bytes = rawElements(EXPLICIT, [el(0x00080005, 'CS', 'ISO_IR 100'), el(0x00100010, 'PN', 'Doe^Jane')]);
  const found = findElements(bytes.subarray(0, -2), { encoding: encodingOf(EXPLICIT_LE), start: 0 });

  t.like(found, { ended: 'fault', endOffset: 18 });
  t.like(found.fault, { tag: 0x00100010, offset: 18, code: 'DATA_SET_INVALID' });
  t.notRegex(found.fault?.message ?? '', /Doe/);
});

test('a value past the bytes at hand is none', (t) => {
  const bytes = rawElements(EXPLICIT, [...SPECS, el(0x00880904, 'LO', 'x'.repeat(100))]);
  const head = bytes.subarray(0, bytes.length - 50);

  const found = findElements(head, { encoding: encodingOf(EXPLICIT_LE), start: 0, end: bytes.length + 20 });

  t.like(found, { ended: 'cut-off', endOffset: bytes.length });
  t.is(found.elements.length, SPECS.length + 1);
});

test('a sequence past the bytes at hand is left out', (t) => {
  const bytes = rawElements(EXPLICIT, [el(0x00080005, 'CS', 'ISO_IR 100'), ...SPECS.slice(2)]);
  const found = findElements(bytes.subarray(0, 40), {
    encoding: encodingOf(EXPLICIT_LE),
    start: 0,
    end: bytes.length,
  });

  t.like(found, { ended: 'cut-off', endOffset: 18 });
  t.is(found.elements.length, 1);
});

test('sequences nest up to a limit', (t) => {
  const nested = (depth: number): RawElementSpec =>
    el(0x00400275, 'SQ', depth === 1 ? [] : [[nested(depth - 1)]], { undefinedLength: depth % 2 === 0 });

  t.is(find([nested(DEPTH_MAX)]).ended, 'end');
  t.is(find([nested(DEPTH_MAX + 1)]).ended, 'fault');
});

test('the number of elements is limited', (t) => {
  const bytes = rawElements(EXPLICIT, SPECS);
  const found = findElements(bytes, { encoding: encodingOf(EXPLICIT_LE), start: 0, elementsMax: 5 });

  t.is(found.ended, 'fault');
});

test('readElements() throws what findElements() reports', (t) => {
  const bytes = rawElements(EXPLICIT, SPECS);
  const options = { encoding: encodingOf(EXPLICIT_LE), start: 0 };

  t.is(readElements(bytes, options).elements.length, SPECS.length);
  t.throws(() => readElements(bytes.subarray(0, -1), options), { instanceOf: DataSetError });
  t.throws(() => readElements(bytes, { ...options, end: bytes.length + 8 }), { instanceOf: DataSetError });
});

test('findElements() never throws, and stays within the data set', (t) => {
  const specimen = rawElements(EXPLICIT, SPECS);
  const damage = fc.array(fc.tuple(fc.nat(specimen.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.constantFrom(...UIDS),
      damage,
      fc.uint8Array(),
      fc.nat(400),
      (uid, changes, noise, end) => {
        const damaged = Buffer.from(specimen);
        for (const [at, value] of changes) damaged[at] = value;
        for (const bytes of [damaged, noise]) {
          const found = findElements(bytes, { encoding: encodingOf(uid), start: 0, end });
          t.true(found.elements.every((element) => element.endOffset <= Math.max(end, bytes.length)));
        }
      },
    ),
    { numRuns: 500 },
  );
});
