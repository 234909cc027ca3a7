import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { slidegate } from '../support/command-line.ts';
import { claimNow, openTemporarySpool, receive } from '../support/temporary-spool.ts';

test.serial('spool backup and restore bring the rows back, and list what may be sent again', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  const env = { NODE_CONFIG: JSON.stringify({ spool: { directory } }) };
  await receive(temporary.spool);
  for (const one of await claimNow(temporary.spool, 'rules')) {
    await temporary.spool.complete([{ claim: one, outcome: 'planned', tasks: [{ kind: 'delivery:pacs' }] }]);
  }
  const file = join(directory, 'backups', 'yesterday.sqlite');

  const backup = await slidegate(['spool', 'backup', file], { env });
  t.deepEqual([backup.code, backup.stdout], [0, `The rows of the spool are in ${file}.\n`]);
  const early = await slidegate(['spool', 'restore', file], { env });
  t.is(early.code, 1);
  t.regex(early.stderr, /another process serves it/);
  await receive(temporary.spool);
  await temporary.spool.close();
  const restored = await slidegate(['spool', 'restore', file], { env });

  t.is(restored.code, 0, restored.stderr);
  t.regex(restored.stdout, /1 delivery task open in the backup.*\n {2}entry 1 {2}delivery:pacs {2}1\.2\.3\./);
  const spool = await temporary.reopen();
  t.like(await spool.status(), { accepted: 2, states: { pending: 1, held: 1 } });
});

test.serial('spool back leads the rows to an earlier version', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  const env = { NODE_CONFIG: JSON.stringify({ spool: { directory } }) };
  await temporary.spool.close();

  const went = await slidegate(['spool', 'back', '--to', '1'], { env });

  t.is(went.code, 0, went.stderr);
  t.regex(went.stdout, /^The spool is of version 1 now/);
  t.true(existsSync(join(directory, 'backups/ledger-v2.sqlite')));
  t.is((await slidegate(['spool', 'back', '--to', '2'], { env })).code, 1);
  await temporary.reopen();
});

test.serial('spool says what it takes', async (t) => {
  for (const args of [[], ['sing'], ['back'], ['back', '--to', 'x'], ['backup'], ['restore', 'a', 'b']]) {
    t.is((await slidegate(['spool', ...args])).code, 2, args.join(' '));
  }
});
