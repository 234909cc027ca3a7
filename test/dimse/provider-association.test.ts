import ava from 'ava';
import { decodeAssociateAccept } from '../../src/dimse/association-pdu.ts';
import { REJECTION } from '../../src/dimse/pdu.ts';
import {
  associateRequest,
  CT_IMAGE_STORAGE,
  EXPLICIT_LE,
  echoRequest,
  pData,
  pdv,
  RELEASE_REQUEST,
  storeCommand,
  storeRequest,
} from '../support/raw-pdu.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { ECHO_ANSWERED, startRecordingProvider } from '../support/recording-provider.ts';

/** One after the other: what takes long here must not make another test late. */
const test = ava.serial;

const QUICK = { associationMs: 5000, pduMs: 5000, idleMs: 5000 };

test('a peer that is not admitted is rejected with the reason given', async (t) => {
  const { events, connect } = await startRecordingProvider(t, {
    admit: () => ({ admitted: false, rejection: REJECTION.callingAeTitleNotRecognized }),
  });
  const peer = await connect();
  await peer.send(associateRequest({ calling: 'STRANGER' }));
  t.is(await peer.nextWords(), 'A-ASSOCIATE-RJ 1/1/3');
  await peer.close();
  const { peer: caller } = await events.next('association-rejected');
  t.deepEqual(caller, { callingAeTitle: 'STRANGER', calledAeTitle: 'SLIDEGATE', peerAddress: '127.0.0.1' });
});

test('admission that throws rejects for the moment, and ends nothing else', async (t) => {
  let count = 0;
  const { events, echo, connect } = await startRecordingProvider(t, {
    admit() {
      count += 1;
      if (count === 1) throw new Error('no directory');
      return { admitted: true, source: 'unknown' };
    },
  });
  const peer = await connect();
  await peer.send(associateRequest());
  t.is(await peer.nextWords(), 'A-ASSOCIATE-RJ 2/3/1');
  await events.next('handler-failed');
  t.deepEqual(await echo(), ECHO_ANSWERED);
});

test('one association over the limit is rejected as transient, and accepted when another has ended', async (t) => {
  const { provider, connect, associate } = await startRecordingProvider(t, { associationsMax: 2 });
  const first = await associate();
  const second = await associate();
  const third = await connect();
  t.is(provider.activeAssociations, 2);

  await third.send(associateRequest());
  t.is(await third.nextWords(), 'A-ASSOCIATE-RJ 2/3/2');
  await first.send(RELEASE_REQUEST);
  t.is(await first.nextWords(), 'A-RELEASE-RP');

  t.is(provider.activeAssociations, 1); // The connection of the first still lingers, its association does not.
  const again = await associate();
  for (const peer of [first, second, third, again]) await peer.close();
});

test('a flood of connections that ask for nothing does not keep out one that asks', async (t) => {
  const { connect, associate } = await startRecordingProvider(t, { associationsMax: 2 });
  const flood: RawPeer[] = [];
  for (let count = 0; count < 60; count += 1) flood.push(await connect());

  const peer = await associate();

  await peer.send(echoRequest(1));
  t.is(await peer.nextWords(), '8030H of 1: 0000H');
  t.is(await flood[0]?.nextWords(), 'closed');
  for (const other of [...flood, peer]) await other.close();
});

test('128 presentation contexts are negotiated, each by itself', async (t) => {
  const { events, connect } = await startRecordingProvider(t, {
    acceptsAbstractSyntax: (uid) => !uid.endsWith('.7'),
  });
  const contexts = Array.from({ length: 128 }, (_, index) => ({
    id: 2 * index + 1,
    abstractSyntax: `${CT_IMAGE_STORAGE}.${index}`,
    transferSyntaxes: [EXPLICIT_LE],
  }));
  const peer = await connect();
  await peer.send(associateRequest({ contexts }));
  const answer = await peer.next();
  const { presentationContexts, userInformation } = decodeAssociateAccept(answer?.body as Buffer);
  t.is(presentationContexts.length, 128);
  t.deepEqual(
    presentationContexts.filter(({ result }) => result !== 0).map(({ id, result }) => [id, result]),
    [[15, 3]],
  );
  t.is(userInformation.maxPduLengthBytes, 131_072);
  t.is((await events.next('association-accepted')).presentationContexts, 127);
});

test('contexts that do not ascend are served by their ids', async (t) => {
  const { stores, associate } = await startRecordingProvider(t);
  const peer = await associate({
    contexts: [
      { id: 3, abstractSyntax: '1.2.840.10008.5.1.4.1.1.4', transferSyntaxes: [EXPLICIT_LE] },
      { id: 1, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: ['1.2.840.10008.1.2'] },
    ],
  });
  await peer.send(storeRequest(1, Buffer.alloc(10)));
  t.is(await peer.nextWords(), '8001H of 1: 0000H');
  t.is(stores[0]?.request.transferSyntaxUid, '1.2.840.10008.1.2');
});

test('a context that was refused cannot be used', async (t) => {
  const { associate } = await startRecordingProvider(t, {
    acceptsAbstractSyntax: (uid) => uid !== CT_IMAGE_STORAGE,
  });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(10)));
  t.is(await peer.nextWords(), 'A-ABORT 2/6');
});

for (const maxPduLength of [0, 1024, undefined] as const) {
  test(`a peer that receives PDUs of ${maxPduLength ?? 'an untold length'} is served`, async (t) => {
    const { associate } = await startRecordingProvider(t);
    const peer = await associate({ maxPduLength });
    await peer.send(storeRequest(1, Buffer.alloc(10)));
    t.is(await peer.nextWords(), '8001H of 1: 0000H');
  });
}

test('a connection without A-ASSOCIATE-RQ is closed when ARTIM expires, also when bytes trickle', async (t) => {
  const { events, connect } = await startRecordingProvider(t, {
    timeouts: { ...QUICK, associationMs: 150 },
  });
  const silent = await connect();
  const trickling = await connect();
  const request = associateRequest();
  let at = 0;
  const drip = setInterval(() => trickling.send(request.subarray(at, ++at)), 20);

  t.is(await silent.nextWords(), 'closed');
  t.is(await trickling.nextWords(), 'closed');

  clearInterval(drip);
  const { end } = await events.next('connection-ended', 2);
  t.is(end.how === 'aborted' && end.cause, 'association-timeout');
  for (const peer of [silent, trickling]) await peer.close();
});

test('an association that rests too long is aborted, and its connection closed though the peer keeps its half', async (t) => {
  const { events, associate } = await startRecordingProvider(t, {
    timeouts: { associationMs: 100, pduMs: 5000, idleMs: 150 },
  });
  const peer = await associate();
  await peer.send(echoRequest(1));
  t.is(await peer.nextWords(), '8030H of 1: 0000H');

  t.deepEqual(await peer.restWords(), ['A-ABORT 0/0', 'closed']);
  const { end } = await events.next('association-ended');
  t.is(end.how === 'aborted' && end.cause, 'idle-timeout');
});

test('a peer that stalls between the PDUs of a message is aborted, and the instance discarded', async (t) => {
  const { stores, events, associate } = await startRecordingProvider(t, {
    timeouts: { ...QUICK, pduMs: 150 },
  });
  const peer = await associate();
  await peer.send(
    pData(pdv(1, 'command', true, storeCommand(1))),
    pData(pdv(1, 'data', false, Buffer.alloc(500))),
  );
  t.is(await peer.nextWords(), 'A-ABORT 0/0');
  const { end } = await events.next('association-ended');
  t.is(end.how === 'aborted' && end.cause, 'pdu-timeout');
  t.is(stores[0]?.fate, 'aborted');
});

test('a PDU that trickles in is not waited for, however often a byte comes', async (t) => {
  const { stores, events, associate } = await startRecordingProvider(t, {
    timeouts: { ...QUICK, pduMs: 200 },
  });
  const peer = await associate();
  const bytes = storeRequest(1, Buffer.alloc(2000));
  await peer.send(bytes.subarray(0, 200));
  let at = 200;
  const drip = setInterval(() => peer.send(bytes.subarray(at, ++at)), 20);

  t.is(await peer.nextWords(), 'A-ABORT 0/0');

  clearInterval(drip);
  await events.next('store-discarded');
  t.is(stores[0]?.fate, 'aborted');
});

test('a message that takes longer than the limit is received while its PDUs keep coming', async (t) => {
  const { associate } = await startRecordingProvider(t, {
    timeouts: { ...QUICK, pduMs: 500, idleMs: 500 },
  });
  const peer = await associate();
  await peer.send(pData(pdv(1, 'command', true, storeCommand(1))));
  for (let count = 0; count < 8; count += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await peer.send(pData(pdv(1, 'data', count === 7, Buffer.alloc(100))));
  }
  t.is(await peer.nextWords(), '8001H of 1: 0000H');
});

test('no limit of time runs against a peer that waits for a slow sink', async (t) => {
  const { associate } = await startRecordingProvider(t, {
    timeouts: { associationMs: 5000, pduMs: 60, idleMs: 60 },
    answer: () => new Promise((resolve) => setTimeout(() => resolve({ status: 0 }), 300)),
  });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(100)));
  t.is(await peer.nextWords(), '8001H of 1: 0000H');
});

test('a peer that takes no responses is aborted before they fill the memory', async (t) => {
  const { events, associate } = await startRecordingProvider(t, {
    timeouts: { associationMs: 100, pduMs: 200, idleMs: 5000 },
  });
  const peer = await associate();
  peer.socket.pause(); // Nothing is read from here on.
  const echoes = Buffer.concat(Array.from({ length: 1000 }, (_, index) => echoRequest(index)));
  let isOver = false;
  void events.next('association-ended').then(() => {
    isOver = true;
  });
  for (let count = 0; count < 500 && !isOver; count += 1) {
    await Promise.race([peer.send(echoes), events.next('association-ended')]);
  }
  const { end } = await events.next('association-ended');
  t.is(end.how === 'aborted' && end.cause, 'pdu-timeout');
});

test('stop ends resting associations at once and lets go of the port', async (t) => {
  const { provider, connect, associate } = await startRecordingProvider(t);
  const peer = await associate();
  const silent = await connect();

  const stopped = provider.stop({ drainMs: 10_000 });

  t.deepEqual(await peer.restWords(), ['A-ABORT 0/0', 'closed']);
  t.is(await silent.nextWords(), 'closed');
  await stopped;
  await t.throwsAsync(connect());
});

test('stop lets the C-STORE in hand finish, answers it, and takes no new association', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { provider, stores, connect, associate } = await startRecordingProvider(t, {
    answer: async () => {
      await gate.promise;
      return { status: 0 };
    },
  });
  const peer = await associate();
  const waiting = await connect();
  const bytes = storeRequest(1, Buffer.alloc(1000), Buffer.alloc(1000));
  await peer.send(bytes.subarray(0, 1300));
  while (stores.length === 0) await new Promise((resolve) => setImmediate(resolve));

  const stopped = provider.stop({ drainMs: 10_000 });
  t.is(await waiting.nextWords(), 'closed');
  await peer.send(bytes.subarray(1300));
  gate.resolve();

  t.deepEqual(await peer.restWords(), ['8001H of 1: 0000H', 'A-ABORT 0/0', 'closed']);
  t.is(stores[0]?.fate, 'complete');
  await stopped;
});

test('stop aborts what is not finished when the time to drain is over', async (t) => {
  const { provider, stores, associate } = await startRecordingProvider(t);
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(1000)).subarray(0, -10));
  while (stores.length === 0) await new Promise((resolve) => setImmediate(resolve));

  await provider.stop({ drainMs: 50 });

  t.deepEqual(await peer.restWords(), ['A-ABORT 0/0', 'closed']);
  t.is(stores[0]?.fate, 'aborted');
});

test('a port that is taken is told to whoever starts the provider', async (t) => {
  const { port } = await startRecordingProvider(t);
  await t.throwsAsync(startRecordingProvider(t, { port }), { code: 'EADDRINUSE' });
});
