import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { scrape } from '../../src/console/scrape.ts';
import { dimse, inState, keep, openDelivery } from '../support/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { FastClock, spoolOnClock } from '../support/fast-clock.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const HOUR_MS = 3_600_000;
/** An hour in 300 ms. */
const FACTOR = 12_000;
const HOURS = 26;
const PER_HOUR = 12;

function sampleOf(text: string, metric: string): number {
  return Number(new RegExp(`^${metric.replaceAll(/[{}]/g, '\\$&')} (.+)$`, 'm').exec(text)?.[1]);
}

// Fault case 23.
test('a destination is down for 26 hours while instances come in: the other gets them, none is lost or held, all drain', async (t) => {
  const { spool, start, telemetry, directory, closeLater } = await openDelivery(t);
  const gone = await startStoragePeer();
  await gone.stop();
  const clock = new FastClock(FACTOR);
  const outbox = join(directory, 'outbox');
  const retry = {}; // As it is when nobody says anything.
  const delivery = await start(
    { pacs: dimse(gone.port, { retry }), outbox: { kind: 'folder', path: outbox } },
    { spool: spoolOnClock(spool, clock), clock },
  );
  const lane = (name: string) => delivery.lanes().find(({ destination }) => destination === name);
  const claimedForPacs = async () =>
    (await spool.status()).tasks.find(({ kind, state }) => kind === 'delivery:pacs' && state === 'claimed')
      ?.count ?? 0;
  const view = { spool, telemetry, lanes: delivery.lanes, inputs: () => [] };

  const startedAtMs = clock.now();
  const firstAtMs = Date.now();
  let heapAfterFirst = 0;
  for (let hour = 0; hour < HOURS; hour += 1) {
    const instances = Array.from({ length: PER_HOUR }, (_, at) =>
      smallInstance({ sopInstanceUid: `1.2.6.${hour}.${at + 1}`, pixelBytes: 20_000 }),
    );
    await keep(spool, instances, ['pacs', 'outbox']);
    await eventually(
      'the other destination is up to date',
      () => lane('outbox')?.taken === (hour + 1) * PER_HOUR,
    );
    t.true((await claimedForPacs()) <= 4, 'what waits for a destination that is down is not held in hand');
    if (hour === 2) heapAfterFirst = process.memoryUsage().heapUsed;
    const leftMs = startedAtMs + (hour + 1) * HOUR_MS - clock.now();
    await delay(Math.max(0, Math.ceil(leftMs / FACTOR) + 1));
  }
  t.true(clock.now() - startedAtMs >= HOURS * HOUR_MS);
  t.true(process.memoryUsage().heapUsed - heapAfterFirst < 40_000_000);

  const total = HOURS * PER_HOUR;
  t.like((await spool.status()).states, { pending: total, held: 0, delivered: 0 });
  t.is(lane('pacs')?.state, 'suspended');
  const during = await scrape(view);
  const oldest = sampleOf(during, 'slidegate_delivery_oldest_pending_timestamp_seconds{destination="pacs"}');
  t.true(Math.abs(oldest * 1000 - firstAtMs) < 1000, 'the oldest is the first that came');
  t.is(sampleOf(during, 'slidegate_delivery_oldest_pending_timestamp_seconds{destination="outbox"}'), 0);
  t.is(sampleOf(during, 'slidegate_breaker_open{destination="pacs"}'), 1);
  t.is(sampleOf(during, 'slidegate_breaker_open{destination="outbox"}'), 0);

  const peer = await startStoragePeer({ port: gone.port });
  closeLater(() => peer.stop());
  await eventually('all drain', async () => (await inState(spool, 'delivered')) === total, 30_000);

  t.is(peer.kept.length, total);
  t.is(new Set(peer.kept.map(({ sopInstanceUid }) => sopInstanceUid)).size, total);
  const files = await readdir(outbox, { recursive: true });
  t.is(files.filter((name) => name.endsWith('.dcm')).length, total);
  const after = await scrape(view);
  t.is(sampleOf(after, 'slidegate_delivery_oldest_pending_timestamp_seconds{destination="pacs"}'), 0);
  t.is(sampleOf(after, 'slidegate_breaker_open{destination="pacs"}'), 0);
});
