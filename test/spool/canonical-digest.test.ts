import test from 'ava';
import fc from 'fast-check';
import { canonicalDigest, isComparable } from '../../src/spool/canonical-digest.ts';
import { EXPLICIT_LE, encodeElements, IMPLICIT_LE, JPEG_2000_LOSSLESS } from '../support/small-instance.ts';

const bytesOf = (...values: number[]) => Uint8Array.from(values);
const ITEM = [0xfe, 0xff, 0x00, 0xe0];

/** One element in an item of a sequence, with lengths or with delimiters. */
function sequence(encoding: 'explicit' | 'implicit', isDelimited: boolean, value: string): Uint8Array {
  const content = encodeElements([[0x0008_1155, 'UI', value]], encoding);
  const unlimited = [0xff, 0xff, 0xff, 0xff];
  const item = isDelimited
    ? Buffer.concat([bytesOf(...ITEM, ...unlimited), content, bytesOf(0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0)])
    : Buffer.concat([bytesOf(...ITEM, content.length, 0, 0, 0), content]);
  if (!isDelimited) return encodeElements([[0x0008_1140, 'SQ', item]], encoding);
  const head = encoding === 'explicit' ? [0x08, 0, 0x40, 0x11, 0x53, 0x51, 0, 0] : [0x08, 0, 0x40, 0x11];
  return Buffer.concat([bytesOf(...head, ...unlimited), item, bytesOf(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)]);
}

test('canonicalDigest() is the same for explicit and implicit VR, with lengths and with delimiters', (t) => {
  const digests = [
    canonicalDigest(sequence('explicit', false, '1.2.3'), EXPLICIT_LE),
    canonicalDigest(sequence('explicit', true, '1.2.3'), EXPLICIT_LE),
    canonicalDigest(sequence('implicit', false, '1.2.3'), IMPLICIT_LE),
    canonicalDigest(sequence('implicit', true, '1.2.3'), IMPLICIT_LE),
  ].map((digest) => Buffer.from(digest as Uint8Array).toString('hex'));

  t.is(new Set(digests).size, 1);
  t.notDeepEqual(
    canonicalDigest(sequence('implicit', true, '1.2.4'), IMPLICIT_LE),
    canonicalDigest(sequence('implicit', true, '1.2.3'), IMPLICIT_LE),
  );
});

test('canonicalDigest() differs where a value, a tag or the order of items does', (t) => {
  const of = (...elements: Parameters<typeof encodeElements>[0][number][]) =>
    Buffer.from(canonicalDigest(encodeElements(elements, 'explicit'), EXPLICIT_LE) as Uint8Array).toString(
      'hex',
    );
  const digests = [
    of([0x0010_0010, 'PN', 'A'], [0x0010_0020, 'LO', 'B']),
    of([0x0010_0010, 'PN', 'B'], [0x0010_0020, 'LO', 'A']),
    of([0x0010_0010, 'PN', 'A']),
    of([0x0010_0020, 'LO', 'A']),
    of(),
  ];

  t.is(new Set(digests).size, digests.length);
});

test('canonicalDigest() throws at nothing', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(EXPLICIT_LE, IMPLICIT_LE),
      (bytes, uid) => {
        t.notThrows(() => canonicalDigest(bytes, uid));
      },
    ),
    { numRuns: 300 },
  );
});

test('canonicalDigest() passes over padding behind the data set, and over nothing else', (t) => {
  const name: Parameters<typeof encodeElements>[0][number] = [0x0010_0010, 'PN', 'A'];
  const padded = encodeElements([name, [0xfffc_fffc, 'OB', new Uint8Array(126)]], 'explicit');

  t.deepEqual(
    canonicalDigest(padded, EXPLICIT_LE),
    canonicalDigest(encodeElements([name], 'explicit'), EXPLICIT_LE),
  );
});

test('isComparable() is true of one syntax, and of the two native little endian ones', (t) => {
  t.true(isComparable(EXPLICIT_LE, IMPLICIT_LE));
  t.true(isComparable(IMPLICIT_LE, EXPLICIT_LE));
  t.true(isComparable(JPEG_2000_LOSSLESS, JPEG_2000_LOSSLESS));
  t.false(isComparable(EXPLICIT_LE, JPEG_2000_LOSSLESS));
});
