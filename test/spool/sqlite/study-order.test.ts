import test from 'ava';
import { newInstance } from '../../support/temporary-spool.ts';
import { TestLedger } from '../../support/test-ledger.ts';

const IN_ORDER = { inOrderOf: 'study' } as const;

/** So many tasks of one study, in one kind. */
function ledgerWith(count: number): TestLedger {
  const ledger = new TestLedger();
  for (let index = 0; index < count; index += 50) {
    ledger.run(Array.from({ length: 50 }, (_, block) => ledger.acceptRequest(newInstance(), block)));
  }
  return ledger;
}

/** How often a task was put behind another or came forward. */
function countMoves(ledger: TestLedger): () => number {
  const { statements } = ledger.context;
  const run = statements.run.bind(statements);
  let moves = 0;
  statements.run = (name, ...values) => {
    if (name === 'putBehind' || name === 'putForward') moves += 1;
    return run(name, ...values);
  };
  return () => moves;
}

test('a long study costs each task but a few moves, however many ask for it', (t) => {
  const count = 2000;
  using ledger = ledgerWith(count);
  const moves = countMoves(ledger);
  const order: number[] = [];

  for (let next = ledger.claim('rules', 8, null, IN_ORDER); next.length > 0; ) {
    t.deepEqual(ledger.claim('rules', 8, null, IN_ORDER), []);
    order.push(...next.map(({ entry }) => entry.entryId));
    const completions = next.map(({ taskId, token, kind, entry }) => ({
      claim: { taskId, token, kind, entryId: entry.entryId },
      tasks: [],
      products: [],
      discardReason: null,
      outcome: 'done',
      status: null,
      detail: null,
      explanation: null,
    }));
    ledger.ask('complete', { completions });
    next = ledger.claim('rules', 8, null, IN_ORDER);
  }

  t.deepEqual(
    order,
    Array.from({ length: count }, (_, index) => index + 1),
  );
  t.true(moves() <= 3 * count, `${moves()}`);
});

test('a claim that was taken back by a failed commit keeps nothing back', (t) => {
  using ledger = ledgerWith(50);
  const { statements } = ledger.context;
  const control = statements.control.bind(statements);
  statements.control = (name) => {
    if (name === 'commit') throw new Error('disk full');
    control(name);
  };
  const request = ledger.request('claim', {
    kind: 'rules',
    limit: 2,
    headerIndex: false,
    leaseMs: null,
    priorityAtLeast: null,
    inOrderOf: 'study',
  });
  t.deepEqual(ledger.run([request]), [undefined]);
  statements.control = control;
  ledger.ask('cancel-claim', { request: request.id });

  t.deepEqual(
    ledger.claim('rules', 3, null, IN_ORDER).map(({ entry }) => entry.entryId),
    [1, 2, 3],
  );
});

test('what an expired lease gives back is first in its study again', (t) => {
  using ledger = ledgerWith(50);
  ledger.claim('rules', 2, 1000, IN_ORDER);
  t.deepEqual(ledger.claim('rules', 2, null, IN_ORDER), []);

  ledger.clocks.pass(2000);

  t.deepEqual(
    ledger.claim('rules', 3, null, IN_ORDER).map(({ entry }) => entry.entryId),
    [1, 2, 3],
  );
});
