import test from 'ava';
import type { Facts } from '../../src/notices/facts.ts';
import { Judge } from '../../src/notices/judge.ts';
import type { WatchedSource } from '../../src/notices/watched-source.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = 1_700_000_000_000;
const CT1: WatchedSource = {
  name: 'ct1',
  silentAfterMs: 2 * HOUR_MS,
  workingSinceMs: () => Number.NEGATIVE_INFINITY,
};

const WELL: NonNullable<Facts['spool']> = { refusing: false, healthy: true, held: {}, waiting: {} };

function facts(afterMs: number, changes: Partial<Facts> = {}): Facts {
  return {
    nowMs: START_MS + afterMs,
    spool: WELL,
    heldByCode: [],
    gaveUp: {},
    destinations: {},
    inputs: {},
    lastReceivedMs: {},
    certificates: [],
    ...changes,
  };
}

function held(count: number, kind = 'delivery:pacs'): Partial<Facts> {
  return { spool: { ...WELL, held: { [kind]: count } } };
}

test('what is held is told as its count grows, with where, how many and the codes', (t) => {
  const judge = new Judge([], START_MS);
  judge.observe(facts(0));

  const heldByCode = [{ stage: 'delivery', code: 'REFUSED', count: 3 }];
  const told = judge.observe(facts(10_000, { ...held(3), heldByCode }));

  t.deepEqual(told, [
    {
      reason: 'held',
      subject: 'delivery to pacs',
      sinceMs: START_MS,
      atMs: START_MS + 10_000,
      count: 3,
      codes: { REFUSED: 3 },
    },
  ]);
  t.deepEqual(judge.observe(facts(20_000, { ...held(3), heldByCode })), []);
});

test('codes are left out where nobody can tell which destination they belong to', (t) => {
  const judge = new Judge([], START_MS);
  judge.observe(facts(0));

  const told = judge.observe(
    facts(10_000, {
      spool: { ...WELL, held: { 'delivery:pacs': 1, 'delivery:archive': 2, rules: 1 } },
      heldByCode: [
        { stage: 'delivery', code: 'REFUSED', count: 3 },
        { stage: 'rules', code: 'HEADER_DAMAGED', count: 1 },
      ],
    }),
  );

  t.deepEqual(
    told.map(({ subject, count, codes }) => ({ subject, count, codes })),
    [
      { subject: 'delivery to pacs', count: 1, codes: undefined },
      { subject: 'delivery to archive', count: 2, codes: undefined },
      { subject: 'rules', count: 1, codes: { HEADER_DAMAGED: 1 } },
    ],
  );
});

test('what an operator lets wait again and is held anew is told again', (t) => {
  const judge = new Judge([], START_MS);
  judge.observe(facts(0));
  judge.observe(facts(10_000, held(5)));

  t.deepEqual(judge.observe(facts(20_000, held(0))), []);
  t.is(judge.observe(facts(30_000, held(2)))[0]?.count, 2);
});

test('what was given up is told as that, and not as held besides', (t) => {
  const judge = new Judge([], START_MS);
  judge.observe(facts(0));

  const told = judge.observe(facts(10_000, { ...held(3), gaveUp: { pacs: 2 } }));

  t.deepEqual(
    told.map(({ reason, subject, count }) => [reason, subject, count]),
    [
      ['gave-up', 'pacs', 2],
      ['held', 'delivery to pacs', 1],
    ],
  );
});

test('what was held before the first look ever is nothing new', (t) => {
  t.deepEqual(new Judge([], START_MS).observe(facts(0, held(500))), []);
});

test('what was held while nobody looked is told after a restart', (t) => {
  const judge = new Judge([], START_MS);
  judge.observe(facts(0, held(5)));

  const next = new Judge([], START_MS + HOUR_MS, judge.state);

  t.is(next.observe(facts(HOUR_MS, held(7)))[0]?.count, 2);
});

test('a destination is down when instances have waited for ten minutes, and well again when it is reached', (t) => {
  const judge = new Judge([], START_MS);
  const down: Partial<Facts> = {
    spool: { ...WELL, waiting: { pacs: 4 } },
    destinations: { pacs: 'down', archive: 'down' },
  };

  t.deepEqual(judge.observe(facts(0, down)), []);
  t.deepEqual(judge.observe(facts(9 * MINUTE_MS, down)), []);
  t.deepEqual(judge.observe(facts(10 * MINUTE_MS, down)), [
    {
      reason: 'destination-down',
      subject: 'pacs',
      sinceMs: START_MS,
      atMs: START_MS + 10 * MINUTE_MS,
      count: 4,
    },
  ]);
  t.deepEqual(judge.observe(facts(11 * MINUTE_MS, down)), []);
  t.deepEqual(judge.observe(facts(20 * MINUTE_MS, { destinations: { pacs: 'up', archive: 'down' } })), [
    {
      reason: 'recovered',
      of: 'destination-down',
      subject: 'pacs',
      sinceMs: START_MS,
      atMs: START_MS + 20 * MINUTE_MS,
      count: 0,
    },
  ]);
});

test('an outage that goes on over a restart is told once, and its end is told', (t) => {
  const down: Partial<Facts> = { spool: { ...WELL, waiting: { pacs: 4 } }, destinations: { pacs: 'down' } };
  const judge = new Judge([], START_MS);
  judge.observe(facts(0, down));
  judge.observe(facts(10 * MINUTE_MS, down));

  const next = new Judge([], START_MS + HOUR_MS, judge.state);

  t.deepEqual(next.observe(facts(HOUR_MS, { ...down, destinations: { pacs: 'unknown' } })), []);
  t.deepEqual(next.observe(facts(HOUR_MS + MINUTE_MS, down)), []);
  const [over] = next.observe(facts(2 * HOUR_MS, { destinations: { pacs: 'up' } }));
  t.like(over, { reason: 'recovered', of: 'destination-down', sinceMs: START_MS });
});

test('outside of its windows nothing is said of a destination', (t) => {
  const judge = new Judge([], START_MS);
  const resting: Partial<Facts> = {
    spool: { ...WELL, waiting: { pacs: 4 } },
    destinations: { pacs: 'resting' },
  };
  judge.observe(facts(0, resting));

  t.deepEqual(judge.observe(facts(HOUR_MS, resting)), []);
});

test('a destination that is no longer in the settings is forgotten without a word', (t) => {
  const judge = new Judge([], START_MS);
  const down: Partial<Facts> = { spool: { ...WELL, waiting: { pacs: 4 } }, destinations: { pacs: 'down' } };
  judge.observe(facts(0, down));
  judge.observe(facts(10 * MINUTE_MS, down));

  t.deepEqual(judge.observe(facts(11 * MINUTE_MS)), []);
  t.deepEqual(judge.state.conditions, {});
});

test('a spool that refuses, fails or does not answer is told after a minute; while it is silent nothing is over', (t) => {
  const judge = new Judge([], START_MS);
  const refusing: Partial<Facts> = { spool: { ...WELL, refusing: true } };
  judge.observe(facts(0, refusing));

  t.like(judge.observe(facts(MINUTE_MS, refusing))[0], { reason: 'refusing-input', subject: 'spool' });
  const { spool: _, ...mute } = facts(2 * MINUTE_MS);
  t.deepEqual(judge.observe(mute), []);
  t.like(judge.observe({ ...mute, nowMs: START_MS + 3 * MINUTE_MS })[0], {
    reason: 'unhealthy',
    subject: 'spool',
  });
  t.deepEqual(
    judge.observe(facts(4 * MINUTE_MS)).map(({ reason, of }) => [reason, of]),
    [
      ['recovered', 'unhealthy'],
      ['recovered', 'refusing-input'],
    ],
  );
});

test('an input of the settings that is not at work is told', (t) => {
  const judge = new Judge([], START_MS);
  const stopped: Partial<Facts> = { inputs: { dimse: false, web: true } };
  judge.observe(facts(0, stopped));

  t.like(judge.observe(facts(MINUTE_MS, stopped))[0], { reason: 'unhealthy', subject: 'input dimse' });
});

test('a certificate is told three weeks before it ends, and when it has been renewed', (t) => {
  const judge = new Judge([], START_MS);
  const endingIn = (days: number): Partial<Facts> => ({
    certificates: [{ name: 'input dimse', endsAtMs: START_MS + days * 24 * HOUR_MS }],
  });

  t.deepEqual(judge.observe(facts(0, endingIn(22))), []);
  t.like(judge.observe(facts(0, endingIn(20)))[0], {
    reason: 'certificate-expiring',
    subject: 'input dimse',
  });
  t.like(judge.observe(facts(0, endingIn(90)))[0], { reason: 'recovered', of: 'certificate-expiring' });
});

test('a source is silent when it has sent nothing for its time, counted from the start where it never has', (t) => {
  const judge = new Judge([CT1], START_MS);

  t.deepEqual(judge.observe(facts(2 * HOUR_MS - 1)), []);
  t.like(judge.observe(facts(2 * HOUR_MS))[0], {
    reason: 'source-silent',
    subject: 'ct1',
    sinceMs: START_MS,
  });
  t.deepEqual(judge.observe(facts(9 * HOUR_MS)), []);
  const lastReceivedMs = { ct1: START_MS + 10 * HOUR_MS };
  t.like(judge.observe(facts(10 * HOUR_MS, { lastReceivedMs }))[0], {
    reason: 'recovered',
    of: 'source-silent',
  });
  t.deepEqual(judge.observe(facts(12 * HOUR_MS - 1, { lastReceivedMs })), []);
  t.like(judge.observe(facts(12 * HOUR_MS, { lastReceivedMs }))[0], { reason: 'source-silent' });
});

test('over a restart the silence of a source goes on, less the time that the gateway was down', (t) => {
  const judge = new Judge([CT1], START_MS);
  judge.observe(facts(HOUR_MS));

  const next = new Judge([CT1], START_MS + 6 * HOUR_MS, judge.state); // Down for five hours.

  t.deepEqual(next.observe(facts(7 * HOUR_MS - 1)), []);
  t.like(next.observe(facts(7 * HOUR_MS))[0], { reason: 'source-silent' });
});

test('silence counts from the beginning of the working hours, and outside of them nothing begins or ends', (t) => {
  const opensAtMs = START_MS + 10 * HOUR_MS;
  const closesAtMs = START_MS + 13 * HOUR_MS;
  const source: WatchedSource = {
    ...CT1,
    workingSinceMs: (atMs) => (atMs >= opensAtMs && atMs < closesAtMs ? opensAtMs : undefined),
  };
  const judge = new Judge([source], START_MS);

  t.deepEqual(judge.observe(facts(9 * HOUR_MS)), []);
  t.deepEqual(judge.observe(facts(12 * HOUR_MS - 1)), []);
  t.like(judge.observe(facts(12 * HOUR_MS))[0], { reason: 'source-silent' });
  t.deepEqual(judge.observe(facts(20 * HOUR_MS)), []);
  const lastReceivedMs = { ct1: START_MS + 21 * HOUR_MS };
  t.like(judge.observe(facts(21 * HOUR_MS, { lastReceivedMs }))[0], { reason: 'recovered' });
});

test('a source that is named later is silent from then on, one that is gone is forgotten', (t) => {
  const judge = new Judge([CT1], START_MS);
  judge.observe(facts(2 * HOUR_MS));

  judge.watch([{ ...CT1, name: 'mr1' }], START_MS + 3 * HOUR_MS);

  t.deepEqual(judge.observe(facts(5 * HOUR_MS - 1)), []);
  t.like(judge.observe(facts(5 * HOUR_MS))[0], { reason: 'source-silent', subject: 'mr1' });
});
