import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { auditFiles, auditLedger } from '../../support/spool-audit.ts';
import { newInstance } from '../../support/temporary-spool.ts';
import { TestLedger } from '../../support/test-ledger.ts';

function accept(ledger: TestLedger, count: number): void {
  for (let index = 0; index < count; index += 1) {
    ledger.run([ledger.acceptRequest(newInstance({ pixelBytes: 5000 }))]);
  }
}

function discard(ledger: TestLedger, entryIds: readonly number[]): void {
  ledger.ask('discard', { selection: { entryIds }, reason: 'old', by: 'ann', preview: false, erase: false });
}

function purge(ledger: TestLedger, more: object = {}): number {
  return ledger.ask('purge', { policy: { settledBeforeMs: ledger.clocks.wallMs + 1, limit: 1000, ...more } });
}

function segmentsOf(ledger: TestLedger): number[] {
  return ledger
    .rows('SELECT segment_id FROM segment ORDER BY 1')
    .map(({ segment_id }) => segment_id as number);
}

test('purge() removes a segment when its last instance goes, but never the one being written', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 20_000 });
  accept(ledger, 10);
  t.deepEqual(segmentsOf(ledger), [1, 2, 3]);
  discard(ledger, [1, 2, 3, 4, 9, 10]);

  const removed: string[] = [];
  ledger.onRemoval = (path) => removed.push(path);
  t.is(purge(ledger), 6);

  t.deepEqual(segmentsOf(ledger), [2, 3]);
  t.deepEqual(removed, [join(ledger.directory, 'segments/0000000001.segment')]);
  t.deepEqual(auditLedger(ledger.directory), []);
  ledger.clocks.pass(700_000);
  purge(ledger);
  t.deepEqual(segmentsOf(ledger), [2]);
});

test('purge() copies the few survivors out of a segment that is mostly empty', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 60_000 });
  accept(ledger, 30);
  t.deepEqual(segmentsOf(ledger), [1, 2, 3]);
  discard(
    ledger,
    Array.from({ length: 30 }, (_, index) => index + 1).filter((entryId) => entryId % 11 !== 5),
  );

  t.is(purge(ledger), 27);

  t.deepEqual(segmentsOf(ledger), [3]);
  t.deepEqual(
    ledger.rows('SELECT entry_id, segment_id FROM entry WHERE keeps < 2'),
    [5, 16, 27].map((entry_id) => ({ entry_id, segment_id: 3 })),
  );
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});

test('purge() moves nothing that somebody is at work on', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 60_000 });
  accept(ledger, 12);
  ledger.claim('rules', 1);
  discard(ledger, [2, 3, 4, 5, 6, 7, 8, 9, 10]);

  purge(ledger);

  t.deepEqual(ledger.rows('SELECT segment_id FROM entry WHERE entry_id = 1'), [{ segment_id: 1 }]);
});

test('purge() fails alone when the disk does not take the survivors', (t) => {
  let failing = false;
  using ledger = new TestLedger({
    segmentBytesMax: 60_000,
    step: (name) => {
      if (failing && name === 'segment-writing') throw new Error('ENOSPC: no space left');
    },
  });
  accept(ledger, 12);
  discard(ledger, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  failing = true;

  t.throws(() => purge(ledger), { message: /ENOSPC/ });

  failing = false;
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
  purge(ledger);
  t.is(ledger.rows('SELECT segment_id FROM entry WHERE entry_id = 1')[0]?.segment_id, 3);
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});

test('purge() forgets a row with its tasks and attempts when it is time, and the counts stay', (t) => {
  using ledger = new TestLedger();
  accept(ledger, 3);
  discard(ledger, [1, 2]);
  const late = ledger.clocks.wallMs + 1;

  t.is(purge(ledger, { headersSettledBeforeMs: late, ledgerSettledBeforeMs: late }), 6);

  t.deepEqual(ledger.rows('SELECT entry_id FROM entry'), [{ entry_id: 3 }]);
  t.deepEqual(ledger.rows('SELECT task_id FROM task'), [{ task_id: 3001 }]);
  t.deepEqual(ledger.rows('SELECT entry_id FROM header'), [{ entry_id: 3 }]);
  t.like(ledger.ask('status', {}), { accepted: 3, states: { discarded: 2, pending: 1 } });
  t.is(readdirSync(join(ledger.directory, 'segments')).length, 1);
});

// Fault case 35.
test('purge() gives up what was settled longest ago until enough is free, and no more', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 20_000 });
  accept(ledger, 16); // Four to a segment.
  for (const entryId of [5, 6, 7, 8, 1, 2, 3, 4, 13, 14, 15, 16]) {
    discard(ledger, [entryId]);
    ledger.clocks.pass(1000);
  }
  const keep = { settledBeforeMs: 0 };
  ledger.freeBytes = 50_000;

  t.is(purge(ledger, { ...keep, freeBytesWanted: 50_000 }), 0);
  t.deepEqual(segmentsOf(ledger), [1, 2, 3, 4]);
  purge(ledger, { ...keep, freeBytesWanted: 1e12 });

  t.deepEqual(segmentsOf(ledger), [3]);
  t.deepEqual(
    ledger.rows('SELECT entry_id FROM entry WHERE keeps < 2 ORDER BY 1').map(({ entry_id }) => entry_id),
    [9, 10, 11, 12],
  );
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});

test('purge() gives up early no more than a page beyond what is wanted', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 20_000 });
  accept(ledger, 300);
  discard(
    ledger,
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
  ledger.freeBytes = 50_000;

  t.is(purge(ledger, { settledBeforeMs: 0, freeBytesWanted: 51_000 }), 200);
});

test('purge() moves what is still needed out of half-empty segments when space is short', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 60_000 });
  accept(ledger, 24);
  const odd = Array.from({ length: 12 }, (_, index) => 2 * index + 1);
  discard(ledger, odd);

  purge(ledger, { settledBeforeMs: 0, freeBytesWanted: 1e12 });

  t.is(ledger.rows('SELECT entry_id FROM entry WHERE keeps < 2').length, 12);
  const onDisk = readdirSync(join(ledger.directory, 'segments')).map(
    (name) => statSync(join(ledger.directory, 'segments', name)).size,
  );
  t.true(onDisk.reduce((sum, size) => sum + size, 0) < 12 * 6000 + 20_000);
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});
