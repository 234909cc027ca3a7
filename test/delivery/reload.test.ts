import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { GatewayError } from '../../src/errors.ts';
import { dimse, inState, keep, openDelivery, settingsOf } from '../support/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

let instances = 0;

function several(count: number) {
  return Array.from({ length: count }, () => {
    instances += 1;
    return smallInstance({ sopInstanceUid: `1.2.9.${instances}` });
  });
}

// Fault case 31.
test('lanes are opened anew again and again while instances come in: each is delivered, none is lost', async (t) => {
  const { spool, start, directory, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const outbox = { kind: 'folder', path: join(directory, 'outbox') };
  const delivery = await start({ pacs: dimse(peer.port), outbox });
  const unchanged = delivery.lanes().find(({ destination }) => destination === 'outbox');
  t.truthy(unchanged);

  const coming = (async () => {
    for (let round = 0; round < 20; round += 1) await keep(spool, several(10), ['pacs', 'outbox']);
  })();
  for (let round = 1; round <= 12; round += 1) {
    const pacs = dimse(peer.port, { associations_max: 1 + (round % 4) });
    await delivery.reload(settingsOf({ pacs, outbox }), {}, { drainMs: 2000 });
  }
  await coming;
  await eventually('all delivered', async () => (await inState(spool, 'delivered')) === 200, 20_000);

  t.is(new Set(peer.kept.map(({ sopInstanceUid }) => sopInstanceUid)).size, 200);
  const outboxNow = delivery.lanes().find(({ destination }) => destination === 'outbox');
  t.is(outboxNow?.taken, 200, 'a lane whose settings are the same was never closed');
  t.true((delivery.lanes().find(({ destination }) => destination === 'pacs')?.taken ?? 0) < 200);
});

test('what is being sent when its destination changes finishes over the old settings, and is not sent twice', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const before = await startStoragePeer({
    async answer() {
      asked.resolve();
      await answer.promise;
      return { status: 0 };
    },
  });
  const after = await startStoragePeer();
  closeLater(() => before.stop());
  closeLater(() => after.stop());
  await keep(spool, several(6), ['pacs']);
  const delivery = await start({ pacs: dimse(before.port, { associations_max: 1 }) });
  await asked.promise;

  const reloaded = delivery.reload(settingsOf({ pacs: dimse(after.port) }), {}, { drainMs: 10_000 });
  answer.resolve();
  await reloaded;
  await eventually('all delivered', async () => (await inState(spool, 'delivered')) === 6);

  t.is(before.kept.length, 1);
  t.is(after.kept.length, 5);
});

// Fault case 29.
test('a destination that is renamed leaves its work behind, blocked; named again it goes on', async (t) => {
  const { spool, start, closeLater, telemetry } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const dead = await startStoragePeer();
  await dead.stop();
  await keep(spool, several(5), ['pacs']);
  const delivery = await start({ pacs: dimse(dead.port) });
  await eventually('it is down', () => delivery.lanes()[0]?.breaker !== 'closed');

  await delivery.reload(settingsOf({ archive: dimse(peer.port) }));

  t.deepEqual(
    delivery.lanes().map(({ destination, state }) => [destination, state]),
    [
      ['archive', 'idle'],
      ['pacs', 'blocked'],
    ],
  );
  t.is(await inState(spool, 'pending'), 5);
  const { values } = await telemetry.metrics.breakerOpen.get();
  t.deepEqual(
    values.map(({ labels }) => labels.destination),
    ['archive'],
    'nobody is alarmed about a destination that is gone',
  );

  await delivery.reload(settingsOf({ archive: dimse(peer.port), pacs: dimse(peer.port) }));
  await eventually('all delivered', async () => (await inState(spool, 'delivered')) === 5);
  t.false(delivery.lanes().some(({ state }) => state === 'blocked'));
});

test('a destination that cannot be opened leaves everything as it was', async (t) => {
  const { spool, start, directory, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const delivery = await start({ pacs: dimse(peer.port) });
  const key = join(directory, 'no.key');
  await writeFile(key, 'not a key');

  const broken = { ...dimse(peer.port), tls: { ca: key } };
  await t.throwsAsync<GatewayError>(() => delivery.reload(settingsOf({ pacs: dimse(1), broken })));

  await keep(spool, several(3), ['pacs']);
  await eventually('all delivered', async () => (await inState(spool, 'delivered')) === 3);
  t.deepEqual(
    delivery.lanes().map(({ destination }) => destination),
    ['pacs'],
  );
});

test('a stop while lanes are opened anew stops them all', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const delivery = await start({ pacs: dimse(peer.port) });

  const reloaded = delivery.reload(
    settingsOf({ pacs: dimse(peer.port, { associations_max: 3 }) }),
    {},
    { drainMs: 100 },
  );
  await delivery.stop(100);
  await reloaded;
  await keep(spool, several(3), ['pacs']);

  t.is(delivery.lanes()[0]?.state, 'stopped');
  t.is(await inState(spool, 'pending'), 3);
});

test('a gateway goes live lane by lane: what was reported is not sent, what comes after is', async (t) => {
  const { spool, start, closeLater, reports } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const delivery = await start({ pacs: dimse(peer.port) }, { site: { mode: 'report' } });
  t.true(delivery.lanes()[0]?.reportOnly);
  await keep(spool, several(4), ['pacs']);
  await eventually('all reported', async () => (await inState(spool, 'delivered')) === 4);
  t.is(peer.received.length, 0);

  await delivery.reload(settingsOf({ pacs: dimse(peer.port) }), { mode: 'live' });
  await keep(spool, several(2), ['pacs']);
  await eventually('all delivered', async () => (await inState(spool, 'delivered')) === 6);

  t.is(peer.kept.length, 2);
  t.is(delivery.lanes()[0]?.reportOnly, undefined);
  const [file] = await readdir(reports);
  t.is((await readFile(join(reports, file!), 'utf8')).trimEnd().split('\n').length, 4);
});
