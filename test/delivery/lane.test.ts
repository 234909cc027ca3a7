import test from 'ava';
import fc from 'fast-check';
import { notTaken, TAKEN } from '../support/scripted-session.ts';
import { KIND, prepareLane } from '../support/test-lane.ts';
import { settled } from '../support/virtual-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('lane delivers what waits, oldest first, and what comes later', async (t) => {
  const { spool, session, start, add } = prepareLane();
  add(3);
  const lane = start();
  await settled();

  add(2);
  await settled();

  t.deepEqual(
    session.sent.map(({ entryId }) => entryId),
    [1, 2, 3, 4, 5],
  );
  t.is(spool.count('done'), 5);
  t.like(lane.status(), { state: 'idle', taken: 5, failed: 0, sending: 0 });
  await lane.stop(0);
});

test('lane keeps every slot busy, and each with one instance at a time', async (t) => {
  const { session, spool, start, add } = prepareLane({ slots: 3 });
  const busy = new Set<number>();
  let most = 0;
  session.answer = async (_, { slot }) => {
    t.false(busy.has(slot));
    busy.add(slot);
    most = Math.max(most, busy.size);
    await settled();
    busy.delete(slot);
    return TAKEN;
  };
  add(50);
  const lane = start();

  while (spool.count('done') < 50) await settled();

  t.is(most, 3);
  await lane.stop(0);
});

test('the next instance is made ready while the answer is awaited', async (t) => {
  const { session, start, add } = prepareLane();
  const { promise, resolve } = Promise.withResolvers<typeof TAKEN>();
  session.answer = () => promise;
  add(3);
  const lane = start();
  await settled();

  t.deepEqual(session.events, ['prepare 1', 'prepare 2', 'prepare 3', 'send 1']);

  resolve(TAKEN);
  await settled();
  await lane.stop(0);
});

test('one instance of ten is refused: nine are delivered, one is held', async (t) => {
  const { session, spool, start, add } = prepareLane({ slots: 2 });
  session.answer = (entryId) =>
    entryId === 4 ? notTaken('refused', { code: 'REFUSED', status: 0xc000 }) : TAKEN;
  const tasks = add(10);
  const lane = start();
  await settled();

  t.is(spool.count('done'), 9);
  t.like(tasks[3], { state: 'held', code: 'REFUSED', reason: 'It was refused' });
  t.like(lane.status(), { breaker: 'closed', taken: 9, failed: 1 });
  await lane.stop(0);
});

test('one instance of ten ends associations: it is tried three times, alone once, and held; nine are delivered', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  session.answer = (entryId) => (entryId === 4 ? notTaken('unclear') : TAKEN);
  const tasks = add(10);
  const lane = start();

  await clock.advance(HOUR_MS);

  const tries = session.sent.filter(({ entryId }) => entryId === 4);
  t.deepEqual(
    tries.map(({ alone }) => alone),
    [false, false, false, true],
  );
  t.like(tasks[3], { state: 'held', reason: 'Held after 4 attempts. It was unclear' });
  t.is(spool.count('done'), 9);
  t.false(session.sent.some(({ entryId, alone }) => alone && entryId !== 4));
  await lane.stop(0);
});

test('lane waits out the back-off when the peer answers A700H', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  session.answer = () => notTaken('resources');
  add(1);
  const lane = start();
  await clock.advance(59_000);
  t.is(session.sent.length, 1);

  session.answer = () => TAKEN;
  await clock.advance(1000);

  t.is(session.sent.length, 2);
  t.is(spool.count('done'), 1);
  await lane.stop(0);
});

test('the destination down for 26 hours of steady input: nothing is held, everything arrives after', async (t) => {
  const { clock, session, spool, metrics, start, add } = prepareLane({ slots: 2 });
  session.answer = () => notTaken('unreachable');
  session.isThere = false;
  const lane = start();
  for (let hour = 0; hour < 26; hour += 1) {
    add(20);
    await clock.advance(HOUR_MS);
  }
  t.is(lane.status().state, 'suspended');
  t.is((await metrics.breakerOpen.get()).values[0]?.value, 1);
  t.true(session.sent.length < 10, 'nothing is sent to a peer that is not there');
  t.true(session.echoes < 27 * 70, 'probes come once a minute at most');
  t.is(session.open, 0);

  session.answer = () => TAKEN;
  session.isThere = true;
  await clock.advance(2 * 60_000);

  t.is(spool.count('done'), 520);
  t.is(lane.status().breaker, 'closed');
  t.is((await metrics.breakerOpen.get()).values[0]?.value, 0);
  t.true(
    spool.tasks.every(({ attempt }) => attempt <= 2),
    'an outage burns no attempts',
  );
  await lane.stop(0);
});

test('an outage of 30 days holds nothing, though deliveries are given up after 7', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({
    retry: { longest_delay: '1h', breaker_longest_delay: '1h' },
  });
  session.answer = () => notTaken('unreachable');
  session.isThere = false;
  add(5);
  const lane = start();
  await clock.advance(30 * DAY_MS);
  t.is(spool.count('waiting'), 5);

  session.isThere = true;
  session.answer = (entryId) => (entryId === 1 ? notTaken('resources') : TAKEN);
  await clock.advance(90 * 60_000);

  t.is(spool.count('done'), 4);
  t.is(spool.count('waiting'), 1, 'the fifth has only begun to be tried');
  await lane.stop(0);
});

test('an outage is not counted by a gateway that was started in the middle of it', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({
    retry: { longest_delay: '1h', breaker_longest_delay: '1h' },
  });
  session.answer = () => notTaken('unreachable');
  session.isThere = false;
  add(5);
  const before = start();
  await clock.advance(8 * DAY_MS);
  await before.stop(0);

  const after = start();
  await clock.advance(DAY_MS);

  t.is(spool.count('waiting'), 5);
  await after.stop(0);
});

test('what a working destination has no room for is held after seven days, and not before', async (t) => {
  const { clock, session, start, add } = prepareLane();
  session.answer = (entryId) => (entryId === 1 ? notTaken('resources') : TAKEN);
  const [poor] = add(1);
  const lane = start();
  for (let day = 0; day < 7; day += 1) {
    add(1);
    t.not(poor?.state, 'held', `day ${day}`);
    await clock.advance(DAY_MS);
  }

  await clock.advance(HOUR_MS);

  t.like(poor, { state: 'held', reason: 'Held as tried for too long. It was resources' });
  await lane.stop(0);
});

test('after A7xx another waiting instance is the probe, not C-ECHO', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  session.answer = () => notTaken('resources');
  add(10);
  const lane = start();
  await clock.advance(100);
  t.like(lane.status(), { breaker: 'open' });
  const sentBefore = session.sent.length;
  t.is(sentBefore, 3);

  await clock.advance(2000);
  t.is(session.sent.length, sentBefore + 1);
  t.is(session.sent.at(-1)?.entryId, 4, 'another one');
  t.is(session.echoes, 0);

  session.answer = () => TAKEN;
  await clock.advance(HOUR_MS);
  t.is(spool.count('done'), 10);
  await lane.stop(0);
});

test('after a probe that got through one instance tries first, so that no herd comes down on the peer', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({ slots: 4 });
  session.answer = () => notTaken('unclear');
  add(40);
  const lane = start();
  await clock.advance(100);
  const sentBefore = session.sent.length;

  await clock.advance(2000);

  t.is(session.echoes, 1);
  t.is(session.sent.length, sentBefore + 1);
  session.answer = () => TAKEN;
  await clock.advance(HOUR_MS);
  t.is(spool.count('done'), 40);
  await lane.stop(0);
});

test('an instance alone with a peer that ends every association is neither held nor sent without pause', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  session.answer = () => notTaken('unclear');
  add(1);
  const lane = start();

  await clock.advance(DAY_MS);

  t.is(spool.count('waiting'), 1);
  t.true(session.sent.length > 200 && session.sent.length < 400, `${session.sent.length}`);
  await lane.stop(0);
});

test('0110 for a single instance is tried five times, then held', async (t) => {
  const { clock, session, start, add } = prepareLane();
  session.answer = () => notTaken('processing', { status: 0x0110 });
  const [task] = add(1);
  const lane = start();

  await clock.advance(HOUR_MS);

  t.is(session.sent.length, 5);
  t.is(task?.state, 'held');
  await lane.stop(0);
});

test('0110 for everything is an outage: nothing is held for it', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({ slots: 2 });
  session.answer = () => notTaken('processing', { status: 0x0110 });
  add(20);
  const lane = start();
  await clock.advance(DAY_MS);
  t.is(spool.count('held'), 0);

  session.answer = () => TAKEN;
  await clock.advance(HOUR_MS);

  t.is(spool.count('done'), 20);
  await lane.stop(0);
});

test('the products of a conversion go through one slot, in their order', async (t) => {
  const { session, spool, start } = prepareLane({ slots: 3 });
  for (let product = 0; product < 8; product += 1) {
    for (const parentEntryId of [101, 102]) spool.add(KIND, { origin: 'converted', parentEntryId });
    spool.add(KIND);
  }
  const parentOf = (entryId: number) => spool.tasks[entryId - 1]?.entry.parentEntryId;
  const sending = new Set<number>();
  session.answer = async (entryId) => {
    const parent = parentOf(entryId);
    t.false(parent !== undefined && sending.has(parent), 'two of one set at the same time');
    if (parent !== undefined) sending.add(parent);
    await settled();
    if (parent !== undefined) sending.delete(parent);
    return TAKEN;
  };
  const lane = start();

  while (spool.count('done') < 24) await settled();

  for (const parent of [101, 102]) {
    const set = session.sent.filter(({ entryId }) => parentOf(entryId) === parent);
    t.is(new Set(set.map(({ slot }) => slot)).size, 1);
    t.deepEqual(
      set.map(({ entryId }) => entryId),
      set.map(({ entryId }) => entryId).toSorted((a, b) => a - b),
    );
  }
  await lane.stop(0);
});

test('what was taken is not sent again because the spool could not write it down at once', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  spool.writeErrors = [new Error('disk full'), new Error('disk full')];
  add(4);
  const lane = start();

  await clock.advance(10_000);

  t.is(spool.count('done'), 4);
  t.is(session.sent.length, 4);
  await lane.stop(0);
});

test('a claim is kept alive while its instance is being sent', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  const { promise, resolve } = Promise.withResolvers<typeof TAKEN>();
  session.answer = () => promise;
  add(1);
  const lane = start();

  await clock.advance(HOUR_MS);
  t.true(spool.renewals.length >= 60);
  t.is(session.sent.length, 1);

  resolve(TAKEN);
  await settled();
  t.is(spool.count('done'), 1);
  await lane.stop(0);
});

test('stop() lets what is being sent finish, and gives back the rest untouched', async (t) => {
  const { session, spool, start, add } = prepareLane();
  const { promise, resolve } = Promise.withResolvers<typeof TAKEN>();
  session.answer = () => promise;
  add(10);
  const lane = start();
  await settled();

  const stopped = lane.stop(60_000);
  await settled();
  resolve(TAKEN);
  await stopped;

  t.is(spool.count('done'), 1);
  t.is(spool.count('waiting'), 9);
  t.true(spool.tasks.slice(1).every(({ attempt }) => attempt === 0));
  t.is(session.open, 0);
  t.is(lane.status().state, 'stopped');
});

test('stop() cuts off what does not finish in time, and nobody is blamed for it', async (t) => {
  const { clock, session, spool, start, add } = prepareLane();
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof notTaken>>();
  session.answer = () => promise;
  session.close = async () => resolve(notTaken('local', { code: 'STOPPED' }));
  add(1);
  const lane = start();
  await settled();

  const stopped = lane.stop(5000);
  await clock.advance(5000);
  await stopped;

  t.like(spool.tasks[0], { state: 'waiting', attempt: 0 });
  t.is(spool.tasks[0]?.code, undefined);
});

test('a fault of ours holds the instance it happened to, and the lane goes on', async (t) => {
  const { session, spool, start, add } = prepareLane();
  session.answer = (entryId) => {
    if (entryId === 2) throw new TypeError('undefined is not a function');
    return TAKEN;
  };
  const tasks = add(3);
  const lane = start();
  await settled();

  t.is(spool.count('done'), 2);
  t.like(tasks[1], { state: 'held', code: 'INTERNAL_ERROR' });
  await lane.stop(0);
});

test('the words of the peer are kept with the task, and not in the status of the lane', async (t) => {
  const { session, start, add } = prepareLane();
  session.answer = () => notTaken('refused', { comment: 'DOE^JANE has no order' });
  const [task] = add(1);
  const lane = start();
  await settled();

  t.is(task?.reason, 'It was refused: "DOE^JANE has no order"');
  t.is(lane.status().lastFailure?.reason, 'It was refused');
  await lane.stop(0);
});

test('whatever the destination does, and however often the gateway restarts, each instance is taken or held once', async (t) => {
  const reason = fc.constantFrom('unreachable', 'resources', 'processing', 'unclear', 'refused', 'local');
  const scripts = fc.array(fc.array(reason, { maxLength: 6 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      scripts,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 3 }),
      async (failures, slots, restarts) => {
        const { clock, session, spool, start, add } = prepareLane({ slots });
        const left = failures.map((script) => [...script]);
        const tasks = add(failures.length);
        session.answer = (entryId) => {
          if (tasks[entryId - 1]?.state !== 'claimed') throw new Error(`${entryId} was sent after its end`);
          const next = left[entryId - 1]?.shift();
          return next === undefined ? TAKEN : notTaken(next);
        };
        let lane = start();
        for (const pauseMs of restarts) {
          await clock.advance(pauseMs);
          const stopped = lane.stop(1000);
          await clock.advance(5000);
          await stopped;
          if (spool.count('claimed') > 0) throw new Error('A claim was kept');
          lane = start();
        }

        await clock.advance(2 * DAY_MS);
        const stopped = lane.stop(1000);
        await clock.advance(5000);
        await stopped;

        t.is(session.open, 0);
        t.is(spool.count('done') + spool.count('held'), tasks.length);
        t.false(tasks.some(({ code }) => code === 'INTERNAL_ERROR'));
        for (const [at, script] of failures.entries()) {
          if (!script.includes('refused')) continue;
          t.true(tasks[at]?.state === 'held', 'what the destination refuses is held');
        }
      },
    ),
    { numRuns: 300 },
  );
});
