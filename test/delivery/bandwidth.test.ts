import test from 'ava';
import fc from 'fast-check';
import { Bandwidth, paced } from '../../src/delivery/bandwidth.ts';
import { settled, VirtualClock } from '../support/virtual-clock.ts';

/** Reads a source to its end, as a kind does that sends it. */
async function send(
  source: { sizeBytes: number; read(into: Uint8Array, position: number): Promise<number> },
  options: { readonly chunkBytes: number; readonly sent: (bytes: number) => void },
): Promise<void> {
  const chunk = new Uint8Array(options.chunkBytes);
  for (let position = 0; position < source.sizeBytes; ) {
    const bytesRead = await source.read(chunk.subarray(0, source.sizeBytes - position), position);
    if (bytesRead < 1) throw new RangeError('A read must give at least one byte');
    options.sent(bytesRead);
    position += bytesRead;
  }
}

function sourceOf(sizeBytes: number) {
  return {
    sizeBytes,
    read: async (into: Uint8Array, position: number) => Math.min(into.byteLength, sizeBytes - position),
  };
}

test('whatever is sent over how many slots, no second carries more than allowed, and none is wasted', async (t) => {
  const instances = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(instances, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1000, max: 50_000 }),
      fc.integer({ min: 100, max: 131_072 }),
      async (slots, bytesPerS, chunkBytes) => {
        const clock = new VirtualClock();
        const bandwidth = new Bandwidth(bytesPerS, clock);
        const startMs = clock.now();
        const passed: { atMs: number; bytes: number }[] = [];
        const sending = slots.map(async (sizes) => {
          for (const size of sizes) {
            await send(bandwidth.paced(sourceOf(size)), {
              chunkBytes,
              sent: (bytes) => passed.push({ atMs: clock.now(), bytes }),
            });
          }
        });
        const total = slots.flat().reduce((sum, size) => sum + size, 0);
        await clock.advance((total / bytesPerS) * 1000 + 1000);
        await Promise.all(sending);

        for (const { atMs } of passed) {
          const within = passed.filter((one) => one.atMs > atMs - 1000 && one.atMs <= atMs);
          const bytes = within.reduce((sum, one) => sum + one.bytes, 0);
          // A second, with the piece it began in the middle of and the one that was saved up.
          t.true(bytes <= bytesPerS * 1.25 + 2, `${bytes} of ${bytesPerS}`);
        }
        const tookMs = Math.max(...passed.map(({ atMs }) => atMs)) - startMs;
        t.true(tookMs <= (total / bytesPerS) * 1000 + 1);
      },
    ),
    { numRuns: 40 },
  );
});

test('what was not used while nothing was sent is not caught up with', async (t) => {
  const clock = new VirtualClock();
  const bandwidth = new Bandwidth(8000, clock);
  await clock.advance(3_600_000);
  let sent = 0;
  const sending = send(bandwidth.paced(sourceOf(16_000)), { chunkBytes: 16_000, sent: (n) => (sent += n) });

  await clock.advance(1000);

  t.true(sent <= 8000 * 1.25, `${sent}`);
  await clock.advance(2000);
  await sending;
});

test('a stop waits for nothing', async (t) => {
  const clock = new VirtualClock();
  const bandwidth = new Bandwidth(1000, clock);
  let isSent = false;
  const sending = send(bandwidth.paced(sourceOf(100_000)), { chunkBytes: 4096, sent: () => {} }).then(() => {
    isSent = true;
  });
  await settled();
  t.false(isSent);

  bandwidth.close();
  await sending;

  t.true(isSent);
});

test('without a limit a source stays as it is', (t) => {
  const source = sourceOf(10);

  t.is(paced(source, {}), source);
});
