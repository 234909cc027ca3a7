/**
 * # Erasure
 *
 * For privacy: bytes, header and payloads of settled entries leave the disk, not just the books. In two steps, so
 * that a crash between them leaves nothing behind: first the rows go, and what is to be wiped is written down with
 * them; then it is wiped. The row of the entry stays, for the books must balance.
 *
 * Wiped are the file or the range of a segment, work folders, and headers and payloads in backups of the database
 * made by the spool itself. What a file system or a disk keeps of overwritten blocks is not in our hands.
 */
import { closeSync, fdatasyncSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { syncFolderNow } from '../files/folders.ts';
import { segmentFileName } from '../files/segment-writer.ts';
import type { ErasedBy } from '../kept.ts';
import type { EntryState } from '../port.ts';
import { isSettled } from '../task.ts';
import type { LedgerContext } from './context.ts';
import { isDamage } from './disk-error.ts';
import { KEEPS } from './entries.ts';
import { keepRecords } from './records.ts';
import { type Placed, releaseBytes } from './release.ts';
import { familyOf } from './successions.ts';
import { entryOfTask, taskIdsOf } from './tasks.ts';

/** Entries wiped in one transaction. */
const PAGE_ENTRIES = 50;
const ZEROS = new Uint8Array(1024 * 1024);
/** Records of who had an entry erased, by its number. They go with its row. */
const ERASED_COLLECTION = 'erased';

interface Erasure extends Omit<Placed, 'segment_id'> {
  readonly segment_id: number | null;
  readonly segment_offset: number | null;
}

/** An entry that can no longer be opened, and the file of its own that it had. */
export interface Erased {
  readonly entryId: number;
  readonly fileName: string | null;
}

/**
 * Takes an entry and its products out of the books, if nothing is left to do with them; `wipe` does the rest.
 *
 * @returns those that were not erased before
 */
export function eraseSettled(context: LedgerContext, entryId: number, by: Omit<ErasedBy, 'atMs'>): Erased[] {
  return familyOf(context, entryId).flatMap((one) => eraseOne(context, one, by) ?? []);
}

/** The entries of the family that could be erased once `goesAway` tells of tasks what is true of them then. */
export function erasableOf(
  context: LedgerContext,
  entryId: number,
  goesAway: (taskId: number) => boolean,
): number[] {
  return familyOf(context, entryId).filter(
    (one) => erasedByOf(context, one) === undefined && isSettledWithout(context, one, goesAway),
  );
}

/** An entry is settled when its own tasks are, and those of its products. */
function isSettledWithout(
  context: LedgerContext,
  entryId: number,
  goesAway: (taskId: number) => boolean,
): boolean {
  const { statements } = context;
  if (statements.get('entryToErase', entryId) === undefined) return false;
  return familyOf(context, entryId).every((one) =>
    statements
      .all<{ task_id: number }>('openTasksOfEntry', ...taskIdsOf(one))
      .every(({ task_id }) => goesAway(task_id)),
  );
}

/** Absent: it was not erased. */
export function erasedByOf({ statements }: LedgerContext, entryId: number): ErasedBy | undefined {
  const record = statements.get<{ value: string }>('recordOfKey', ERASED_COLLECTION, String(entryId));
  return record && (JSON.parse(record.value) as ErasedBy);
}

/** The row of the entry goes. */
export function forgetErasedBy({ statements }: LedgerContext, entryId: number): void {
  statements.run('forgetRecord', ERASED_COLLECTION, String(entryId));
}

function eraseOne(context: LedgerContext, entryId: number, by: Omit<ErasedBy, 'atMs'>): Erased | undefined {
  const { statements } = context;
  const row = statements.get<Erasure & { state: EntryState; keeps: number }>('entryToErase', entryId);
  if (row === undefined || !isSettled(row.state)) return undefined;
  if (erasedByOf(context, entryId) !== undefined) return undefined;
  const { file_name, size_bytes } = row;
  const [segmentId, offset] = rangeToWipe(context, row);
  statements.run('noteErasure', entryId, size_bytes, segmentId, offset, file_name);
  statements.run('deleteHeader', entryId);
  statements.run('erasePayloads', ...taskIdsOf(entryId));
  if (row.keeps < KEEPS.header) releaseBytes(context, row, KEEPS.row);
  else statements.run('keepLess', KEEPS.row, entryId);
  const value = JSON.stringify({ ...by, atMs: context.clock.wallMs() } satisfies ErasedBy);
  keepRecords(context, [{ collection: ERASED_COLLECTION, key: String(entryId), value, dueAtMs: null }]);
  return { entryId, fileName: file_name };
}

/**
 * Bytes that were given up before may be gone with their segment, and another segment may have its number: earlier
 * versions of the gateway gave numbers twice. What lies there now is not theirs.
 */
function rangeToWipe(
  { statements }: LedgerContext,
  { segment_id, segment_offset, size_bytes, keeps }: Erasure & { keeps: number },
): readonly [segmentId: number | null, offset: number | null] {
  if (segment_id === null || segment_offset === null) return [null, null];
  const isInUse =
    keeps >= KEEPS.header &&
    statements.get('rangeInUse', segment_id, segment_offset, size_bytes) !== undefined;
  return isInUse ? [null, null] : [segment_id, segment_offset];
}

/** Wipes what has been taken out of the books, a page per transaction. */
export class Wipe {
  readonly #context: LedgerContext;
  /** Entries of which nothing is left. */
  count = 0;

  constructor(context: LedgerContext) {
    this.#context = context;
  }

  /** Does one page; false when there is nothing more to do. */
  advance(): boolean {
    const { statements, unit } = this.#context;
    const page = statements.all<Erasure>('erasures', PAGE_ENTRIES);
    if (page.length === 0) return false;
    for (const erasure of page) wipe(this.#context, erasure);
    wipeWorkFolders(this.#context, new Set(page.map(({ entry_id }) => entry_id)));
    wipeBackups(
      this.#context,
      page.map(({ entry_id }) => entry_id),
    );
    syncFolderNow(this.#context.folders.files);
    for (const { entry_id } of page) statements.run('forgetErasure', entry_id);
    this.count += page.length;
    unit.onCommit(() => statements.truncateLog()); // It still has the rows as they were.
    return true;
  }
}

/**
 * Wipes what is left from before, outside of any other transaction. What cannot be wiped now is tried again with the
 * next erasure and at the next start: a bad sector must not keep the gateway from starting.
 */
export function finishWiping(context: LedgerContext): void {
  const { statements, unit } = context;
  const wipe = new Wipe(context);
  for (let isMore = true; isMore; ) {
    statements.control('begin');
    try {
      isMore = wipe.advance();
      statements.control('commit');
      unit.commit();
    } catch {
      statements.control('rollBack');
      unit.rollBack();
      return;
    }
  }
}

function wipe({ folders }: LedgerContext, erasure: Erasure): void {
  const { file_name, segment_id, segment_offset, size_bytes } = erasure;
  if (file_name !== null) rmSync(join(folders.files, file_name), { force: true });
  if (segment_id === null || segment_offset === null) return;
  let fd: number;
  try {
    fd = openSync(join(folders.segments, segmentFileName(segment_id)), 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // Gone with the last of its entries.
    throw error;
  }
  try {
    const end = segment_offset + size_bytes;
    for (let at = segment_offset; at < end; )
      at += writeSync(fd, ZEROS, 0, Math.min(ZEROS.byteLength, end - at), at);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function wipeWorkFolders({ folders }: LedgerContext, entryIds: ReadonlySet<number>): void {
  for (const name of readdirSync(folders.work)) {
    if (entryIds.has(entryOfTask(Number(name))))
      rmSync(join(folders.work, name), { recursive: true, force: true });
  }
}

/** A backup may be of a time when the number belonged to nobody: then there is nothing to wipe. */
function wipeBackups({ folders }: LedgerContext, entryIds: readonly number[]): void {
  for (const name of readdirSync(folders.backups).filter((one) => one.endsWith('.sqlite'))) {
    try {
      wipeBackup(join(folders.backups, name), entryIds);
    } catch (error) {
      if (!isDamage(error)) throw error; // Set aside by a restore, for being damaged: nothing can be deleted in it.
    }
  }
}

function wipeBackup(path: string, entryIds: readonly number[]): void {
  using db = new DatabaseSync(path);
  db.exec('PRAGMA secure_delete = ON; BEGIN');
  for (const entryId of entryIds) {
    db.prepare('DELETE FROM header WHERE entry_id = ?').run(entryId);
    db.prepare('UPDATE task SET payload = NULL, explanation = NULL WHERE task_id BETWEEN ? AND ?').run(
      ...taskIdsOf(entryId),
    );
  }
  db.exec('COMMIT');
}
