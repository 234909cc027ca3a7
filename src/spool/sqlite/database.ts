import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SpoolError } from '../errors.ts';
import { FILE_MODE, type SpoolFolders } from '../files/folders.ts';
import { migrate } from './schema.ts';

/** Pages of 4 KiB in the log at which they are carried over into the database. */
const CHECKPOINT_PAGES = 4000;
const SQLITE_BUSY = 5;
const CACHE_KIB = 64 * 1024;

/** Whoever holds it may serve the directory. */
export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the directory for this process. The lock is one of the operating system on an open file: it goes
 * when the process goes, however it dies.
 *
 * @throws {SpoolError} when another process, or another spool of this one, holds it
 */
export function lockDirectory(folders: SpoolFolders): DirectoryLock {
  const path = join(folders.root, 'lock.sqlite');
  touch(path);
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new SpoolError(
      'SPOOL_LOCKED',
      `Cannot open the spool in "${folders.root}": another process serves it; there must be one at a time`,
      {},
      { cause: error },
    );
  }
  return { release: () => db.close() };
}

/** Opens the database of a locked directory. Every commit is on disk when it returns, unless Statements is told otherwise. */
export function openDatabase(folders: SpoolFolders): DatabaseSync {
  const path = join(folders.root, 'ledger.sqlite');
  touch(path);
  const db = new DatabaseSync(path);
  try {
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA temp_store = MEMORY;
      PRAGMA secure_delete = ON;
    `);
    migrate(db, folders.backups);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** SQLite gives its other files the mode of the database; an existing mode stays. */
function touch(path: string): void {
  closeSync(openSync(path, 'a', FILE_MODE));
}
