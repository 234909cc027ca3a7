import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  const version = versionOf(db);
  if (version > migrations.length) {
    throw new SpoolError(
      'SCHEMA_TOO_NEW',
      `Cannot open the spool as its schema must be <= ${migrations.length}: it is ${version}`,
      { version, versionMax: migrations.length },
    );
  }
  if (version === migrations.length) return;
  if (version > 0) backUp(db, join(backups, `ledger-v${version}.sqlite`));
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    inTransaction(db, `${migration.up}; PRAGMA user_version = ${index + 1}`);
  }
}

/**
 * Leads the database back to the schema of an earlier version, which can then serve it.
 *
 * @throws {SpoolError} when there is no way there
 */
export function stepDown(db: DatabaseSync, to: number, migrations: readonly Migration[] = MIGRATIONS): void {
  const from = versionOf(db);
  if (to < 1 || to >= from) {
    throw new SpoolError(
      'REQUEST_REJECTED',
      `Cannot go back to version ${to}: it must be >= 1 and < ${from}, the version of the database`,
      { from, to },
    );
  }
  for (let version = from; version > to; version -= 1) {
    const { down } = migrations[version - 1] as Migration;
    inTransaction(db, `${down}; PRAGMA user_version = ${version - 1}`);
  }
}

function inTransaction(db: DatabaseSync, sql: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(sql);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

export function versionOf(db: DatabaseSync): number {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}

/** A consistent copy of the database, durable under its name once this returns. */
export function backUp(db: DatabaseSync, path: string): void {
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
  syncFolderNow(dirname(path));
}
