import test from 'ava';
import fc from 'fast-check';
import {
  encapsulate,
  encodeBasicOffsetTable,
  encodeExtendedOffsetTable,
  itemHeader,
  locateFrames,
  type PixelDataLocation,
  sequenceDelimiter,
} from '../../src/dicom/encapsulation.ts';
import { EncapsulationError } from '../../src/dicom/errors.ts';

const VALUE_OFFSET = 100;

/** A file whose pixel data starts at byte 100. */
function file(...value: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.alloc(VALUE_OFFSET), ...value]);
}

/** As a file is read: in pieces that may be shorter than asked for. */
function locate(bytes: Uint8Array, more: Partial<PixelDataLocation> & { numberOfFrames: number }) {
  return locateFrames({
    read: async (into, position) => {
      const part = bytes.subarray(position, position + Math.min(into.length, 1000));
      into.set(part);
      return part.length;
    },
    pixelDataOffset: 88,
    valueOffset: VALUE_OFFSET,
    encapsulated: true,
    frameBytes: 0,
    ...more,
  });
}

/** The bytes of each frame, put together. */
async function frames(bytes: Uint8Array, more: Partial<PixelDataLocation> & { numberOfFrames: number }) {
  const ranges = await locate(bytes, more);
  return ranges.map(({ fragments }) =>
    Buffer.concat(fragments.map(({ offset, length }) => bytes.subarray(offset, offset + length))).toString(
      'latin1',
    ),
  );
}

function items(...contents: readonly string[]): Buffer {
  return Buffer.concat(
    contents.flatMap((content) => [itemHeader(content.length), Buffer.from(content, 'latin1')]),
  );
}

const EMPTY_TABLE = itemHeader(0);

test('native frames lie one behind the other', async (t) => {
  const bytes = file(Buffer.from('aaabbbccc'));

  t.deepEqual(await frames(bytes, { encapsulated: false, numberOfFrames: 3, frameBytes: 3 }), [
    'aaa',
    'bbb',
    'ccc',
  ]);
});

test('native frames of one bit a pixel may share a byte', async (t) => {
  const ranges = await locate(file(Buffer.alloc(3)), {
    encapsulated: false,
    numberOfFrames: 2,
    frameBytes: 1.5,
  });

  t.deepEqual(ranges, [
    { fragments: [{ offset: 100, length: 2 }] },
    { fragments: [{ offset: 101, length: 2 }] },
  ]);
});

test('native pixel data that ends too early is refused', async (t) => {
  const attempt = () =>
    locate(file(Buffer.alloc(8)), { encapsulated: false, numberOfFrames: 3, frameBytes: 3 });

  await t.throwsAsync(attempt, { instanceOf: EncapsulationError });
});

test('encapsulate() writes what locateFrames() finds, whatever the frames', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { minLength: 1 }),
      async (contents) => {
        const bytes = file(encapsulate(contents), sequenceDelimiter());
        const found = await frames(bytes, { numberOfFrames: contents.length });
        const even = contents.map(
          (content) => Buffer.from(content).toString('latin1') + '\0'.repeat(content.length % 2),
        );
        t.deepEqual(found, even);
      },
    ),
    { numRuns: 50 },
  );
});

test('all fragments make up a single frame, whatever the table says', async (t) => {
  const wrongTable = Buffer.concat([itemHeader(12), Buffer.from('000000000a00000014000000', 'hex')]);
  for (const table of [EMPTY_TABLE, wrongTable]) {
    t.deepEqual(
      await frames(file(table, items('aa', 'bbbb', 'cc'), sequenceDelimiter()), { numberOfFrames: 1 }),
      ['aabbbbcc'],
    );
  }
});

test('the Basic Offset Table gives each fragment to its frame', async (t) => {
  const table = Buffer.concat([itemHeader(8), Buffer.of(0, 0, 0, 0, 22, 0, 0, 0)]);
  const bytes = file(table, items('aa', 'bbbb', 'cc', 'dd'), sequenceDelimiter());

  t.deepEqual(await frames(bytes, { numberOfFrames: 2 }), ['aabbbb', 'ccdd']);
});

test('the Extended Offset Table does the same', async (t) => {
  const extendedOffsetTable = new Uint8Array(BigUint64Array.of(0n, 22n).buffer);
  const bytes = file(EMPTY_TABLE, items('aa', 'bbbb', 'cc', 'dd'), sequenceDelimiter());

  t.deepEqual(await frames(bytes, { numberOfFrames: 2, extendedOffsetTable }), ['aabbbb', 'ccdd']);
});

test('without a table each fragment is a frame, where there are as many', async (t) => {
  const bytes = file(EMPTY_TABLE, items('aa', 'bbbb'), sequenceDelimiter());

  t.deepEqual(await frames(bytes, { numberOfFrames: 2 }), ['aa', 'bbbb']);
});

test('a table that fits no fragment is as good as none', async (t) => {
  const table = Buffer.concat([itemHeader(8), Buffer.of(0, 0, 0, 0, 7, 0, 0, 0)]);
  const bytes = file(table, items('aa', 'bbbb'), sequenceDelimiter());

  t.deepEqual(await frames(bytes, { numberOfFrames: 2 }), ['aa', 'bbbb']);
});

test('without a table codestreams tell where frames start', async (t) => {
  const jpeg = '\xff\xd8\xff\xe0';
  const bytes = file(EMPTY_TABLE, items(`${jpeg}aa`, 'bb', `${jpeg}cc`), sequenceDelimiter());

  t.deepEqual(await frames(bytes, { numberOfFrames: 2 }), [`${jpeg}aabb`, `${jpeg}cc`]);
});

test('fragments that make up no frames are refused', async (t) => {
  const three = items('aa', 'bb', 'cc');
  for (const [numberOfFrames, ...value] of [
    [2, EMPTY_TABLE, three, sequenceDelimiter()],
    [4, EMPTY_TABLE, three, sequenceDelimiter()],
    [3, EMPTY_TABLE, three],
    [3, EMPTY_TABLE, three, Buffer.from('garbage!')],
    [3, EMPTY_TABLE, three, itemHeader(0xffff_ffff)],
    [3, EMPTY_TABLE, three, itemHeader(1000), sequenceDelimiter()],
    [1, EMPTY_TABLE, sequenceDelimiter()],
    [1],
    [0, EMPTY_TABLE, three, sequenceDelimiter()],
    [1e9, EMPTY_TABLE, three, sequenceDelimiter()],
  ] as const) {
    await t.throwsAsync(() => locate(file(...value), { numberOfFrames }), { instanceOf: EncapsulationError });
  }
});

test('a table of 32 bits ends where offsets need more', (t) => {
  t.is(encodeBasicOffsetTable([2 ** 32 - 2, 4, 4]), undefined);
  t.deepEqual(
    Buffer.from(encodeBasicOffsetTable([10, 4]) ?? []),
    Buffer.concat([itemHeader(8), Buffer.of(0, 0, 0, 0, 18, 0, 0, 0)]),
  );
});

test('the Extended Offset Table has the lengths without padding', (t) => {
  const { offsets, lengths } = encodeExtendedOffsetTable([5, 4]);

  t.deepEqual([...new BigUint64Array(offsets.buffer)], [0n, 14n]);
  t.deepEqual([...new BigUint64Array(lengths.buffer)], [5n, 4n]);
});

test('locateFrames() throws nothing but EncapsulationError, whatever the bytes', async (t) => {
  const specimen = Buffer.concat([encapsulate([Buffer.alloc(20), Buffer.alloc(11)]), sequenceDelimiter()]);
  const damage = fc.array(fc.tuple(fc.nat(specimen.length - 1), fc.nat(255)), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(damage, fc.integer({ min: -1, max: 4 }), async (changes, numberOfFrames) => {
      const damaged = Buffer.from(specimen);
      for (const [at, value] of changes) damaged[at] = value;
      try {
        await locate(file(damaged), { numberOfFrames });
      } catch (error) {
        if (!(error instanceof EncapsulationError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});
