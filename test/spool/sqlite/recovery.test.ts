import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Claim } from '../../../src/spool/spool.ts';
import { SpoolError } from '../../../src/spool/spool.ts';
import { auditFiles, auditLedger } from '../../support/spool-audit.ts';
import { claim, newInstance, openTemporarySpool, receive } from '../../support/temporary-spool.ts';
import { TestLedger } from '../../support/test-ledger.ts';

const MIB = 1024 * 1024;

test('spool removes at its start what has no owner, and nothing else', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  await receive(temporary.spool);
  await receive(temporary.spool, newInstance({ pixelBytes: 2 * MIB }));
  const [task] = await claim(temporary.spool, 'rules');
  const work = await temporary.spool.workFolder((task as Claim).taskId);
  writeFileSync(join(work, 'half-done.tiff'), 'x');
  await temporary.spool.close();
  const kept = [...readdirSync(join(directory, 'files')), ...readdirSync(join(directory, 'segments'))];
  for (const orphan of ['incoming/9-9.part', 'files/9-9.dcm', 'segments/0000000099.segment']) {
    writeFileSync(join(directory, orphan), 'x');
  }
  mkdirSync(join(directory, 'work/99001'));
  mkdirSync(join(directory, 'work/strange'));

  await temporary.reopen();

  t.deepEqual([...readdirSync(join(directory, 'files')), ...readdirSync(join(directory, 'segments'))], kept);
  t.deepEqual(readdirSync(join(directory, 'incoming')), []);
  t.deepEqual(readdirSync(join(directory, 'work')), [String(task?.taskId)]);
  t.true(existsSync(join(work, 'half-done.tiff')));
});

test('spool counts and tells an attempt that a crash has interrupted', (t) => {
  using ledger = new TestLedger();
  ledger.run([ledger.acceptRequest(newInstance())]);
  const [before] = ledger.claim('rules');
  ledger.crash();
  ledger.clocks.pass(1000);

  using restarted = new TestLedger({ directory: ledger.directory, clocks: ledger.clocks });

  const [row] = restarted.ask('query', { query: { entryIds: [1] } });
  t.like(row?.tasks[0], { state: 'waiting', attempt: 1 });
  t.like(row?.tasks[0]?.attempts?.[0], { attempt: 1, code: 'INTERRUPTED', disposition: 'unclear' });
  const [after] = restarted.claim('rules');
  t.is(after?.attempt, 2);
  t.not(after?.token, before?.token);
  t.deepEqual(auditLedger(ledger.directory), []);
});

test('spool does not look at what lies behind the last row of a segment', (t) => {
  using ledger = new TestLedger({
    step: (name) => {
      if (name === 'transaction-filled' && failing) throw new Error('power cut');
    },
  });
  let failing = false;
  ledger.run([ledger.acceptRequest(newInstance())]);
  failing = true;
  ledger.run([ledger.acceptRequest(newInstance())]);
  failing = false;
  ledger.run([ledger.acceptRequest(newInstance())]);

  t.like(ledger.ask('status', {}), { accepted: 2 });
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
});

test('spool is open to its own user only', async (t) => {
  await using temporary = await openTemporarySpool();
  await receive(temporary.spool);
  await receive(temporary.spool, newInstance({ pixelBytes: 2 * MIB }));

  for (const entry of readdirSync(temporary.directory, { recursive: true, withFileTypes: true })) {
    const { mode } = statSync(join(entry.parentPath, entry.name));
    t.is(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  t.is(statSync(temporary.directory).mode & 0o777, 0o700);
});

test('spool refuses a directory that another one serves, and takes it when that is closed', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;

  const error = await t.throwsAsync(openTemporarySpool({ directory }), { instanceOf: SpoolError });

  t.is(error?.code, 'SPOOL_LOCKED');
  await receive(temporary.spool);
  await temporary.spool.close();
  const other = await openTemporarySpool({ directory });
  t.is((await other.spool.status()).accepted, 1);
  await other.spool.close();
});

test('spool says why it cannot be opened', async (t) => {
  const error = await t.throwsAsync(openTemporarySpool({ directory: '/dev/null/spool' }), {
    instanceOf: SpoolError,
  });

  t.regex(error?.message ?? '', /Cannot open the spool in "\/dev\/null\/spool": ENOTDIR/);
});
