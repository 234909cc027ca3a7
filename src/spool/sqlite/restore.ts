import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SpoolError } from '../errors.ts';
import {
  FILE_MODE,
  makeSpoolFolders,
  type SpoolFolders,
  spoolFoldersOf,
  syncFolderNow,
} from '../files/folders.ts';
import { reasonOf } from '../wire-error.ts';
import { lockDirectory } from './database.ts';
import { MIGRATIONS } from './migrations.ts';
import { queries } from './queries.ts';
import { RESTORED } from './reconcile.ts';
import { LAST_SEGMENT } from './release.ts';
import { backUp, versionOf } from './schema.ts';

/** Claims of one process are numbered within this range, from its epoch on. */
export const TOKENS_PER_EPOCH = 2 ** 32;

/** A delivery that was open when the backup was made, and may have been made since. */
export interface MaybeDelivered {
  readonly entryId: number;
  readonly sopInstanceUid: string;
  readonly kind: string;
}

/**
 * Copies the rows of a spool, also of one that a gateway serves at the moment. The bytes of instances are not in the
 * copy: after a restore they are found on disk again.
 *
 * @throws {SpoolError} when there is no spool, or the copy is there already
 */
export function backUpSpool(directory: string, path: string): void {
  const ledger = join(resolve(directory), 'ledger.sqlite');
  if (!existsSync(ledger)) throw rejected(`Cannot back up "${ledger}": there is no such file`);
  if (existsSync(path)) throw rejected(`Cannot back up to "${path}": it must not exist yet`);
  using db = new DatabaseSync(ledger, { readOnly: true });
  backUp(db, resolve(path));
}

/**
 * Puts a copy in the place of the rows of a stopped gateway. At its next start the gateway takes in what is on disk
 * and not in the copy, holds it, and sends again what was open when the copy was made.
 *
 * @returns what may be sent for the second time, and where the replaced rows are
 * @throws {SpoolError} when a gateway serves the directory, or the copy is none
 */
export function restoreSpool(
  directory: string,
  backup: string,
): { again: MaybeDelivered[]; replaced?: string } {
  const folders = spoolFoldersOf(resolve(directory));
  makeSpoolFolders(folders);
  const lock = lockDirectory(folders);
  try {
    const partPath = join(folders.root, 'ledger.sqlite.part');
    copyBackup(backup, partPath);
    const again = prepare(folders, partPath);
    const replaced = setAside(folders);
    renameSync(partPath, join(folders.root, 'ledger.sqlite'));
    syncFolderNow(folders.root);
    return { again, ...(replaced !== undefined && { replaced }) };
  } finally {
    lock.release();
  }
}

/** Above every number that names of files begin with, so that no file of a later process takes the name of one. */
export function lastEpochOnDisk(folders: SpoolFolders): number {
  return readdirSync(folders.files)
    .map((name) => Number.parseInt(name, 10) || 0)
    .map((number) => (number < TOKENS_PER_EPOCH ? number : Math.floor(number / TOKENS_PER_EPOCH)))
    .reduce((last, epoch) => Math.max(last, epoch), 0);
}

function copyBackup(backup: string, partPath: string): void {
  if (!existsSync(backup)) throw rejected(`Cannot restore "${backup}": there is no such file`);
  rmSync(partPath, { force: true });
  closeSync(openSync(partPath, 'wx', FILE_MODE));
  try {
    using db = new DatabaseSync(backup, { readOnly: true });
    const [check] = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    if (check?.quick_check !== 'ok') throw rejected(`it is damaged: ${check?.quick_check}`);
    const version = versionOf(db);
    if (version < 1 || version > MIGRATIONS.length) {
      throw rejected(`its version must be >= 1 and <= ${MIGRATIONS.length}: it is ${version}`);
    }
    db.prepare('VACUUM INTO ?').run(partPath);
  } catch (error) {
    rmSync(partPath, { force: true });
    throw rejected(`Cannot restore "${backup}": ${reasonOf(error)}`, error);
  }
}

/** Marks the copy as restored, and has its numbers go on above those that were in use. */
function prepare(folders: SpoolFolders, partPath: string): MaybeDelivered[] {
  const last = lastNumbersOf(folders);
  const db = new DatabaseSync(partPath);
  try {
    db.exec('BEGIN');
    const setMeta = db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)');
    const raise = db.prepare(queries.raiseMeta);
    setMeta.run(RESTORED, Date.now());
    raise.run('epoch', Math.max(last.epoch, lastEpochOnDisk(folders)));
    raise.run(LAST_SEGMENT, last.segmentId);
    db.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'entry'").run(last.entryId);
    db.exec('COMMIT');
    return db
      .prepare(
        `SELECT e.entry_id AS entryId, e.sop_instance_uid AS sopInstanceUid, t.kind
         FROM task t JOIN entry e ON e.entry_id = t.entry_id
         WHERE t.settled_at_ms IS NULL AND t.kind GLOB 'delivery:*' ORDER BY t.task_id`,
      )
      .all()
      .map((row) => ({ ...row }) as unknown as MaybeDelivered);
  } finally {
    db.close();
    const fd = openSync(partPath, 'r');
    fsyncSync(fd);
    closeSync(fd);
  }
}

/** Of the rows that are being replaced; they may be damaged, which is why somebody restores. */
function lastNumbersOf(folders: SpoolFolders): { epoch: number; entryId: number; segmentId: number } {
  const path = join(folders.root, 'ledger.sqlite');
  const none = { epoch: 0, entryId: 0, segmentId: 0 };
  if (!existsSync(path)) return none;
  try {
    using db = new DatabaseSync(path);
    const numberOf = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? none)[0]);
    const numbers = {
      epoch: numberOf("SELECT value FROM meta WHERE name = 'epoch'"),
      entryId: numberOf("SELECT seq FROM sqlite_sequence WHERE name = 'entry'"),
      segmentId: Math.max(
        numberOf(`SELECT value FROM meta WHERE name = '${LAST_SEGMENT}'`),
        numberOf(queries.lastSegment),
      ),
    };
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return numbers;
  } catch {
    return none;
  }
}

/**
 * Keeps the replaced rows among the backups. The log goes first: it must never be applied to the copy, not even where
 * somebody has removed the rows and left the log.
 */
function setAside(folders: SpoolFolders): string | undefined {
  const path = join(folders.root, 'ledger.sqlite');
  const replaced = join(folders.backups, `ledger-replaced-${Date.now()}.sqlite`);
  const isThere = existsSync(path);
  if (isThere) linkSync(path, replaced);
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, replaced + suffix);
  }
  syncFolderNow(folders.backups);
  return isThere ? replaced : undefined;
}

function rejected(message: string, cause?: unknown): SpoolError {
  return new SpoolError('REQUEST_REJECTED', message, {}, { cause });
}
