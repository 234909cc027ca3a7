/** What becomes of instances while destinations are down, and when they come back. The peer is peer.ts. */
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import {
  type AcceptorPeer,
  type AcceptorScript,
  REJECTED_FOR_GOOD,
  REJECTED_FOR_NOW,
  startAcceptorPeer,
} from '../support/peer.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const QUICK = {
  first_delay: '20ms',
  longest_delay: '60ms',
  resources_first_delay: '20ms',
  resources_longest_delay: '60ms',
  breaker_longest_delay: '60ms',
  jitter: 0,
};
async function startPeer(t: ExecutionContext, script: AcceptorScript = {}): Promise<AcceptorPeer> {
  const peer = await startAcceptorPeer(script);
  t.teardown(() => peer.stop());
  return peer;
}

/** A gateway that sends everything to each of the destinations. */
async function forwardingTo(
  t: ExecutionContext,
  destinations: Record<string, object>,
  to: readonly string[],
) {
  const gateway = await startTestGateway({
    rules: `rules: []\notherwise: { to: [${to.join(', ')}] }\n`,
    settings: { destinations: { outbox: null, ...destinations } },
  });
  t.teardown(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

function dimse({ port }: { readonly port: number }, more: object = {}) {
  const about = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS' };
  return { ...about, associations_max: 2, retry: QUICK, ...more };
}

function captures(label: string, count: number) {
  return Array.from({ length: count }, (_, index) => secondaryCapture({ label: `${label}-${index}` }));
}

// Fault case 15.
test('a destination that rejects associations, for good and for now, gets everything once it accepts', async (t) => {
  for (const rejection of [REJECTED_FOR_GOOD, REJECTED_FOR_NOW]) {
    const peer = await startPeer(t, { associate: () => rejection });
    const gateway = await forwardingTo(t, { pacs: dimse(peer) }, ['pacs']);
    const instances = captures(`rejected-${rejection.result}`, 12);
    const statuses = await sendInstances(gateway.port, instances);
    await eventually('it is rejected again and again', () => peer.associations.length > 8);
    t.deepEqual([...new Set(statuses)], [0]);
    t.is((await gateway.spool.status()).states.pending, 12);

    peer.follow({});
    const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);

    t.like(states, { delivered: 12, held: 0 });
    t.deepEqual([...peer.taken].sort(), instances.map(({ sopInstanceUid }) => sopInstanceUid).sort());
    const [entry] = await gateway.spool.query({ entryIds: [1] });
    t.true((entry?.tasks.find(({ kind }) => kind === 'delivery:pacs')?.attempt ?? 9) <= 1);
  }
});

// Fault case 26.
test('whatever one of three destinations does, the others get each instance once, and the sender never knows', async (t) => {
  const failures: Record<string, AcceptorScript> = {
    rejects: { associate: () => REJECTED_FOR_GOOD },
    aborts: { store: () => 'abort' },
    resets: { associate: () => 'reset' },
    'has no room': { store: () => 0xa700 },
    refuses: { store: () => 0xc000 },
    'never answers': { store: () => new Promise(() => {}) },
  };
  for (const [what, script] of Object.entries(failures)) {
    const good = await startPeer(t);
    const other = await startPeer(t);
    const bad = await startPeer(t, script);
    const destinations = {
      good: dimse(good),
      bad: dimse(bad, { response_timeout: '200ms' }),
      other: dimse(other),
    };
    const gateway = await forwardingTo(t, destinations, ['bad', 'good', 'other']);
    const instances = captures(`one-of-three ${what}`, 15);

    const statuses = await sendInstances(gateway.port, instances);
    await eventually(
      `the others have all while one ${what}`,
      () => good.taken.length + other.taken.length >= 30,
    );

    t.deepEqual([...new Set(statuses)], [0], what);
    const uids = instances.map(({ sopInstanceUid }) => sopInstanceUid).sort();
    t.deepEqual([...good.taken].sort(), uids, what);
    t.deepEqual([...other.taken].sort(), uids, what);
    t.is(bad.taken.length, 0, what);
    const { accepted, states } = await gateway.spool.status();
    t.is(accepted, 15, what);
    t.is(states.pending + states.held, 15, what);
    t.is(states.discarded, 0, what);
    await gateway.stop('next');
  }
});

// Fault case 28.
test('a destination that comes back is asked once, gets one instance, then more and more, never all at once', async (t) => {
  const peer = await startPeer(t, { associate: () => 'reset' });
  const gateway = await forwardingTo(t, { pacs: dimse(peer, { associations_max: 12 }) }, ['pacs']);
  const lane = () => gateway.lanes()[0];
  await sendInstances(gateway.port, captures('comes-back', 60));
  await eventually('it is suspended', () => lane()?.breaker === 'open');
  let storing = 0;
  const atOnce: number[] = [];
  let echoesBeforeFirst: number | undefined;
  const echoesBefore = peer.echoes;
  peer.follow({
    async store() {
      echoesBeforeFirst ??= peer.echoes - echoesBefore;
      storing += 1;
      atOnce.push(storing);
      await new Promise((resolve) => setTimeout(resolve, 20));
      storing -= 1;
      return 0;
    },
  });

  const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);

  t.is(states.delivered, 60);
  t.is(echoesBeforeFirst, 1);
  t.is(peer.stores.length, 60);
  t.deepEqual(atOnce.slice(0, 2), [1, 1]);
  // Each that was taken lets one more come along.
  for (const [index, count] of atOnce.entries()) t.true(count <= Math.max(1, index), `${atOnce}`);
  t.true(Math.max(...atOnce) > 2);
});

test('another destination takes over while one is down, and gives up nothing when both are', async (t) => {
  const first = await startPeer(t, { associate: () => 'reset' });
  const second = await startPeer(t, { associate: () => 'reset' });
  const destinations = {
    first: dimse(first, { when_down: 'failover', failover_to: 'second', down_after: '200ms' }),
    second: dimse(second),
  };
  const gateway = await forwardingTo(t, destinations, ['first']);
  await sendInstances(gateway.port, captures('failover', 10));
  const lane = (name: string) => gateway.lanes().find(({ destination }) => destination === name);
  await eventually('handed over', () => lane('first')?.failedOver === 10);
  await eventually('both are down', () => lane('second')?.state === 'suspended');
  t.is((await gateway.spool.status()).states.pending, 10);

  second.follow({});
  const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);

  t.like(states, { delivered: 10, held: 0 });
  t.is(second.taken.length, 10);
  const [entry] = await gateway.spool.query({ entryIds: [1] });
  const task = entry?.tasks.find(({ kind }) => kind === 'delivery:first');
  t.like(task, { state: 'done', code: 'failed-over' });
  t.regex(task?.reason ?? '', /"second" takes over/);
});
