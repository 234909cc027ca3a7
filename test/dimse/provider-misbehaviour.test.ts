/** What peers do wrong, and what becomes of it: the answer of PS3.8, nothing kept, and a provider as well as before. */
import test from 'ava';
import fc from 'fast-check';
import {
  abort,
  associateRequest,
  CT_CONTEXT,
  CT_IMAGE_STORAGE,
  commandSet,
  ECHO_CONTEXT,
  EXPLICIT_LE,
  echoCommand,
  echoRequest,
  pData,
  pdu,
  pdv,
  RELEASE_REQUEST,
  RELEASE_RESPONSE,
  storeCommand,
  storeRequest,
} from '../support/raw-pdu.ts';
import { ECHO_ANSWERED, startRecordingProvider } from '../support/recording-provider.ts';

const STORE_COMMAND = pData(pdv(1, 'command', true, storeCommand(1)));
const SOME_DATA = pData(pdv(1, 'data', false, Buffer.alloc(1000)));
const context = (id: number) => ({ id, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LE] });

/** Sent on a fresh connection, before any association. */
const WITHOUT_ASSOCIATION: Record<string, readonly [sent: Buffer, answer: string]> = {
  'an HTTP request': [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'A-ABORT 0/0'],
  'a TLS ClientHello': [Buffer.from('16030100c8010000c40303', 'hex'), 'A-ABORT 0/0'],
  'P-DATA-TF': [pData(pdv(1, 'command', true, echoCommand(1))), 'A-ABORT 0/0'],
  'A-RELEASE-RQ': [RELEASE_REQUEST, 'A-ABORT 0/0'],
  'A-ASSOCIATE-RQ of 10 bytes': [pdu(1, Buffer.alloc(10)), 'A-ABORT 0/0'],
  'A-ASSOCIATE-RQ with a truncated item': [pdu(1, associateRequest().subarray(6, -10)), 'A-ABORT 0/0'],
  'A-ASSOCIATE-RQ of 16 MiB': [Buffer.from([1, 0, 1, 0, 0, 0]), 'A-ABORT 0/0'],
  'A-ABORT': [abort(), 'closed'],
  'protocol version 2': [associateRequest({ protocolVersion: 2 }), 'A-ASSOCIATE-RJ 1/2/2'],
  'another application context': [associateRequest({ applicationContext: '9.9' }), 'A-ASSOCIATE-RJ 1/1/2'],
  'an even context id': [associateRequest({ contexts: [context(2)] }), 'A-ASSOCIATE-RJ 1/2/1'],
  'a context id twice': [associateRequest({ contexts: [context(1), context(1)] }), 'A-ASSOCIATE-RJ 1/2/1'],
  '140 contexts, ids past 255': [
    associateRequest({ contexts: Array.from({ length: 140 }, (_, index) => context((2 * index + 1) & 255)) }),
    'A-ASSOCIATE-RJ 1/2/1',
  ],
  'a PDU length of 5': [associateRequest({ maxPduLength: 5 }), 'A-ASSOCIATE-RJ 1/1/1'],
  'a PDU length of 6': [associateRequest({ maxPduLength: 6 }), 'A-ASSOCIATE-RJ 1/1/1'],
};

/** Sent on an open association. */
const ON_AN_ASSOCIATION: Record<string, readonly [sent: Buffer, answer: string]> = {
  'an unknown PDU type': [pdu(0x55, Buffer.alloc(4)), 'A-ABORT 2/1'],
  'an HTTP request': [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'A-ABORT 2/1'],
  'a second A-ASSOCIATE-RQ': [associateRequest(), 'A-ABORT 2/2'],
  'A-ASSOCIATE-AC': [pdu(2, associateRequest().subarray(6)), 'A-ABORT 2/2'],
  'A-RELEASE-RP that nobody asked for': [RELEASE_RESPONSE, 'A-ABORT 2/2'],
  'a PDU length of 4 GiB': [Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xf0]), 'A-ABORT 2/6'],
  'a P-DATA-TF over the length we told': [pData(pdv(1, 'data', false, Buffer.alloc(131_072))), 'A-ABORT 2/6'],
  'a PDV of length 0': [pdu(4, Buffer.from([0, 0, 0, 0, 1, 3])), 'A-ABORT 2/6'],
  'a PDV of length 1': [pdu(4, Buffer.from([0, 0, 0, 1, 1, 3])), 'A-ABORT 2/6'],
  'a PDV beyond its PDU': [pdu(4, Buffer.from([0, 0, 1, 0, 1, 3, 9, 9])), 'A-ABORT 2/6'],
  'an unknown presentation context': [pData(pdv(99, 'command', true, storeCommand(1))), 'A-ABORT 2/6'],
  'a data set before any command': [pData(pdv(1, 'data', true, Buffer.alloc(100))), 'A-ABORT 2/5'],
  'an empty data set fragment before any command': [
    pData(pdv(1, 'data', true, Buffer.alloc(0))),
    'A-ABORT 2/5',
  ],
  'a garbage command set': [pData(pdv(1, 'command', true, Buffer.alloc(64, 0xab))), 'A-ABORT 0/0'],
  'an empty command set': [pData(pdv(1, 'command', true, Buffer.alloc(0))), 'A-ABORT 0/0'],
  'a command element beyond its command set': [
    pData(pdv(1, 'command', true, storeCommand(1).fill(0x7f, 16, 20))),
    'A-ABORT 0/0',
  ],
  'a command set over 64 KiB': [
    pData(pdv(1, 'command', false, Buffer.alloc(65_000)), pdv(1, 'command', false, Buffer.alloc(600))),
    'A-ABORT 0/0',
  ],
  'a request without a Message ID': [
    pData(pdv(3, 'command', true, commandSet([0x0100, 0x30], [0x0800, 0x0101]))),
    'A-ABORT 0/0',
  ],
  'a response to nothing': [
    pData(pdv(3, 'command', true, commandSet([0x0100, 0x8030], [0x0120, 1], [0x0800, 0x0101], [0x0900, 0]))),
    'A-ABORT 0/0',
  ],
};

/** Sent when the command set and a first fragment of a C-STORE have been. */
const AMID_A_STORE: Record<string, readonly [sent: Buffer, answer: string]> = {
  garbage: [Buffer.alloc(100, 0xab), 'A-ABORT 2/1'],
  'A-RELEASE-RQ': [RELEASE_REQUEST, 'A-ABORT 0/0'],
  'a fragment of another context': [pData(pdv(3, 'data', false, Buffer.alloc(10))), 'A-ABORT 2/6'],
  'another command': [echoRequest(2), 'A-ABORT 2/5'],
  'a second A-ASSOCIATE-RQ': [associateRequest(), 'A-ABORT 2/2'],
  'A-ABORT': [abort(0, 0), 'closed'],
  'a PDV of length 0': [pdu(4, Buffer.from([0, 0, 0, 0, 1, 0])), 'A-ABORT 2/6'],
};

for (const [what, [sent, answer]] of Object.entries(WITHOUT_ASSOCIATION)) {
  test(`${what} instead of a good A-ASSOCIATE-RQ is answered with ${answer}`, async (t) => {
    const { echo, connect } = await startRecordingProvider(t);
    const peer = await connect();

    await peer.send(sent);

    t.is(await peer.nextWords(), answer);
    t.deepEqual(await echo(), ECHO_ANSWERED);
  });
}

for (const [what, [sent, answer]] of Object.entries(ON_AN_ASSOCIATION)) {
  test(`${what} on an association is answered with ${answer}`, async (t) => {
    const { provider, stores, echo, associate } = await startRecordingProvider(t);
    const peer = await associate();

    await peer.send(sent);

    t.is(await peer.nextWords(), answer);
    t.is(provider.activeAssociations, 0);
    t.deepEqual(stores, []);
    t.deepEqual(await echo(), ECHO_ANSWERED);
  });
}

for (const [what, [sent, answer]] of Object.entries(AMID_A_STORE)) {
  test(`${what} amid a C-STORE is answered with ${answer}, and the instance is discarded`, async (t) => {
    const { stores, events, echo, associate } = await startRecordingProvider(t);
    const peer = await associate();

    await peer.send(STORE_COMMAND, SOME_DATA, sent);

    t.is(await peer.nextWords(), answer);
    await events.next('store-discarded');
    t.is(stores.length, 1);
    t.regex(stores[0]?.fate ?? '', /^aborted/);
    t.deepEqual(await echo(), ECHO_ANSWERED);
  });
}

test('a peer that disconnects amid a C-STORE leaves nothing', async (t) => {
  const { stores, events, echo, associate } = await startRecordingProvider(t);
  const peer = await associate();
  await peer.send(STORE_COMMAND, SOME_DATA, SOME_DATA);

  peer.socket.destroy();

  await events.next('store-discarded');
  t.is(stores[0]?.fate, 'closed');
  t.is((await events.next('association-ended')).end.how, 'closed');
  t.deepEqual(await echo(), ECHO_ANSWERED);
});

test('a peer that closes its half only, amid a C-STORE, leaves nothing and no half-open connection', async (t) => {
  const { stores, events, associate } = await startRecordingProvider(t);
  const peer = await associate();
  await peer.send(STORE_COMMAND, SOME_DATA);

  peer.socket.end(); // It goes on listening: its socket allows that.

  t.is(await peer.nextWords(), 'closed');
  await events.next('store-discarded');
  t.is(stores[0]?.fate, 'closed');
});

test('an aborted association ignores what the peer still sends, then closes within ARTIM', async (t) => {
  const { echo, associate } = await startRecordingProvider(t, {
    timeouts: { associationMs: 150, pduMs: 5000, idleMs: 5000 },
  });
  const peer = await associate();

  await peer.send(pdu(0x55, Buffer.alloc(4)));
  t.is(await peer.nextWords(), 'A-ABORT 2/1');
  await peer.send(Buffer.alloc(1_000_000));

  t.is(await peer.nextWords(), 'closed');
  t.deepEqual(await echo(), ECHO_ANSWERED);
});

test('64 MiB behind a PDU length of 4 GiB cost neither memory nor time', async (t) => {
  const { echo, associate } = await startRecordingProvider(t, {
    timeouts: { associationMs: 1000, pduMs: 5000, idleMs: 5000 },
  });
  const peer = await associate();
  const before = process.memoryUsage().rss;

  await peer.send(Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xf0]));
  const chunk = Buffer.alloc(1024 * 1024);
  for (let sent = 0; sent < 64; sent += 1) await peer.send(chunk);

  t.is(await peer.nextWords(), 'A-ABORT 2/6');
  t.deepEqual(await echo(), ECHO_ANSWERED);
  t.true(process.memoryUsage().rss - before < 100 * 1024 * 1024);
});

test('random bytes on the port, C-ECHO works right after', async (t) => {
  const { stores, echo, connect } = await startRecordingProvider(t, {
    timeouts: { associationMs: 200, pduMs: 200, idleMs: 200 },
  });
  const prefixes = [
    Buffer.alloc(0),
    associateRequest().subarray(0, 100),
    associateRequest(),
    Buffer.concat([associateRequest(), STORE_COMMAND]),
    Buffer.concat([associateRequest(), storeRequest(1, Buffer.alloc(500)).subarray(0, -100)]),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...prefixes),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 4 }),
      async (prefix, chunks) => {
        const peer = await connect();
        await peer.send(prefix);
        for (const chunk of chunks) await peer.send(chunk);
        await peer.close();
      },
    ),
    { numRuns: 150 },
  );
  t.deepEqual(await echo(), ECHO_ANSWERED);
  t.true(stores.every(({ fate, dataSet }) => fate !== 'complete' || dataSet.length > 0));
});

test('a good association with bytes that change at random never ends the provider', async (t) => {
  const { echo, connect } = await startRecordingProvider(t, {
    timeouts: { associationMs: 200, pduMs: 200, idleMs: 200 },
  });
  const good = Buffer.concat([
    associateRequest({ contexts: [CT_CONTEXT, ECHO_CONTEXT] }),
    storeRequest(1, Buffer.alloc(300), Buffer.alloc(11)),
    echoRequest(2),
    RELEASE_REQUEST,
  ]);
  const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const bad = Buffer.from(good);
      for (const [at, value] of changes) bad[at] = value;
      const peer = await connect();
      await peer.send(bad);
      await peer.close();
    }),
    { numRuns: 150 },
  );
  t.deepEqual(await echo(), ECHO_ANSWERED);
});
