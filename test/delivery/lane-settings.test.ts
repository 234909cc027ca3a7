import test from 'ava';
import fc from 'fast-check';
import { PRIORITY, type PriorityName } from '../../src/spool/spool.ts';
import { notTaken, TAKEN } from '../support/scripted-session.ts';
import { KIND, prepareLane } from '../support/test-lane.ts';
import { settled } from '../support/virtual-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const windows = fc.constantFrom(
  [],
  [{ from: '22:00', to: '06:00' }],
  [
    { from: '08:00', to: '12:00' },
    { days: ['sat', 'sun'], from: '00:00', to: '24:00' },
  ],
);
const laneSettings = fc.record({
  send_windows: windows,
  off_peak: fc.constantFrom([], [{ from: '23:00', to: '01:00' }], [{ from: '09:00', to: '10:00' }]),
  order: fc.constantFrom('none', 'study'),
  keep_study_on_one_association: fc.boolean(),
  when_down: fc.constantFrom('wait', 'skip', 'failover'),
  down_after: fc.constantFrom('1s', '5m', '2h'),
  failover_to: fc.constant('backup'),
});
const instance = fc.record({
  study: fc.integer({ min: 1, max: 3 }),
  priority: fc.constantFrom<PriorityName>('urgent', 'normal', 'off-peak'),
  isProduct: fc.boolean(),
  failures: fc.array(
    fc.constantFrom('unreachable', 'resources', 'processing', 'unclear', 'refused', 'local'),
    {
      maxLength: 5,
    },
  ),
});

test('whatever is asked of a lane, each instance is taken, held, skipped or handed over, once, at a time it may be', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      laneSettings.filter(({ send_windows, off_peak }) => send_windows.length === 0 || off_peak.length === 0),
      fc.array(instance, { minLength: 1, maxLength: 12 }),
      fc.record({
        slots: fc.integer({ min: 1, max: 4 }),
        outages: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 2 }),
        restartAfterMs: fc.integer({ min: 0, max: DAY_MS }),
      }),
      async (settings, instances, { slots, outages, restartAfterMs }) => {
        const { clock, session, spool, start } = prepareLane({ slots, settings });
        const startMs = clock.now();
        const isDown = () => outages.includes(Math.floor((clock.now() - startMs) / HOUR_MS));
        Object.defineProperty(session, 'isThere', { get: () => !isDown() });
        const left = instances.map(({ failures }) => [...failures]);
        for (const { study, priority, isProduct } of instances) {
          const product = isProduct ? { origin: 'converted' as const, parentEntryId: study } : {};
          spool.add(
            KIND,
            { studyInstanceUid: `1.2.${study}`, ...product },
            { payload: { rule: 'r', priority }, priority: PRIORITY[priority] },
          );
        }
        session.answer = async (entryId) => {
          const task = spool.tasks[entryId - 1];
          if (task?.state !== 'claimed') throw new Error(`${entryId} was sent after its end`);
          await settled();
          if (isDown()) return notTaken('unreachable');
          const next = left[entryId - 1]?.shift();
          return next === undefined ? TAKEN : notTaken(next);
        };
        let lane = start();
        await clock.advance(restartAfterMs);
        let stopped = lane.stop(1000);
        await clock.advance(5000);
        await stopped;
        t.is(spool.count('claimed'), 0);
        lane = start();
        await clock.advance(6 * DAY_MS);
        stopped = lane.stop(1000);
        await clock.advance(5000);
        await stopped;

        t.is(session.open, 0);
        const own = spool.tasks.filter(({ kind }) => kind === KIND);
        t.is(own.length, instances.length);
        t.true(own.every(({ state }) => state === 'done' || state === 'held'));
        t.false(own.some(({ code }) => code === 'INTERNAL_ERROR'));
        const backup = spool.tasks.filter(({ kind }) => kind === 'delivery:backup');
        const handedOver = own.filter(({ outcome }) => outcome === 'failed-over');
        t.deepEqual(
          backup.map(({ entry }) => entry.entryId).toSorted((a, b) => a - b),
          handedOver.map(({ entry }) => entry.entryId),
        );
        t.is(own.some(({ outcome }) => outcome === 'skipped') && settings.when_down !== 'skip', false);
      },
    ),
    { numRuns: 15 },
  );
});
