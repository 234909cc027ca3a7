import test from 'ava';
import type { Claim } from '../../../src/spool/port.ts';
import type { WireClaimed, WireCompletion } from '../../../src/spool/sqlite/messages.ts';
import { auditFiles, auditLedger } from '../../support/spool-audit.ts';
import { newInstance } from '../../support/temporary-spool.ts';
import { TestLedger } from '../../support/test-ledger.ts';

const HOUR_MS = 3_600_000;

function wire({ taskId, token, kind, entry }: WireClaimed) {
  return { taskId, token, kind, entryId: entry.entryId };
}

function completion(claim: WireClaimed, tasks: WireCompletion['tasks'] = []): WireCompletion {
  return {
    claim: wire(claim),
    tasks,
    products: [],
    discardReason: null,
    outcome: 'planned',
    status: null,
    detail: null,
    explanation: null,
  };
}

function accept(ledger: TestLedger, count = 1): void {
  for (let index = 0; index < count; index += 1) ledger.run([ledger.acceptRequest(newInstance())]);
}

function deferAll(ledger: TestLedger, dueAtMs: number): void {
  ledger.ask('defer', { claims: ledger.claim('rules').map(wire), dueAtMs });
}

test('ledger accepts, and gives to who waits, in one transaction', (t) => {
  const steps: string[] = [];
  using ledger = new TestLedger({ step: (name) => steps.push(name) });
  const claim = ledger.request('claim', {
    kind: 'rules',
    limit: 5,
    headerIndex: true,
    leaseMs: null,
    priorityAtLeast: null,
    inOrderOf: null,
  });
  ledger.run([claim]);
  steps.length = 0;

  const { replies } = ledger.ledger.run([
    ledger.acceptRequest(newInstance(), 0),
    ledger.acceptRequest(newInstance(), 1),
  ]);

  const claimed = replies.find(({ id }) => id === claim.id);
  t.is(((claimed as { answer: Claim[] }).answer ?? []).length, 2);
  t.is(steps.filter((name) => name === 'transaction-committed').length, 1);
  t.is(steps.filter((name) => name === 'segment-synced').length, 1);
});

test('ledger lets one bad request of a group fail alone', (t) => {
  using ledger = new TestLedger();
  accept(ledger, 2);
  const [first, second] = ledger.claim('rules') as [WireClaimed, WireClaimed];
  const tooMany = Array.from({ length: 1000 }, () => ({ kind: 'delivery:a' as const, payload: null }));

  const replies = ledger.run([
    ledger.acceptRequest(newInstance()),
    ledger.request('complete', { completions: [completion(first, tooMany)] }),
    ledger.request('complete', { completions: [completion(second)] }),
  ]);

  t.deepEqual(
    replies.map((reply) => (reply && 'error' in reply ? reply.error.code : 'done')),
    ['done', 'REQUEST_REJECTED', 'done'],
  );
  t.deepEqual(ledger.ask('complete', { completions: [completion(first)] }), { lost: [] });
  t.deepEqual(auditLedger(ledger.directory), []);
});

test('ledger does nothing of a group whose commit fails, and all of it when asked again', (t) => {
  let failing = false;
  using ledger = new TestLedger({
    step: (name) => {
      if (failing && name === 'transaction-filled') throw new Error('disk full');
    },
  });
  accept(ledger);
  const [claimed] = ledger.claim('rules') as [WireClaimed];
  const waiting = ledger.request('claim', {
    kind: 'delivery:a',
    limit: 1,
    headerIndex: false,
    leaseMs: null,
    priorityAtLeast: null,
    inOrderOf: null,
  });
  ledger.run([waiting]);
  const complete = { completions: [completion(claimed, [{ kind: 'delivery:a', payload: null }])] };
  failing = true;

  const replies = ledger.run([
    ledger.acceptRequest(newInstance()),
    ledger.request('complete', complete),
    ledger.request('hold', { selection: {}, reason: 'stop', by: 'ann' }),
  ]);

  t.deepEqual(
    replies.map((reply) => reply && 'error' in reply && reply.error.code),
    ['COMMIT_FAILED', 'COMMIT_FAILED', 'COMMIT_FAILED'],
  );
  t.false(ledger.ledger.isHealthy);
  t.deepEqual(auditLedger(ledger.directory), []);
  failing = false;
  const { replies: later } = ledger.ledger.run([ledger.request('complete', complete)]);
  t.true(ledger.ledger.isHealthy);
  const given = later.find(({ id }) => id === waiting.id) as { answer: WireClaimed[] };
  t.is(given.answer[0]?.kind, 'delivery:a');
  t.like(ledger.ask('status', {}), { accepted: 1, states: { pending: 1 } });
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});

test('ledger keeps nothing of small instances whose segment cannot be synced, and never syncs it again', (t) => {
  let failing = false;
  const steps: string[] = [];
  using ledger = new TestLedger({
    step: (name) => {
      steps.push(name);
      if (failing && name === 'segment-written')
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    },
  });
  accept(ledger);
  failing = true;

  const [reply, other] = ledger.run([
    ledger.acceptRequest(newInstance()),
    ledger.request('claim', {
      kind: 'rules',
      limit: 1,
      headerIndex: false,
      leaseMs: null,
      priorityAtLeast: null,
      inOrderOf: null,
    }),
  ]);

  t.is(reply && 'error' in reply && reply.error.code, 'WRITE_FAILED');
  t.true(other !== undefined && 'answer' in other);
  t.false(ledger.ledger.isHealthy);
  failing = false;
  steps.length = 0;
  accept(ledger);
  t.true(ledger.ledger.isHealthy);
  t.is(steps[0], 'segment-created');
  t.like(ledger.ask('status', {}), { accepted: 2 });
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});

for (const setMs of [-26 * HOUR_MS, 26 * HOUR_MS]) {
  // Fault case 33.
  test(`ledger waits out a back-off although the clock is set by ${setMs / HOUR_MS} hours`, (t) => {
    using ledger = new TestLedger();
    const { clocks } = ledger;
    accept(ledger);
    deferAll(ledger, clocks.wallMs + 10 * 60_000);
    clocks.pass(60_000);
    clocks.wallMs += setMs;
    t.deepEqual(ledger.claim('rules'), []);

    clocks.pass(8 * 60_000);
    t.deepEqual(ledger.claim('rules'), []);
    clocks.pass(60_000);
    t.is(ledger.claim('rules').length, 1);
  });

  // Fault case 33.
  test(`ledger keeps a lease as long as it was, although the clock is set by ${setMs / HOUR_MS} hours`, (t) => {
    using ledger = new TestLedger();
    const { clocks } = ledger;
    accept(ledger);
    ledger.claim('rules', 1, 60_000);
    clocks.wallMs += setMs;

    clocks.pass(59_000);
    t.deepEqual(ledger.claim('rules'), []);
    clocks.pass(1000);
    t.is(ledger.claim('rules').length, 1);
  });
}

test('ledger does not wait for years when the clock was set back while it was down', (t) => {
  using ledger = new TestLedger();
  const { clocks, directory } = ledger;
  accept(ledger);
  deferAll(ledger, clocks.wallMs + 60_000);
  ledger.crash();
  clocks.wallMs -= 2 * 365 * 24 * HOUR_MS;

  using restarted = new TestLedger({ directory, clocks });

  clocks.pass(59_000);
  t.deepEqual(restarted.claim('rules'), []);
  clocks.pass(1000);
  t.is(restarted.claim('rules').length, 1);
});

test('ledger says when it next has something to do', (t) => {
  using ledger = new TestLedger();
  const { clocks } = ledger;
  t.is(ledger.ledger.nextWorkMs, Number.POSITIVE_INFINITY);
  accept(ledger, 2);
  const claims = ledger.claim('rules', 1, 5000);
  t.is(ledger.ledger.nextWorkMs, clocks.wallMs + 50, 'the claim shares a sync, or gets one');
  accept(ledger, 1);
  t.is(ledger.ledger.nextWorkMs, clocks.wallMs + 5000);
  ledger.ask('defer', { claims: claims.map(wire), dueAtMs: clocks.wallMs + 3000 });
  clocks.pass(50);
  ledger.run([]);
  t.is(ledger.ledger.nextWorkMs, clocks.wallMs + 2950);

  clocks.pass(2950);
  ledger.run([]);

  t.true(ledger.ledger.nextWorkMs >= clocks.wallMs);
});

test('ledger syncs instances before it answers; claims and outcomes share the next sync, or get one soon', (t) => {
  const synced: boolean[] = [];
  const step = (name: string) => {
    if (name === 'transaction-committed') synced.push(ledger.context.statements.syncsCommits);
  };
  using ledger = new TestLedger({ step });
  const { clocks } = ledger;

  accept(ledger);
  const [claimed] = ledger.claim('rules') as [WireClaimed];
  ledger.ask('renew', { claims: [wire(claimed)], leaseMs: 60_000 });
  t.deepEqual(synced.splice(0), [true, false, false]);

  clocks.pass(49);
  ledger.run([]);
  t.deepEqual(synced.splice(0), []);
  clocks.pass(1);
  ledger.run([]);
  t.deepEqual(synced.splice(0), [true]);
  clocks.pass(1000);
  ledger.run([]);
  t.deepEqual(synced.splice(0), [], 'there is nothing left to sync');
});

test('ledger keeps the latest attempts of a task that fails for weeks', (t) => {
  using ledger = new TestLedger();
  accept(ledger);
  for (let attempt = 1; attempt <= 130; attempt += 1) {
    const [claimed] = ledger.claim('rules') as [WireClaimed];
    const failure = { disposition: 'retry' as const, code: 'PEER_DOWN', message: 'Down.', status: null };
    ledger.ask('fail', {
      failures: [{ ...failure, claim: wire(claimed), retryAtMs: ledger.clocks.wallMs, counts: true }],
    });
  }

  const [row] = ledger.ask('query', { query: { entryIds: [1] } });

  t.is(row?.tasks[0]?.attempts?.length, 100);
  t.is(row?.tasks[0]?.attempts?.[0]?.attempt, 130);
});

test('ledger writes down who did what to tasks, when and why', (t) => {
  using ledger = new TestLedger();
  accept(ledger, 3);
  ledger.ask('hold', { selection: { kind: 'rules' }, reason: 'new rules', by: 'ann' });
  ledger.ask('retry', { selection: { entryIds: [1, 2] }, by: 'bob' });
  ledger.ask('discard', {
    selection: { states: ['held'] },
    reason: 'test',
    by: 'ann',
    preview: true,
    erase: false,
  });
  ledger.ask('discard', {
    selection: { states: ['held'] },
    reason: 'test',
    by: 'ann',
    preview: false,
    erase: false,
  });

  const rows = ledger.rows('SELECT who, action, selection, reason, tasks, at_ms FROM audit');

  const at_ms = ledger.clocks.wallMs;
  t.deepEqual(rows, [
    { who: 'ann', action: 'hold', selection: '{"kind":"rules"}', reason: 'new rules', tasks: 3, at_ms },
    { who: 'bob', action: 'retry', selection: '{"entryIds":[1,2]}', reason: '', tasks: 2, at_ms },
    { who: 'ann', action: 'discard', selection: '{"states":["held"]}', reason: 'test', tasks: 1, at_ms },
  ]);
});
