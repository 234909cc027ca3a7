import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { SpoolError } from '../errors.ts';
import { FILE_MODE, syncFolderNow } from '../files/folders.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';

/**
 * Brings the database to the latest version. Before an existing one is changed, it is copied to
 * `<backups>/ledger-v<version>.sqlite`: the way back to the previous version.
 *
 * @throws {SpoolError} when a later version of the gateway wrote the database
 */
export function migrate(
  db: DatabaseSync,
  backups: string,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (version > migrations.length) {
    throw new SpoolError(
      'SCHEMA_TOO_NEW',
      `Cannot open the spool as its schema must be <= ${migrations.length}: it is ${version}`,
      { version, versionMax: migrations.length },
    );
  }
  if (version === migrations.length) return;
  if (version > 0) backUp(db, backups, `ledger-v${version}.sqlite`);
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(`${migration.up}; PRAGMA user_version = ${index + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
}

function backUp(db: DatabaseSync, backups: string, name: string): void {
  const path = join(backups, name);
  const partPath = `${path}.part`;
  rmSync(partPath, { force: true });
  const fd = openSync(partPath, 'wx', FILE_MODE); // SQLite takes an empty file, and keeps its mode.
  try {
    db.prepare('VACUUM INTO ?').run(partPath);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(partPath, path);
  syncFolderNow(backups);
}
