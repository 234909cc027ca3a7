import test from 'ava';
import fc from 'fast-check';
import type { EntryState, TaskState } from '../../src/spool/port.ts';
import { countsAfter, entryStateOf, isSettled, NO_COUNTS, TASK_MOVES } from '../../src/spool/task.ts';

const TASK_STATES: TaskState[] = ['waiting', 'claimed', 'held', 'done', 'discarded'];
const ENTRY_STATES: EntryState[] = ['pending', 'held', 'discarded', 'delivered'];

test('TASK_MOVES leads out of every state but done and discarded', (t) => {
  const left = new Set<TaskState>(
    Object.values(TASK_MOVES).flatMap((move): readonly TaskState[] => move.from),
  );

  t.deepEqual([...left].sort(), ['claimed', 'held', 'waiting']);
});

test('entryStateOf() follows pending, held, discarded, delivered in this order, whatever the tasks', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...TASK_STATES)),
      fc.array(fc.constantFrom(...ENTRY_STATES)),
      (tasks, products) => {
        let counts = NO_COUNTS;
        for (const state of [...tasks, ...products]) counts = countsAfter(counts, undefined, state);

        const has = (...states: string[]) => [...tasks, ...products].some((state) => states.includes(state));
        const state = entryStateOf(counts);

        t.is(state === 'pending', has('waiting', 'claimed', 'pending'));
        t.is(state === 'held', !has('waiting', 'claimed', 'pending') && has('held'));
        t.is(isSettled(state), !has('waiting', 'claimed', 'pending', 'held'));
        t.is(state === 'delivered', !has('waiting', 'claimed', 'pending', 'held', 'discarded'));
      },
    ),
  );
});

test('countsAfter() comes to the same by moves as by counting what there is in the end', (t) => {
  const states = fc.constantFrom(...TASK_STATES, ...ENTRY_STATES);
  fc.assert(
    fc.property(fc.array(fc.array(states, { minLength: 1 }), { maxLength: 5 }), (histories) => {
      let moved = NO_COUNTS;
      let counted = NO_COUNTS;
      for (const history of histories) {
        for (const [index, state] of history.entries()) moved = countsAfter(moved, history[index - 1], state);
        counted = countsAfter(counted, undefined, history.at(-1));
      }

      t.deepEqual(moved, counted);
    }),
  );
});
