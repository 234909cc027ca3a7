import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { run } from '../../src/cli/peer-process.ts';
import { folder } from '../../src/delivery/folder.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { smallInstance } from '../support/small-instance.ts';

test('a DICOMDIR is right for dcmdump, dciodvfy and dcmmkdir, which goes on with it', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'slidegate-file-set-'));
  t.teardown(() => rm(path, { recursive: true }));
  const instances = new MemoryInstances();
  const session = folder.open(folder.settings.parse({ kind: 'folder', path, dicomdir: true }), {
    name: 'media',
    instances,
    telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
  });
  for (const number of [1, 2, 3]) {
    const instance = smallInstance({
      sopInstanceUid: `1.2.3.${number}`,
      studyInstanceUid: `1.2.9.${number >> 1}`,
      seriesInstanceUid: `1.2.9.${number >> 1}.1`,
      elements: [
        [0x0008_0020, 'DA', '20260101'],
        [0x0008_0030, 'TM', '101500'],
        [0x0020_0010, 'SH', 'S1'],
        [0x0020_0011, 'IS', '1'],
        [0x0020_0013, 'IS', String(number)],
        [0x0028_0010, 'US', Uint8Array.of(1, 0)],
      ],
    });
    t.true(
      (await session.send(await session.prepare(instances.add(instance)), { slot: 0, alone: false })).taken,
    );
  }
  await session.close();
  const dicomdir = join(path, 'DICOMDIR');

  const dumped = await run('dcmdump', ['-q', dicomdir]);
  t.is(dumped.output.match(/"Directory Record" IMAGE .*\n.*refFileID="IMAGES/g)?.length, 3, dumped.output);
  const checked = await run('dciodvfy', [dicomdir]);
  t.notRegex(checked.output, /Error/);
  // It reads the directory, and finds in it whatever it would add.
  const added = await run('dcmmkdir', [
    ...['--general-purpose', '--append', '--recurse', '--input-directory', path],
    ...['--output-file', dicomdir, 'IMAGES'],
  ]);
  t.is(added.code, 0, added.output);
  t.is(added.output.match(/directory record for this SOP instance already exists/g)?.length, 3, added.output);
});
