import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SteadyClock } from '../clock.ts';
import { SpoolError } from '../errors.ts';
import { type SpoolFolders, spoolFoldersOf } from '../files/folders.ts';
import { createContext } from './context.ts';
import { type DirectoryLock, lockDirectory, openDatabase } from './database.ts';
import { recover } from './recovery.ts';
import { backUp, stepDown, versionOf } from './schema.ts';
import { Statements } from './statements.ts';

/**
 * Leads the spool of a stopped gateway back to an earlier version of its database, so that the version of the
 * gateway which wrote that can serve it. Nothing is lost: work of a kind that the earlier does not know becomes work
 * that it does.
 *
 * @returns versions, and the copy of the database that was made before
 * @throws {SpoolError} when a gateway serves the directory, or there is no way there
 */
export function goBack(directory: string, to: number): { from: number; to: number; backup: string } {
  const folders = spoolFoldersOf(resolve(directory));
  return withLock(folders, () => {
    const db = openDatabase(folders);
    try {
      const statements = new Statements(db);
      const clock = new SteadyClock();
      // As at every start: nobody is at work, and nobody waits for anybody.
      recover(createContext({ statements, clock, folders, step: () => {}, freeBytes: () => 0 }));
      const from = versionOf(db);
      const backup = join(folders.backups, `ledger-v${from}.sqlite`);
      backUp(db, backup);
      stepDown(db, to);
      statements.truncateLog();
      return { from, to, backup };
    } finally {
      db.close();
    }
  });
}

/** @throws {SpoolError} when there is no spool, or a gateway serves it */
export function withLock<Result>(folders: SpoolFolders, act: () => Result): Result {
  if (!existsSync(join(folders.root, 'ledger.sqlite'))) {
    throw new SpoolError(
      'REQUEST_REJECTED',
      `Cannot find a spool in "${folders.root}": it has no ledger.sqlite`,
    );
  }
  const lock: DirectoryLock = lockDirectory(folders);
  try {
    return act();
  } finally {
    lock.release();
  }
}
