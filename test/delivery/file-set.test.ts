import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { folder } from '../../src/delivery/folder.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { dataSetOf, dataSetsBelow } from '../support/part10.ts';
import { type InstanceOptions, smallInstance } from '../support/small-instance.ts';

type Element = NonNullable<InstanceOptions['elements']>[number];

const ROWS: Element = [0x0028_0010, 'US', Uint8Array.of(1, 0)];

function image(number: number, about: Partial<InstanceOptions> = {}) {
  const study = Math.floor(number / 2);
  return smallInstance({
    sopInstanceUid: `1.2.${number}`,
    studyInstanceUid: `1.9.${study}`,
    seriesInstanceUid: `1.9.${study}.1`,
    ...about,
    elements: [ROWS, [0x0020_0013, 'IS', String(number)], ...(about.elements ?? [])],
  });
}

async function openFileSet(t: ExecutionContext) {
  const path = await mkdtemp(join(tmpdir(), 'file-set-'));
  t.teardown(() => rm(path, { recursive: true }));
  const instances = new MemoryInstances();
  const open = () =>
    folder.open(folder.settings.parse({ kind: 'folder', path, dicomdir: true }), {
      name: 'media',
      instances,
      telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
    });
  const deliver = async (...sent: readonly ReturnType<typeof smallInstance>[]) => {
    const session = open();
    for (const instance of sent) {
      const outcome = await session.send(await session.prepare(instances.add(instance)), {
        slot: 0,
        alone: false,
      });
      t.true(outcome.taken);
    }
    await session.close();
  };
  return { path, open, deliver, instances };
}

interface Record {
  readonly type: string;
  readonly text: string;
  readonly files: readonly string[];
  readonly below: readonly Record[];
}

/** Follows the offsets, as a reader of media does. */
function readDicomdir(file: Buffer): readonly Record[] {
  const readLevel = (offset: number): Record[] => {
    if (offset === 0) return [];
    if (file.readUInt32LE(offset) !== 0xe000_fffe) throw new Error(`there is no item at ${offset}`);
    const end = offset + 8 + file.readUInt32LE(offset + 4);
    const values = new Map<number, Buffer>();
    for (let at = offset + 8; at < end; ) {
      const tag = file.readUInt16LE(at) * 0x1_0000 + file.readUInt16LE(at + 2);
      const length = file.readUInt16LE(at + 6);
      values.set(tag, file.subarray(at + 8, at + 8 + length));
      at += 8 + length;
    }
    const textOf = (tag: number) => values.get(tag)?.toString('utf8').trim() ?? '';
    return [
      {
        type: textOf(0x0004_1430),
        text: textOf(0x0010_0010) || textOf(0x0020_000d).replace('\0', '') || textOf(0x0020_0013),
        files: textOf(0x0004_1500) === '' ? [] : textOf(0x0004_1500).split('\\'),
        below: readLevel(values.get(0x0004_1420)?.readUInt32LE() ?? 0),
      },
      ...readLevel(values.get(0x0004_1400)?.readUInt32LE() ?? 0),
    ];
  };
  const dataSet = dataSetOf(file);
  const first = dataSet.indexOf(Buffer.from([0x04, 0, 0x00, 0x12, 0x55, 0x4c, 4, 0]));
  return readLevel(dataSet.readUInt32LE(first + 8));
}

const images = (records: readonly Record[]): Record[] =>
  records.flatMap((record) => (record.type === 'IMAGE' ? [record] : images(record.below)));

test('a DICOMDIR leads by its offsets from patients to files, whose names every medium takes', async (t) => {
  const { path, deliver } = await openFileSet(t);
  await deliver(image(0), image(1), image(2), image(3, { patientId: 'P-2', studyInstanceUid: '1.9.7' }));

  const patients = readDicomdir(await readFile(join(path, 'DICOMDIR')));

  t.deepEqual(
    patients.map(({ type, below }) => [type, below.map(({ type: study, text }) => [study, text])]),
    [
      [
        'PATIENT',
        [
          ['STUDY', '1.9.0'],
          ['STUDY', '1.9.1'],
        ],
      ],
      ['PATIENT', [['STUDY', '1.9.7']]],
    ],
  );
  t.deepEqual(
    images(patients).map(({ text }) => text),
    ['0', '1', '2', '3'],
  );
  const written = await dataSetsBelow(join(path, 'IMAGES'));
  t.is(written.size, 4);
  for (const { files } of images(patients)) {
    t.true(files.every((name) => /^[A-Z0-9_]{1,8}$/.test(name)));
    t.true((await readFile(join(path, ...files))).length > 0);
  }
});

test('a DICOMDIR that is missing or old is made anew from the files', async (t) => {
  const { path, deliver } = await openFileSet(t);
  await deliver(image(0), image(1));
  await rm(join(path, 'DICOMDIR'));
  await writeFile(join(path, 'IMAGES', 'README'), 'no image');
  await writeFile(join(path, 'IMAGES', '.1.2.3.part'), 'half of one');

  await deliver(image(2));
  t.deepEqual(
    images(readDicomdir(await readFile(join(path, 'DICOMDIR'))))
      .map(({ text }) => text)
      .sort(),
    ['0', '1', '2'],
  );

  await rm(join(path, 'DICOMDIR'));
  await deliver();
  t.is(images(readDicomdir(await readFile(join(path, 'DICOMDIR')))).length, 3);
  t.deepEqual((await readdir(path)).sort(), ['DICOMDIR', 'IMAGES']);
});

test('what the lane before wrote last, while this one was made ready, is listed too', async (t) => {
  const { path, open, instances } = await openFileSet(t);
  const send = async (session: ReturnType<typeof open>, number: number) => {
    const prepared = await session.prepare(instances.add(image(number)));
    t.true((await session.send(prepared, { slot: 0, alone: false })).taken);
  };
  const listed = async () => images(readDicomdir(await readFile(join(path, 'DICOMDIR'))));
  const before = open();
  await send(before, 0);
  const after = open();
  await eventually('it is listed', () => readFile(join(path, 'DICOMDIR')).then(Boolean, () => false));
  await setTimeout(200); // The new one has looked, too.
  await send(before, 1);
  await before.close();

  await send(after, 2);
  await after.close();

  t.deepEqual((await listed()).map(({ text }) => text).sort(), ['0', '1', '2']);
});

test('an instance that is delivered again is listed once; what is no image is kept and not listed', async (t) => {
  const { path, deliver } = await openFileSet(t);

  await deliver(image(0), image(0), smallInstance({ sopInstanceUid: '1.2.77' }));

  t.is(images(readDicomdir(await readFile(join(path, 'DICOMDIR')))).length, 1);
  t.is((await dataSetsBelow(join(path, 'IMAGES'))).size, 2);
});

test('names in any script, and values that no DICOMDIR can hold, cost no other image its place', async (t) => {
  const { path, deliver } = await openFileSet(t);
  const utf8: Element = [0x0008_0005, 'CS', 'ISO_IR 192'];
  const name: Element = [0x0008_1030, 'LO', Buffer.from('山田 太郎 ', 'utf8')];
  await deliver(
    image(0, { elements: [utf8, name], patientId: 'P-3' }),
    image(1, {
      elements: [
        [0x0008_0020, 'DA', 'yesterday, or so'],
        [0x0020_0011, 'IS', 'many and more'],
      ],
    }),
  );

  const file = await readFile(join(path, 'DICOMDIR'));

  t.is(images(readDicomdir(file)).length, 2);
  t.true(file.includes(Buffer.from('山田 太郎', 'utf8')));
  t.true(file.includes('ISO_IR 192'));
});

test('a DICOMDIR that cannot be written fails no delivery', async (t) => {
  const { path, deliver } = await openFileSet(t);
  await mkdir(join(path, 'DICOMDIR', 'x'), { recursive: true });

  await deliver(image(0));

  t.is((await dataSetsBelow(join(path, 'IMAGES'))).size, 1);
});
