import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { SpoolError } from '../errors.ts';
import { FILE_MODE, syncFolderNow } from '../files/folders.ts';

/**
 * Forward-only: each step leads from the version before it to its own, counted from 1. A step that has been
 * released is never edited.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Small facts of the spool itself.
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  -- Counters, changed in the transaction that changes what they count.
  CREATE TABLE tally (
    scope TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (scope, name, state)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE entry (
    entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    parent_entry_id INTEGER,
    -- pending, held, discarded, delivered: what the three counts make of it.
    state TEXT NOT NULL,
    open_count INTEGER NOT NULL,
    held_count INTEGER NOT NULL,
    discarded_count INTEGER NOT NULL,
    settled_at_ms INTEGER,
    -- What is kept: 0 bytes and header, 1 the same of a source of products, 2 header, 3 this row.
    keeps INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    data_set_offset INTEGER NOT NULL,
    -- Of the data set alone.
    sha256 BLOB NOT NULL,
    -- The bytes lie in a segment or in a file of their own.
    segment_id INTEGER,
    segment_offset INTEGER,
    file_name TEXT,
    sop_class_uid TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    source TEXT NOT NULL,
    calling_ae_title TEXT NOT NULL,
    called_ae_title TEXT NOT NULL,
    peer_address TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entry_by_state ON entry (state);
  CREATE INDEX entry_by_sop_instance ON entry (sop_instance_uid);
  CREATE INDEX entry_by_study ON entry (study_instance_uid);
  CREATE INDEX entry_by_file ON entry (file_name) WHERE file_name IS NOT NULL;
  CREATE INDEX entry_by_age ON entry (keeps, settled_at_ms) WHERE settled_at_ms IS NOT NULL;

  -- The encoded header index of each entry.
  CREATE TABLE header (entry_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

  -- A task of entry e is numbered from e * 1000 + 1, so that tasks lie and are worked off in order of entries.
  CREATE TABLE task (
    task_id INTEGER PRIMARY KEY,
    entry_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- ready and delayed (both: waiting), claimed, held, done, discarded.
    state TEXT NOT NULL,
    -- Lowest first: the priority negated.
    rank INTEGER NOT NULL,
    due_at_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    token INTEGER,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    first_attempt_at_ms INTEGER,
    claimed_at_ms INTEGER,
    settled_at_ms INTEGER,
    -- While open: of the last failure. Once done: the outcome.
    code TEXT,
    reason TEXT,
    status INTEGER,
    payload TEXT,
    explanation TEXT
  ) STRICT;
  CREATE INDEX task_open ON task (kind, state, rank, task_id) WHERE settled_at_ms IS NULL;
  CREATE INDEX task_by_due ON task (due_at_ms) WHERE state = 'delayed';

  -- Attempts that did not succeed, numbered per task.
  CREATE TABLE attempt (
    task_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER NOT NULL,
    disposition TEXT NOT NULL,
    code TEXT NOT NULL,
    status INTEGER,
    message TEXT NOT NULL,
    PRIMARY KEY (task_id, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE segment (
    segment_id INTEGER PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    live_count INTEGER NOT NULL,
    live_bytes INTEGER NOT NULL,
    -- Entries whose bytes may lie here.
    first_entry_id INTEGER NOT NULL,
    last_entry_id INTEGER NOT NULL
  ) STRICT;

  -- What operators did.
  CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    selection TEXT NOT NULL,
    reason TEXT NOT NULL,
    tasks INTEGER NOT NULL
  ) STRICT;
  `,
];

/**
 * Brings the database to the latest version. Before an existing one is changed, it is copied to
 * `<backups>/ledger-v<version>.sqlite`: the way back to the previous version.
 *
 * @throws {SpoolError} when a later version of the gateway wrote the database
 */
export function migrate(db: DatabaseSync, backups: string, migrations = MIGRATIONS): void {
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
      db.exec(`${migration}; PRAGMA user_version = ${index + 1}`);
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
