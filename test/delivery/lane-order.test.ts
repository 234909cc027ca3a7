import test from 'ava';
import fc from 'fast-check';
import { notTaken, TAKEN } from '../support/scripted-session.ts';
import { KIND, prepareLane } from '../support/test-lane.ts';
import { settled } from '../support/virtual-clock.ts';

const HOUR_MS = 3_600_000;

test('what was claimed as it had waited long is sent soon, however much there is that is more urgent', async (t) => {
  const { clock, session, spool, start } = prepareLane();
  spool.add(KIND, {}, { payload: { rule: 'r', priority: 'off-peak' }, priority: 1000 }); // As the spool ages it.
  const urgent = () => spool.add(KIND, {}, { payload: { rule: 'r', priority: 'urgent' }, priority: 100 });
  for (let count = 0; count < 300; count += 1) urgent();
  session.answer = () => {
    if (spool.tasks.length < 1000) urgent();
    return TAKEN;
  };
  const lane = start();

  await clock.advance(1000);

  t.is(spool.count('done'), 1000);
  const turn = session.sent.findIndex(({ entryId }) => entryId === 1);
  t.true(turn < 300, `sent as number ${turn}`);
  await lane.stop(0);
});

test('in order of studies, each instance waits for those of its study before it, whatever fails', async (t) => {
  const reason = fc.constantFrom('unreachable', 'resources', 'processing', 'unclear', 'refused', 'local');
  const instance = fc.record({
    study: fc.integer({ min: 1, max: 3 }),
    failures: fc.array(reason, { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(instance, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      async (instances, slots) => {
        const { clock, session, spool, start } = prepareLane({ slots, settings: { order: 'study' } });
        const left = instances.map(({ failures }) => [...failures]);
        for (const { study } of instances) spool.add(KIND, { studyInstanceUid: `1.2.${study}` });
        const ends: number[] = [];
        const sending = new Set<string>();
        session.answer = async (entryId) => {
          const { studyInstanceUid } = spool.tasks[entryId - 1]!.entry;
          if (sending.has(studyInstanceUid)) throw new Error('Two of one study at the same time');
          sending.add(studyInstanceUid);
          await settled();
          sending.delete(studyInstanceUid);
          const failure = left[entryId - 1]?.shift();
          if (failure === undefined || failure === 'refused') ends.push(entryId);
          return failure === undefined ? TAKEN : notTaken(failure);
        };
        const lane = start();
        await clock.advance(48 * HOUR_MS);
        const stopped = lane.stop(1000);
        await clock.advance(5000);
        await stopped;

        t.is(session.open, 0);
        t.is(spool.count('done') + spool.count('held'), instances.length);
        t.false(spool.tasks.some(({ code }) => code === 'INTERNAL_ERROR'));
        for (const study of [1, 2, 3]) {
          const ended = ends.filter((entryId) => instances[entryId - 1]?.study === study);
          t.deepEqual(
            ended,
            ended.toSorted((a, b) => a - b),
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a study that is held up does not hold up the others', async (t) => {
  const { clock, session, spool, start } = prepareLane({ settings: { order: 'study' } });
  for (let count = 0; count < 4; count += 1) {
    for (const study of ['1.1', '1.2']) spool.add(KIND, { studyInstanceUid: study });
  }
  session.answer = (entryId) => (entryId === 1 ? notTaken('resources') : TAKEN);
  const lane = start();
  await settled();

  const sent = session.sent.map(({ entryId }) => entryId);
  t.deepEqual(sent, [1, 2, 4, 6, 8]);
  session.answer = () => TAKEN;
  await clock.advance(HOUR_MS);

  t.deepEqual(
    session.sent.slice(5).map(({ entryId }) => entryId),
    [1, 3, 5, 7],
  );
  t.true(
    spool.tasks.slice(1).every(({ attempt }) => attempt === 1),
    'to be held up is no attempt',
  );
  await lane.stop(0);
});

test('a study that is kept together goes over one slot, back to back, while other studies use the others', async (t) => {
  const { session, spool, start } = prepareLane({
    slots: 3,
    settings: { keep_study_on_one_association: true },
  });
  for (let count = 0; count < 300; count += 1) {
    for (const study of ['1.1', '1.2', '1.3', '1.4']) spool.add(KIND, { studyInstanceUid: study });
  }
  session.answer = async () => {
    await settled();
    return TAKEN;
  };
  const lane = start();
  while (spool.count('done') < 1200) await settled();

  const studyOf = (entryId: number) => spool.tasks[entryId - 1]?.entry.studyInstanceUid;
  for (const study of ['1.1', '1.2', '1.3', '1.4']) {
    const slots = new Set(
      session.sent.filter(({ entryId }) => studyOf(entryId) === study).map(({ slot }) => slot),
    );
    t.is(slots.size, 1, study);
  }
  for (const slot of [0, 1, 2]) {
    const studies = session.sent.filter((sent) => sent.slot === slot).map(({ entryId }) => studyOf(entryId));
    const changes = studies.filter((study, index) => index > 0 && study !== studies[index - 1]);
    t.true(changes.length <= 1, `slot ${slot} changed its study ${changes.length} times`);
  }
  await lane.stop(0);
});

// Fault case 28.
test('a destination that comes back is sent to by one, then by more and more, never by all at once', async (t) => {
  const { clock, session, spool, start, add } = prepareLane({ slots: 16 });
  session.answer = () => notTaken('unreachable');
  session.isThere = false;
  add(200);
  const lane = start();
  await clock.advance(HOUR_MS);
  session.isThere = true;
  const before = session.sent.length;
  const echoesBefore = session.echoes;
  let busy = 0;
  const busyAt: number[] = [];
  session.answer = async () => {
    busy += 1;
    busyAt.push(busy);
    await clock.sleep(1000, new AbortController().signal);
    busy -= 1;
    return TAKEN;
  };

  await clock.advance(2 * 60_000);

  t.is(session.echoes - echoesBefore, 1);
  t.is(spool.count('done'), 200);
  // In the first second one, in the next the one that may follow it, then twice as many each time.
  const perSecond = [1, 1, 2, 4, 8, 16];
  let from = 0;
  for (const count of perSecond) {
    t.true(Math.max(...busyAt.slice(from, from + count)) <= count, `${busyAt.slice(0, 40)}`);
    from += count;
  }
  t.is(Math.max(...busyAt), 16);
  t.is(session.sent.length - before, 200);
  await lane.stop(0);
});
