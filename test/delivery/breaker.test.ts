import test from 'ava';
import { Breaker } from '../../src/delivery/breaker.ts';
import { RetrySettings } from '../../src/delivery/retry-settings.ts';
import { coveredMs } from '../../src/schedule/intervals.ts';

function startBreaker() {
  const time = { nowMs: 1_000_000 };
  const breaker = new Breaker(RetrySettings.parse({}), {
    now: () => time.nowMs,
    elapsed: () => time.nowMs,
    random: () => 0,
  });
  const fail = (...entryIds: number[]) => entryIds.map((entryId) => breaker.failed(entryId, 'echo'));
  return { breaker, time, fail };
}

test('one poison instance, however often it fails, does not open the breaker', (t) => {
  const { breaker, fail } = startBreaker();

  fail(7, 7, 7, 7, 7, 7);

  t.is(breaker.state, 'closed');
  t.is(breaker.failuresInRow, 6);
});

test('three different instances in a row open it, and not when another is taken between them', (t) => {
  const { breaker, fail } = startBreaker();
  fail(1, 2);
  breaker.taken(3);
  fail(4, 5);
  t.is(breaker.state, 'closed');

  fail(6);

  t.is(breaker.state, 'open');
});

test('a probe that gets through lets one instance try, and the first taken closes it', (t) => {
  const { breaker, time, fail } = startBreaker();
  fail(1, 2, 3);
  t.is(breaker.probeAtMs - time.nowMs, 2000);

  breaker.letOneTry();
  t.is(breaker.state, 'half-open');
  breaker.taken(1);

  t.is(breaker.state, 'closed');
  t.is(breaker.failuresInRow, 0);
});

test('probes that fail come at doubled waits, up to the longest', (t) => {
  const { breaker, time, fail } = startBreaker();
  fail(1, 2, 3);
  const waits: number[] = [];

  for (let probes = 0; probes < 8; probes += 1) {
    waits.push(breaker.probeAtMs - time.nowMs);
    time.nowMs = breaker.probeAtMs;
    breaker.probeFailed();
  }

  t.deepEqual(waits, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('the wait goes on growing when the probe gets through and the instance does not', (t) => {
  const { breaker, time, fail } = startBreaker();
  fail(1, 2, 3);

  breaker.letOneTry();
  fail(2);

  t.is(breaker.state, 'open');
  t.is(breaker.probeAtMs - time.nowMs, 4000);
});

test('an answer that refuses the instance closes a half-open breaker, as somebody is there', (t) => {
  const { breaker, fail } = startBreaker();
  fail(1, 2, 3);
  breaker.letOneTry();

  breaker.answered();

  t.is(breaker.state, 'closed');
});

test('suspensions are the time it was not closed, from the given moment on', (t) => {
  const { breaker, time, fail } = startBreaker();
  const startMs = time.nowMs;
  fail(1, 2, 3);
  time.nowMs += 10_000;
  breaker.letOneTry();
  breaker.taken(1);
  time.nowMs += 5000;
  fail(4, 5, 6);
  time.nowMs += 1000;

  t.is(coveredMs(breaker.suspensions, startMs), 11_000);
  t.is(coveredMs(breaker.suspensions, startMs + 9000), 2000);
  t.is(coveredMs(breaker.suspensions, time.nowMs), 0);
});

test('suspensions forget no outage in a year of short ones', (t) => {
  const { breaker, time, fail } = startBreaker();
  const startMs = time.nowMs;
  for (let outage = 0; outage < 5000; outage += 1) {
    fail(1, 2, 3);
    time.nowMs += 1000;
    breaker.letOneTry();
    breaker.taken(1);
    time.nowMs += 1000;
  }

  t.true(coveredMs(breaker.suspensions, startMs) >= 5_000_000);
});

test('others pass when another instance was taken since, and none but this one failed after it', (t) => {
  const { breaker, time, fail } = startBreaker();
  const queuedAtMs = time.nowMs;
  breaker.taken(1);
  fail(9);

  t.true(breaker.othersPass(9, queuedAtMs));
  t.false(breaker.othersPass(9, queuedAtMs + 1), 'the other was taken before this one was queued');
  fail(2);
  t.false(breaker.othersPass(9, queuedAtMs), 'the other now fails too');
  t.true(breaker.othersFail(9));
});

test('its own success long ago is not the success of another', (t) => {
  const { breaker, time } = startBreaker();
  breaker.taken(9);

  t.false(breaker.othersPass(9, time.nowMs));
});
