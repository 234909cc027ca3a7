import test from 'ava';
import { Deadline } from '../../src/dimse/deadline.ts';

function expiry(): { deadline: Deadline; expired: Promise<number> } {
  const { promise, resolve } = Promise.withResolvers<number>();
  const startedAtMs = performance.now();
  return { deadline: new Deadline(() => resolve(performance.now() - startedAtMs)), expired: promise };
}

test('deadline expires when the time is up, never before', async (t) => {
  const { deadline, expired } = expiry();
  deadline.start(30);
  t.true(deadline.isRunning);
  t.true((await expired) >= 30);
  t.false(deadline.isRunning);
});

test('deadline that is set later expires later', async (t) => {
  const { deadline, expired } = expiry();
  deadline.start(20);
  deadline.start(60);
  t.true((await expired) >= 60);
});

test('deadline that is set sooner expires sooner', async (t) => {
  const { deadline, expired } = expiry();
  deadline.start(60_000);
  deadline.start(20);
  const afterMs = await expired;
  t.true(afterMs >= 20 && afterMs < 10_000);
});

test('deadline that was stopped, or closed, does not expire', async (t) => {
  const [stopped, closed, other] = [expiry(), expiry(), expiry()];
  for (const { deadline } of [stopped, closed]) deadline.start(5);
  stopped.deadline.stop();
  closed.deadline.close();
  other.deadline.start(40);
  const first = await Promise.race([
    stopped.expired.then(() => 'stopped'),
    closed.expired.then(() => 'closed'),
    other.expired.then(() => 'other'),
  ]);
  t.is(first, 'other');
});
