import test from 'ava';
import { SpoolRefusingError } from '../../src/spool/errors.ts';
import { FreeSpace } from '../../src/spool/free-space.ts';

async function measure(disk: { freeBytes: number }) {
  const changes: boolean[] = [];
  const short: number[] = [];
  const space = await FreeSpace.measure({
    directory: '/',
    watermarkFreeBytes: 1000,
    receptionReserveBytes: 100,
    keepFreeBytes: 2000,
    spaceIsShort: (freeBytes) => short.push(freeBytes),
    refusalChanged: ({ isRefusing }) => changes.push(isRefusing),
    freeBytesOf: () => Promise.resolve(disk.freeBytes),
  });
  return { space, changes, short };
}

test('FreeSpace sets a reserve aside for every open reception', async (t) => {
  const { space, changes } = await measure({ freeBytes: 1250 });
  space.reserve();
  space.reserve();

  const error = t.throws(() => space.reserve(), { instanceOf: SpoolRefusingError });

  t.like(error?.context, { freeBytes: 1250, reservedBytes: 300, watermarkFreeBytes: 1000 });
  t.true(space.isRefusing);
  space.release();
  space.reserve();
  t.false(space.isRefusing);
  t.deepEqual(changes, [true, false]);
  space.close();
});

test('FreeSpace counts what was written since it looked', async (t) => {
  const disk = { freeBytes: 5000 };
  const { space } = await measure(disk);

  space.spend(3950);

  t.is(space.freeBytes, 1050);
  disk.freeBytes = 4000;
  t.throws(() => space.reserve(), { instanceOf: SpoolRefusingError }); // Which makes it look.
  await space.look();
  t.is(space.freeBytes, 4000);
  space.close();
});

test('FreeSpace takes receptions again when space returns, without being asked', async (t) => {
  const disk = { freeBytes: 900 };
  const { space, changes } = await measure(disk);
  await space.look();
  t.true(space.isRefusing);
  disk.freeBytes = 9000;

  await space.look();

  t.false(space.isRefusing);
  t.deepEqual(changes, [true, false]);
  space.close();
});

test('FreeSpace keeps to its last look while the disk cannot be asked', async (t) => {
  let isAway = false;
  const space = await FreeSpace.measure({
    directory: '/',
    watermarkFreeBytes: 0,
    receptionReserveBytes: 0,
    keepFreeBytes: 0,
    spaceIsShort: () => {},
    refusalChanged: () => {},
    freeBytesOf: () => (isAway ? Promise.reject(new Error('stale handle')) : Promise.resolve(77)),
  });
  isAway = true;

  await space.look();

  t.is(space.freeBytes, 77);
  space.close();
});

test('FreeSpace tells of every look that finds less than is to be kept free', async (t) => {
  const disk = { freeBytes: 1999 };
  const { space, short, changes } = await measure(disk);

  await space.look();
  disk.freeBytes = 2000;
  await space.look();

  t.deepEqual(short, [1999]);
  t.deepEqual(changes, []);
  space.close();
});
