import test from 'ava';
import { overdueReason, verdictOn } from '../../src/intake/commitment-verdict.ts';
import type { EntryRow, EntryState, TaskKind, TaskRow, TaskState } from '../../src/spool/spool.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';

type Task = readonly [kind: TaskKind, state: TaskState, code?: string];

function entry(state: EntryState, tasks: readonly Task[]): EntryRow {
  const rows = [['rules', 'done', 'planned'] as Task, ...tasks].map(
    ([kind, taskState, code]) => ({ kind, state: taskState, ...(code && { code }) }) as TaskRow,
  );
  return { state, sopClassUid: CT, tasks: rows } as unknown as EntryRow;
}

test('an instance is committed to when every destination has taken it', (t) => {
  const taken: readonly Task[] = [
    ['delivery:a', 'done', 'delivered'],
    ['delivery:b', 'done', 'warning'],
    ['commitment:a', 'done', 'committed'],
  ];
  t.deepEqual(verdictOn(CT, entry('delivered', taken)), { decided: true });
  t.deepEqual(verdictOn(CT, entry('delivered', [['delivery:a', 'done', 'duplicate']])), { decided: true });
});

test('an instance on its way, or held, is waited for', (t) => {
  t.deepEqual(verdictOn(CT, entry('pending', [])), { decided: false, isHeld: false });
  const one: readonly Task[] = [
    ['delivery:a', 'done', 'delivered'],
    ['delivery:b', 'held', 'REFUSED'],
  ];
  t.deepEqual(verdictOn(CT, entry('held', one)), { decided: false, isHeld: true });
  t.is(overdueReason({ isHeld: true }), 0x0110);
  t.is(overdueReason({ isHeld: false }), 0x0213);
});

test('an instance that is not here, of another class, or discarded is never committed to', (t) => {
  t.deepEqual(verdictOn(CT, undefined), { decided: true, failureReason: 0x0112 });
  t.deepEqual(verdictOn('1.2.3', entry('delivered', [['delivery:a', 'done', 'delivered']])), {
    decided: true,
    failureReason: 0x0119,
  });
  t.deepEqual(verdictOn(CT, entry('discarded', [])), { decided: true, failureReason: 0x0112 });
});

test('an instance that went past a destination, or nowhere, is not committed to', (t) => {
  const failed = { decided: true, failureReason: 0x0110 } as const;
  const other: Task = ['delivery:a', 'done', 'delivered'];
  t.deepEqual(verdictOn(CT, entry('delivered', [other, ['delivery:b', 'done', 'skipped']])), failed);
  t.deepEqual(verdictOn(CT, entry('delivered', [other, ['delivery:b', 'done', 'reported']])), failed);
  t.deepEqual(verdictOn(CT, entry('delivered', [])), failed);
});

test('an instance that another destination took over for is committed to once that has it', (t) => {
  const passedOn: Task = ['delivery:a', 'done', 'failed-over'];
  const waiting = entry('pending', [passedOn, ['delivery:b', 'waiting']]);
  t.deepEqual(verdictOn(CT, waiting), { decided: false, isHeld: false });
  const taken = entry('delivered', [passedOn, ['delivery:b', 'done', 'delivered']]);
  t.deepEqual(verdictOn(CT, taken), { decided: true });
});

test('a source that goes nowhere but as its products is never committed to; one that is delivered beside them is', (t) => {
  const converted: Task = ['conversion', 'done', 'converted'];
  const failed = { decided: true, failureReason: 0x0110 } as const;
  t.deepEqual(verdictOn(CT, entry('delivered', [converted])), failed);
  t.deepEqual(verdictOn(CT, entry('pending', [['conversion', 'waiting']])), failed);
  const both = [converted, ['delivery:a', 'done', 'delivered'] as Task];
  t.deepEqual(verdictOn(CT, entry('pending', both)), { decided: false, isHeld: false });
  t.deepEqual(verdictOn(CT, entry('delivered', both)), { decided: true });
});
