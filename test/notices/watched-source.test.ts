import test from 'ava';
import { watchedSources } from '../../src/notices/watched-source.ts';
import { Windows } from '../../src/schedule/windows.ts';

const HOUR_MS = 3_600_000;

test('only sources that state a time are watched', (t) => {
  const watched = watchedSources({ ct1: { silent_after: HOUR_MS }, ct2: {} }, 'UTC');

  t.deepEqual(
    watched.map(({ name }) => name),
    ['ct1'],
  );
});

test('working hours begin on the clocks of the site', (t) => {
  const working_hours = Windows.parse([
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '07:00', to: '18:00' },
  ]);
  const [ct1] = watchedSources({ ct1: { silent_after: HOUR_MS, working_hours } }, 'Europe/Berlin');

  const monday = (time: string) => ct1?.workingSinceMs(Date.parse(`2026-01-05T${time}Z`));

  t.is(monday('05:59:59'), undefined);
  t.is(monday('09:30:00'), Date.parse('2026-01-05T06:00:00Z'));
  t.is(monday('17:00:00'), undefined);
});

test('without working hours a source always works', (t) => {
  const [ct1] = watchedSources({ ct1: { silent_after: HOUR_MS } }, 'UTC');
  const nowMs = Date.parse('2026-01-05T12:00:00Z');

  t.true((ct1?.workingSinceMs(nowMs) ?? nowMs) <= nowMs - 24 * HOUR_MS);
});
