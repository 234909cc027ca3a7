import test from 'ava';
import { FileWaits } from '../../src/intake/file-waits.ts';

const file = (name: string, stamp = 'first') => ({ name, stamp, sizeBytes: 1 });

test('a file is ready when it has been the same for as long as it must, seen at any times', (t) => {
  const waits = new FileWaits(5000);

  t.false(waits.isReady(file('a'), 0));
  t.false(waits.isReady(file('a'), 4999));
  t.false(waits.isReady(file('a', 'second'), 5000), 'it has changed');
  t.false(waits.isReady(file('a', 'second'), 9999));
  t.true(waits.isReady(file('a', 'second'), 10_000));
});

test('a file that fails is put off for longer each time, up to a limit, and settles anew when it changes', (t) => {
  const waits = new FileWaits(0);
  const delays: number[] = [];
  for (let now = 0; delays.length < 10; ) {
    waits.failed(file('a'), now);
    let later = now;
    while (!waits.isReady(file('a'), later)) later += 5000;
    delays.push((later - now) / 1000);
    now = later;
  }

  t.deepEqual(delays, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
  t.is(waits.failed(file('a'), 0), 11);
  t.true(waits.isReady(file('a', 'second'), 0));
  t.is(waits.failed(file('a', 'second'), 0), 1);
});

test('files that a whole scan has not seen are forgotten', (t) => {
  const waits = new FileWaits(1000);
  waits.isReady(file('stays'), 0);
  waits.isReady(file('goes'), 0);
  waits.scanned();
  waits.isReady(file('stays'), 500);
  waits.scanned();

  t.is(waits.size, 1);
  t.true(waits.isReady(file('stays'), 1000));
  waits.done(file('stays'));
  t.is(waits.size, 0);
});
