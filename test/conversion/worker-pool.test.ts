import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ConversionError, JobFailedError } from '../../src/conversion/errors.ts';
import { openWorkerPool, type WorkerPoolOptions } from '../../src/conversion/worker-pool.ts';
import { conversionRequest } from '../support/conversion-request.ts';

const folder = await mkdtemp(join(tmpdir(), 'slidegate-pool-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

const OPTIONS = { memoryMaxBytes: 1e9, timeLimitMs: 60_000, idleMs: 60_000, jobsPerWorkerMax: 10 };

/** A pool that counts the workers it lost, and closes with the test. */
function openPool(
  t: { teardown(close: () => Promise<void>): void },
  options: Partial<WorkerPoolOptions> = {},
) {
  const lost: string[] = [];
  const pool = openWorkerPool({ ...OPTIONS, onWorkerLost: ({ code }) => lost.push(code), ...options });
  t.teardown(() => pool.close());
  return { pool, lost };
}

/** Processes that this one has started and that are still there. */
async function children(): Promise<readonly number[]> {
  const text = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

const image = { label: 'pool', rows: 300, columns: 400 };
const bigImage = { label: 'big', rows: 3000, columns: 4000, frames: [new Uint8Array(3000 * 4000 * 3)] };

test.serial('worker makes the instances and is kept for the next job', async (t) => {
  const { pool } = openPool(t);

  const { products } = await pool.run(await conversionRequest(folder, image));
  const first = await children();
  await pool.run(await conversionRequest(folder, image));

  t.deepEqual(
    products.map(({ name }) => name),
    ['01-volume', '02-thumbnail'],
  );
  for (const { path, sizeBytes } of products) t.is((await stat(path)).size, sizeBytes);
  t.is(first.length, 1);
  t.deepEqual(await children(), first);
});

test.serial('error of a job arrives with its code and disposition, and the worker goes on', async (t) => {
  const { pool, lost } = openPool(t);

  const request = await conversionRequest(folder, { ...image, attributes: { PixelSpacing: undefined } });
  const error = await t.throwsAsync(pool.run(request), { instanceOf: JobFailedError });

  t.like(error, { code: 'SPACING_MISSING', disposition: 'hold' });
  await t.notThrowsAsync(pool.run(await conversionRequest(folder, image)));
  t.deepEqual(lost, []);
});

// Fault case 25.
test.serial('worker that takes more memory than it may is killed', async (t) => {
  const { pool, lost } = openPool(t, { memoryMaxBytes: 20e6 });

  const error = await t.throwsAsync(pool.run(await conversionRequest(folder, bigImage)), {
    instanceOf: ConversionError,
  });

  t.like(error, { code: 'MEMORY_LIMIT', disposition: 'retry' });
  t.deepEqual(lost, ['MEMORY_LIMIT']);
  t.deepEqual(await children(), []);
});

test.serial('worker that takes more time than it may is killed', async (t) => {
  const { pool } = openPool(t, { timeLimitMs: 1 });

  const error = await t.throwsAsync(pool.run(await conversionRequest(folder, bigImage)), {
    instanceOf: ConversionError,
  });

  t.like(error, { code: 'TIME_LIMIT', disposition: 'retry' });
});

test.serial(
  'worker that the system kills costs one attempt, and the next job gets another worker',
  async (t) => {
    const { pool, lost } = openPool(t);

    const running = pool.run(await conversionRequest(folder, bigImage));
    const [worker] = await children();
    process.kill(worker!, 'SIGKILL');
    const error = await t.throwsAsync(running, { instanceOf: ConversionError });

    t.like(error, { code: 'WORKER_DIED', disposition: 'retry' });
    t.regex(error?.message ?? '', /SIGKILL/);
    t.deepEqual(lost, ['WORKER_DIED']);
    await t.notThrowsAsync(pool.run(await conversionRequest(folder, image)));
  },
);

test.serial('stopping kills the worker and says so with the reason of the signal', async (t) => {
  const { pool, lost } = openPool(t);
  const stopping = new AbortController();

  const running = pool.run(await conversionRequest(folder, bigImage), stopping.signal);
  stopping.abort(new Error('stopping'));

  await t.throwsAsync(running, { message: 'stopping' });
  await pool.close();
  t.deepEqual(lost, []);
  t.deepEqual(await children(), []);
});

test.serial('worker ends after as many jobs as it may have', async (t) => {
  const { pool } = openPool(t, { jobsPerWorkerMax: 1 });

  await pool.run(await conversionRequest(folder, image));
  await pool.close();

  t.deepEqual(await children(), []);
});

test.serial('worker is what the system kills first when memory runs out', async (t) => {
  const { pool } = openPool(t);

  await pool.run(await conversionRequest(folder, image));
  const [worker] = await children();

  t.is((await readFile(`/proc/${worker}/oom_score_adj`, 'utf8')).trim(), '1000');
});
