import test from 'ava';
import fc from 'fast-check';
import type { FailureReason } from '../../src/delivery/outcome.ts';
import {
  backOffMs,
  decide,
  type FailedAttempt,
  goesAlone,
  triedForMs,
} from '../../src/delivery/retry-policy.ts';
import { RetrySettings } from '../../src/delivery/retry-settings.ts';

const settings = RetrySettings.parse({});
const DAY_MS = 86_400_000;

function failed(about: Partial<FailedAttempt>): FailedAttempt {
  return {
    reason: 'unclear',
    attempt: 1,
    alone: false,
    failuresInRow: 1,
    othersPass: true,
    othersFail: false,
    triedForMs: 0,
    ...about,
  };
}

test('an instance that is refused is held at once', (t) => {
  t.deepEqual(decide(failed({ reason: 'refused' }), settings, 0), { type: 'hold', why: 'refused' });
});

test('waits double from 2 s to 5 min', (t) => {
  const waits = [1, 2, 3, 8, 9, 100, 5000].map((attempt) => decide(failed({ attempt }), settings, 0));

  t.deepEqual(
    waits.map((decision) => decision.type === 'retry' && decision.delayMs),
    [2000, 4000, 8000, 256_000, 300_000, 300_000, 300_000],
  );
});

test('after A7xx the waits are long', (t) => {
  const first = decide(failed({ reason: 'resources' }), settings, 0);
  const later = decide(failed({ reason: 'resources', attempt: 50 }), settings, 0);

  t.like(first, { delayMs: 60_000 });
  t.like(later, { delayMs: 1_800_000 });
});

test('a wait is never longer than without chance, nor shorter by more than its share', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (exponent, random) => {
          const pace = { first: 2000, longest: 300_000, jitter: 0.25 };
          const full = Math.min(pace.longest, pace.first * 2 ** exponent);
          const wait = backOffMs(pace, exponent, random);
          return wait <= full && wait >= full * 0.75 - 1;
        },
      ),
    ),
  );
});

test('0110 and 0213 are tried five times, then held', (t) => {
  const decisions = [1, 2, 3, 4, 5].map((attempt) =>
    decide(failed({ reason: 'processing', attempt }), settings, 0),
  );

  t.deepEqual(
    decisions.map(({ type }) => type),
    ['retry', 'retry', 'retry', 'retry', 'hold'],
  );
});

test('an unclear instance is tried three times while others pass, then alone, then held', (t) => {
  const decisions = [1, 2, 3, 4].map((attempt) => {
    const alone = goesAlone(attempt, settings);
    return { alone, type: decide(failed({ attempt, alone }), settings, 0).type };
  });

  t.deepEqual(decisions, [
    { alone: false, type: 'retry' },
    { alone: false, type: 'retry' },
    { alone: false, type: 'retry' },
    { alone: true, type: 'hold' },
  ]);
});

test('an unclear instance does not use up its attempts while no other passes', (t) => {
  const decision = decide(failed({ attempt: 4, alone: true, othersPass: false }), settings, 0);

  t.like(decision, { type: 'retry', counts: false });
});

test('a processing failure does not use up attempts while others fail too', (t) => {
  const decision = decide(failed({ reason: 'processing', attempt: 5, othersFail: true }), settings, 0);

  t.like(decision, { type: 'retry', counts: false });
});

test('a destination that cannot be reached never uses up an attempt', (t) => {
  t.like(decide(failed({ reason: 'unreachable', attempt: 900 }), settings, 0), {
    type: 'retry',
    counts: false,
  });
});

test('attempts that do not count come no faster than those that do', (t) => {
  const decision = decide(failed({ reason: 'unreachable', attempt: 1, failuresInRow: 5 }), settings, 0);

  t.like(decision, { delayMs: 32_000 });
});

test('whatever still fails after seven days is held, and not before', (t) => {
  const reasons: FailureReason[] = ['unreachable', 'resources', 'unclear', 'local'];
  for (const reason of reasons) {
    t.is(decide(failed({ reason, triedForMs: 7 * DAY_MS - 1 }), settings, 0).type, 'retry');
    t.deepEqual(decide(failed({ reason, triedForMs: 7 * DAY_MS }), settings, 0), {
      type: 'hold',
      why: 'gave-up',
    });
  }
});

test('triedForMs() counts what lies before the start only as far as counted attempts prove it', (t) => {
  const sinceFirstMs = 30 * DAY_MS;

  t.is(triedForMs({ attempt: 1, sinceFirstMs, inThisRunMs: 5000 }, settings), 5000);
  t.is(triedForMs({ attempt: 4, sinceFirstMs, inThisRunMs: 5000 }, settings), 14_000);
  t.is(triedForMs({ attempt: 100_000, sinceFirstMs, inThisRunMs: 5000 }, settings), sinceFirstMs);
  t.is(triedForMs({ attempt: 4, sinceFirstMs: 9000, inThisRunMs: 5000 }, settings), 9000);
});
