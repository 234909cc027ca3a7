import net from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { dimse, inState, keep, openDelivery } from '../support/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

interface Arrived {
  readonly atMs: number;
  readonly bytes: number;
}

/** Passes connections on to a port, and remembers when how much went there. */
async function startMeter(t: ExecutionContext, port: number) {
  const arrived: Arrived[] = [];
  const server = net.createServer((from) => {
    const to = net.connect(port, '127.0.0.1');
    from.on('data', (bytes) => arrived.push({ atMs: performance.now(), bytes: bytes.byteLength }));
    from.pipe(to).pipe(from);
    from.on('error', () => to.destroy());
    to.on('error', () => from.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { port: (server.address() as net.AddressInfo).port, arrived };
}

test('what is sent to a destination flows evenly within its limit, and nobody takes the pauses for silence', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const meter = await startMeter(t, peer.port);
  const instances = [1, 2].map((at) => smallInstance({ sopInstanceUid: `1.2.7.${at}`, pixelBytes: 200_000 }));
  await keep(spool, instances, ['pacs']);

  const startedAtMs = performance.now();
  await start({
    // Shorter than an instance takes to be sent, longer than a piece of it does.
    pacs: dimse(meter.port, {
      bytes_per_s_max: 200_000,
      associations_max: 2,
      pdu_timeout: '1s',
      response_timeout: '1s',
    }),
  });
  await eventually('all delivered', async () => (await inState(spool, 'delivered')) === 2);

  const tookMs = performance.now() - startedAtMs;
  t.true(tookMs > 1700 && tookMs < 5000, `${tookMs} ms for 400 kB at 200 kB/s`);
  t.is(peer.received.length, 2, 'nothing was sent twice');
  for (const { atMs } of meter.arrived) {
    const within = meter.arrived.filter((one) => one.atMs > atMs - 1000 && one.atMs <= atMs);
    const bytes = within.reduce((sum, one) => sum + one.bytes, 0);
    // The commands are not held back, and a busy machine delivers late what left in time.
    t.true(bytes < 200_000 * 1.5, `${bytes} bytes in a second`);
  }
});

test('every kind of destination keeps to its limit', async (t) => {
  const { spool, start, directory } = await openDelivery(t);
  await keep(spool, [smallInstance({ sopInstanceUid: '1.2.7.9', pixelBytes: 120_000 })], ['outbox']);

  const startedAtMs = performance.now();
  await start({ outbox: { kind: 'folder', path: join(directory, 'outbox'), bytes_per_s_max: 100_000 } });
  await eventually('delivered', async () => (await inState(spool, 'delivered')) === 1);

  t.true(performance.now() - startedAtMs > 900);
});

test('a stop does not wait for what is held back', async (t) => {
  const { spool, start, closeLater } = await openDelivery(t);
  const peer = await startStoragePeer();
  closeLater(() => peer.stop());
  const instances = [1, 2, 3, 4].map((at) =>
    smallInstance({ sopInstanceUid: `1.2.7.1${at}`, pixelBytes: 100_000 }),
  );
  await keep(spool, instances, ['pacs']);
  const delivery = await start({ pacs: dimse(peer.port, { bytes_per_s_max: 1000, associations_max: 4 }) });
  await eventually('sending', () => delivery.lanes()[0]?.sending === 4);

  const startedAtMs = performance.now();
  await delivery.stop(0);

  t.true(performance.now() - startedAtMs < 2000);
  t.is(await inState(spool, 'pending'), 4);
  const [entry] = await spool.query({ limit: 1 });
  t.is(entry?.tasks.find(({ kind }) => kind === 'delivery:pacs')?.attempt, 0, 'nobody is blamed for it');
});
