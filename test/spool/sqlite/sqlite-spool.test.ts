import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { SpoolError } from '../../../src/spool/spool.ts';
import { eventually } from '../../support/eventually.ts';
import { listenToSteps } from '../../support/step-listener.ts';
import { claim, newInstance, openTemporarySpool, receive } from '../../support/temporary-spool.ts';

const MIB = 1024 * 1024;
const scratch = mkdtempSync(join(tmpdir(), 'slidegate-threads-'));
test.after.always(() => rmSync(scratch, { recursive: true }));

test.serial('spool takes claims back that arrive when nobody waits for them any more', async (t) => {
  const stepModule = new URL('../../support/step-listener.ts', import.meta.url);
  await using temporary = await openTemporarySpool({ stepModule });
  const { spool } = temporary;
  await receive(spool);
  const stop = new AbortController();
  listenToSteps((name) => name === 'claim-answered' && stop.abort());

  t.deepEqual(await spool.claim({ kind: 'rules', limit: 1 }, stop.signal), []);

  listenToSteps(() => {});
  const [again] = await claim(spool, 'rules');
  t.is(again?.attempt, 1);
});

test.serial('spool looks again for an entry that is not where its claim said', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool, directory } = temporary;
  const { entryId } = await receive(spool, newInstance({ pixelBytes: 2 * MIB }));
  await claim(spool, 'rules');
  const [file = ''] = readdirSync(join(directory, 'files'));
  await spool.discard({ entryIds: [entryId] }, { reason: 'test', by: 'ann' });
  await spool.purge({ settledBeforeMs: Date.now() + 1, limit: 1 });
  await eventually('the file is gone', () => !existsSync(join(directory, 'files', file)));

  const error = await t.throwsAsync(spool.open(entryId), { instanceOf: SpoolError });

  t.is(error?.code, 'BYTES_PURGED');
});

test.serial('spool fails whatever is asked of it once a thread has died, and loses nothing', async (t) => {
  const flag = join(scratch, 'failing');
  process.env.SLIDEGATE_TEST_FAIL_FILE = flag;
  const stepModule = new URL('../../support/failing-disk.ts', import.meta.url);
  await using temporary = await openTemporarySpool({ stepModule });
  const { spool } = temporary;
  await receive(spool);
  const waiting = spool.claim({ kind: 'delivery:a', limit: 1 }, new AbortController().signal);
  const failed = t.throwsAsync(waiting, { instanceOf: SpoolError });
  await spool.status(); // By now, the claim waits in the thread.
  await sleep(100); // The step that follows this answer is over, too.
  writeFileSync(flag, 'replies-posted');

  // Answered with its last breath, or the death is heard first: kept it is in either case.
  await receive(spool).catch((error: unknown) => t.true(error instanceof SpoolError));

  await failed;
  const error = await t.throwsAsync(spool.status(), { instanceOf: SpoolError });
  t.is(error?.code, 'SPOOL_CLOSED');
  t.regex(error?.message ?? '', /its thread died: ENOSPC/);
  await t.throwsAsync(receive(spool), { instanceOf: SpoolError });
  rmSync(flag);
  const again = await temporary.reopen();
  t.is((await again.status()).accepted, 2);
});
