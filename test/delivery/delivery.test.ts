import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { GatewayError } from '../../src/errors.ts';
import { dimse, inState, keep, openDelivery } from '../support/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { startAcceptorPeer } from '../support/peer.ts';
import { CT_IMAGE, JPEG_2000_LOSSLESS, smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const several = (count: number, about: object = {}) =>
  Array.from({ length: count }, (_, at) => smallInstance({ sopInstanceUid: `1.2.3.${at + 1}`, ...about }));

test('a destination that is down and comes up gets everything', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const before = await startStoragePeer();
  await before.stop();
  const instances = several(20);
  await keep(spool, instances, ['pacs']);
  const delivery = await start({ pacs: dimse(before.port, { associations_max: 3 }) });
  await eventually('the lane is suspended', () => delivery.lanes()[0]?.state === 'suspended');

  const peer = await startStoragePeer({ port: before.port });
  closeLater(() => peer.stop());
  await eventually('20 delivered', async () => (await inState(spool, 'delivered')) === 20);

  for (const { sopInstanceUid, dataSet } of instances) {
    const arrived = peer.kept.filter((one) => one.sopInstanceUid === sopInstanceUid);
    t.is(arrived.length, 1);
    t.true(arrived[0]?.dataSet.equals(dataSet));
  }
});

test('a destination that refuses one of ten gets nine, and the one is held with its words', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer({
    answer: ({ sopInstanceUid }) =>
      sopInstanceUid === '1.2.3.4' ? { status: 0xc123, errorComment: 'no such order' } : { status: 0 },
  });
  closeLater(() => peer.stop());
  await keep(spool, several(10), ['pacs']);

  await start({ pacs: dimse(peer.port) });
  await eventually('0 pending', async () => (await inState(spool, 'pending')) === 0);

  t.is(await inState(spool, 'delivered'), 9);
  const [held] = await spool.query({ state: 'held' });
  t.is(held?.sopInstanceUid, '1.2.3.4');
  const task = held?.tasks.find(({ kind }) => kind === 'delivery:pacs');
  t.like(task, { state: 'held', code: 'REFUSED', status: 0xc123 });
  t.is(task?.reason, 'Destination answered C123H (Cannot understand): "no such order"');
});

test('one instance that makes the peer abort is held after four attempts; the others arrive', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const aborting = '1.2.3.3';
  const peer = await startAcceptorPeer({
    store: ({ sopInstanceUid }) => (sopInstanceUid === aborting ? 'abort' : 0),
  });
  closeLater(async () => peer.stop());
  await keep(spool, several(10), ['pacs']);

  await start({ pacs: dimse(peer.port, { associations_max: 1 }) });
  await eventually('1 held', async () => (await inState(spool, 'held')) === 1);

  t.is(peer.stores.filter(({ sopInstanceUid }) => sopInstanceUid === aborting).length, 4);
  await eventually('9 delivered', async () => (await inState(spool, 'delivered')) === 9);
});

test('one dead destination of three costs the others nothing', async (t) => {
  const { spool, start, directory, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const dead = await startStoragePeer();
  await dead.stop();
  await keep(spool, several(30), ['pacs', 'dead', 'outbox']);

  const delivery = await start({
    dead: dimse(dead.port),
    pacs: dimse(peer.port),
    outbox: { kind: 'folder', path: join(directory, 'outbox') },
  });
  const taken = (name: string) => delivery.lanes().find(({ destination }) => destination === name)?.taken;
  await eventually('both have taken 30', () => taken('pacs') === 30 && taken('outbox') === 30);

  t.is(peer.kept.length, 30);
  t.is(taken('dead'), 0);
  t.is(await inState(spool, 'pending'), 30);
});

test('what a peer does not take is held, and says why', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer({ acceptsAbstractSyntax: (uid) => uid !== CT_IMAGE });
  closeLater(() => peer.stop());
  const instances = [
    smallInstance({ sopInstanceUid: '1.2.1', sopClassUid: CT_IMAGE }),
    smallInstance({ sopInstanceUid: '1.2.2', transferSyntaxUid: JPEG_2000_LOSSLESS }),
    smallInstance({ sopInstanceUid: '1.2.3' }),
  ];
  await keep(spool, instances, ['pacs']);

  await start({ pacs: dimse(peer.port) });
  await eventually('0 pending', async () => (await inState(spool, 'pending')) === 0);

  const held = await spool.query({ state: 'held' });
  t.deepEqual(
    held
      .map(({ sopInstanceUid, tasks }) => [sopInstanceUid, tasks.find(({ state }) => state === 'held')?.code])
      .toSorted(),
    [
      ['1.2.1', 'SOP_CLASS_NOT_ACCEPTED'],
      ['1.2.2', 'TRANSFER_SYNTAX_NOT_ACCEPTED'],
    ],
  );
  t.is(peer.kept.length, 1);
});

test('tasks of a destination that was removed stay, and are shown as blocked', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  await keep(spool, several(3), ['old-pacs']);

  const delivery = await start({ pacs: dimse(peer.port) });

  t.like(delivery.lanes()[0], { destination: 'pacs', kind: 'dimse-scu', state: 'idle' });
  t.like(delivery.lanes()[1], { destination: 'old-pacs', state: 'blocked' });
  t.is(await inState(spool, 'pending'), 3);
});

test('echo() asks a destination by name', async (t) => {
  const { start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const delivery = await start({ pacs: dimse(peer.port) });

  t.true((await delivery.echo('pacs')).durationMs > 0);
  await t.throwsAsync<GatewayError>(() => delivery.echo('nobody'), {
    message: /no destination of that name/,
  });
});

test('a gateway that stops in mid-delivery sends again after its next start, and loses nothing', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const asked = Promise.withResolvers<void>();
  const slow = await startStoragePeer({
    async answer() {
      asked.resolve();
      await delay(60_000, undefined, { ref: false });
      return { status: 0 };
    },
  });
  closeLater(() => slow.stop());
  await keep(spool, several(5), ['pacs']);
  const first = await start({ pacs: dimse(slow.port) });
  await asked.promise;
  await first.stop(0);
  t.is(await inState(spool, 'pending'), 5);

  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  await start({ pacs: dimse(peer.port) });
  await eventually('5 delivered', async () => (await inState(spool, 'delivered')) === 5);

  t.is(peer.kept.length, 5);
});
