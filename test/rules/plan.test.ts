import test from 'ava';
import { tasksOf } from '../../src/rules/plan.ts';

const OPTIONS = { productsMeetRules: true, decidedAtMs: 1_700_000_000_000 };

test('each delivery is a task of its destination, with the edits that it needs', (t) => {
  const edits = [{ set: 'StationName', value: ['A'] }];
  const deliveries = [
    { destination: 'archive', rule: 'one', edits: [] },
    { destination: 'viewer', rule: 'two', edits },
  ];

  t.deepEqual(tasksOf({ deliveries }, OPTIONS), [
    { kind: 'delivery:archive', payload: { rule: 'one' } },
    { kind: 'delivery:viewer', payload: { rule: 'two', edits } },
  ]);
});

test('a conversion is a task that fixes its date and carries what its products need', (t) => {
  const conversion = {
    rule: 'slides (lossy)',
    job: 'wsi' as const,
    options: { tile: 512 },
    editsBefore: [],
    editsAfter: [{ remove: 'StationName' }],
    deliverTo: ['archive'],
  };

  t.deepEqual(tasksOf({ deliveries: [], conversion }, OPTIONS), [
    { kind: 'conversion', payload: { ...conversion, ...OPTIONS } },
  ]);
});

test('the priority of a plan is that of its tasks, and travels with them', (t) => {
  const deliveries = [
    { destination: 'archive', rule: 'one', edits: [], priority: 'urgent' as const },
    { destination: 'viewer', rule: 'two', edits: [], priority: 'off-peak' as const },
  ];

  t.deepEqual(tasksOf({ deliveries }, OPTIONS), [
    { kind: 'delivery:archive', payload: { rule: 'one', priority: 'urgent' }, priority: 100 },
    { kind: 'delivery:viewer', payload: { rule: 'two', priority: 'off-peak' }, priority: -100 },
  ]);
});
