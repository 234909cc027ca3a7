import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { native } from '../../src/codecs/native.ts';
import { buildPyramid, levelSizes, makeThumbnail } from '../../src/conversion/pyramid.ts';
import { writeRaster } from '../../src/conversion/raster.ts';
import { frameOf, shapeOf } from '../support/frames.ts';

const root = await mkdtemp(join(tmpdir(), 'slidegate-pyramid-'));
test.after.always(() => rm(root, { recursive: true, force: true }));

async function rasterOf(pixels: Uint8Array, size: { rows: number; columns: number }, samplesPerPixel: 1 | 3) {
  const folder = await mkdtemp(join(root, 'raster-'));
  const shape = shapeOf({ ...size, samplesPerPixel });
  const source = { codec: native, frame: frameOf(pixels), shape, toPixels: (piece: Uint8Array) => piece };
  return { folder, raster: await writeRaster({ ...source, samplesPerPixel }, folder) };
}

async function pyramidOf(
  t: ExecutionContext,
  pixels: Uint8Array,
  size: { rows: number; columns: number },
  tile = 512,
) {
  const samplesPerPixel = pixels.byteLength === size.rows * size.columns ? 1 : 3;
  const { folder, raster } = await rasterOf(pixels, size, samplesPerPixel);
  const pyramid = await buildPyramid(raster, { tile, quality: 85 }, folder);
  t.teardown(() => pyramid.file.close());
  return pyramid;
}

test('levels halve, rounded down, until one fits into a tile', (t) => {
  t.deepEqual(levelSizes({ columns: 1301, rows: 777 }, 512), [
    { columns: 1301, rows: 777 },
    { columns: 650, rows: 388 },
    { columns: 325, rows: 194 },
  ]);
  t.is(levelSizes({ columns: 512, rows: 512 }, 512).length, 1);
});

test('levels of any image have pixels, and all but a line end in one tile', (t) => {
  const side = fc.integer({ min: 1, max: 65_500 });
  fc.assert(
    fc.property(side, side, fc.constantFrom(64, 256, 512), (columns, rows, tile) => {
      const sizes = levelSizes({ columns, rows }, tile);
      const last = sizes.at(-1)!;
      t.true(sizes.every((size) => size.columns > 0 && size.rows > 0));
      t.true((last.columns <= tile && last.rows <= tile) || Math.min(last.columns, last.rows) === 1);
    }),
  );
});

test('raster is a file that libvips reads back to the same pixels, whatever its size', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 900 }),
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom(1, 3),
      async (columns, rows, samples) => {
        const pixels = Uint8Array.from(
          { length: rows * columns * samples },
          (_, at) => (at * 31) ^ (at >> 8),
        );
        const { raster } = await rasterOf(pixels, { rows, columns }, samples as 1 | 3);
        const image = sharp(raster.path);
        if (samples === 1) image.toColourspace('b-w');
        t.deepEqual(new Uint8Array(await image.raw().toBuffer()), pixels);
      },
    ),
    { numRuns: 25 },
  );
});

test('image at the limit of libjpeg becomes a pyramid', async (t) => {
  const size = { rows: 4, columns: 65_500 };

  const { levels } = await pyramidOf(t, new Uint8Array(4 * 65_500).fill(9), size);

  t.deepEqual(
    levels.map(({ columns, rows, tilesAcross }) => [columns, rows, tilesAcross]),
    [
      [65_500, 4, 128],
      [32_750, 2, 64],
      [16_375, 1, 32],
    ],
  );
});

test('tiles that hold nothing but filling are not part of a level', async (t) => {
  const { levels } = await pyramidOf(t, new Uint8Array(1025 * 10), { rows: 10, columns: 1025 });

  t.deepEqual(
    levels.map(({ columns, tilesAcross, tiles }) => [columns, tilesAcross, tiles.tilesAcross]),
    [
      [1025, 3, 3],
      [512, 1, 2],
    ],
  );
});

test('thumbnail never has the size of a level, and a single pixel has none', async (t) => {
  for (const [columns, rows] of [
    [1, 2],
    [3, 3],
    [512, 100],
    [700, 600],
  ] as const) {
    const pyramid = await pyramidOf(t, new Uint8Array(columns * rows).fill(100), { rows, columns });
    const thumbnail = await makeThumbnail(pyramid, 85);
    t.false(
      pyramid.levels.some((level) => level.columns === thumbnail?.columns && level.rows === thumbnail.rows),
    );
    const { width, height } = await sharp(thumbnail!.jpeg).metadata();
    t.deepEqual([width, height], [thumbnail?.columns, thumbnail?.rows]);
  }

  t.is(await makeThumbnail(await pyramidOf(t, Uint8Array.of(7), { rows: 1, columns: 1 }), 85), undefined);
});
