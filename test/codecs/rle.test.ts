import test from 'ava';
import fc from 'fast-check';
import { FrameError } from '../../src/codecs/errors.ts';
import { rle } from '../../src/codecs/rle.ts';
import { frameOf, join, shapeOf } from '../support/frames.ts';

const anyImage = fc
  .record({
    rows: fc.integer({ min: 1, max: 40 }),
    columns: fc.integer({ min: 1, max: 300 }),
    samplesPerPixel: fc.constantFrom(1, 3),
    bitsAllocated: fc.constantFrom(8, 16),
  })
  .chain((size) => {
    const length = size.rows * size.columns * size.samplesPerPixel * (size.bitsAllocated / 8);
    // Few different values, so that runs of every length occur.
    const pixels = fc
      .array(fc.tuple(fc.constantFrom(0, 0, 7, 255), fc.integer({ min: 1, max: 200 })), {
        minLength: 1,
        maxLength: 60,
      })
      .map((runs) => {
        const bytes = new Uint8Array(length);
        for (let at = 0, index = 0; at < length; index += 1) {
          const [value, count] = runs[index % runs.length]!;
          for (let n = 0; n < count && at < length; n += 1)
            bytes[at++] = value === 7 ? (at * 31) & 255 : value;
        }
        return bytes;
      });
    return fc.record({ shape: fc.constant(shapeOf(size)), pixels, stride: fc.constantFrom(1, 3, 64, 1e9) });
  });

test('RLE gives back what it encoded, however the frame is read', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyImage, async ({ shape, pixels, stride }) => {
      const encoded = rle.encode!(pixels, shape);
      t.is(encoded.byteLength % 2, 0);
      t.deepEqual(await join(rle.decode(frameOf(encoded, stride), shape)), pixels);
    }),
    { numRuns: 60 },
  );
});

test('RLE decodes the segments of PS3.5 G.3: literals, repeats and no-operations', async (t) => {
  const segment = [0xfe, 0xaa, 0x80, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa]; // Apple's example, and a no-operation.
  const frame = new Uint8Array(64 + segment.length);
  new DataView(frame.buffer).setUint32(0, 1, true);
  new DataView(frame.buffer).setUint32(4, 64, true);
  frame.set(segment, 64);

  const pixels = await join(rle.decode(frameOf(frame), shapeOf({ rows: 2, columns: 5, samplesPerPixel: 1 })));

  t.deepEqual([...pixels], [0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa]);
});

test('RLE puts the most significant byte of 16 bits first, as G.2 says', (t) => {
  const encoded = rle.encode!(
    Uint8Array.of(0x34, 0x12),
    shapeOf({ rows: 1, columns: 1, samplesPerPixel: 1, bitsAllocated: 16 }),
  );

  t.deepEqual([...encoded.subarray(64)], [0x00, 0x12, 0x00, 0x34]);
});

test('RLE says which segment ends before its plane is full', async (t) => {
  const shape = shapeOf({ rows: 4, columns: 4 });
  const encoded = rle.encode!(new Uint8Array(48).fill(9), shape);

  const error = await t.throwsAsync(
    join(rle.decode(frameOf(encoded.subarray(0, encoded.byteLength - 2)), shape)),
    { instanceOf: FrameError },
  );

  t.is(error?.code, 'FRAME_DAMAGED');
  t.regex(error?.message ?? '', /segment 3/);
});

test('RLE refuses a header with another number of segments than the pixels have bytes', async (t) => {
  const encoded = rle.encode!(new Uint8Array(16), shapeOf({ rows: 4, columns: 4, samplesPerPixel: 1 }));

  const error = await t.throwsAsync(join(rle.decode(frameOf(encoded), shapeOf({ rows: 4, columns: 4 }))), {
    instanceOf: FrameError,
  });

  t.regex(error?.message ?? '', /must have 3 segments.*has 1/);
});

test('RLE throws nothing but FrameError, whatever the bytes', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 3 }),
      async (bytes, segments) => {
        if (bytes.byteLength > 8) bytes.set([segments, 0, 0, 0, 64, 0, 0, 0]);
        try {
          const pixels = await join(
            rle.decode(frameOf(bytes), shapeOf({ rows: 3, columns: 5, samplesPerPixel: 1 })),
          );
          t.is(pixels.byteLength, 15);
        } catch (error) {
          t.true(error instanceof FrameError);
        }
      },
    ),
  );
});
