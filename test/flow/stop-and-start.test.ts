/** A gateway that is told to stop in the midst of its work, and started again. What SIGTERM does is `stop`. */
import { readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { type AcceptorScript, RequestorPeer, startAcceptorPeer } from '../support/peer.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { type SmallInstance, smallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';

// Fault case 33.
test('an instance that is under way at the stop is taken to its end, and delivered after the start', async (t) => {
  const { pacs, start } = await folderWithPacs(t, { drain_limit: '10s' });
  const instance = newInstance(2_000_000);
  const gateway = await start();
  const sender = await RequestorPeer.associate(gateway.port, [instance]);
  const pdus = sender.storePdus(instance);
  await sender.raw.send(...pdus.slice(0, 90));
  await eventually(
    'it is being kept',
    () => readdirSync(join(gateway.folder, 'spool/incoming')).length === 1,
  );

  const stopped = gateway.stop('SIGTERM');
  await t.throwsAsync(RawPeer.associate(gateway.port), undefined, 'nobody else is let in');
  await sender.raw.send(...pdus.slice(90));

  t.is(await sender.raw.nextWords(), '8001H of 1: 0000H');
  await sender.raw.close();
  await stopped;
  await using again = await start();
  await spoolReaches(again.spool, ({ states }) => states.delivered === 1);
  t.true(pacs.stores.at(-1)?.dataSet.equals(instance.dataSet));
  t.deepEqual([...auditLedger(join(again.folder, 'spool')), ...auditFiles(join(again.folder, 'spool'))], []);
});

// Fault case 33.
test('a sender that stalls keeps it from stopping for no longer than the limit, and leaves nothing', async (t) => {
  const { start } = await folderWithPacs(t, { drain_limit: '500ms' });
  const instance = newInstance(2_000_000);
  const gateway = await start();
  const sender = await RequestorPeer.associate(gateway.port, [instance]);
  await sender.storePart(instance, 0.5);

  const startedMs = performance.now();
  await gateway.stop('SIGTERM');

  t.true(performance.now() - startedMs < 4000);
  t.regex((await sender.raw.restWords()).join(', '), /^(A-ABORT \d\/\d, )?closed$/);
  await using again = await start();
  t.is((await again.spool.status()).accepted, 0);
  t.deepEqual([...auditLedger(join(again.folder, 'spool')), ...auditFiles(join(again.folder, 'spool'))], []);
});

// Fault case 33.
test('a delivery that is not answered at the stop is made again, and is on record once', async (t) => {
  let isMute = true;
  const { pacs, start } = await folderWithPacs(
    t,
    { drain_limit: '300ms' },
    { store: () => (isMute ? 'silence' : 0) },
  );
  const instance = newInstance(1000);
  const gateway = await start();
  const sender = await RequestorPeer.associate(gateway.port, [instance]);
  t.is(await sender.store(instance), '8001H of 1: 0000H');
  await sender.release();
  await eventually('it is being sent', () => pacs.stores.length > 0);

  const startedMs = performance.now();
  await gateway.stop('SIGTERM');
  t.true(performance.now() - startedMs < 4000);
  isMute = false;
  await using again = await start();

  await spoolReaches(again.spool, ({ states }) => states.delivered === 1);
  t.is(pacs.stores.length, 2);
  const [entry] = await again.spool.query({ sopInstanceUid: instance.sopInstanceUid });
  t.deepEqual(
    entry?.tasks.map(({ kind, state }) => `${kind} ${state}`),
    ['rules done', 'delivery:pacs done'],
  );
});

/** A folder on which one gateway after the other is started, and where it sends everything. */
async function folderWithPacs(
  t: ExecutionContext,
  settings: Record<string, unknown>,
  script: AcceptorScript = {},
) {
  const pacs = await startAcceptorPeer(script);
  t.teardown(() => pacs.stop());
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-stop-'));
  const destination = { kind: 'dimse-scu', host: '127.0.0.1', port: pacs.port, called_ae_title: 'PACS' };
  const start = () =>
    startTestGateway({
      folder,
      rules: 'rules: []\notherwise: { to: [pacs] }\n',
      settings: { destinations: { outbox: null, pacs: destination }, ...settings },
    });
  return { pacs, start };
}

let instances = 0;

function newInstance(pixelBytes: number): SmallInstance {
  instances += 1;
  return smallInstance({ sopInstanceUid: `1.2.3.33.${instances}`, pixelBytes });
}
