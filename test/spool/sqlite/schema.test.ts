import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { SpoolError } from '../../../src/spool/errors.ts';
import { makeSpoolFolders, spoolFoldersOf } from '../../../src/spool/files/folders.ts';
import { MIGRATIONS } from '../../../src/spool/sqlite/migrations.ts';
import { migrate } from '../../../src/spool/sqlite/schema.ts';
import { part10Of } from '../../support/small-instance.ts';
import { newInstance, openTemporarySpool, readInstance, receive } from '../../support/temporary-spool.ts';

function openLedger(directory: string): DatabaseSync {
  return new DatabaseSync(join(directory, 'ledger.sqlite'));
}

const NEXT = { up: 'ALTER TABLE entry ADD COLUMN colour TEXT' };

test('migrate() makes a backup that the version before can go on with', async (t) => {
  await using temporary = await openTemporarySpool();
  const instance = newInstance();
  const { entryId } = await receive(temporary.spool, instance);
  await temporary.spool.close();
  const folders = spoolFoldersOf(temporary.directory);
  const db = openLedger(temporary.directory);

  migrate(db, folders.backups, [...MIGRATIONS, NEXT]);

  t.is(db.prepare('SELECT colour FROM entry').all().length, 1);
  db.close();
  const backup = join(folders.backups, `ledger-v${MIGRATIONS.length}.sqlite`);
  t.is(statSync(backup).mode & 0o777, 0o600);
  await t.throwsAsync(temporary.reopen(), { instanceOf: SpoolError, message: /schema must be <= / });
  restore(temporary.directory, backup);
  const spool = await temporary.reopen();
  t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
});

test('migrate() leaves the database as it was when a step fails', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'slidegate-schema-'));
  const folders = spoolFoldersOf(directory);
  makeSpoolFolders(folders);
  using db = openLedger(directory);
  migrate(db, folders.backups);

  t.throws(() =>
    migrate(db, folders.backups, [...MIGRATIONS, { up: `${NEXT.up}; INSERT INTO nowhere VALUES (1)` }]),
  );

  t.false(db.isTransaction);
  t.throws(() => db.prepare('SELECT colour FROM entry'));
  t.is(db.prepare('PRAGMA user_version').get()?.user_version, MIGRATIONS.length);
  migrate(db, folders.backups, [...MIGRATIONS, NEXT]);
  t.deepEqual(db.prepare('SELECT colour FROM entry').all(), []);
  rmSync(directory, { recursive: true });
});

/** What an operator does to go back: the backup takes the place of the database. */
function restore(directory: string, backup: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(join(directory, `ledger.sqlite${suffix}`), { force: true });
  const db = new DatabaseSync(backup);
  rmSync(join(directory, 'ledger.sqlite'));
  db.prepare('VACUUM INTO ?').run(join(directory, 'ledger.sqlite'));
  db.close();
}
