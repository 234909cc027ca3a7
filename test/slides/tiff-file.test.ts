import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { readJpegHeader } from '../../src/codecs/jpeg-markers.ts';
import { GatewayError } from '../../src/errors.ts';
import { SlideFileError } from '../../src/slides/errors.ts';
import { openTiffFile } from '../../src/slides/tiff-file.ts';
import { readJpegTile, readTiffTiles } from '../../src/slides/tiff-tiles.ts';

const folder = await mkdtemp(join(tmpdir(), 'slidegate-tiff-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));
sharp.cache(false);

let files = 0;
async function fileOf(bytes: Uint8Array): Promise<string> {
  files += 1;
  const path = join(folder, `${files}.tif`);
  await writeFile(path, bytes);
  return path;
}

/** A pyramid of 300 × 200 in tiles of 64, red above and blue below. */
function pyramid(options: { bigtiff: boolean; quality: number }): Promise<Buffer> {
  const pixels = Buffer.alloc(300 * 200 * 3);
  for (let pixel = 0; pixel < 300 * 200; pixel += 1) pixels[pixel * 3 + (pixel < 300 * 128 ? 0 : 2)] = 200;
  return sharp(pixels, { raw: { width: 300, height: 200, channels: 3 } })
    .tiff({ ...options, tile: true, tileWidth: 64, tileHeight: 64, pyramid: true, compression: 'jpeg' })
    .toBuffer();
}

/** A little-endian classic TIFF of one or more directories, from raw entries. */
function classic(
  directories: readonly { entries: readonly (readonly number[])[]; next: number }[],
): Uint8Array {
  const view = new DataView(
    new ArrayBuffer(8 + directories.reduce((sum, d) => sum + 6 + 12 * d.entries.length, 0)),
  );
  view.setUint32(0, 0x002a4949, true);
  view.setUint32(4, 8, true);
  let at = 8;
  for (const { entries, next } of directories) {
    view.setUint16(at, entries.length, true);
    at += 2;
    for (const [tag, type, count, value] of entries) {
      view.setUint16(at, tag!, true);
      view.setUint16(at + 2, type!, true);
      view.setUint32(at + 4, count!, true);
      view.setUint32(at + 8, value!, true);
      at += 12;
    }
    view.setUint32(at, next, true);
    at += 4;
  }
  return new Uint8Array(view.buffer);
}

for (const bigtiff of [false, true]) {
  for (const quality of [80, 95]) {
    test(`tiles of a ${bigtiff ? 'BigTIFF' : 'classic TIFF'} pyramid of quality ${quality} are JPEG streams of their own`, async (t) => {
      const file = await openTiffFile(await fileOf(await pyramid({ bigtiff, quality })));
      t.teardown(() => file.close());

      const levels = await Promise.all(file.directories.map((directory) => readTiffTiles(file, directory)));
      const tile = Buffer.concat(await readJpegTile(file, levels[0]!, { column: 4, row: 2 }));

      t.is(file.isBig, bigtiff);
      t.deepEqual(
        levels.map((level) => [level.columns, level.rows, level.tilesAcross, level.tilesDown]),
        [
          [300, 200, 5, 4],
          [150, 100, 3, 2],
          [75, 50, 2, 1],
          [37, 25, 1, 1],
        ],
      );
      t.like(readJpegHeader(tile), { process: 0xc0, rows: 64, columns: 64 });
      const { data } = await sharp(tile).raw().toBuffer({ resolveWithObject: true });
      for (const [index, value] of [0, 0, 200].entries()) t.true(Math.abs(data[index]! - value) <= 4);
    });
  }
}

test('values are read in the byte order of the file, from the entry or from where it points', async (t) => {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x4d4d002a); // Big endian.
  view.setUint32(4, 8);
  view.setUint16(8, 2);
  for (const [at, values] of [
    [10, [256, 3, 2]],
    [22, [270, 2, 6]],
  ] as const) {
    view.setUint16(at, values[0]);
    view.setUint16(at + 2, values[1]);
    view.setUint32(at + 4, values[2]);
  }
  view.setUint16(18, 513);
  view.setUint16(20, 7);
  view.setUint32(30, 40);
  bytes.set(Buffer.from('slide\0'), 40);

  const file = await openTiffFile(await fileOf(bytes));
  t.teardown(() => file.close());
  const [directory] = file.directories;

  t.deepEqual(await directory?.numbers(256), [513, 7]);
  t.is(await directory?.text(270), 'slide');
  t.is(await directory?.number(999), undefined);
});

test('chain of directories that comes back to itself is refused', async (t) => {
  const path = await fileOf(
    classic([
      { entries: [[256, 3, 1, 10]], next: 26 },
      { entries: [[256, 3, 1, 10]], next: 8 },
    ]),
  );

  const error = await t.throwsAsync(openTiffFile(path), { instanceOf: SlideFileError });

  t.regex(error?.message ?? '', /comes back to itself/);
});

test('value that would lie beyond the end of the file is refused', async (t) => {
  const path = await fileOf(classic([{ entries: [[324, 4, 1_000_000, 8]], next: 0 }]));

  const error = await t.throwsAsync(openTiffFile(path), { instanceOf: SlideFileError });

  t.is(error?.code, 'SLIDE_FILE_DAMAGED');
});

test('image with fewer tile offsets than tiles is refused', async (t) => {
  const path = await fileOf(
    classic([
      {
        entries: [
          [256, 3, 1, 100],
          [257, 3, 1, 100],
          [322, 3, 1, 64],
          [323, 3, 1, 64],
          [324, 4, 1, 8],
          [325, 4, 1, 8],
        ],
        next: 0,
      },
    ]),
  );
  const file = await openTiffFile(path);
  t.teardown(() => file.close());

  const error = await t.throwsAsync(readTiffTiles(file, file.directories[0]!), {
    instanceOf: SlideFileError,
  });

  t.regex(error?.message ?? '', /4 tiles must have an offset/);
});

test('file that is no TIFF is refused as unsupported', async (t) => {
  const error = await t.throwsAsync(openTiffFile(await fileOf(Buffer.from('DICM, not TIFF.'))), {
    instanceOf: SlideFileError,
  });

  t.is(error?.code, 'SLIDE_FILE_UNSUPPORTED');
});

test('TIFF reader throws nothing but GatewayError, whatever is damaged', async (t) => {
  const intact = await Promise.all([false, true].map((bigtiff) => pyramid({ bigtiff, quality: 80 })));
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.double({ min: 0.02, max: 1, noNaN: true }),
      async (isBig, changes, share) => {
        const source = intact[isBig ? 1 : 0]!;
        const bytes = Uint8Array.from(source.subarray(0, Math.ceil(source.byteLength * share)));
        // Directories lie at the end: most changes go there, some to the header.
        for (const [where, value] of changes) {
          const at =
            where < 0.2 ? Math.floor(where * 80) : Math.floor(bytes.byteLength * (0.6 + where * 0.4)) - 1;
          bytes[Math.min(Math.max(at, 0), bytes.byteLength - 1)] = value;
        }
        try {
          const file = await openTiffFile(await fileOf(bytes));
          try {
            for (const directory of file.directories) {
              const tiles = await readTiffTiles(file, directory);
              await readJpegTile(file, tiles, { column: 0, row: 0 });
            }
          } finally {
            await file.close();
          }
          t.pass();
        } catch (error) {
          t.true(error instanceof GatewayError, String(error));
        }
      },
    ),
    { numRuns: 200 },
  );
});
