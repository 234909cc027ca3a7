import test from 'ava';
import fc from 'fast-check';
import { DataSetError, VrEncodingError } from '../../src/dicom/errors.ts';
import { indexHeader } from '../../src/dicom/header-index.ts';
import { EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
import { rewriteVrEncoding, trailingRange } from '../../src/dicom/vr-encoding.ts';
import { EXPLICIT, el, IMPLICIT, type RawElementSpec, rawElements, us } from '../support/raw-elements.ts';

const META_BYTES = 50;

/** The data set as it would be sent after rewriting. */
function rewritten(
  specs: readonly RawElementSpec[] | Buffer,
  to: string,
  options: { headBytes?: number; from?: string; trailing?: boolean } = {},
): Buffer {
  const { from = to === IMPLICIT_LE ? EXPLICIT_LE : IMPLICIT_LE, headBytes, trailing = false } = options;
  const dataSet = Buffer.isBuffer(specs)
    ? specs
    : rawElements(from === IMPLICIT_LE ? IMPLICIT : EXPLICIT, specs);
  const file = Buffer.concat([Buffer.alloc(META_BYTES), dataSet]);
  const head = file.subarray(0, headBytes);
  const index = indexHeader(head, {
    transferSyntaxUid: from,
    dataSetOffset: META_BYTES,
    totalBytes: file.length,
  });
  const range = trailing ? trailingRange(index) : undefined;
  const behind = range && file.subarray(range.offset, range.offset + range.length);
  const { prefix, restOffset, tail } = rewriteVrEncoding(head, index, to, behind);
  return Buffer.concat([prefix, file.subarray(restOffset, tail?.offset), tail?.bytes ?? Buffer.alloc(0)]);
}

const PIXELS = el(0x7fe00010, 'OW', new Uint8Array(64).fill(7));

/** Standard attributes whose VR the dictionary knows. */
const STANDARD = [
  el(0x00080005, 'CS', 'ISO_IR 100'),
  el(0x00080018, 'UI', '2.25.1'),
  el(0x00100010, 'PN', 'M\xfcller'),
  el(0x00104000, 'LT', 'odd'),
  el(0x00280010, 'US', us(2)),
  el(0x00280103, 'US', us(0)),
  el(0x00280106, 'US', us(2)),
  el(0x00283006, 'OW', new Uint8Array(4)),
  el(0x00400275, 'SQ', [[el(0x00400007, 'LO', 'one ')], []]),
  el(
    0x00480105,
    'SQ',
    [[el(0x00480106, 'SH', '1 '), el(0x00220019, 'SQ', [[el(0x00080100, 'SH', 'x')]])], []],
    {
      undefinedLength: true,
    },
  ),
  el(0x60003000, 'OW', new Uint8Array(4)),
  el(0x7fe00001, 'OV', new Uint8Array(8)),
  PIXELS,
];

test('explicit becomes implicit VR, nested and odd elements included', (t) => {
  t.deepEqual(rewritten(STANDARD, IMPLICIT_LE), rawElements(IMPLICIT, STANDARD));
});

test('implicit becomes explicit VR by the dictionary', (t) => {
  t.deepEqual(rewritten(STANDARD, EXPLICIT_LE), rawElements(EXPLICIT, STANDARD));
});

test('what the dictionary does not know becomes UN; private creators are LO', (t) => {
  const specs = (vr: string) => [
    el(0x00087777, vr, 'ab'),
    el(0x00090010, 'LO', 'ACME'),
    el(0x00091001, vr, 'cd'),
  ];

  t.deepEqual(rewritten(specs('XX'), EXPLICIT_LE), rawElements(EXPLICIT, specs('UN')));
  t.deepEqual(rewritten(specs('LO'), IMPLICIT_LE), rawElements(IMPLICIT, specs('XX')));
});

test('pixel values are signed where Pixel Representation says so, wherever it stands', (t) => {
  const specs = (representation: number, vr: string) => [
    el(0x00189810, vr, us(1)),
    el(0x00280103, 'US', us(representation)),
    el(0x00280106, vr, us(1)),
    el(0x00283000, 'SQ', [[el(0x00283002, vr, us(1))]]),
    el(0x00880200, 'SQ', [[el(0x00280103, 'US', us(0)), el(0x00280106, 'US', us(1))]]),
    PIXELS,
  ];

  t.deepEqual(rewritten(specs(1, 'SS'), EXPLICIT_LE), rawElements(EXPLICIT, specs(1, 'SS')));
  t.deepEqual(rewritten(specs(0, 'US'), EXPLICIT_LE), rawElements(EXPLICIT, specs(0, 'US')));
});

test('a private sequence of undefined length becomes UN around items in implicit VR, and back', (t) => {
  const items = [[el(0x00080100, 'SH', 'AB'), el(0x00091002, 'UN', 'x')], []];
  const explicit = [el(0x00091010, 'UN', items, { undefinedLength: true, itemEncoding: IMPLICIT }), PIXELS];

  t.deepEqual(rewritten(explicit, EXPLICIT_LE), rawElements(EXPLICIT, explicit));
  t.deepEqual(rewritten(explicit, IMPLICIT_LE), rawElements(IMPLICIT, explicit));
});

test('items that a writer left explicit inside UN become implicit', (t) => {
  const items = [[el(0x00080100, 'SH', 'AB')]];
  const explicit = [el(0x00091010, 'UN', items, { undefinedLength: true }), PIXELS];

  t.deepEqual(rewritten(explicit, IMPLICIT_LE), rawElements(IMPLICIT, explicit));
});

test('a value too long for a short header becomes UN', (t) => {
  const specs = (vr: string) => [el(0x30060050, vr, '1\\'.repeat(40_000)), PIXELS];

  t.deepEqual(rewritten(specs('DS'), EXPLICIT_LE), rawElements(EXPLICIT, specs('UN')));
});

test('group lengths are left out, at every level', (t) => {
  const length = (group: number) => el(group * 0x10000, 'UL', Uint8Array.of(9, 0, 0, 0));
  const specs = [
    length(8),
    el(0x00080001, 'UL', Uint8Array.of(9, 0, 0, 0)),
    el(0x00080060, 'CS', 'OT'),
    length(0x40),
    el(0x00400275, 'SQ', [[length(0x40), el(0x00400007, 'LO', 'one ')]]),
    length(0x7fe0),
    PIXELS,
  ];
  const without = [
    el(0x00080060, 'CS', 'OT'),
    el(0x00400275, 'SQ', [[el(0x00400007, 'LO', 'one ')]]),
    PIXELS,
  ];

  t.deepEqual(rewritten(specs, IMPLICIT_LE), rawElements(IMPLICIT, without));
  t.deepEqual(rewritten(specs, EXPLICIT_LE), rawElements(EXPLICIT, without));
});

test('a data set without pixel data is rewritten to its end', (t) => {
  const specs = STANDARD.slice(0, -1);

  t.deepEqual(rewritten(specs, IMPLICIT_LE), rawElements(IMPLICIT, specs));
});

test('the value of the pixel data need not be at hand', (t) => {
  const headBytes = META_BYTES + rawElements(EXPLICIT, STANDARD.slice(0, -1)).length + 12;

  t.deepEqual(rewritten(STANDARD, IMPLICIT_LE, { headBytes }), rawElements(IMPLICIT, STANDARD));
});

test('elements behind the pixel data are rewritten from memory, or from what the caller read', (t) => {
  const specs = [
    ...STANDARD,
    el(0xfffafffa, 'SQ', [[el(0x04000100, 'UI', '1.22')]]),
    el(0xfffcfffc, 'OB', new Uint8Array(10)),
  ];
  const headBytes = META_BYTES + rawElements(EXPLICIT, STANDARD).length;

  t.deepEqual(rewritten(specs, IMPLICIT_LE), rawElements(IMPLICIT, specs));
  t.deepEqual(rewritten(specs, IMPLICIT_LE, { headBytes, trailing: true }), rawElements(IMPLICIT, specs));
  t.throws(() => rewritten(specs, IMPLICIT_LE, { headBytes }), { instanceOf: VrEncodingError });
});

test('an icon in fragments stays as it is', (t) => {
  const fragments = Buffer.from('feff00e000000000feff00e004000000ffd8ffd9', 'hex');
  const specs = [
    el(0x00880200, 'SQ', [[el(0x7fe00010, 'OW', fragments, { undefinedLength: true })]]),
    PIXELS,
  ];

  t.deepEqual(rewritten(specs, IMPLICIT_LE), rawElements(IMPLICIT, specs));
  t.deepEqual(rewritten(specs, EXPLICIT_LE), rawElements(EXPLICIT, specs));
});

test('what cannot be rewritten is refused', (t) => {
  const encapsulated = [
    el(0x7fe00010, 'OB', Buffer.from('feff00e000000000', 'hex'), { undefinedLength: true }),
  ];
  const refused = { instanceOf: VrEncodingError };

  t.throws(() => rewritten(encapsulated, IMPLICIT_LE), refused);
  t.throws(() => rewritten(STANDARD, EXPLICIT_BE, { from: EXPLICIT_LE }), refused);
  t.throws(() => rewritten(STANDARD, IMPLICIT_LE, { from: '1.2.840.10008.1.2.4.50' }), refused);
  t.throws(() => rewritten(STANDARD, IMPLICIT_LE, { headBytes: 100 }), refused);
  t.throws(() => rewritten(rawElements(EXPLICIT, STANDARD).subarray(0, -1), IMPLICIT_LE), refused);
});

test('an element that would be taken for something else without its VR is refused', (t) => {
  const refused = { instanceOf: VrEncodingError };

  t.throws(() => rewritten([el(0x00400275, 'LO', 'text'), PIXELS], IMPLICIT_LE), refused);
  t.throws(() => rewritten([el(0x00400275, 'UN', 'text'), PIXELS], IMPLICIT_LE), refused);
  t.throws(
    () => rewritten([el(0x00080060, 'SQ', [[]], { undefinedLength: true }), PIXELS], IMPLICIT_LE),
    refused,
  );
  t.throws(
    () => rewritten([el(0x00400275, 'UN', [[el(0x00080060, 'CS', 'CT')]]), PIXELS], IMPLICIT_LE),
    refused,
  );
  t.notThrows(() => rewritten([el(0x00400275, 'LO', ''), PIXELS], IMPLICIT_LE));
  t.notThrows(() =>
    rewritten(
      [el(0x00400275, 'UN', [[el(0x00080060, 'CS', 'CT')]], { itemEncoding: IMPLICIT }), PIXELS],
      IMPLICIT_LE,
    ),
  );
});

test('standard attributes come back from implicit VR as they were, whatever the data set', (t) => {
  const text = fc.stringMatching(/^[a-z]{0,8}$/);
  const leaf = fc.oneof(
    text.map((value) => el(0x00080100, 'SH', value)),
    text.map((value) => el(0x00080104, 'LO', value)),
    fc.uint8Array({ minLength: 2, maxLength: 2 }).map((value) => el(0x00280010, 'US', value)),
    text.map((value) => el(0x00091001, 'UN', value)),
  );
  const sequence = (content: fc.Arbitrary<RawElementSpec>) =>
    fc
      .tuple(fc.array(fc.array(content, { maxLength: 3 }), { maxLength: 3 }), fc.boolean())
      .map(([items, undefinedLength]) => el(0x00400275, 'SQ', items, { undefinedLength }));
  const { element } = fc.letrec<{ element: RawElementSpec }>((tie) => ({
    element: fc.oneof({ maxDepth: 3 }, leaf, sequence(tie('element'))),
  }));
  fc.assert(
    fc.property(fc.array(element, { maxLength: 5 }), fc.boolean(), (elements, hasPixels) => {
      const specs = hasPixels ? [...elements, PIXELS] : elements;
      const explicit = rawElements(EXPLICIT, specs);

      const implicit = rewritten(explicit, IMPLICIT_LE);

      t.deepEqual(implicit, rawElements(IMPLICIT, specs));
      t.deepEqual(rewritten(implicit, EXPLICIT_LE), explicit);
    }),
  );
});

test('whatever the damage, rewriteVrEncoding() makes a readable header or throws its error', (t) => {
  const specimen = rawElements(EXPLICIT, STANDARD);
  const damage = fc.array(fc.tuple(fc.nat(specimen.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(damage, (changes) => {
      const file = Buffer.from(specimen);
      for (const [at, value] of changes) file[at] = value;
      const options = { dataSetOffset: 0, totalBytes: file.length };
      const index = indexHeader(file, { ...options, transferSyntaxUid: EXPLICIT_LE });
      try {
        const { prefix, restOffset } = rewriteVrEncoding(file, index, IMPLICIT_LE);
        const after = Buffer.concat([prefix, file.subarray(restOffset)]);
        const again = indexHeader(after, {
          dataSetOffset: 0,
          totalBytes: after.length,
          transferSyntaxUid: IMPLICIT_LE,
        });
        t.is(again.fault, undefined);
      } catch (error) {
        if (!(error instanceof VrEncodingError || error instanceof DataSetError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
