import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { type Claim, SpoolError } from '../../../src/spool/spool.ts';
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
const ERASE = { reason: 'asked by the patient', by: 'ann', erase: true };

/** An instance of somebody whose name is nowhere else. */
function instanceOf(patientId: string, pixelBytes = 64) {
  return newInstance({ patientId, pixelBytes });
}

/** Files under the directory that hold the text. */
function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

async function plan(temporary: TemporarySpool, entryId: number): Promise<void> {
  const payload = { rule: 'x', edits: [{ set: 'PatientID', value: ['ERASED-ME-TOO'] }] };
  const claims = (await claimNow(temporary.spool, 'rules')).filter(({ entry }) => entry.entryId === entryId);
  await temporary.spool.complete(
    claims.map((one) => ({
      claim: one,
      outcome: 'planned',
      tasks: [{ kind: 'delivery:pacs' as const, payload }],
      explanation: { patient: 'ERASED-ME-TOO' },
    })),
  );
}

for (const [title, pixelBytes] of [
  ['in a segment', 64],
  ['in a file of its own', 2 * MIB],
] as const) {
  test(`discard() that erases leaves nothing on disk of an instance ${title}`, async (t) => {
    await using temporary = await openTemporarySpool();
    const { spool, directory } = temporary;
    const { entryId } = await receive(spool, instanceOf('ERASED-ME-TOO', pixelBytes));
    const other = instanceOf('STAYS-HERE');
    const { entryId: otherId } = await receive(spool, other);
    await plan(temporary, entryId);
    t.true(filesWith(directory, 'ERASED-ME-TOO').length > 0);

    t.is((await spool.discard({ entryIds: [entryId] }, ERASE)).count, 1);

    t.deepEqual(filesWith(directory, 'ERASED-ME-TOO'), []);
    t.is(await spool.headerIndex(entryId), undefined);
    const error = await t.throwsAsync(spool.open(entryId), { instanceOf: SpoolError });
    t.is(error?.code, 'BYTES_PURGED');
    const [row] = await spool.query({ entryIds: [entryId] });
    t.is(row?.state, 'discarded');
    t.true((await readInstance(spool, otherId)).equals(part10Of(other)));
    await spool.close();
    t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
  });
}

test('discard() that erases takes an entry that was settled before when it is named', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool, directory } = temporary;
  for (const retention of [false, true]) {
    const { entryId } = await receive(spool, instanceOf('ERASED-ME-TOO'));
    await spool.complete((await claim(spool, 'rules')).map((one) => ({ claim: one, outcome: 'planned' })));
    if (retention) await spool.purge({ settledBeforeMs: Date.now() + 1, limit: 10 });

    t.deepEqual(await spool.discard({ entryIds: [entryId] }, ERASE), { count: 0, erased: [entryId] });

    t.deepEqual(filesWith(directory, 'ERASED-ME-TOO'), []);
    const [row] = await spool.query({ entryIds: [entryId] });
    t.like(row, { state: 'delivered', bytes: 'erased', erased: { by: 'ann', reason: ERASE.reason } });
    t.deepEqual(await spool.discard({ entryIds: [entryId] }, ERASE), { count: 0, erased: [] }, 'only once');
  }
});

test('discard() that erases what is long gone leaves alone what lies where it was', async (t) => {
  await using temporary = await openTemporarySpool();
  const { entryId } = await receive(temporary.spool, instanceOf('ERASED-ME-TOO'));
  await temporary.spool.discard({ entryIds: [entryId] }, { reason: 'test', by: 'ann' });
  await temporary.reopen();
  await temporary.spool.purge({ settledBeforeMs: Date.now() + 1, limit: 10 });
  for (const isOfEarlierVersion of [false, true]) {
    await temporary.spool.close();
    if (isOfEarlierVersion) giveNumbersTwice(temporary.directory);
    await temporary.reopen();
    const other = instanceOf('STAYS-HERE', 5000);
    const { entryId: otherId } = await receive(temporary.spool, other);

    await temporary.spool.discard({ entryIds: [entryId] }, ERASE);

    t.true((await readInstance(temporary.spool, otherId)).equals(part10Of(other)));
    t.deepEqual(auditFiles(temporary.directory), []);
    await temporary.spool.discard({ entryIds: [otherId] }, { reason: 'test', by: 'ann' });
    await temporary.spool.purge({ settledBeforeMs: Date.now() + 1, limit: 10 });
  }
});

/** As versions did that did not remember which segments there had been. */
function giveNumbersTwice(directory: string): void {
  using db = new DatabaseSync(join(directory, 'ledger.sqlite'));
  db.exec("DELETE FROM segment; DELETE FROM meta WHERE name = 'last_segment'");
}

test('discard() that erases takes nothing of an entry that has other work to do', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const instance = instanceOf('P-1');
  const { entryId } = await receive(spool, instance);
  const tasks = [{ kind: 'delivery:a' as const }, { kind: 'delivery:b' as const }];
  await spool.complete(
    (await claim(spool, 'rules')).map((one) => ({ claim: one, outcome: 'planned', tasks })),
  );

  t.deepEqual(await spool.discard({ destination: 'a' }, { ...ERASE, preview: true }), {
    count: 1,
    erased: [],
  });
  t.deepEqual(await spool.discard({ destination: 'a' }, ERASE), { count: 1, erased: [] });
  t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
  t.deepEqual(await spool.discard({ destination: 'b' }, ERASE), { count: 1, erased: [entryId] });

  await t.throwsAsync(readInstance(spool, entryId), { instanceOf: SpoolError });
});

test('discard() that erases only counts when it is a preview', async (t) => {
  await using temporary = await openTemporarySpool();
  const { entryId } = await receive(temporary.spool);

  t.deepEqual(await temporary.spool.discard({ entryIds: [entryId] }, { ...ERASE, preview: true }), {
    count: 1,
    erased: [entryId],
  });

  t.true((await readInstance(temporary.spool, entryId)).length > 0);
  t.is((await claim(temporary.spool, 'rules')).length, 1);
});

test('discard() that erases takes what was made of the entry with it, and unfinished work', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool, directory } = temporary;
  const { entryId } = await receive(spool, instanceOf('ERASED-ME-TOO'));
  const tasks = [{ kind: 'conversion' as const }, { kind: 'conversion' as const }];
  await spool.complete(
    (await claim(spool, 'rules')).map((one) => ({ claim: one, outcome: 'planned', tasks })),
  );
  const [done, halfDone] = (await claim(spool, 'conversion', 2)) as [Claim, Claim];
  const product = instanceOf('ERASED-ME-TOO', 2 * MIB);
  const path = join(await spool.workFolder(done.taskId), '1.dcm');
  writeFileSync(path, part10Of(product));
  const { sopClassUid, sopInstanceUid, transferSyntaxUid } = product;
  const products = [
    { path, sopClassUid, sopInstanceUid, transferSyntaxUid, tasks: [{ kind: 'delivery:a' as const }] },
  ];
  await spool.complete([{ claim: done, outcome: 'converted', products }]);
  writeFileSync(join(await spool.workFolder(halfDone.taskId), 'label.tiff'), 'ERASED-ME-TOO');

  const both = { count: 2, erased: [entryId, entryId + 1] };
  t.deepEqual(await spool.discard({ entryIds: [entryId] }, { ...ERASE, preview: true }), both);
  t.deepEqual(await spool.discard({ entryIds: [entryId] }, ERASE), both);

  t.deepEqual(filesWith(directory, 'ERASED-ME-TOO'), []);
  t.like(await spool.status(), { states: { discarded: 1 }, producedStates: { discarded: 1 }, usedBytes: 0 });
});

test('discard() that erases makes whoever reads the instance stop, before a byte of it is overwritten', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const { entryId } = await receive(spool);
  const stored = await spool.open(entryId);
  await stored.read(Buffer.alloc(10), 0);

  await spool.discard({ entryIds: [entryId] }, ERASE);

  const error = await t.throwsAsync(stored.read(Buffer.alloc(10), 0), { instanceOf: SpoolError });
  t.is(error?.code, 'BYTES_PURGED');
  await stored.close();
});

test('discard() that erases wipes the copies of the database that the spool has made', async (t) => {
  using ledger = new TestLedger();
  ledger.run([ledger.acceptRequest(instanceOf('ERASED-ME-TOO'))]);
  const backup = join(ledger.directory, 'backups/ledger-v1.sqlite');
  ledger.backUp(backup);
  writeFileSync(join(ledger.directory, 'backups/ledger-replaced-1.sqlite'), 'damaged '.repeat(1000));
  t.true(readFileSync(backup).includes('ERASED-ME-TOO'));

  ledger.ask('discard', { selection: { entryIds: [1] }, ...ERASE, preview: false });
  ledger.ask('wipe', {});

  t.deepEqual(filesWith(ledger.directory, 'ERASED-ME-TOO'), []);
  const selection = JSON.stringify({ entryIds: [1], erasedEntries: 1 });
  t.deepEqual(ledger.rows('SELECT who, action, selection FROM audit'), [
    { who: 'ann', action: 'erase', selection },
  ]);
});

test('spool goes on with an erasure that a crash has interrupted', (t) => {
  using ledger = new TestLedger();
  ledger.run([ledger.acceptRequest(instanceOf('ERASED-ME-TOO'))]);
  ledger.ask('discard', { selection: { entryIds: [1] }, ...ERASE, preview: false });
  t.true(filesWith(join(ledger.directory, 'segments'), 'ERASED-ME-TOO').length > 0);
  ledger.crash();

  using restarted = new TestLedger({ directory: ledger.directory, clocks: ledger.clocks });

  t.deepEqual(filesWith(ledger.directory, 'ERASED-ME-TOO'), []);
  t.true(existsSync(join(restarted.directory, 'ledger.sqlite')));
});
