/** SQLite's code for a failing disk: whether a commit that failed so will show after a crash is not known. */
export const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** The primary result code of an error of SQLite; 0 for any other error. */
export function primaryCodeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** True for errors of the disk under the database: whatever else the transaction did is in doubt. */
export function isDiskError(error: unknown): boolean {
  return [SQLITE_IOERR, SQLITE_FULL].includes(primaryCodeOf(error));
}

/** True when a file is no database, or no longer one. */
export function isDamage(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(primaryCodeOf(error));
}
