import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { DICOM_WEB_PLUGIN, startOrthanc } from '../../src/cli/orthanc-peer.ts';
import { run } from '../../src/cli/peer-process.ts';
import { stowRs } from '../../src/delivery/stow-rs.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { dataSetOf } from '../support/part10.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';
import { smallInstance } from '../support/small-instance.ts';

const RULES = 'rules: []\notherwise: { to: [pacs] }\n';

test('what a modality sends is in Orthanc by DICOMweb, byte for byte', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-stow-'));
  t.teardown(() => rm(scratch, { recursive: true, force: true }));
  const orthanc = await startOrthanc({ Plugins: [DICOM_WEB_PLUGIN] });
  t.teardown(() => orthanc.stop());
  const url = `http://127.0.0.1:${orthanc.httpPort}/dicom-web/`;
  const pacs = { kind: 'stow-rs', url };
  await using gateway = await startTestGateway({
    rules: RULES,
    settings: { destinations: { outbox: null, pacs } },
  });
  // Small enough for one write, and large enough for many.
  const captures = [64, 1500].map((rows) => secondaryCapture({ label: `stow-${rows}`, rows, columns: 1000 }));
  const files = captures.map((_, index) => join(scratch, `${index}.dcm`));
  for (const [index, capture] of captures.entries()) await writeCapture(files[index]!, capture);

  const sent = await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), ...files]);

  t.is(sent.code, 0, sent.output);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === captures.length);
  const ids = (await orthanc.get('/instances')) as string[];
  const stored = await Promise.all(ids.map((id) => orthanc.getBytes(`/instances/${id}/file`)));
  t.is(stored.length, captures.length);
  for (const { dataSet } of captures) t.true(stored.some((file) => dataSetOf(file).equals(dataSet)));
});

test('without the right name an instance waits for the settings to be put right; with it, it may come twice', async (t) => {
  process.env.SLIDEGATE_TEST_ORTHANC = 'right';
  const orthanc = await startOrthanc({
    Plugins: [DICOM_WEB_PLUGIN],
    AuthenticationEnabled: true,
    RegisteredUsers: { gateway: 'right' },
  });
  t.teardown(() => orthanc.stop());
  const instances = new MemoryInstances();
  const open = (username: string) =>
    stowRs.open(
      stowRs.settings.parse({
        kind: 'stow-rs',
        url: `http://127.0.0.1:${orthanc.httpPort}/dicom-web`,
        auth: { kind: 'basic', username, password_env: 'SLIDEGATE_TEST_ORTHANC' },
      }),
      {
        name: 'pacs',
        instances,
        telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
      },
    );
  const [right, wrong] = [open('gateway'), open('somebody')];
  t.teardown(() => Promise.all([right.close(), wrong.close()]));
  const item = instances.add(smallInstance({ sopInstanceUid: '1.2.3.4.5', pixelBytes: 700_000 }));

  const refused = await wrong.send(await wrong.prepare(item), { slot: 0, alone: false });
  t.like(refused, { taken: false, reason: 'unreachable', code: 'NOT_AUTHORIZED' });
  await t.throwsAsync(async () => wrong.echo?.(), { message: /401/ });

  await t.notThrowsAsync(async () => right.echo?.());
  t.true((await right.send(await right.prepare(item), { slot: 0, alone: false })).taken);
  // A second time: it has it, and says so.
  t.true((await right.send(await right.prepare(item), { slot: 0, alone: false })).taken);
});
