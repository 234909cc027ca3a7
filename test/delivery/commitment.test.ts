import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { DestinationsSettings } from '../../src/delivery/config.ts';
import { type Delivery, startDelivery } from '../../src/delivery/delivery.ts';
import type { CommitmentReport } from '../../src/dimse/storage-commitment.ts';
import {
  COMMITMENT_COLLECTION,
  type CommitmentSent,
  type DeliveryPayload,
  reportRecord,
  type Spool,
} from '../../src/spool/spool.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import {
  type CommittingPeer,
  type CommittingPeerOptions,
  type ReceivedRequest,
  reportOf,
  startCommittingPeer,
} from '../support/committing-peer.ts';
import { eventually } from '../support/eventually.ts';
import {
  claim,
  newInstance,
  openTemporarySpool,
  receive,
  type TemporarySpool,
} from '../support/temporary-spool.ts';

const RETRY = {
  first_delay: '20ms',
  longest_delay: '50ms',
  resources_first_delay: '20ms',
  processing_tries: 2,
};

interface Gateway extends TemporarySpool {
  readonly peer: CommittingPeer;
  readonly metrics: ReturnType<typeof createMetrics>;
  delivery: Delivery;
  start(more?: Record<string, unknown>): Promise<void>;
}

/** A spool, a PACS that is asked to commit, and the delivery stage between them. */
async function open(
  t: ExecutionContext,
  peerOptions: CommittingPeerOptions = {},
  settings: Record<string, unknown> = {},
): Promise<Gateway> {
  const temporary = await openTemporarySpool();
  const peer = await startCommittingPeer(peerOptions);
  const metrics = createMetrics(new Registry());
  const gateway = Object.assign(temporary, {
    peer,
    metrics,
    delivery: undefined as unknown as Delivery,
    async start(more: Record<string, unknown> = {}) {
      const pacs = {
        kind: 'dimse-scu',
        host: '127.0.0.1',
        port: peer.port,
        called_ae_title: 'PACS',
        calling_ae_title: 'GATEWAY',
        commitment: 'required',
        retry: RETRY,
        ...settings,
        ...more,
      };
      const telemetry = { log: pino({ level: 'silent' }), metrics };
      gateway.delivery = await startDelivery(DestinationsSettings.parse({ pacs }), {
        spool: temporary.spool,
        telemetry,
      });
    },
  }) as Gateway;
  t.teardown(async () => {
    await gateway.delivery?.stop(0);
    await peer.stop();
    await temporary[Symbol.asyncDispose]();
  });
  await gateway.start();
  return gateway;
}

/** Into the spool, with a delivery to the PACS. */
async function keep(spool: Spool, count: number, payload: Partial<DeliveryPayload> = {}): Promise<string[]> {
  const uids: string[] = [];
  for (let kept = 0; kept < count; kept += 1) {
    const instance = newInstance();
    uids.push(instance.sopInstanceUid);
    await receive(spool, instance);
  }
  for (let planned = 0; planned < count; ) {
    const claims = await claim(spool, 'rules', 100);
    const tasks = [{ kind: 'delivery:pacs' as const, payload: { rule: 'otherwise', ...payload } }];
    await spool.complete(claims.map((one) => ({ claim: one, tasks, outcome: 'planned' })));
    planned += claims.length;
  }
  return uids;
}

/** What an input does with a report. */
async function arrive(spool: Spool, report: CommitmentReport): Promise<boolean> {
  const { sent: collection } = COMMITMENT_COLLECTION;
  const [record] = await spool.records({ collection, key: report.transactionUid });
  if (record === undefined) return false;
  await spool.keep([reportRecord(report, record.value as CommitmentSent, String(Math.random()))]);
  return true;
}

async function states(spool: Spool) {
  const { pending, held, delivered } = (await spool.status()).states;
  return { pending, held, delivered };
}

/** True when a request is under way for every instance, and its report is waited for. */
async function awaitReport(spool: Spool): Promise<boolean> {
  const entries = await spool.query({ limit: 100 });
  return entries.every(({ tasks }) =>
    tasks.some(
      ({ kind, state, dueAtMs }) =>
        kind.startsWith('commitment:') && state === 'waiting' && dueAtMs > Date.now() + 1000,
    ),
  );
}

async function noRecordsLeft(spool: Spool): Promise<boolean> {
  const { sent, report } = COMMITMENT_COLLECTION;
  const records = await Promise.all([sent, report].map((collection) => spool.records({ collection })));
  return records.flat().length === 0;
}

test('an instance is delivered once its destination has committed to it, by the titles of the sends', async (t) => {
  const gateway = await open(t, {
    onRequest: async (request) => void (await request.reportBack(reportOf(request))),
  });
  const uids = await keep(gateway.spool, 5);

  await eventually('5 delivered', async () => (await states(gateway.spool)).delivered === 5);

  const { requests } = gateway.peer;
  const asked = requests.flatMap(({ references }) => references.map(({ sopInstanceUid }) => sopInstanceUid));
  t.deepEqual(asked.toSorted(), uids.toSorted());
  t.like(requests[0]?.association, { callingAeTitle: 'GATEWAY', calledAeTitle: 'PACS' });
  t.deepEqual(gateway.peer.stored.length, 5);
  await eventually('no records are left', () => noRecordsLeft(gateway.spool));
  const outcomes = (await gateway.metrics.commitmentsTotal.get()).values;
  t.like(outcomes, [{ value: 5, labels: { direction: 'out', peer: 'pacs', outcome: 'committed' } }]);
});

test('until the report comes an instance stays pending, its bytes stay, and the lane shows it', async (t) => {
  const gateway = await open(t);
  await keep(gateway.spool, 2);

  await eventually('a request', () => gateway.peer.requests.length > 0);
  await eventually('all tasks wait', async () =>
    (await gateway.spool.status()).tasks.every(({ state }) => state === 'waiting'),
  );

  t.deepEqual(await states(gateway.spool), { pending: 2, held: 0, delivered: 0 });
  const longAgo = Date.now() + 1e12;
  t.is(await gateway.spool.purge({ settledBeforeMs: longAgo, limit: 100 }), 0);
  await eventually('the lane shows two', () => gateway.delivery.lanes()[0]?.awaitingCommitment === 2);
  const tasks = (await gateway.spool.status()).tasks.map(({ kind, count }) => [kind, count]);
  t.deepEqual(tasks, [['commitment:pacs', 2]]);
});

// Fault case 21.
test('a destination that forgets one of four gets that one again, and no other', async (t) => {
  let forgotten = '';
  const gateway = await open(t, {
    async onRequest(request, count) {
      if (count === 1) forgotten = request.references[1]?.sopInstanceUid ?? '';
      await request.reportBack(reportOf(request, count === 1 ? [forgotten] : []));
    },
  });
  const uids = await keep(gateway.spool, 4);

  await eventually('4 delivered', async () => (await states(gateway.spool)).delivered === 4);

  const times = (uid: string) => gateway.peer.stored.filter((stored) => stored === uid).length;
  for (const uid of uids) t.is(times(uid), uid === forgotten ? 2 : 1);
  const [first, second] = gateway.peer.requests;
  t.not(first?.transactionUid, second?.transactionUid);
  t.deepEqual(
    second?.references.map(({ sopInstanceUid }) => sopInstanceUid),
    [forgotten],
  );
});

// Fault case 21.
test('an instance that is never committed to is held after its resends; a retry starts anew', async (t) => {
  let commits = false;
  const gateway = await open(
    t,
    {
      async onRequest(request) {
        const uids = request.references.map(({ sopInstanceUid }) => sopInstanceUid);
        await request.reportBack(reportOf(request, commits ? [] : uids));
      },
    },
    { commitment_resends_max: 1 },
  );
  await keep(gateway.spool, 1);

  await eventually('1 held', async () => (await states(gateway.spool)).held === 1);

  t.is(gateway.peer.stored.length, 2);
  const [entry] = await gateway.spool.query({ state: 'held' });
  const held = entry?.tasks.find(({ state }) => state === 'held');
  t.is(held?.kind, 'delivery:pacs');
  t.is(held?.code, 'NOT_COMMITTED');
  t.regex(held?.reason ?? '', /2 times.*0112H \(no such object instance\)/);

  commits = true;
  t.is(await gateway.spool.retry({ destination: 'pacs' }), 1);
  await eventually('1 delivered', async () => (await states(gateway.spool)).delivered === 1);
  t.is(gateway.peer.stored.length, 3);
});

// Fault case 22.
test('a report that comes after a restart, twice, settles once', async (t) => {
  const gateway = await open(t);
  await keep(gateway.spool, 3);
  // Until its answer has come, a request that is cut off is as if never made.
  await eventually('an answered request', () => awaitReport(gateway.spool));
  await gateway.delivery.stop(0);
  const spool = await gateway.reopen();
  const [request] = gateway.peer.requests as [ReceivedRequest];
  const report = reportOf(request);

  t.true(await arrive(spool, report));
  t.true(await arrive(spool, report));
  await gateway.start();
  await eventually('3 delivered', async () => (await states(spool)).delivered === 3);
  await eventually('no records are left', () => noRecordsLeft(spool));

  t.false(await arrive(spool, report));
  t.is(gateway.peer.stored.length, 3);
  const settled = (await gateway.metrics.commitmentsTotal.get()).values;
  t.like(settled, [{ value: 3, labels: { outcome: 'committed' } }]);
});

// Fault case 22.
test('what a report leaves out is asked for again, under another transaction UID', async (t) => {
  const gateway = await open(
    t,
    {
      async onRequest(request, count) {
        const report = reportOf(request);
        // Half of it at first, and something that was never asked for.
        const extra = { sopClassUid: '1.2.3', sopInstanceUid: '1.2.3.4.5' };
        const half = [...report.committed.slice(0, 2), extra];
        await request.reportBack(count === 1 ? { ...report, committed: half } : report);
      },
    },
    { commitment_timeout: '200ms' },
  );
  const uids = await keep(gateway.spool, 4);

  await eventually('4 delivered', async () => (await states(gateway.spool)).delivered === 4);

  const [first, second] = gateway.peer.requests;
  t.is(first?.references.length, 4);
  t.is(second?.references.length, 2);
  t.not(first?.transactionUid, second?.transactionUid);
  t.is(gateway.peer.stored.length, uids.length);
});

// Fault case 22.
test('a report that never comes leads to a request under a fresh UID; a late one for the first still counts', async (t) => {
  const gateway = await open(t, {}, { commitment_timeout: '100ms' });
  await keep(gateway.spool, 1);

  await eventually('3 requests', () => gateway.peer.requests.length >= 3);

  const uids = gateway.peer.requests.map(({ transactionUid }) => transactionUid);
  t.is(new Set(uids).size, uids.length);
  await eventually('it is told that it was asked again', async () => {
    const { values } = await gateway.metrics.commitmentRequestsTotal.get();
    return values.some(({ labels, value }) => labels.outcome === 'not-reported' && value >= 2);
  });
  t.deepEqual(await states(gateway.spool), { pending: 1, held: 0, delivered: 0 });
  t.true(await arrive(gateway.spool, reportOf(gateway.peer.requests[0] as ReceivedRequest)));
  await eventually('1 delivered', async () => (await states(gateway.spool)).delivered === 1);
  t.is(gateway.peer.stored.length, 1);
});

test('a destination that does not know storage commitment is asked a few times, then held with the reason', async (t) => {
  const gateway = await open(t, { acceptsCommitment: false });
  await keep(gateway.spool, 1);

  await eventually('1 held', async () => (await states(gateway.spool)).held === 1);

  const [entry] = await gateway.spool.query({ state: 'held' });
  const held = entry?.tasks.find(({ state }) => state === 'held');
  t.is(held?.kind, 'commitment:pacs');
  t.is(held?.code, 'COMMITMENT_NOT_ACCEPTED');
  t.regex(held?.reason ?? '', /after 2 attempts.*no presentation context/);
});

test('a destination that answers N-ACTION with a failure and then not is asked until it agrees', async (t) => {
  const gateway = await open(t, {
    answer: (_, count) => (count === 1 ? 0x0213 : 0),
    onRequest: async (request, count) => {
      if (count > 1) await request.reportBack(reportOf(request));
    },
  });
  await keep(gateway.spool, 1);

  await eventually('1 delivered', async () => (await states(gateway.spool)).delivered === 1);

  const [first, second] = gateway.peer.requests;
  t.not(first?.transactionUid, second?.transactionUid);
});

test('a destination that goes down before it is asked is waited for, however often it takes', async (t) => {
  const gateway = await open(t);
  const down = gateway.peer;
  await gateway.delivery.stop(0);
  const { spool } = gateway;
  await receive(spool);
  const [rules] = await claim(spool, 'rules');
  const tasks = [{ kind: 'commitment:pacs' as const, payload: { rule: 'otherwise' } }];
  await spool.complete([{ claim: rules!, tasks, outcome: 'planned' }]);
  await down.stop();
  await gateway.start();

  // More than the tries that a refusal would have.
  await eventually('three requests were not answered', async () => {
    const failed = (await gateway.metrics.commitmentRequestsTotal.get()).values;
    return (failed.find(({ labels }) => labels.outcome === 'unreachable')?.value ?? 0) >= 3;
  });
  t.deepEqual(await states(spool), { pending: 1, held: 0, delivered: 0 });
  const up = await startCommittingPeer({
    port: down.port,
    onRequest: async (request) => void (await request.reportBack(reportOf(request))),
  });
  t.teardown(() => up.stop());
  await eventually('1 delivered', async () => (await states(spool)).delivered === 1);
});

test('what waits for a commitment is settled, at the latest in time, when none need be given any more', async (t) => {
  const gateway = await open(t, {}, { commitment_timeout: '500ms' });
  await keep(gateway.spool, 2);
  await eventually('a request', () => gateway.peer.requests.length > 0);
  await gateway.delivery.stop(0);

  await gateway.start({ commitment: 'none' });

  await eventually('2 delivered', async () => (await states(gateway.spool)).delivered === 2);
  const [entry] = await gateway.spool.query({ state: 'delivered' });
  t.is(entry?.tasks.find(({ kind }) => kind === 'commitment:pacs')?.code, 'not-asked');
});
