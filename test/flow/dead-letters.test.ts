import { Writable } from 'node:stream';
import test from 'ava';
import { pino } from 'pino';
import type { EntryAnswer, GroupAnswer } from '../../src/console/console.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const RULES = 'rules: []\notherwise: { to: [pacs] }\n';
const COMMENT = 'DOE^JANE has no order';

test('what the peer says of a refused instance reaches the operator, and neither log, metrics nor status', async (t) => {
  const peer = await startStoragePeer({ answer: () => ({ status: 0xa900, errorComment: COMMENT }) });
  t.teardown(() => peer.stop());
  let log = '';
  const sink = new Writable({
    write(text, _encoding, done) {
      log += text;
      done();
    },
  });
  const pacs = { kind: 'dimse-scu', host: '127.0.0.1', port: peer.port, called_ae_title: 'PACS' };
  await using gateway = await startTestGateway({
    rules: RULES,
    settings: { destinations: { outbox: null, pacs } },
    telemetry: { log: pino({ level: 'trace' }, sink), metrics: createMetrics() },
  });
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${gateway.console.port}${path}`)).text();
  await sendInstances(gateway.port, [secondaryCapture({ label: 'refused' })]);
  await spoolReaches(gateway.spool, ({ states }) => states.held === 1);

  const held = JSON.parse(await ask('/api/held')) as { entries: EntryAnswer[] };
  const groups = JSON.parse(await ask('/api/held/groups')) as { groups: GroupAnswer[] };
  const entry = JSON.parse(await ask('/api/entries/1')) as EntryAnswer;

  t.like(held.entries[0]?.tasks[0], { destination: 'pacs', code: 'REFUSED', status: 'A900H' });
  const attempt = entry.tasks.find(({ destination }) => destination === 'pacs')?.attempts?.[0];
  for (const said of [held.entries[0]?.tasks[0]?.reason, groups.groups[0]?.reason, attempt?.message]) {
    t.regex(String(said), /: "DOE\^JANE has no order"$/);
  }
  t.regex(log, /Delivery failed\./);
  for (const told of [log, await ask('/metrics'), await ask('/api/status')]) {
    t.notRegex(String(told), /DOE|JANE/);
  }
});
