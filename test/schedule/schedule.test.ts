import test from 'ava';
import fc from 'fast-check';
import { everOpenTogether, Schedule } from '../../src/schedule/schedule.ts';
import { Windows } from '../../src/schedule/windows.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const timeOfDay = fc
  .integer({ min: 0, max: 1440 })
  .map((minute) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`);
const someWindows = fc
  .array(
    fc
      .record({
        days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
        from: timeOfDay,
        to: timeOfDay,
      })
      .filter(({ from, to }) => from !== to),
    { minLength: 1, maxLength: 3 },
  )
  .map((windows) => Windows.parse(windows));
const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
);

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Read from what the clock shows, without any arithmetic of time zones. */
function isOpenByTheClock(windows: Windows, timeZone: string, atMs: number): boolean {
  const [date = '', time = ''] = new Date(atMs).toLocaleString('sv-SE', { timeZone }).split(' ');
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  const today = WEEKDAYS[weekday];
  const yesterday = WEEKDAYS[(weekday + 6) % 7];
  return windows.some(({ days, from, to }) => {
    const named = days as readonly string[];
    const overnight = to < from;
    if (named.includes(today ?? '') && from <= time && (overnight || time.slice(0, 5) < to)) return true;
    // One from 24:00 on begins with the day after.
    return overnight && named.includes(yesterday ?? '') && time.slice(0, 5) < to;
  });
}

test('a schedule is open when a clock on the wall shows a time within its windows', (t) => {
  const times = fc.date({ min: new Date('2024-01-01'), max: new Date('2027-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(someWindows, zones, times, (windows, zone, date) => {
      const schedule = new Schedule(windows, zone);

      t.is(schedule.isOpen(date.getTime()), isOpenByTheClock(windows, zone, date.getTime()));
    }),
    { numRuns: 250 },
  );
});

test('the next change is the first minute at which the schedule opens or closes', (t) => {
  // Around the days on which clocks are set, too.
  const days = fc.constantFrom(
    '2025-03-28',
    '2025-03-30',
    '2025-10-25',
    '2025-11-02',
    '2025-10-04',
    '2025-06-11',
  );
  const times = fc.tuple(days, fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 0, max: 59_999 }));
  fc.assert(
    fc.property(someWindows, zones, times, (windows, zone, [day, minute, ms]) => {
      const schedule = new Schedule(windows, zone);
      const now = Date.parse(day) + minute * MINUTE_MS + ms;
      const isOpen = schedule.isOpen(now);
      const limit = now + 26 * HOUR_MS;
      let expected = now - ms + MINUTE_MS;
      while (expected < limit && isOpenByTheClock(windows, zone, expected) === isOpen) expected += MINUTE_MS;

      const found = schedule.nextChangeMs(now);

      if (expected < limit) t.is(found, expected);
      else t.true(found === undefined || found >= limit);
    }),
    { numRuns: 40 },
  );
});

test('a night in which clocks are put forward is an hour shorter, and one in which they are put back an hour longer', (t) => {
  const nights = new Schedule(Windows.parse([{ from: '22:00', to: '06:00' }]), 'Europe/Berlin');
  const lengthHours = (evening: string) => {
    const opens = nights.nextChangeMs(Date.parse(evening))!;
    return (nights.nextChangeMs(opens)! - opens) / HOUR_MS;
  };

  t.is(lengthHours('2025-03-28T12:00Z'), 8);
  t.is(lengthHours('2025-03-29T12:00Z'), 7);
  t.is(lengthHours('2025-10-25T12:00Z'), 9);
});

test('a window within the hour that clocks skip does not open that night, and does the night after', (t) => {
  const schedule = new Schedule(Windows.parse([{ from: '02:15', to: '02:45' }]), 'Europe/Berlin');

  const opens = schedule.nextChangeMs(Date.parse('2025-03-29T12:00Z'));

  t.is(opens, Date.parse('2025-03-31T00:15Z'));
});

test('a window within the hour that clocks repeat opens twice', (t) => {
  const schedule = new Schedule(Windows.parse([{ from: '02:15', to: '02:45' }]), 'Europe/Berlin');
  const changes: string[] = [];
  for (let now = Date.parse('2025-10-25T12:00Z'); changes.length < 4; ) {
    now = schedule.nextChangeMs(now)!;
    changes.push(new Date(now).toISOString().slice(0, 16));
  }

  t.deepEqual(changes, ['2025-10-26T00:15', '2025-10-26T00:45', '2025-10-26T01:15', '2025-10-26T01:45']);
});

test('what was closed is told from window to window', (t) => {
  const schedule = new Schedule(Windows.parse([{ from: '18:00', to: '24:00' }]), 'UTC');

  const closed = schedule.closedBetween(Date.parse('2025-06-10T20:00Z'), Date.parse('2025-06-12T08:00Z'));

  t.deepEqual(
    closed.map(({ fromMs, toMs }) => [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]),
    [
      ['2025-06-12T00:00:00.000Z', '2025-06-12T08:00:00.000Z'],
      ['2025-06-11T00:00:00.000Z', '2025-06-11T18:00:00.000Z'],
    ],
  );
});

test('a schedule without windows, and one of whole days, is always open', (t) => {
  for (const windows of [[], [{ from: '00:00', to: '24:00' }]]) {
    const schedule = new Schedule(Windows.parse(windows), 'Europe/Berlin');
    t.true(schedule.isOpen(Date.parse('2025-10-26T01:30Z')));
    t.is(schedule.nextChangeMs(Date.parse('2025-10-25T12:00Z')), undefined);
  }
});

test('windows that never meet are known for it, also around midnight and the end of the week', (t) => {
  const day = Windows.parse([{ from: '08:00', to: '18:00' }]);
  const night = Windows.parse([{ from: '18:00', to: '08:00' }]);
  const sundayNight = Windows.parse([{ days: ['sun'], from: '23:00', to: '01:00' }]);
  const monday = Windows.parse([{ days: ['mon'], from: '00:00', to: '24:00' }]);

  t.false(everOpenTogether(day, night));
  t.true(everOpenTogether(day, []));
  t.true(everOpenTogether(sundayNight, monday));
  t.false(everOpenTogether(sundayNight, day));
});

test('a window that ends when it begins is refused, and told how a whole day is written', (t) => {
  const { error } = Windows.safeParse([{ from: '08:00', to: '08:00' }]);

  t.regex(error?.issues[0]?.message ?? '', /a whole day is from 00:00 to 24:00/);
});
