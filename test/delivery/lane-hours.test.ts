import test from 'ava';
import { PRIORITY } from '../../src/spool/spool.ts';
import { notTaken, TAKEN } from '../support/scripted-session.ts';
import { KIND, prepareLane } from '../support/test-lane.ts';
import { settled } from '../support/virtual-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The clock of the tests starts at 23:13 in Berlin, on a Tuesday. */
const NIGHTS = [{ from: '22:00', to: '06:00' }];
const DAYS = [{ from: '08:00', to: '18:00' }];

function offPeak(spool: ReturnType<typeof prepareLane>['spool']) {
  return spool.add(
    KIND,
    {},
    { payload: { rule: 'r', priority: 'off-peak' }, priority: PRIORITY['off-peak'] },
  );
}

test('outside of its windows a lane claims nothing, says when it opens, and then goes on', async (t) => {
  const { clock, session, spool, metrics, start, add } = prepareLane({ settings: { send_windows: DAYS } });
  add(3);
  const lane = start();
  await settled();

  t.is(session.sent.length, 0);
  t.like(lane.status(), { state: 'closed', opensAtMs: Date.parse('2023-11-15T07:00:00Z') });
  t.is((await metrics.laneClosed.get()).values[0]?.value, 1);

  await clock.advance(9 * HOUR_MS);

  t.is(spool.count('done'), 3);
  t.is(lane.status().state, 'idle');
  t.is(lane.status().opensAtMs, undefined);
  t.is((await metrics.laneClosed.get()).values[0]?.value, 0);
  await lane.stop(0);
});

test('what is being sent when a window ends finishes, and nothing is sent after it', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({ settings: { send_windows: NIGHTS } });
  const answered = Promise.withResolvers<typeof TAKEN>();
  session.answer = () => answered.promise;
  add(5);
  const lane = start();
  await clock.advance(7 * HOUR_MS);
  t.is(lane.status().state, 'sending');

  answered.resolve(TAKEN);
  await settled();
  t.is(spool.count('done'), 1);
  t.is(spool.count('waiting'), 4);
  t.is(lane.status().state, 'closed');
  await clock.advance(15 * HOUR_MS);
  t.is(spool.count('done'), 1);

  await clock.advance(2 * HOUR_MS);

  t.is(spool.count('done'), 5);
  t.true(
    spool.tasks.every(({ attempt }) => attempt === 1),
    'to be claimed before the end of a window is no attempt',
  );
  await lane.stop(0);
});

test('off-peak deliveries wait for their windows while the others go', async (t) => {
  const { clock, session, start, spool, add } = prepareLane({ settings: { off_peak: NIGHTS } });
  const lane = start();
  await clock.advance(12 * HOUR_MS); // It is day.
  const late = offPeak(spool);
  add(1);
  await settled();
  t.is(session.sent.length, 1);
  t.is(late.state, 'waiting');

  await clock.advance(10 * HOUR_MS);
  t.is(late.state, 'waiting');
  await clock.advance(2 * HOUR_MS);

  t.is(late.state, 'done');
  await lane.stop(0);
});

test('without off-peak windows, what is off-peak goes last, and what is urgent first', async (t) => {
  const { session, start, spool, add } = prepareLane();
  const last = offPeak(spool);
  add(1);
  const first = spool.add(
    KIND,
    {},
    { payload: { rule: 'r', priority: 'urgent' }, priority: PRIORITY.urgent },
  );
  const lane = start();
  await settled();

  t.deepEqual(
    session.sent.map(({ entryId }) => entryId),
    [first.taskId, 2, last.taskId],
  );
  await lane.stop(0);
});

test('what is urgent overtakes what has been claimed before it', async (t) => {
  const { session, start, spool, add } = prepareLane();
  const answered = Promise.withResolvers<typeof TAKEN>();
  session.answer = () => answered.promise;
  add(10);
  const lane = start();
  await settled();
  const urgent = spool.add(
    KIND,
    {},
    { payload: { rule: 'r', priority: 'urgent' }, priority: PRIORITY.urgent },
  );
  await settled();

  answered.resolve(TAKEN);
  await settled();

  t.is(session.sent[1]?.entryId, urgent.entry.entryId);
  t.is(spool.count('done'), 11);
  await lane.stop(0);
});

test('a delivery is not given up for the time that its windows were closed', async (t) => {
  const { clock, session, spool, metrics, start, add } = prepareLane({
    settings: { send_windows: [{ from: '23:00', to: '24:00' }] },
    retry: { give_up_after: '10h', resources_first_delay: '10m', resources_longest_delay: '10m' },
  });
  session.answer = (entryId) => (entryId === 1 ? notTaken('resources') : TAKEN);
  const [poor] = add(1);
  const lane = start();
  for (let day = 0; day < 9; day += 1) {
    add(1);
    await clock.advance(DAY_MS);
  }
  t.is(poor?.state, 'waiting', 'nine hours of trying in nine days');
  t.is(spool.count('done'), 9);

  for (let day = 0; day < 3; day += 1) {
    add(1);
    await clock.advance(DAY_MS);
  }

  t.like(poor, { state: 'held', reason: 'Held as tried for too long. It was resources' });
  t.is((await metrics.gaveUpTotal.get()).values[0]?.value, 1);
  await lane.stop(0);
});

test('a suspended destination is not probed while its windows are closed', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({ settings: { send_windows: NIGHTS } });
  session.answer = () => notTaken('unreachable');
  session.isThere = false;
  add(5);
  const lane = start();
  await clock.advance(8 * HOUR_MS);
  const before = session.echoes;
  t.true(before > 100);
  t.is(lane.status().state, 'closed');

  await clock.advance(10 * HOUR_MS);
  t.is(session.echoes, before);
  session.isThere = true;
  session.answer = () => TAKEN;
  await clock.advance(6 * HOUR_MS);

  t.is(spool.count('done'), 5);
  await lane.stop(0);
});
