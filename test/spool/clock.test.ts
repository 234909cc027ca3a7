import test from 'ava';
import { SteadyClock } from '../../src/spool/clock.ts';

test('SteadyClock goes on evenly when the wall clock is set', (t) => {
  let wallMs = 1_000_000;
  let monotonicMs = 50;
  const clock = new SteadyClock(
    () => wallMs,
    () => monotonicMs,
  );
  wallMs += 3_600_000;
  monotonicMs += 20;

  t.is(clock.nowMs(), 1_000_020);
  t.is(clock.skewMs, 3_599_980);
  t.true(clock.isSkewed);
  t.is(clock.fromWallMs(wallMs + 500), clock.nowMs() + 500);
});

test('SteadyClock takes a small correction for none, and follows when told', (t) => {
  let wallMs = 1_000_000;
  const clock = new SteadyClock(
    () => wallMs,
    () => 0,
  );
  wallMs += 900;
  t.false(clock.isSkewed);
  wallMs += 900;
  t.true(clock.isSkewed);

  clock.shift(clock.skewMs);

  t.is(clock.nowMs(), wallMs);
  t.false(clock.isSkewed);
});
