import test from 'ava';
import { counted, formatBytes, formatDuration, table } from '../../src/cli/text.ts';

test('durations are given in the two largest units', (t) => {
  t.is(formatDuration(0), '0 s');
  t.is(formatDuration(59_400), '59 s');
  t.is(formatDuration(60_000), '1 min');
  t.is(formatDuration(3 * 3_600_000 + 12 * 60_000), '3 h 12 min');
  t.is(formatDuration(8 * 86_400_000 + 3_600_000), '8 d 1 h');
  t.is(formatDuration(-5), '0 s');
});

test('bytes are given in powers of 1000', (t) => {
  t.is(formatBytes(0), '0 bytes');
  t.is(formatBytes(999), '999 bytes');
  t.is(formatBytes(1_500_000), '1.5 MB');
  t.is(formatBytes(79_600_000_000), '79.6 GB');
});

test('columns are as wide as they need to be, without blanks at the end', (t) => {
  t.is(
    table(
      ['NAME', 'N'],
      [
        ['a', '1'],
        ['longer', '22'],
      ],
    ),
    'NAME    N\na       1\nlonger  22',
  );
});

test('one is not two', (t) => {
  t.is(counted(1, 'task'), '1 task');
  t.is(counted(0, 'task'), '0 tasks');
});
