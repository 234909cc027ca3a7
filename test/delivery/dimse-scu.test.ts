import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { DeliveryItem } from '../../src/delivery/destination-kind.ts';
import { dimseScu } from '../../src/delivery/dimse-scu.ts';
import { outcomeOfResponse } from '../../src/delivery/outcome.ts';
import type { GatewayError } from '../../src/errors.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { type AcceptorScript, startAcceptorPeer } from '../support/peer.ts';
import {
  CT_IMAGE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  JPEG_2000_LOSSLESS,
  SECONDARY_CAPTURE,
  type SmallInstance,
  smallInstance,
} from '../support/small-instance.ts';
import { type StoragePeer, type StoragePeerOptions, startStoragePeer } from '../support/storage-peer.ts';

function openSession(port: number, settings: Record<string, unknown> = {}) {
  const instances = new MemoryInstances();
  const metrics = createMetrics(new Registry());
  const session = dimseScu.open(
    dimseScu.settings.parse({
      kind: 'dimse-scu',
      host: '127.0.0.1',
      port,
      called_ae_title: 'PACS',
      response_timeout: '5s',
      ...settings,
    }),
    {
      name: 'pacs',
      instances,
      telemetry: { log: pino({ level: 'silent' }), metrics },
    },
  );
  const send = async (item: DeliveryItem, options = { slot: 0, alone: false }) =>
    session.send(await session.prepare(item), options);
  return { session, instances, metrics, send };
}

async function withPeer(
  t: ExecutionContext,
  options: StoragePeerOptions = {},
  settings: Record<string, unknown> = {},
) {
  const peer = await startStoragePeer(options);
  const opened = openSession(peer.port, settings);
  t.teardown(async () => {
    await opened.session.close();
    await peer.stop();
  });
  return { peer, ...opened };
}

async function withMisbehavingPeer(t: ExecutionContext, script: AcceptorScript) {
  const peer = await startAcceptorPeer(script);
  const opened = openSession(peer.port, { response_timeout: '1s' });
  t.teardown(async () => {
    await opened.session.close();
    peer.stop();
  });
  return { peer, ...opened };
}

/** The instance in the other encoding, made by the test's own encoder. */
function inEncoding(
  instance: SmallInstance,
  options: Parameters<typeof smallInstance>[0],
  transferSyntaxUid: string,
) {
  return smallInstance({ ...options, sopInstanceUid: instance.sopInstanceUid, transferSyntaxUid }).dataSet;
}

function assertArrived(t: ExecutionContext, peer: StoragePeer, ...instances: readonly SmallInstance[]): void {
  for (const { sopInstanceUid, dataSet } of instances) {
    const arrived = peer.kept.find((one) => one.sopInstanceUid === sopInstanceUid);
    t.truthy(arrived);
    t.true(arrived?.dataSet.equals(dataSet));
  }
}

test('an instance arrives byte for byte, whatever its size', async (t) => {
  const { peer, instances, send } = await withPeer(t);
  for (const pixelBytes of [0, 2, 65_536, 1_048_576, 5_000_002]) {
    const instance = smallInstance({ sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes });

    const outcome = await send(instances.add(instance));

    t.deepEqual(outcome, { taken: true, outcome: 'delivered', status: 0 });
    assertArrived(t, peer, instance);
  }
  t.is(peer.associations.opened, 1);
  t.is(instances.openNow, 0);
});

test('an association without work is released after a while', async (t) => {
  const { peer, metrics, instances, send } = await withPeer(t, {}, { linger: '20ms' });
  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));

  await eventually('no association is open', () => peer.associations.active === 0);
  await eventually(
    'the association is counted',
    async () => (await metrics.associationsTotal.get()).values.length > 0,
  );

  const [ended] = (await metrics.associationsTotal.get()).values;
  t.deepEqual(ended?.labels, { direction: 'out', peer: 'pacs', result: 'released', reason: 'released' });
  t.is((await metrics.associationsActive.get()).values[0]?.value, 0);
});

test('an association is proposed for all that waits', async (t) => {
  const { peer, session, instances, send } = await withPeer(t);
  const items = [SECONDARY_CAPTURE, CT_IMAGE].map((sopClassUid) =>
    instances.add(smallInstance({ sopInstanceUid: `1.2.${sopClassUid.length}`, sopClassUid })),
  );
  session.expect(items.map(({ entry }) => entry));

  for (const item of items) await send(item);

  t.is(peer.associations.opened, 1);
});

test('a SOP class that was not proposed gets a new association, which serves the old one too', async (t) => {
  const { peer, instances, send } = await withPeer(t);
  const add = (sopClassUid: string, sopInstanceUid: string) =>
    instances.add(smallInstance({ sopClassUid, sopInstanceUid }));
  await send(add(SECONDARY_CAPTURE, '1.2.1'));
  await send(add(CT_IMAGE, '1.2.2'));

  await send(add(SECONDARY_CAPTURE, '1.2.3'));
  await send(add(CT_IMAGE, '1.2.4'));

  t.is(peer.associations.opened, 2);
  t.is(peer.kept.length, 4);
});

test('a thousand SOP classes fit into associations of 128 contexts', async (t) => {
  const { peer, session, instances, send } = await withPeer(t);
  const items = Array.from({ length: 1000 }, (_, at) =>
    instances.add(smallInstance({ sopClassUid: `1.2.9.${at}`, sopInstanceUid: `1.2.${at}` })),
  );
  session.expect(items.map(({ entry }) => entry));

  for (const item of [items[0]!, items[999]!]) t.true((await send(item)).taken);

  t.true(peer.proposed.every((contexts) => contexts <= 128));
});

for (const [from, to] of [
  [EXPLICIT_LE, IMPLICIT_LE],
  [IMPLICIT_LE, EXPLICIT_LE],
]) {
  test(`${from} goes to a peer that takes only ${to}`, async (t) => {
    const { peer, instances, send } = await withPeer(t, { transferSyntaxUids: [to!] });
    for (const pixelBytes of [64, 3_000_000]) {
      const options = { sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes, transferSyntaxUid: from! };
      const instance = smallInstance(options);

      const outcome = await send(instances.add(instance));

      t.deepEqual(outcome, { taken: true, outcome: 'delivered', status: 0 });
      t.is(peer.received.at(-1)?.transferSyntaxUid, to);
      t.true(peer.received.at(-1)?.dataSet.equals(inEncoding(instance, options, to!)));
    }
  });
}

test('elements behind the pixel data of a large instance are rewritten too', async (t) => {
  const { peer, instances, send } = await withPeer(t, { transferSyntaxUids: [IMPLICIT_LE] });
  const options = {
    sopInstanceUid: '1.2.1',
    pixelBytes: 3_000_000,
    elements: [[0xfffc_fffc, 'OB', Buffer.alloc(100)]] as const,
  };

  await send(instances.add(smallInstance(options)));

  const expected = smallInstance({ ...options, transferSyntaxUid: IMPLICIT_LE });
  t.true(peer.kept[0]?.dataSet.equals(expected.dataSet));
});

// Fault case 17.
test('a transfer syntax that the peer does not take holds the instance, and names both', async (t) => {
  const { peer, instances, send } = await withPeer(t);
  const jpeg = instances.add(
    smallInstance({ sopInstanceUid: '1.2.1', transferSyntaxUid: JPEG_2000_LOSSLESS }),
  );
  const native = instances.add(smallInstance({ sopInstanceUid: '1.2.2' }));

  const outcome = await send(jpeg);

  t.like(outcome, { taken: false, reason: 'refused', code: 'TRANSFER_SYNTAX_NOT_ACCEPTED' });
  const message = outcome.taken ? '' : outcome.message;
  t.true(message.includes(JPEG_2000_LOSSLESS) && message.includes(EXPLICIT_LE), message);
  t.true((await send(native)).taken);
  t.is(peer.kept.length, 1);
});

// Fault case 16.
test('a SOP class that the peer does not take holds the instance; others go', async (t) => {
  const { instances, send } = await withPeer(t, { acceptsAbstractSyntax: (uid) => uid !== CT_IMAGE });

  const outcome = await send(
    instances.add(smallInstance({ sopInstanceUid: '1.2.1', sopClassUid: CT_IMAGE })),
  );

  t.like(outcome, { taken: false, reason: 'refused', code: 'SOP_CLASS_NOT_ACCEPTED' });
  t.true((await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2' })))).taken);
});

test('an odd length is held', async (t) => {
  const { peer, instances, send } = await withPeer(t);

  const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 65 })));

  t.like(outcome, { taken: false, reason: 'refused', code: 'ODD_LENGTH' });
  t.is(peer.received.length, 0);
});

test('odd values get their padding byte where the destination wants it so', async (t) => {
  const { peer, instances, send } = await withPeer(t, {}, { odd_length: 'pad' });
  const comment = (text: string) => ({ elements: [[0x0020_4000, 'LT', Buffer.from(text)]] as const });

  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3_000_001 })));
  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2', ...comment('odd') })));

  const [pixels, text] = peer.kept;
  const expected = smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3_000_002 }).dataSet;
  expected[expected.length - 1] = 0;
  t.true(pixels?.dataSet.equals(expected));
  t.true(text?.dataSet.equals(smallInstance({ sopInstanceUid: '1.2.2', ...comment('odd ') }).dataSet));
});

test('edits change what they name, and nothing else', async (t) => {
  const { peer, instances, send } = await withPeer(t);
  const edits = [
    { set: 'PatientID', value: ['ANONYMOUS-0001'] },
    { remove: 'PatientName' },
    { set: 'InstitutionName', value: ['Slidegate'] },
  ];
  for (const pixelBytes of [64, 3_000_000]) {
    const options = { sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes };
    await send(instances.add(smallInstance(options), edits));

    const expected = smallInstance({
      ...options,
      patientId: 'ANONYMOUS-0001',
      elements: [[0x0008_0080, 'LO', 'Slidegate']],
    });
    const name = Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e, 8, 0, ...Buffer.from('DOE^JANE')]);
    const at = expected.dataSet.indexOf(name);
    const withoutName = Buffer.concat([
      expected.dataSet.subarray(0, at),
      expected.dataSet.subarray(at + name.length),
    ]);
    t.true(peer.kept.at(-1)?.dataSet.equals(withoutName));
  }
});

test('edits and another VR encoding go together', async (t) => {
  const { peer, instances, send } = await withPeer(t, { transferSyntaxUids: [IMPLICIT_LE] });
  const instance = smallInstance({ sopInstanceUid: '1.2.1' });

  await send(instances.add(instance, [{ set: 'PatientID', value: ['ANON'] }]));

  const expected = smallInstance({
    sopInstanceUid: '1.2.1',
    patientId: 'ANON',
    transferSyntaxUid: IMPLICIT_LE,
  });
  t.true(peer.kept[0]?.dataSet.equals(expected.dataSet));
});

test('a damaged copy is held, and the peer never gets it whole', async (t) => {
  const { peer, instances, send } = await withPeer(t);
  for (const pixelBytes of [64, 5_000_000]) {
    const item = instances.add(smallInstance({ sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes }));
    instances.damage(item, item.entry.sizeBytes - 10);

    const error = await send(item).then(
      (outcome) => (outcome.taken ? undefined : outcome),
      (thrown: GatewayError) => thrown,
    );

    t.is(error?.code, 'DIGEST_MISMATCH');
  }
  t.is(peer.received.length, 0);
  t.is(instances.openNow, 0);
  t.true((await send(instances.add(smallInstance({ sopInstanceUid: '1.2.3' })))).taken);
});

test('the priority of a rule is that of the request', async (t) => {
  const seen: number[] = [];
  const { instances, send } = await withPeer(t, {
    answer: ({ priority }) => {
      seen.push(priority);
      return { status: 0 };
    },
  });
  for (const priority of ['urgent', undefined, 'normal', 'off-peak'] as const) {
    const item = instances.add(smallInstance({ sopInstanceUid: `1.2.${seen.length + 1}` }));
    await send({ ...item, payload: { ...item.payload, ...(priority && { priority }) } });
  }
  t.deepEqual(seen, [1, 0, 0, 2]);
});

test('every status of the table is read from the wire, with the words of the peer', async (t) => {
  const statuses = [
    0x0000, 0x0001, 0x0107, 0x0116, 0xb000, 0xb006, 0xb007, 0xb123, 0x0111, 0xa700, 0xa7ff, 0x0110, 0x0213,
    0xa900, 0xc000, 0xcfff, 0x0117, 0x0122, 0x0124, 0x0105, 0x0211, 0xa123, 0xfe00, 0xff00, 0x1234,
  ];
  const { peer, instances, send } = await withPeer(t, {
    answer: ({ sopInstanceUid }) => ({
      status: Number(sopInstanceUid.split('.').at(-1)),
      errorComment: 'why',
    }),
  });
  for (const status of statuses) {
    const outcome = await send(instances.add(smallInstance({ sopInstanceUid: `1.2.${status}` })));

    t.deepEqual(outcome, outcomeOfResponse({ status, errorComment: 'why' }, { duplicate: 'ok' }));
  }
  t.is(peer.associations.opened, 3, 'one, and another after each answer that is none');
});

test('a peer that aborts, closes, answers nothing or another message leaves the instance unclear', async (t) => {
  const verdicts = ['abort', 'close', 'silence', { messageId: 0x5555 }] as const;
  for (const verdict of verdicts) {
    const { peer, instances, send } = await withMisbehavingPeer(t, {
      store: ({ count }) => (count === 2 ? verdict : 0),
    });
    const add = (at: number) => instances.add(smallInstance({ sopInstanceUid: `1.2.${at}` }));

    const first = await send(add(1));
    const second = await send(add(2));
    const third = await send(add(3));

    t.deepEqual(
      [first.taken, second.taken, third.taken],
      [true, false, true],
      JSON.stringify([verdict, third]),
    );
    t.like(second, { reason: 'unclear' }, JSON.stringify(verdict));
    t.is(peer.associations.length, 2, JSON.stringify(verdict));
  }
});

test('a response that comes after its time-out is not taken for that of the next instance', async (t) => {
  const { instances, send } = await withMisbehavingPeer(t, {
    store: ({ count }) => (count === 1 ? { afterMs: 1300 } : 0),
  });

  t.like(await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' }))), { reason: 'unclear' });
  t.true((await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2' })))).taken);
});

test('an association that the peer ended while idle is no failure of the next instance', async (t) => {
  const { peer, instances, send, session } = await withPeer(t);
  await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
  await peer.stop();
  const again = await startStoragePeer({ port: peer.port });
  t.teardown(async () => {
    await session.close();
    await again.stop();
  });

  t.true((await send(instances.add(smallInstance({ sopInstanceUid: '1.2.2' })))).taken);
});

test('a peer that refuses the association or the connection cannot be reached', async (t) => {
  for (const result of [1, 2] as const) {
    const { instances, send } = await withPeer(t, {
      admit: () => ({ admitted: false, rejection: { result, source: 1, reason: 1 } }),
    });
    const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
    t.like(outcome, { taken: false, reason: 'unreachable', code: 'ASSOCIATION_REJECTED' });
  }

  const peer = await startStoragePeer();
  await peer.stop();
  const { instances, send, session } = openSession(peer.port);
  const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
  t.like(outcome, { taken: false, reason: 'unreachable', code: 'CONNECTION_FAILED' });
  await session.close();
});

test('what goes alone has an association of its own', async (t) => {
  const { peer, instances, send } = await withPeer(t);
  const add = (at: number) => instances.add(smallInstance({ sopInstanceUid: `1.2.${at}` }));
  await send(add(1));

  await send(add(2), { slot: 0, alone: true });
  await send(add(3));
  await send(add(4));

  t.deepEqual(
    peer.received.map(({ association }) => association),
    [1, 2, 3, 3],
  );
});

test('each slot has an association', async (t) => {
  const { peer, instances, send } = await withPeer(t, {}, { associations_max: 3 });
  const items = [1, 2, 3].map((at) => instances.add(smallInstance({ sopInstanceUid: `1.2.${at}` })));

  await Promise.all(items.map((item, slot) => send(item, { slot, alone: false })));

  t.is(peer.associations.active, 3);
});

test('echo() tells whether the destination is there, and leaves no association behind', async (t) => {
  const { peer, session } = await withPeer(t);

  await t.notThrowsAsync(async () => session.echo?.());

  await eventually('no association is open', () => peer.associations.active === 0);
  await peer.stop();
  await t.throwsAsync<GatewayError>(async () => session.echo?.(), { message: /Cannot connect/ });
});

test('close() cuts off what is being sent, and nobody is blamed for it', async (t) => {
  const asked = Promise.withResolvers<void>();
  const { instances, session, send } = await withPeer(t, {
    async answer() {
      asked.resolve();
      await delay(60_000, undefined, { ref: false });
      return { status: 0 };
    },
  });
  const sending = send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
  await asked.promise;

  await session.close();

  t.like(await sending, { taken: false, code: 'STOPPED' });
});
