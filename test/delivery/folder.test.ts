import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { DeliveryItem } from '../../src/delivery/destination-kind.ts';
import { folder } from '../../src/delivery/folder.ts';
import type { GatewayError } from '../../src/errors.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { part10Of, smallInstance } from '../support/small-instance.ts';

async function openFolder(t: ExecutionContext, settings: Record<string, unknown> = {}) {
  const parent = await mkdtemp(join(tmpdir(), 'folder-'));
  t.teardown(() => rm(parent, { recursive: true }));
  const path = join(parent, 'outbox');
  const instances = new MemoryInstances();
  const session = folder.open(folder.settings.parse({ kind: 'folder', path, ...settings }), {
    name: 'outbox',
    instances,
    telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
  });
  const send = async (item: DeliveryItem, slot = 0) =>
    session.send(await session.prepare(item), { slot, alone: false });
  const files = async () =>
    (await readdir(path, { recursive: true })).filter((name) => name.includes('.dcm')).toSorted();
  const leftovers = async () =>
    (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.part'));
  return { path, instances, session, send, files, leftovers };
}

test.serial('a file is synced before it gets its name, and the folder after', async (t) => {
  const { path, instances, send } = await openFolder(t);
  const final = join(path, '1.2.3.100', '1.2.3.100.1', '1.2.1.dcm');
  const seen: string[] = [];
  await using probe = await open(tmpdir(), 'r');
  const prototype = Object.getPrototypeOf(probe) as typeof probe;
  const { datasync, sync } = prototype;
  t.teardown(() => Object.assign(prototype, { datasync, sync }));
  prototype.datasync = async function () {
    seen.push(`datasync ${(await this.stat()).size} ${existsSync(final)}`);
    await datasync.call(this);
  };
  prototype.sync = async function () {
    seen.push(`sync ${(await this.stat()).isDirectory() ? 'folder' : 'file'} ${existsSync(final)}`);
    await sync.call(this);
  };
  const instance = smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3_000_000 });

  const outcome = await send(instances.add(instance));

  t.true(outcome.taken);
  t.deepEqual(seen, [
    'sync folder false', // The parent of the outbox, made by the first delivery.
    'sync folder false', // The outbox, which has the folder of the study now.
    'sync folder false', // That of the study.
    `datasync ${part10Of(instance).length} false`,
    'sync folder true',
  ]);
});

test('an instance becomes a Part 10 file, byte for byte, and no other file stays', async (t) => {
  const { path, instances, send, files, leftovers } = await openFolder(t);
  for (const pixelBytes of [0, 64, 3_000_001]) {
    const instance = smallInstance({ sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes });

    t.deepEqual(await send(instances.add(instance)), { taken: true, outcome: 'delivered' });

    const written = await readFile(join(path, '1.2.3.100', '1.2.3.100.1', `1.2.${pixelBytes}.dcm`));
    t.true(written.equals(part10Of(instance)));
  }
  t.is((await files()).length, 3);
  t.deepEqual(await leftovers(), []);
  t.is(instances.openNow, 0);
});

test('a second attempt replaces the file of the first, also one that was cut off', async (t) => {
  const { path, instances, send, files, leftovers } = await openFolder(t, {
    template: '{SOPInstanceUID}.dcm',
  });
  const instance = smallInstance({ sopInstanceUid: '1.2.1' });
  const item = instances.add(instance);
  await mkdir(path);
  await writeFile(join(path, `.1.2.1.${item.taskId}.part`), Buffer.alloc(10_000_000));

  await send(item);
  const outcome = await send(item);

  t.true(outcome.taken);
  t.deepEqual(await files(), ['1.2.1.dcm']);
  t.deepEqual(await leftovers(), []);
  t.true((await readFile(join(path, '1.2.1.dcm'))).equals(part10Of(instance)));
});

test('a file of the same instance with other content is replaced, and that is on record', async (t) => {
  const { path, instances, send } = await openFolder(t, { template: '{SOPInstanceUID}.dcm' });
  const old = smallInstance({ sopInstanceUid: '1.2.1', patientId: 'P-4710', pixelBytes: 200_000 });
  await mkdir(path);
  await writeFile(join(path, '1.2.1.dcm'), part10Of(old));
  const instance = smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 200_000 });

  const outcome = await send(instances.add(instance));

  t.like(outcome, { taken: true, outcome: 'warning' });
  t.true((await readFile(join(path, '1.2.1.dcm'))).equals(part10Of(instance)));
  t.deepEqual(await send(instances.add(instance)), { taken: true, outcome: 'delivered' });
});

test('a name that belongs to another instance, or to no instance, is never overwritten', async (t) => {
  const { path, instances, send, files, leftovers } = await openFolder(t, {
    template: '{StudyInstanceUID}.dcm',
  });
  const first = smallInstance({ sopInstanceUid: '1.2.1' });
  await send(instances.add(first));
  await writeFile(join(path, '9.9.dcm'), 'a letter');
  await writeFile(join(path, '8.8.dcm'), '');

  const second = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2' })));
  const third = await send(
    instances.add(smallInstance({ sopInstanceUid: '1.2.3', studyInstanceUid: '9.9' })),
  );

  const fourth = await send(
    instances.add(smallInstance({ sopInstanceUid: '1.2.4', studyInstanceUid: '8.8' })),
  );

  t.like(fourth, { taken: false, reason: 'refused', code: 'PATH_TAKEN' });
  t.like(second, { taken: false, reason: 'refused', code: 'PATH_TAKEN' });
  t.like(third, { taken: false, reason: 'refused', code: 'PATH_TAKEN' });
  t.deepEqual(await files(), ['1.2.3.100.dcm', '8.8.dcm', '9.9.dcm']);
  t.deepEqual(await leftovers(), []);
  t.true((await readFile(join(path, '1.2.3.100.dcm'))).equals(part10Of(first)));
});

test('of ten instances that want one name at the same moment, one gets it', async (t) => {
  const { instances, send, files } = await openFolder(t, { template: '{Modality}.dcm' });
  const items = Array.from({ length: 10 }, (_, at) =>
    instances.add(smallInstance({ sopInstanceUid: `1.2.${at}` })),
  );

  const outcomes = await Promise.all(items.map((item, slot) => send(item, slot)));

  t.is(outcomes.filter(({ taken }) => taken).length, 1);
  t.deepEqual(await files(), ['OT.dcm']);
});

test('a folder that is a mount point is not made; deliveries wait until it is there', async (t) => {
  const { path, session, instances, send } = await openFolder(t, { create: false });
  const item = instances.add(smallInstance({ sopInstanceUid: '1.2.1' }));

  t.like(await send(item), { taken: false, reason: 'unreachable', code: 'FOLDER_UNAVAILABLE' });
  await t.throwsAsync(async () => session.echo?.(), { code: 'FOLDER_UNAVAILABLE' } as never);
  t.false(existsSync(path));

  await mkdir(path);
  await t.notThrowsAsync(async () => session.echo?.());
  t.true((await send(item)).taken);
});

test('a folder that has gone since the start is not made anew', async (t) => {
  const { path, instances, send } = await openFolder(t);
  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
  await rm(path, { recursive: true });

  const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2' })));

  t.like(outcome, { reason: 'unreachable', code: 'FOLDER_UNAVAILABLE' });
  t.false(existsSync(path));
});

test('a folder of a study that somebody tidied away is made again', async (t) => {
  const { path, instances, send } = await openFolder(t);
  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
  await rm(join(path, '1.2.3.100'), { recursive: true });

  const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2' })));

  t.true(outcome.taken);
});

test('a file where a folder is needed holds the instance; others go', async (t) => {
  const { path, instances, send } = await openFolder(t);
  await mkdir(path);
  await writeFile(join(path, '1.2.3.100'), 'a file');

  const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));

  t.like(outcome, { taken: false, reason: 'refused', code: 'PATH_IMPOSSIBLE' });
  t.true(
    (await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2', studyInstanceUid: '9' })))).taken,
  );
});

test('a damaged copy is held, and nothing of it gets the name', async (t) => {
  const { instances, send, session, files, leftovers } = await openFolder(t);
  for (const pixelBytes of [64, 3_000_000]) {
    const item = instances.add(smallInstance({ sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes }));
    instances.damage(item, item.entry.sizeBytes - 1);
    const problem = await send(item).then(
      (outcome) => (outcome.taken ? undefined : outcome),
      (error: GatewayError) => error,
    );
    t.is(problem?.code, 'DIGEST_MISMATCH');
  }
  await session.echo?.();
  t.deepEqual(await files(), []);
  t.deepEqual(await leftovers(), []);
});

test('names are made of the values that were edited', async (t) => {
  const { path, instances, send } = await openFolder(t, { template: '{PatientID}/{SOPInstanceUID}.dcm' });

  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1', patientId: 'A/B' })));
  await send(
    instances.add(smallInstance({ sopInstanceUid: '1.2.2' }), [{ set: 'PatientID', value: ['ANON'] }]),
  );

  t.true((await stat(join(path, 'A_B', '1.2.1.dcm'))).isFile());
  const expected = part10Of(smallInstance({ sopInstanceUid: '1.2.2', patientId: 'ANON' }));
  t.true((await readFile(join(path, 'ANON', '1.2.2.dcm'))).equals(expected));
});

// Fault case 27.
test.serial(
  'a stale handle, a read-only or full volume and an exceeded quota keep instances waiting',
  async (t) => {
    const { path, instances, send, files, leftovers } = await openFolder(t, { create: false });
    await mkdir(path);
    await using probe = await open(tmpdir(), 'r');
    const prototype = Object.getPrototypeOf(probe) as typeof probe;
    const { writeFile: write, datasync, sync } = prototype;
    t.teardown(() => Object.assign(prototype, { writeFile: write, datasync, sync }));
    const item = instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3_000_000 }));
    for (const code of ['ESTALE', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO']) {
      const fail = async () => {
        throw Object.assign(new Error(`${code}: /${path}/DOE^JANE`), { code, syscall: 'write' });
      };
      for (const step of ['writeFile', 'datasync', 'sync'] as const) {
        Object.assign(prototype, { writeFile: write, datasync, sync, [step]: fail });

        const outcome = await send(item);

        t.like(
          outcome,
          { taken: false, reason: 'unreachable', code: 'FOLDER_UNAVAILABLE' },
          `${code} ${step}`,
        );
        t.regex(outcome.taken ? '' : outcome.message, new RegExp(`answered ${code}`));
        t.notRegex(JSON.stringify(outcome), /DOE/);
        if (step !== 'sync') t.deepEqual(await files(), []);
        t.deepEqual(await leftovers(), []);
      }
      await rm(join(path, '1.2.3.100'), { recursive: true });
    }
    Object.assign(prototype, { writeFile: write, datasync, sync });

    t.true((await send(item)).taken);
  },
);
