import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { JobResult } from '../../src/conversion/job-kind.ts';
import { TaskHistory } from '../../src/conversion/task-history.ts';

const root = await mkdtemp(join(tmpdir(), 'slidegate-history-'));
test.after.always(() => rm(root, { recursive: true, force: true }));

const decided = { job: 'wsi', options: { tile: 512 }, edits: [], decidedAtMs: 1 };

async function finishedResult(history: TaskHistory): Promise<JobResult> {
  const path = join(await history.startAttempt(), '01-volume.dcm');
  await writeFile(path, 'pixels');
  const uids = {
    sopClassUid: '1.2',
    sopInstanceUid: '1.3',
    seriesInstanceUid: '1.4',
    transferSyntaxUid: '1.5',
  };
  return {
    products: [{ path, name: '01-volume', sizeBytes: 6, ...uids }],
    generated: [],
    inheritedFaults: [],
  };
}

test('what an attempt finished but could not hand over is not made again', async (t) => {
  const folder = await mkdtemp(join(root, 'task-'));
  const result = await finishedResult(new TaskHistory(folder));
  await new TaskHistory(folder).keepResult(decided, result);

  t.deepEqual(await new TaskHistory(folder).earlierResult(decided), result); // After a restart.
});

test('an earlier result counts only for the same decision, with all its files there and whole', async (t) => {
  const history = new TaskHistory(await mkdtemp(join(root, 'task-')));
  const result = await finishedResult(history);
  await history.keepResult(decided, result);

  t.is(await history.earlierResult({ ...decided, options: { tile: 256 } }), undefined);
  await writeFile(result.products[0]!.path, 'cut');
  t.is(await history.earlierResult(decided), undefined);
  await rm(result.products[0]!.path);
  t.is(await history.earlierResult(decided), undefined);
});

test('a record that a power cut left half written counts for nothing', async (t) => {
  const folder = await mkdtemp(join(root, 'task-'));
  await writeFile(join(folder, 'result.json'), '{"decided":{"job"');

  t.is(await new TaskHistory(folder).earlierResult(decided), undefined);
});

test('lost workers are counted across restarts, and not forgotten by a new attempt', async (t) => {
  const folder = await mkdtemp(join(root, 'task-'));

  t.is(await new TaskHistory(folder).countLostWorker(), 1);
  await new TaskHistory(folder).startAttempt();
  t.is(await new TaskHistory(folder).countLostWorker(), 2);
});
