/** Senders that stop in the midst, or go on so slowly that it comes to the same. Fault case 4. */
import ava from 'ava';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RequestorPeer } from '../support/peer.ts';
import { associateRequest } from '../support/raw-pdu.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { smallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';

const test = ava.serial;
let gateway: TestGateway;

ava.before(async () => {
  // One place, so that a sender that keeps it is noticed at once.
  const dimse = {
    kind: 'dimse-scp',
    host: '127.0.0.1',
    port: 0,
    ae_titles: ['SLIDEGATE'],
    associations_max: 1,
    association_timeout: '400ms',
    pdu_timeout: '400ms',
    idle_timeout: '800ms',
  };
  gateway = await startTestGateway({ settings: { inputs: { dimse } } });
});
ava.after.always(() => gateway[Symbol.asyncDispose]());

const instance = smallInstance({ sopInstanceUid: '1.2.3.4.1', pixelBytes: 100_000 });

/** What the sender does before it stalls. */
const STALLS: Readonly<Record<string, (peer: RequestorPeer) => Promise<unknown>>> = {
  'after the command set': (peer) => peer.storePart(instance, 0),
  'between two PDUs of a data set': (peer) => peer.storePart(instance, 0.5),
  'in the midst of a PDU': async (peer) => {
    const [command = Buffer.alloc(0), data = Buffer.alloc(0)] = peer.storePdus(instance);
    await peer.raw.send(command, data.subarray(0, 5000));
  },
  'in the header of a PDU': async (peer) => {
    const [command = Buffer.alloc(0)] = peer.storePdus(instance);
    await peer.raw.send(command, Buffer.from([4, 0, 0]));
  },
  'between two messages': (peer) => peer.echo(),
};

for (const [where, start] of Object.entries(STALLS)) {
  test(`a sender that stalls ${where} is aborted, and its place is free`, async (t) => {
    const peer = await RequestorPeer.associate(gateway.port, [instance]);
    await start(peer);
    const other = await RawPeer.connect(gateway.port);
    await other.send(associateRequest());
    t.is(await other.nextWords(), 'A-ASSOCIATE-RJ 2/3/2', 'there is no place while it stalls');
    await other.close();

    t.regex(await peer.raw.nextWords(), /^A-ABORT /);

    await peer.raw.close();
    await assertPlaceIsFree(t);
  });
}

test('a sender of one byte at a time is aborted when its PDU has taken too long', async (t) => {
  const peer = await RequestorPeer.associate(gateway.port, [instance]);
  const [command = Buffer.alloc(0), data = Buffer.alloc(0)] = peer.storePdus(instance);
  await peer.raw.send(command);
  const startedMs = performance.now();

  const isSent = await peer.trickle(data, 20);

  t.false(isSent);
  t.true(performance.now() - startedMs < 5000);
  await peer.raw.close();
  await assertPlaceIsFree(t);
});

test('a caller that connects and says nothing is sent away', async (t) => {
  const silent = await RawPeer.connect(gateway.port);

  t.is(await silent.nextWords(), 'closed');

  await silent.close();
  await assertPlaceIsFree(t);
});

test('stalls leave nothing of what had come', async (t) => {
  t.like(await gateway.spool.status(), { accepted: 0, tasks: [] });
  const directory = `${gateway.folder}/spool`;
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

async function assertPlaceIsFree(t: { is(actual: string, expected: string): unknown }): Promise<void> {
  const next = await RequestorPeer.associate(gateway.port, []);
  t.is(await next.echo(), '8030H of 1: 0000H');
  await next.release();
}
