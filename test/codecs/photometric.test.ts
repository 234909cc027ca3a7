import test from 'ava';
import fc from 'fast-check';
import { FrameError } from '../../src/codecs/errors.ts';
import { resolvePalette } from '../../src/codecs/palette.ts';
import { pixelMapOf } from '../../src/codecs/photometric.ts';

test('MONOCHROME1 is turned so that white is white', (t) => {
  t.deepEqual([...pixelMapOf('MONOCHROME1')(Uint8Array.of(0, 100, 255))], [255, 155, 0]);
});

test('YBR_FULL becomes the RGB that PS3.3 C.7.6.3.1.2 starts from, within rounding', (t) => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), fc.nat(255), (red, green, blue) => {
      const ybr = Uint8Array.of(
        Math.round(0.299 * red + 0.587 * green + 0.114 * blue),
        Math.min(255, Math.round(-0.168736 * red - 0.331264 * green + 0.5 * blue + 128)),
        Math.min(255, Math.round(0.5 * red - 0.418688 * green - 0.081312 * blue + 128)),
      );
      const back = pixelMapOf('YBR_FULL')(ybr);
      for (const [index, value] of [red, green, blue].entries()) t.true(Math.abs(back[index]! - value) <= 2);
    }),
  );
});

test('YBR_FULL_422 shares the chrominance of two pixels', (t) => {
  const rgb = pixelMapOf('YBR_FULL_422')(Uint8Array.of(76, 150, 85, 255, 16, 235, 128, 128));

  t.deepEqual([...rgb.subarray(0, 3)], [254, 0, 0]); // Red.
  t.deepEqual([...rgb.subarray(6)], [16, 16, 16, 235, 235, 235]);
});

const word = (...values: number[]) => Uint8Array.from(values.flatMap((value) => [value & 255, value >> 8]));
const channel = (data: Uint8Array, descriptor = [3, 10, 16]) => ({ descriptor, data });

test('palette maps stored values from the first one mapped on, and beyond its ends to its ends', (t) => {
  const palette = resolvePalette(
    {
      red: channel(word(0x1100, 0x2200, 0x3300)),
      green: channel(word(0, 0, 0xff00)),
      blue: channel(word(0x00ff, 0x01ff, 0x02ff)),
    },
    true,
  );

  const rgb = pixelMapOf('PALETTE COLOR', palette)(Uint8Array.of(0, 10, 11, 12, 255));

  t.deepEqual([...rgb], [0x11, 0, 0, 0x11, 0, 0, 0x22, 0, 1, 0x33, 0xff, 2, 0x33, 0xff, 2]);
});

test('palette of 8 bits is read packed, one to a word, and in big endian words', (t) => {
  const [packed, spread, big] = [Uint8Array.of(1, 2, 3, 0), word(1, 2, 3), Uint8Array.of(2, 1, 0, 3)];
  const read = (data: Uint8Array, littleEndian: boolean) => {
    const one = channel(data, [3, 0, 8]);
    return [...resolvePalette({ red: one, green: one, blue: one }, littleEndian).subarray(0, 9)];
  };

  for (const values of [read(packed, true), read(spread, true), read(big, false)]) {
    t.deepEqual(values, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
  }
});

test('segmented palette is expanded: values, lines and repeats', (t) => {
  // Two values, a line of four up to 0x6000, then the line again from there up to 0x6000.
  const segmentedData = word(0, 2, 0x1000, 0x2000, 1, 4, 0x6000, 2, 1, 4, 0);
  const one = { descriptor: [10, 0, 16], segmentedData };

  const palette = resolvePalette({ red: one, green: one, blue: one }, true);

  const red = Array.from({ length: 10 }, (_, stored) => palette[stored * 3]);
  t.deepEqual(red, [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x60, 0x60, 0x60, 0x60]);
});

test('palette throws nothing but FrameError, whatever descriptor and segments', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(65535), { maxLength: 3 }),
      fc.array(fc.oneof(fc.nat(3), fc.nat(65535)), { maxLength: 30 }),
      fc.boolean(),
      (descriptor, words, segmented) => {
        const data = word(...words);
        const one = segmented ? { descriptor, segmentedData: data } : { descriptor, data };
        try {
          t.is(resolvePalette({ red: one, green: one, blue: one }, true).byteLength, 768);
        } catch (error) {
          t.true(error instanceof FrameError);
        }
      },
    ),
  );
});
