/** What the settings of a site say about sending, from the settings to the wire. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const HOUR_MS = 3_600_000;

function captures(label: string, count: number, options: object = {}) {
  return Array.from({ length: count }, (_, index) =>
    secondaryCapture({ label: `${label}-${index}`, ...options }),
  );
}

/** A window of an hour that begins in so many hours, UTC. */
function windowIn(hours: number) {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString().slice(11, 16);
  return [{ from: at(hours * HOUR_MS), to: at((hours + 1) * HOUR_MS) }];
}

test('a gateway in the mode report takes everything, sends nothing, and says so', async (t) => {
  await using gateway = await startTestGateway({ settings: { mode: 'report' } });
  const instances = captures('report', 5);

  const statuses = await sendInstances(gateway.port, instances);
  const { states } = await spoolReaches(gateway.spool, (now) => now.states.delivered === 5);

  t.deepEqual([...new Set(statuses)], [0]);
  t.is(states.held, 0);
  await t.throwsAsync(readdir(gateway.outbox), { code: 'ENOENT' });
  const reports = join(gateway.folder, 'spool', 'reports');
  const [file] = await readdir(reports);
  t.regex(file ?? '', /^outbox-\d{8}\.jsonl$/);
  const lines = (await readFile(join(reports, file!), 'utf8')).trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).sopInstanceUid).sort(),
    instances.map(({ sopInstanceUid }) => sopInstanceUid).sort(),
  );
  const status = await (await fetch(`http://127.0.0.1:${gateway.console.port}/api/status`)).json();
  t.like((status as { destinations: object[] }).destinations[0], { name: 'outbox', reportOnly: true });
});

test('what rules call off-peak waits for its window, what they call urgent does not, nor does the rest', async (t) => {
  const peer = await startStoragePeer();
  t.teardown(() => peer.stop());
  const pacs = {
    kind: 'dimse-scu',
    host: '127.0.0.1',
    port: peer.port,
    called_ae_title: 'PACS',
    off_peak: windowIn(3),
  };
  await using gateway = await startTestGateway({
    rules: `rules:
  - name: research waits
    when: { attribute: SOPClassUID, is: 1.2.840.10008.5.1.4.1.1.77.1.2 }
    to: [pacs]
    priority: off-peak
  - name: haste
    when: { attribute: SOPClassUID, is: 1.2.840.10008.5.1.4.1.1.77.1.4 }
    to: [pacs]
    priority: urgent
otherwise: { to: [pacs] }
`,
    settings: { time_zone: 'UTC', destinations: { outbox: null, pacs } },
  });

  await sendInstances(gateway.port, [
    ...captures('research', 4, { sopClassUid: '1.2.840.10008.5.1.4.1.1.77.1.2' }),
    ...captures('others', 4),
    ...captures('haste', 4, { sopClassUid: '1.2.840.10008.5.1.4.1.1.77.1.4' }),
  ]);
  const { states } = await spoolReaches(gateway.spool, (now) => now.states.delivered === 8);

  t.is(states.pending, 4);
  t.is(peer.kept.length, 8);
  t.is(gateway.lanes()[0]?.state, 'idle');
});

test('a destination outside of its windows is sent nothing and shown as closed', async (t) => {
  await using gateway = await startTestGateway({
    settings: { time_zone: 'UTC', destinations: { outbox: { send_windows: windowIn(2) } } },
  });
  await sendInstances(gateway.port, captures('closed', 3));
  await eventually('planned', async () =>
    (await gateway.spool.status()).tasks.some(({ kind, count }) => kind === 'delivery:outbox' && count === 3),
  );

  const [lane] = gateway.lanes();

  t.is(lane?.state, 'closed');
  t.true(Math.abs((lane?.opensAtMs ?? 0) - (Date.now() + 2 * HOUR_MS)) < 61_000);
  t.is((await gateway.spool.status()).states.pending, 3);
});
