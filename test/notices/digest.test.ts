import test from 'ava';
import fc from 'fast-check';
import { Digest } from '../../src/notices/digest.ts';
import { type Occurrence, REASONS } from '../../src/notices/notice.ts';

const MINUTE_MS = 60_000;
const OPTIONS = { on: [...REASONS], atMostEveryMs: 15 * MINUTE_MS };

function held(atMs: number, changes: Partial<Occurrence> = {}): Occurrence {
  return { reason: 'held', subject: 'delivery to pacs', sinceMs: atMs - 10_000, atMs, count: 1, ...changes };
}

test('the first is told at once, what follows in one at the end of the time', (t) => {
  const digest = new Digest(OPTIONS);

  t.is(digest.take([held(0, { codes: { REFUSED: 1 } })], 0).length, 1);
  t.deepEqual(digest.take([held(MINUTE_MS, { count: 2, codes: { REFUSED: 2 } })], MINUTE_MS), []);
  t.deepEqual(digest.take([held(2 * MINUTE_MS, { count: 3, codes: { TIMEOUT: 3 } })], 2 * MINUTE_MS), []);
  const [gathered, ...others] = digest.take([], 15 * MINUTE_MS);

  t.deepEqual(others, []);
  t.like(gathered, {
    reason: 'held',
    count: 5,
    times: 2,
    sinceMs: MINUTE_MS - 10_000,
    atMs: 2 * MINUTE_MS,
    codes: { REFUSED: 2, TIMEOUT: 3 },
  });
  t.deepEqual(digest.take([held(16 * MINUTE_MS)], 16 * MINUTE_MS), [], 'a digest begins the time anew');
});

test('after a quiet time the next is told at once', (t) => {
  const digest = new Digest(OPTIONS);
  digest.take([held(0)], 0);
  t.deepEqual(digest.take([], 15 * MINUTE_MS), []);

  t.is(digest.take([held(16 * MINUTE_MS)], 16 * MINUTE_MS).length, 1);
  t.is(digest.take([], 32 * MINUTE_MS).length, 0);
  t.deepEqual(digest.state, {}, 'nothing is remembered of what is over');
});

test('another destination, and another reason, are told at once', (t) => {
  const digest = new Digest(OPTIONS);
  digest.take([held(0)], 0);

  const others = [
    held(1, { subject: 'delivery to archive' }),
    held(1, { reason: 'gave-up', subject: 'pacs' }),
  ];

  t.is(digest.take(others, 1).length, 2);
});

test('a channel is told only what it wants to be told', (t) => {
  const digest = new Digest({ ...OPTIONS, on: ['gave-up'] });

  t.deepEqual(digest.take([held(0)], 0), []);
  t.is(digest.take([held(1, { reason: 'gave-up', subject: 'pacs' })], 1).length, 1);
});

test('what was gathered is told after a restart', (t) => {
  const digest = new Digest(OPTIONS);
  digest.take([held(0)], 0);
  digest.take([held(1)], 1);

  const next = new Digest(OPTIONS, JSON.parse(JSON.stringify(digest.state)));

  t.is(next.take([], 14 * MINUTE_MS).length, 0);
  t.like(next.take([], 15 * MINUTE_MS)[0], { times: 1, count: 1 });
});

test('nothing is lost and nothing told twice, and no two of a kind come within the time', (t) => {
  const arbitrary = fc.array(
    fc.record({ afterMs: fc.nat(10 * MINUTE_MS), subject: fc.constantFrom('a', 'b'), count: fc.nat(9) }),
  );
  fc.assert(
    fc.property(arbitrary, (events) => {
      const digest = new Digest(OPTIONS);
      let nowMs = 0;
      let toldCount = 0;
      const toldAtMs = new Map<string, number>();
      const take = (occurrences: readonly Occurrence[]) => {
        for (const notice of digest.take(occurrences, nowMs)) {
          toldCount += notice.count;
          const before = toldAtMs.get(notice.subject);
          t.true(before === undefined || nowMs - before >= OPTIONS.atMostEveryMs);
          toldAtMs.set(notice.subject, nowMs);
        }
      };
      for (const { afterMs, subject, count } of events) {
        nowMs += afterMs;
        take([held(nowMs, { subject, count })]);
      }
      nowMs += OPTIONS.atMostEveryMs;
      take([]);
      t.is(
        toldCount,
        events.reduce((sum, { count }) => sum + count, 0),
      );
    }),
  );
});
