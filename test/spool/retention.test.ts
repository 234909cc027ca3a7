import test from 'ava';
import type { PurgePolicy } from '../../src/spool/port.ts';
import { runRetention } from '../../src/spool/retention.ts';

test('runRetention() asks until nothing is left, for each kind of thing by its own age', async (t) => {
  const asked: PurgePolicy[] = [];
  const purged = [5000, 5000, 17];
  const spool = {
    purge: (policy: PurgePolicy) => {
      asked.push(policy);
      return Promise.resolve(purged[asked.length - 1] ?? 0);
    },
  };
  const options = {
    keepDeliveredMs: 1,
    keepHeadersMs: 10,
    keepSourcesMs: 100,
    keepLedgerMs: 1000,
    keepFreeBytes: 7,
  };

  const entries = await runRetention(spool, options, 5000);

  t.is(entries, 10_017);
  t.is(asked.length, 3);
  t.deepEqual(asked[0], {
    settledBeforeMs: 4999,
    headersSettledBeforeMs: 4990,
    sourcesSettledBeforeMs: 4900,
    ledgerSettledBeforeMs: 4000,
    freeBytesWanted: 7,
    limit: 5000,
  });
});
