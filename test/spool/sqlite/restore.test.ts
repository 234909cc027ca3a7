import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { backUpSpool, restoreSpool, SpoolError } from '../../../src/spool/spool.ts';
import { part10Of } from '../../support/small-instance.ts';
import { auditFiles, auditLedger } from '../../support/spool-audit.ts';
import {
  claim,
  claimNow,
  newInstance,
  openTemporarySpool,
  readInstance,
  receive,
  type TemporarySpool,
} from '../../support/temporary-spool.ts';
import { TestLedger } from '../../support/test-ledger.ts';

const MIB = 1024 * 1024;

async function plan({ spool }: TemporarySpool): Promise<void> {
  for (const one of await claimNow(spool, 'rules')) {
    await spool.complete([{ claim: one, outcome: 'planned', tasks: [{ kind: 'delivery:pacs' }] }]);
  }
}

async function deliver({ spool }: TemporarySpool): Promise<void> {
  for (const one of await claimNow(spool, 'delivery:pacs')) {
    await spool.complete([{ claim: one, outcome: 'delivered' }]);
  }
}

test('what was acknowledged after the backup survives its restore, held for a person', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  const backup = join(directory, 'backups/yesterday.sqlite');
  const before = newInstance();
  const { entryId } = await receive(temporary.spool, before);
  await plan(temporary);
  backUpSpool(directory, backup); // While it is served.
  await deliver(temporary);
  const since = [newInstance(), newInstance({ pixelBytes: 2 * MIB }), newInstance()];
  for (const instance of since) await receive(temporary.spool, instance);
  // Equal to one that is known, for other destinations.
  await receive(temporary.spool, before, { source: 'ct2' });
  since.push(before);
  await plan(temporary);
  await temporary.spool.close();

  const { again, replaced } = restoreSpool(directory, backup);
  t.deepEqual(again, [{ entryId, sopInstanceUid: before.sopInstanceUid, kind: 'delivery:pacs' }]);
  t.deepEqual(auditLedger(directory), []);
  const spool = await temporary.reopen();

  t.like(await spool.status(), { accepted: 5, states: { pending: 1, held: 4 } });
  const held = await spool.query({ heldKind: 'rules' });
  t.deepEqual(
    held.map(({ sopInstanceUid }) => sopInstanceUid).sort(),
    since.map(({ sopInstanceUid }) => sopInstanceUid).sort(),
  );
  for (const row of held) {
    t.like(row, { source: 'recovered', studyInstanceUid: '1.2.3.100' });
    t.like(row.tasks[0], { state: 'held', code: 'RECOVERED' });
    t.true(row.entryId > 5); // No number of an entry that is forgotten comes again.
    const instance = since.find(({ sopInstanceUid }) => sopInstanceUid === row.sopInstanceUid);
    t.true((await readInstance(spool, row.entryId)).equals(part10Of(instance as (typeof since)[0])));
  }
  t.is(await spool.retry({ reasonContains: 'RECOVERED' }), 4);
  await plan(temporary);
  await deliver(temporary);
  t.like(await spool.status(), { states: { delivered: 5 } });

  const large = newInstance({ pixelBytes: 2 * MIB });
  const next = await receive(spool, large); // Takes no name that is in use.
  t.true((await readInstance(spool, next.entryId)).equals(part10Of(large)));
  t.true(readFileSync(replaced as string).length > 0);
  await temporary.reopen();
  t.is((await temporary.spool.status()).accepted, 6);
  await temporary.spool.close();
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

test('what has moved or gone since the backup is found again, or held with that reason', (t) => {
  using ledger = new TestLedger({ segmentBytesMax: 60_000 });
  for (let index = 0; index < 12; index += 1) {
    ledger.run([ledger.acceptRequest(newInstance({ pixelBytes: 5000 }))]);
  }
  const backup = join(ledger.directory, 'backups/yesterday.sqlite');
  ledger.backUp(backup);
  const entryIds = [2, 3, 4, 5, 6, 7, 8, 9, 10];
  ledger.ask('discard', { selection: { entryIds }, reason: 'old', by: 'ann', preview: false, erase: false });
  ledger.ask('purge', { policy: { settledBeforeMs: ledger.clocks.wallMs + 1, limit: 100 } });
  t.false(readdirSync(join(ledger.directory, 'segments')).includes('0000000001.segment'));
  ledger.crash();

  restoreSpool(ledger.directory, backup);
  using restored = new TestLedger({ directory: ledger.directory, clocks: ledger.clocks });

  t.like(restored.ask('status', {}), { accepted: 12, states: { pending: 3, held: 9 } });
  const [gone] = restored.ask('query', { query: { entryIds: [5] } });
  t.like(gone?.tasks[0], { state: 'held', code: 'BYTES_PURGED' });
  t.deepEqual([...auditLedger(ledger.directory), ...auditFiles(ledger.directory)], []);
  t.deepEqual(
    restored.claim('rules').map(({ entry }) => entry.entryId),
    [1, 11, 12],
  );
});

test('a spool without its rows takes all instances in again instead of removing them', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  const instances = [newInstance(), newInstance({ pixelBytes: 2 * MIB }), newInstance()];
  for (const instance of instances) await receive(temporary.spool, instance);
  await temporary.spool.close();
  for (const suffix of ['', '-wal', '-shm'])
    rmSync(join(directory, `ledger.sqlite${suffix}`), { force: true });
  writeFileSync(join(directory, 'files/1-99.dcm'), 'no DICOM');

  const spool = await temporary.reopen();

  t.like(await spool.status(), { accepted: 3, states: { held: 3 } });
  for (const instance of instances) {
    const [row] = await spool.query({ sopInstanceUid: instance.sopInstanceUid });
    t.true((await readInstance(spool, row?.entryId as number)).equals(part10Of(instance)));
  }
  t.is(readdirSync(join(directory, 'files')).length, 1);
  await spool.close();
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

test('what came after the backup is found although all from before it had gone', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  const backup = join(directory, 'backups/yesterday.sqlite');
  const { entryId } = await receive(temporary.spool);
  backUpSpool(directory, backup);
  await temporary.spool.discard({ entryIds: [entryId] }, { reason: 'test', by: 'ann' });
  await temporary.reopen();
  await temporary.spool.purge({ settledBeforeMs: Date.now() + 1, limit: 100 });
  await temporary.reopen();
  t.deepEqual(readdirSync(join(directory, 'segments')), []);
  const since = newInstance({ pixelBytes: 5000 });
  await receive(temporary.spool, since);
  await temporary.spool.close();

  restoreSpool(directory, backup);
  const spool = await temporary.reopen();

  const [row] = await spool.query({ sopInstanceUid: since.sopInstanceUid });
  t.like(row?.tasks[0], { state: 'held', code: 'RECOVERED' });
  t.true((await readInstance(spool, row?.entryId as number)).equals(part10Of(since)));
  t.like((await spool.query({ entryIds: [entryId] }))[0]?.tasks[0], { code: 'BYTES_PURGED' });
  await spool.close();
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

test('a restore puts the log of rows that somebody has removed aside', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  const backup = join(directory, 'backups/yesterday.sqlite');
  backUpSpool(directory, backup);
  await temporary.spool.close();
  rmSync(join(directory, 'ledger.sqlite'));
  for (const suffix of ['-wal', '-shm'])
    writeFileSync(join(directory, `ledger.sqlite${suffix}`), 'of others');

  restoreSpool(directory, backup);

  t.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith('ledger.sqlite')),
    ['ledger.sqlite'],
  );
  t.is(
    readdirSync(join(directory, 'backups')).filter((name) => /replaced.*-(wal|shm)$/.test(name)).length,
    2,
  );
});

test('what has been erased, replaced or removed is not recovered', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool, directory } = temporary;
  const backup = join(directory, 'backups/yesterday.sqlite');
  const { entryId: settled } = await receive(spool);
  const { entryId: purged } = await receive(spool);
  await receive(spool);
  await spool.discard({ entryIds: [settled, purged] }, { reason: 'test', by: 'ann' });
  await spool.purge({ settledBeforeMs: Date.now() + 1, limit: 100 });
  backUpSpool(directory, backup);
  const { entryId: erased } = await receive(spool);
  await spool.discard({ entryIds: [erased] }, { reason: 'privacy', by: 'ann', erase: true });
  await spool.close();

  restoreSpool(directory, backup);

  t.like(await (await temporary.reopen()).status(), { accepted: 3, states: { discarded: 2, pending: 1 } });
});

test('a restore is refused while the gateway runs, and from what is no backup of a spool', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;
  await receive(temporary.spool);
  const path = (name: string) => join(directory, 'backups', name);
  backUpSpool(directory, path('good.sqlite'));
  t.is(
    t.throws(() => restoreSpool(directory, path('good.sqlite')), { instanceOf: SpoolError })?.code,
    'SPOOL_LOCKED',
  );
  await temporary.spool.close();
  backUpSpool(directory, path('later.sqlite'));
  const later = new DatabaseSync(path('later.sqlite'));
  later.exec('PRAGMA user_version = 99');
  later.close();
  writeFileSync(path('text.sqlite'), 'no database at all, only words that are long enough to look like one');

  for (const [name, message] of [
    ['later.sqlite', /it must be|version must be/],
    ['text.sqlite', /not a database/],
    ['missing.sqlite', /no such file/],
  ] as const) {
    const error = t.throws(() => restoreSpool(directory, path(name)), { instanceOf: SpoolError });
    t.regex(error?.message ?? '', message);
  }
  t.throws(() => backUpSpool(directory, path('good.sqlite')), { message: /must not exist/ });
  t.throws(() => backUpSpool(join(directory, 'nowhere'), path('x.sqlite')), { message: /no such file/ });
  t.false(readdirSync(directory).includes('ledger.sqlite.part'));
  await temporary.reopen();
  t.is((await claim(temporary.spool, 'rules')).length, 1);
});
