import test from 'ava';
import { notTaken, TAKEN } from '../support/scripted-session.ts';
import { KIND, prepareLane } from '../support/test-lane.ts';
import { settled } from '../support/virtual-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FAILOVER = { when_down: 'failover', failover_to: 'backup' };

/** A lane whose destination is down. */
function prepareDown(settings: Record<string, unknown>) {
  const prepared = prepareLane({ slots: 2, settings });
  const { session } = prepared;
  session.answer = () => notTaken('unreachable');
  session.isThere = false;
  return {
    ...prepared,
    comeBack() {
      session.answer = () => TAKEN;
      session.isThere = true;
    },
    backup: () => prepared.spool.tasks.filter(({ kind }) => kind === 'delivery:backup'),
  };
}

test('deliveries wait for a destination that is down, however long, unless it says otherwise', async (t) => {
  const { clock, spool, start, add } = prepareDown({ down_after: '1m' });
  add(20);
  const lane = start();

  await clock.advance(5 * HOUR_MS);

  t.is(spool.count('waiting'), 20);
  t.is(lane.status().diverting, undefined);
  await lane.stop(0);
});

test('a destination that is down for long is skipped, what comes later too, and not a moment before', async (t) => {
  const { clock, spool, metrics, start, add } = prepareDown({ when_down: 'skip', down_after: '10m' });
  add(20);
  const lane = start();
  await clock.advance(9 * MINUTE_MS);
  t.is(spool.count('waiting'), 20);
  t.is(lane.status().diverting, undefined);

  await clock.advance(2 * MINUTE_MS);
  add(1);
  await clock.advance(MINUTE_MS);

  t.is(spool.count('done'), 21);
  t.true(spool.tasks.every(({ outcome }) => outcome === 'skipped'));
  t.regex(spool.tasks[0]?.reason ?? '', /^Skipped: the destination had been down for 1\d min$/);
  t.like(lane.status(), { state: 'suspended', diverting: 'skip', skipped: 21, taken: 0 });
  t.is((await metrics.deliveriesSkippedTotal.get()).values[0]?.value, 21);
  await lane.stop(0);
});

test('another destination takes over, with edits, rule and priority as they were', async (t) => {
  const { clock, spool, metrics, start, backup } = prepareDown({ ...FAILOVER, down_after: '5m' });
  const payload = { rule: 'r', priority: 'urgent', edits: [{ remove: 'PatientAddress' }] };
  for (let count = 0; count < 4; count += 1) spool.add(KIND, {}, { payload, priority: 100 });
  const lane = start();

  await clock.advance(7 * MINUTE_MS);

  t.is(backup().length, 4);
  t.like(backup()[0], {
    entry: { entryId: 1 },
    payload: { ...payload, failedOverFrom: ['pacs'] },
    priority: 100,
    state: 'waiting',
  });
  t.like(spool.tasks[0], { state: 'done', outcome: 'failed-over' });
  t.like(lane.status(), { diverting: 'failover', divertingTo: 'backup', failedOver: 4 });
  t.is((await metrics.deliveriesFailedOverTotal.get()).values[0]?.value, 4);
  await lane.stop(0);
});

test('an instance that the other destination is to get anyway is not sent there twice', async (t) => {
  const { clock, spool, start, backup } = prepareDown({ ...FAILOVER, down_after: '5m' });
  for (let count = 0; count < 4; count += 1) spool.add(KIND);
  spool.add('delivery:backup', { entryId: 2 });
  const lane = start();

  await clock.advance(7 * MINUTE_MS);

  t.deepEqual(
    backup()
      .map(({ entry }) => entry.entryId)
      .toSorted(),
    [1, 2, 3, 4],
  );
  await lane.stop(0);
});

test('an instance that went past the other destination, too, is sent there when that takes over', async (t) => {
  const { clock, spool, start, backup } = prepareDown({ ...FAILOVER, down_after: '5m' });
  spool.add(KIND, { entryId: 1 });
  spool.add(KIND, { entryId: 2 });
  spool.add(KIND, { entryId: 3 });
  Object.assign(spool.add('delivery:backup', { entryId: 1 }), { state: 'done', outcome: 'skipped' });
  Object.assign(spool.add('delivery:backup', { entryId: 2 }), { state: 'done', outcome: 'reported' });
  Object.assign(spool.add('delivery:backup', { entryId: 3 }), { state: 'done', outcome: 'delivered' });
  const lane = start();

  await clock.advance(7 * MINUTE_MS);

  const waiting = backup().filter(({ state }) => state === 'waiting');
  t.deepEqual(
    waiting.map(({ entry }) => entry.entryId),
    [1, 2],
  );
  await lane.stop(0);
});

test('what the destination did not commit to is not counted against the one that takes over', async (t) => {
  const { clock, spool, start, backup } = prepareDown({ ...FAILOVER, down_after: '5m' });
  for (let count = 0; count < 3; count += 1) spool.add(KIND, {}, { payload: { rule: 'r', uncommitted: 3 } });
  const lane = start();

  await clock.advance(7 * MINUTE_MS);

  t.deepEqual(backup()[0]?.payload, { rule: 'r', failedOverFrom: ['pacs'] });
  await lane.stop(0);
});

test('a delivery never goes back to a destination that passed it on: it waits', async (t) => {
  const { clock, spool, start, backup, comeBack } = prepareDown({ ...FAILOVER, down_after: '5m' });
  const payload = { rule: 'r', failedOverFrom: ['backup'] };
  for (let count = 0; count < 3; count += 1) spool.add(KIND, {}, { payload });
  const lane = start();
  await clock.advance(2 * HOUR_MS);

  t.is(backup().length, 0);
  t.is(spool.count('waiting'), 3);
  t.true(spool.tasks.every(({ attempt }) => attempt <= 1));

  comeBack();
  await clock.advance(5 * MINUTE_MS);
  t.is(spool.count('done'), 3);
  await lane.stop(0);
});

test('what comes after the destination has come back goes to it, and what was claimed just then too', async (t) => {
  const { clock, spool, session, start, add, backup, comeBack } = prepareDown({
    ...FAILOVER,
    down_after: '5m',
  });
  add(3);
  const lane = start();
  await clock.advance(20 * MINUTE_MS);
  t.is(backup().length, 3);

  comeBack();
  await clock.advance(2 * MINUTE_MS); // A probe gets through: nothing goes past it any more.
  const answered = Promise.withResolvers<typeof TAKEN>();
  session.answer = () => answered.promise;
  add(5);
  await clock.advance(HOUR_MS);
  t.is(lane.status().diverting, undefined);
  answered.resolve(TAKEN);
  await settled();

  t.is(backup().length, 3);
  t.is(spool.tasks.filter(({ outcome }) => outcome === 'delivered').length, 5);
  await lane.stop(0);
});

test('the time that a destination was down is counted anew for each outage', async (t) => {
  const { clock, spool, session, start, add, backup, comeBack } = prepareDown({
    ...FAILOVER,
    down_after: '5m',
  });
  const lane = start();
  for (let outage = 0; outage < 5; outage += 1) {
    session.answer = () => notTaken('unreachable');
    session.isThere = false;
    add(4);
    await clock.advance(4 * MINUTE_MS);
    comeBack();
    await clock.advance(4 * MINUTE_MS);
  }

  t.is(backup().length, 0);
  t.is(spool.count('done'), 20);
  await lane.stop(0);
});

test('what the spool cannot write now is diverted later, once', async (t) => {
  const { clock, spool, start, add, backup } = prepareDown({ ...FAILOVER, down_after: '5m' });
  add(10);
  const lane = start();
  await clock.advance(4 * MINUTE_MS);
  spool.writeErrors = [new Error('disk full'), new Error('disk full')];

  await clock.advance(10 * MINUTE_MS);

  t.is(backup().length, 10);
  t.is(new Set(backup().map(({ entry }) => entry.entryId)).size, 10);
  await lane.stop(0);
});
