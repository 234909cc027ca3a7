/** What becomes of instances whose destination answers wrongly, or not at all. The peer is peer.ts. */
import test, { type ExecutionContext } from 'ava';
import { categoryOfStatus } from '../../src/dimse/status.ts';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { type AcceptorScript, startAcceptorPeer } from '../support/peer.ts';
import { type Capture, secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const IMPLICIT_LE = '1.2.840.10008.1.2';
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';

const QUICK = {
  first_delay: '20ms',
  longest_delay: '100ms',
  resources_first_delay: '20ms',
  resources_longest_delay: '100ms',
  breaker_longest_delay: '100ms',
};

/** A gateway that forwards everything to a peer that follows the script. */
async function forwardingTo(t: ExecutionContext, script: AcceptorScript, settings = {}) {
  const peer = await startAcceptorPeer(script);
  t.teardown(() => peer.stop());
  const pacs = {
    kind: 'dimse-scu',
    host: '127.0.0.1',
    port: peer.port,
    called_ae_title: 'PACS',
    associations_max: 1,
    response_timeout: '500ms',
    retry: QUICK,
    ...settings,
  };
  const gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [pacs] }\n',
    settings: { destinations: { outbox: null, pacs } },
  });
  t.teardown(() => gateway[Symbol.asyncDispose]());
  return { peer, gateway };
}

type Running = Awaited<ReturnType<typeof forwardingTo>>;

function captures(label: string, count: number, options = {}): Capture[] {
  return Array.from({ length: count }, (_, index) =>
    secondaryCapture({ label: `${label}-${index}`, ...options }),
  );
}

/** Sends, and waits until no entry is pending; how many are in which state then. */
async function settled({ gateway }: Running, instances: readonly Capture[]) {
  const statuses = await sendInstances(gateway.port, instances);
  const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);
  return { statuses: [...new Set(statuses)], ...states };
}

async function heldTasks({ gateway }: Running) {
  const entries = await gateway.spool.query({ state: 'held', limit: 500 });
  return new Map(
    entries.map(({ sopInstanceUid, tasks }) => [
      sopInstanceUid,
      tasks.find(({ state }) => state === 'held')!,
    ]),
  );
}

// Fault case 16.
test('an instance whose SOP class the peer does not take is held at once, and the others go', async (t) => {
  const running = await forwardingTo(t, {
    choose: ({ abstractSyntax, transferSyntaxes }) =>
      abstractSyntax === VL_MICROSCOPIC ? 3 : transferSyntaxes[0]!,
  });
  const others = captures('class-taken', 12);
  const [refused] = captures('class-refused', 1, { sopClassUid: VL_MICROSCOPIC });

  const counts = await settled(running, [...others.slice(0, 6), refused!, ...others.slice(6)]);

  t.like(counts, { delivered: 12, held: 1, discarded: 0 });
  const task = (await heldTasks(running)).get(refused!.sopInstanceUid);
  t.is(task?.code, 'SOP_CLASS_NOT_ACCEPTED');
  t.is(task?.attempt, 1);
  t.is(running.peer.stores.length, 12);
});

// Fault case 17.
test('a peer of the other Little Endian encoding gets it in that, value for value', async (t) => {
  const running = await forwardingTo(t, {
    choose: ({ transferSyntaxes }) => (transferSyntaxes.includes(IMPLICIT_LE) ? IMPLICIT_LE : 4),
  });
  const [capture] = captures('rewritten', 1, { transferSyntaxUid: EXPLICIT_LE });

  const counts = await settled(running, [capture!]);

  t.like(counts, { delivered: 1, held: 0 });
  const [store] = running.peer.stores;
  t.is(store?.transferSyntaxUid, IMPLICIT_LE);
  t.true(store!.dataSet.includes(Buffer.from(capture!.sopInstanceUid)));
  t.false(store!.dataSet.equals(capture!.dataSet));
});

// Fault case 17.
test('an instance in a lossy syntax that the peer does not take is held, never decoded by itself', async (t) => {
  const running = await forwardingTo(t, {
    choose: ({ transferSyntaxes }) => (transferSyntaxes.includes(EXPLICIT_LE) ? EXPLICIT_LE : 4),
  });
  const [lossy] = captures('lossy', 1, { transferSyntaxUid: JPEG_BASELINE });
  const natives = captures('native', 3);

  const counts = await settled(running, [lossy!, ...natives]);

  t.like(counts, { delivered: 3, held: 1 });
  const task = (await heldTasks(running)).get(lossy!.sopInstanceUid);
  t.regex(task?.code ?? '', /^(TRANSFER_SYNTAX|SOP_CLASS)_NOT_ACCEPTED$/);
  t.regex(task?.reason ?? '', /: the instance is jpeg-baseline/);
});

/** Each row of the table, by its members and its neighbours. */
const STATUSES = [
  0x0001, 0x0107, 0x0110, 0x0111, 0x0116, 0x0117, 0x0122, 0x0124, 0x0199, 0x0210, 0x0211, 0x0212, 0x0213,
  0xa123, 0xa700, 0xa701, 0xa7ff, 0xa900, 0xa9ff, 0xb000, 0xb006, 0xb007, 0xbfff, 0xc000, 0xc123, 0xcfff,
  0xfe00, 0xff00, 0xff01,
];

// Fault case 18.
test('every status, for one of many, does to that one what the table says, and the others go', async (t) => {
  const instances = captures('status', STATUSES.length * 2);
  const answers = new Map(STATUSES.map((status, index) => [instances[2 * index]!.sopInstanceUid, status]));
  // What may be tried again is answered so only once.
  const running = await forwardingTo(t, {
    store: ({ sopInstanceUid, times }) => {
      const status = answers.get(sopInstanceUid) ?? 0;
      const { outcome } = categoryOfStatus(status);
      const isForGood = outcome === 'hold' || outcome === 'delivered' || outcome === 'warning';
      return isForGood || times === 1 ? status : 0;
    },
  });

  const counts = await settled(running, instances);

  const isHeld = (status: number) => categoryOfStatus(status).outcome === 'hold';
  const expected = STATUSES.filter(isHeld).length;
  t.true(expected >= 10);
  t.like(counts, { delivered: instances.length - expected, held: expected, discarded: 0 });
  const held = await heldTasks(running);
  for (const [uid, status] of answers) t.is(held.get(uid)?.status, isHeld(status) ? status : undefined);
});

// Fault case 18.
for (const status of [0xa700, 0x0110, 0xff00]) {
  const name = status.toString(16).toUpperCase().padStart(4, '0');
  test(`${name} for all holds nothing while it lasts, and all arrive when it is over`, async (t) => {
    const running = await forwardingTo(t, { store: () => status });
    const instances = captures(`all-${name}`, 8);

    await sendInstances(running.gateway.port, instances);
    await eventually('every instance tried twice', () => running.peer.stores.length >= 16, 20_000);
    const during = await running.gateway.spool.status();
    running.peer.follow({});
    const { states } = await spoolReaches(running.gateway.spool, (now) => now.states.pending === 0);

    t.is(during.states.pending, 8);
    t.like(states, { delivered: 8, held: 0 });
  });
}

// Fault case 18.
test('C000 for all holds all of them, each with its status, and a retry brings them through', async (t) => {
  const running = await forwardingTo(t, { store: () => ({ status: 0xc000, errorComment: 'no licence' }) });
  const instances = captures('all-held', 8);

  const during = await settled(running, instances);
  const held = await heldTasks(running);
  running.peer.follow({});
  const again = await running.gateway.spool.retry({ destination: 'pacs' }, 'test');
  const { states } = await spoolReaches(running.gateway.spool, (now) => now.states.pending === 0);

  t.like(during, { delivered: 0, held: 8 });
  t.true([...held.values()].every((task) => task.status === 0xc000 && task.attempt === 1));
  t.is(again, 8);
  t.like(states, { delivered: 8, held: 0 });
});

// Fault case 19.
test('after an abort in the midst it goes on with the next, and each is delivered once', async (t) => {
  const running = await forwardingTo(t, {
    onStoreCommand: ({ count }) => (count === 5 ? 'abort' : undefined),
  });
  const instances = captures('abort-after', 12);

  const counts = await settled(running, instances);

  t.like(counts, { delivered: 12, held: 0 });
  t.is(running.peer.associations.length, 2);
  t.is(new Set(running.peer.taken).size, 12);
  const uidsOf = (association: number) =>
    running.peer.stores
      .filter((store) => store.association === association)
      .map((store) => store.sopInstanceUid);
  t.is(uidsOf(2).filter((uid) => uidsOf(1).includes(uid)).length, 1, 'only the one in hand was sent again');
  t.deepEqual(await deliveriesOnRecord(running), Array(12).fill('delivered'));
});

// Fault case 20.
for (const [how, answer] of Object.entries({
  'a response to another message': { messageId: 999 },
  'no response': 'silence',
  'a close instead of a response': 'close',
  'a reset instead of a response': 'reset',
  'a response that comes too late': { afterMs: 900 },
} as const)) {
  test(`${how} is not taken for success: the instance is sent again`, async (t) => {
    const running = await forwardingTo(t, {
      store: ({ count }) => (count === 3 ? answer : 0),
    });
    const instances = captures(how.replaceAll(' ', '-'), 6);

    const counts = await settled(running, instances);

    t.like(counts, { delivered: 6, held: 0 });
    const third = running.peer.stores[2]!.sopInstanceUid;
    t.true(running.peer.stores.filter(({ sopInstanceUid }) => sopInstanceUid === third).length >= 2);
    t.deepEqual(await deliveriesOnRecord(running), Array(6).fill('delivered'));
  });
}

// Fault case 20.
test('a second response to one message costs nothing but the association', async (t) => {
  const running = await forwardingTo(t, {
    store: ({ count }) => (count === 2 ? { status: 0, responses: 2 } : 0),
  });
  const instances = captures('two-responses', 6);

  const counts = await settled(running, instances);

  t.like(counts, { delivered: 6, held: 0 });
  t.deepEqual(new Set(running.peer.taken), new Set(instances.map(({ sopInstanceUid }) => sopInstanceUid)));
});

// Fault case 20.
test('an instance that never gets a response while others do is held in the end, and alone', async (t) => {
  const instances = captures('poison', 10);
  const poison = instances[3]!.sopInstanceUid;
  const running = await forwardingTo(
    t,
    { store: ({ sopInstanceUid }) => (sopInstanceUid === poison ? 'close' : 0) },
    { retry: { ...QUICK, unclear_tries: 2 } },
  );

  await sendInstances(running.gateway.port, instances);
  // Only while others pass does a failure speak against the instance.
  const more = captures('company', 30);
  for (const one of more) {
    const { states } = await running.gateway.spool.status();
    if (states.held > 0) break;
    await sendInstances(running.gateway.port, [one]);
  }
  await spoolReaches(running.gateway.spool, ({ states }) => states.held === 1 && states.pending === 0);

  t.deepEqual([...(await heldTasks(running)).keys()], [poison]);
  t.false(running.peer.taken.includes(poison));
});

/** The outcome of each delivery that is done. */
async function deliveriesOnRecord({ gateway }: Running): Promise<(string | undefined)[]> {
  const entries = await gateway.spool.query({ state: 'delivered', limit: 500 });
  return entries.flatMap(({ tasks }) =>
    tasks.filter(({ kind, state }) => kind === 'delivery:pacs' && state === 'done').map(({ code }) => code),
  );
}
