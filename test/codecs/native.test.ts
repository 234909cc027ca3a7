import test from 'ava';
import { FrameError } from '../../src/codecs/errors.ts';
import { native } from '../../src/codecs/native.ts';
import { frameOf, join, shapeOf } from '../support/frames.ts';

test('native frame with planes comes out with the samples of a pixel together', async (t) => {
  const frame = frameOf(Uint8Array.of(1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24), 5);

  const pixels = await join(native.decode(frame, shapeOf({ rows: 2, columns: 2, planarConfiguration: 1 })));

  t.deepEqual([...pixels], [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24]);
});

test('native frame of 16 bits keeps both bytes of a sample together', async (t) => {
  const frame = frameOf(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  const shape = shapeOf({ rows: 1, columns: 2, planarConfiguration: 1, bitsAllocated: 16 });

  t.deepEqual([...(await join(native.decode(frame, shape)))], [1, 2, 5, 6, 9, 10, 3, 4, 7, 8, 11, 12]);
});

test('native frame is given in pieces of whole pixels, so that memory does not grow with it', async (t) => {
  const shape = shapeOf({ rows: 1000, columns: 1001 });
  const bytes = new Uint8Array(3 * 1000 * 1001).map((_, index) => index * 7);

  const lengths: number[] = [];
  for await (const piece of native.decode(frameOf(bytes), shape)) lengths.push(piece.byteLength);

  t.true(lengths.every((length) => length % 3 === 0 && length <= 1 << 20));
  t.is(
    lengths.reduce((sum, length) => sum + length),
    bytes.byteLength,
  );
});

test('native frame of YBR_FULL_422 has two bytes a pixel', async (t) => {
  const shape = shapeOf({ rows: 1, columns: 4, photometricInterpretation: 'YBR_FULL_422' });

  t.is((await join(native.decode(frameOf(new Uint8Array(8)), shape))).byteLength, 8);
});

test('native frame that ends early is refused', async (t) => {
  const error = await t.throwsAsync(
    join(native.decode(frameOf(new Uint8Array(47)), shapeOf({ rows: 4, columns: 4 }))),
    { instanceOf: FrameError },
  );

  t.is(error?.code, 'FRAME_DAMAGED');
});
