/** Sources, destinations and rules are put in force together while the gateway runs, or not at all. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadSettings, type Settings } from '../../src/config/config.ts';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RequestorPeer } from '../support/peer.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

function pacsAt(port: number) {
  return { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS' };
}

const toAll = (name: string) => `rules: []\notherwise: { to: [${name}] }\n`;

/** The settings that the gateway runs with, changed; and the text of its rules, replaced. */
async function changed(
  gateway: TestGateway,
  rules: string,
  destinations: Record<string, unknown>,
  settings: Record<string, unknown> = {},
): Promise<Settings> {
  const path = join(gateway.folder, 'rules.yaml');
  await writeFile(path, rules);
  const values = {
    spool: { directory: join(gateway.folder, 'spool'), watermark_free_bytes: 1_000_000 },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
    destinations: { outbox: null, ...destinations },
    rules: { path },
    console: { port: 0 },
    log: { level: 'silent' },
    drain_limit: '5s',
    ...settings,
  };
  return loadSettings({ env: { NODE_CONFIG: JSON.stringify(values) } });
}

async function gatewayTo(port: number): Promise<TestGateway> {
  return startTestGateway({
    rules: toAll('pacs'),
    settings: { destinations: { outbox: null, pacs: pacsAt(port) } },
  });
}

// Fault case 31.
test('reload during an open association: what came before and after it arrives, where the rules then say', async (t) => {
  const first = await startStoragePeer();
  const second = await startStoragePeer();
  t.teardown(() => Promise.all([first.stop(), second.stop()]));
  await using gateway = await gatewayTo(first.port);
  const captures = ['before', 'after'].map((label) => secondaryCapture({ label: `reload-${label}` }));
  const modality = await RequestorPeer.associate(gateway.port, captures);

  t.is(await modality.store(captures[0]!), '8001H of 1: 0000H');
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);
  const next = await changed(gateway, toAll('archive'), {
    pacs: pacsAt(first.port),
    archive: pacsAt(second.port),
  });
  t.deepEqual(await gateway.reload(next), []);
  t.is(await modality.store(captures[1]!), '8001H of 2: 0000H');
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 2);
  await modality.release();

  t.deepEqual(
    [first, second].map(({ kept }) => kept.map(({ sopInstanceUid }) => sopInstanceUid)),
    captures.map(({ sopInstanceUid }) => [sopInstanceUid]),
  );
});

// Fault case 29.
test('rules that name no destination of the settings change nothing: all goes on as before', async (t) => {
  const peer = await startStoragePeer();
  t.teardown(() => peer.stop());
  await using gateway = await gatewayTo(peer.port);

  const wrong = await changed(gateway, toAll('nowhere'), { pacs: pacsAt(peer.port) });
  await t.throwsAsync(gateway.reload(wrong), { message: /unknown destination "nowhere"/ });

  t.deepEqual(await sendInstances(gateway.port, [secondaryCapture({ label: 'as-before' })]), [0]);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);
  t.is(peer.kept.length, 1);
});

// Fault case 29.
test('work of a destination that got another name is shown as blocked, and goes when the name is back', async (t) => {
  const peer = await startStoragePeer({ answer: () => ({ status: 0xa700 }) });
  await using gateway = await gatewayTo(peer.port);
  await sendInstances(gateway.port, [secondaryCapture({ label: 'renamed' })]);
  await spoolReaches(gateway.spool, ({ tasks }) => tasks.some(({ kind }) => kind === 'delivery:pacs'));
  await peer.stop();
  const well = await startStoragePeer();
  t.teardown(() => well.stop());

  await gateway.reload(await changed(gateway, toAll('archive'), { archive: pacsAt(well.port) }));
  const blocked = gateway.lanes().filter(({ state }) => state === 'blocked');
  const { states } = await gateway.spool.status();
  await gateway.reload(await changed(gateway, toAll('pacs'), { pacs: pacsAt(well.port) }));
  await gateway.spool.retry({ destination: 'pacs' });
  await spoolReaches(gateway.spool, (now) => now.states.delivered === 1, 90_000);

  t.deepEqual(
    blocked.map(({ destination }) => destination),
    ['pacs'],
  );
  t.like(states, { pending: 1 });
  t.is(well.kept.length, 1);
});

test('a source that is taken off the list is not admitted any more, and what it has open goes on', async (t) => {
  const peer = await startStoragePeer();
  t.teardown(() => peer.stop());
  const named = { allow_any_caller: false, sources: { ct: { ae_title: 'CT1' } } };
  await using gateway = await startTestGateway({
    rules: toAll('pacs'),
    settings: { destinations: { outbox: null, pacs: pacsAt(peer.port) }, ...named },
  });
  const capture = secondaryCapture({ label: 'taken-off' });
  const open = await RequestorPeer.associate(gateway.port, [capture], { calling: 'CT1' });

  await gateway.reload(
    await changed(
      gateway,
      toAll('pacs'),
      { pacs: pacsAt(peer.port) },
      { ...named, sources: { mr: { ae_title: 'MR1' } } },
    ),
  );

  await t.throwsAsync(RequestorPeer.associate(gateway.port, [capture], { calling: 'CT1' }));
  t.is(await open.store(capture), '8001H of 1: 0000H');
  await open.release();
  const mr = await RequestorPeer.associate(gateway.port, [capture], { calling: 'MR1' });
  await mr.release();
});

test('of reloads that come while one is under way the last holds, and each is answered', async (t) => {
  const peers = await Promise.all([1, 2, 3].map(() => startStoragePeer()));
  t.teardown(() => Promise.all(peers.map((peer) => peer.stop())));
  await using gateway = await gatewayTo(peers[0]!.port);
  const inTurn = [];
  for (const { port } of peers) inTurn.push(await changed(gateway, toAll('pacs'), { pacs: pacsAt(port) }));

  await Promise.all(inTurn.map((settings) => gateway.reload(settings)));
  await sendInstances(gateway.port, [secondaryCapture({ label: 'the-last-holds' })]);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);

  t.deepEqual(
    peers.map(({ kept }) => kept.length),
    [0, 0, 1],
  );
});

test('settings that take a restart are named, and stay as they were', async (t) => {
  const peer = await startStoragePeer();
  t.teardown(() => peer.stop());
  await using gateway = await gatewayTo(peer.port);
  const next = await changed(gateway, toAll('pacs'), { pacs: pacsAt(peer.port) }, { drain_limit: '7s' });

  t.deepEqual(await gateway.reload(next), ['drain_limit']);
});
