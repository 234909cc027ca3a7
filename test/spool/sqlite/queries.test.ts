import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makeSpoolFolders, spoolFoldersOf } from '../../../src/spool/files/folders.ts';
import { openDatabase } from '../../../src/spool/sqlite/database.ts';
import { queries } from '../../../src/spool/sqlite/queries.ts';

/** Has a row for every kind of task, origin and state, whatever the number of entries. */
const SMALL_TABLES = ['tally'];

const directory = mkdtempSync(join(tmpdir(), 'slidegate-queries-'));
const folders = spoolFoldersOf(directory);
makeSpoolFolders(folders);
const db = openDatabase(folders);

test.after.always(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

for (const [name, sql] of Object.entries(queries)) {
  test(`query ${name} searches by an index and sorts nothing`, (t) => {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];

    const scans = plan
      .map(({ detail }) => detail)
      .filter((detail) => /^SCAN (?!CONSTANT)/.test(detail) || detail.includes('TEMP B-TREE'))
      .filter((detail) => !SMALL_TABLES.includes(detail.replace('SCAN ', '')));
    t.deepEqual(scans, []);
  });
}
