/**
 * # The schema, version by version
 *
 * Each migration leads from the version before it to its own, counted from 1, and back. What has been released is
 * never edited: the next change is the next migration.
 */
export interface Migration {
  readonly up: string;
  /**
   * Leaves the schema of the version before, to the letter, and nothing in it that this version does not know.
   * What it cannot know becomes work that it can do: sending again is safe, losing is not. Absent for the first.
   */
  readonly down?: string;
}

const V1 = `
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
  `;

/** Records, order within studies, other content under a known UID, erasure. */
const V2 = `
  -- Small durable facts of the stages.
  CREATE TABLE record (
    record_id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    due_at_ms INTEGER,
    kept_at_ms INTEGER NOT NULL,
    UNIQUE (collection, key)
  ) STRICT;
  CREATE INDEX record_by_due ON record (collection, due_at_ms) WHERE due_at_ms IS NOT NULL;

  -- While delayed or behind: the study within which the task keeps others back, or is kept back.
  ALTER TABLE task ADD COLUMN study_instance_uid TEXT;
  UPDATE task SET study_instance_uid = (SELECT e.study_instance_uid FROM entry e WHERE e.entry_id = task.entry_id)
    WHERE state = 'delayed';
  CREATE INDEX task_kept_back ON task (kind, study_instance_uid, task_id) WHERE state IN ('delayed', 'behind');
  CREATE INDEX task_held ON task (kind, task_id) WHERE state = 'held';

  -- The entry that has taken the place of this one.
  ALTER TABLE entry ADD COLUMN replaced_by INTEGER;
  CREATE INDEX entry_by_successor ON entry (replaced_by) WHERE replaced_by IS NOT NULL;
  CREATE INDEX entry_by_parent ON entry (parent_entry_id) WHERE parent_entry_id IS NOT NULL;

  -- Bytes that are nobody's any more and still have to be wiped from the disk.
  CREATE TABLE erasure (
    entry_id INTEGER PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    segment_id INTEGER,
    segment_offset INTEGER,
    file_name TEXT
  ) STRICT;
  `;

const V2_DOWN = `
  -- Recovery has left no state that version 1 does not have.
  -- Whether the destination keeps what it took is not known: it is sent again.
  UPDATE task SET kind = 'delivery:' || substr(kind, length('commitment:') + 1)
    WHERE kind GLOB 'commitment:*' AND settled_at_ms IS NULL;
  DELETE FROM tally WHERE scope = 'task';
  INSERT INTO tally (scope, name, state, count)
    SELECT 'task', kind, state, count(*) FROM task WHERE settled_at_ms IS NULL GROUP BY kind, state;

  DROP TABLE erasure;
  DROP INDEX entry_by_parent;
  DROP INDEX entry_by_successor;
  ALTER TABLE entry DROP COLUMN replaced_by;
  DROP INDEX task_held;
  DROP INDEX task_kept_back;
  ALTER TABLE task DROP COLUMN study_instance_uid;
  DROP TABLE record;
  `;

export const MIGRATIONS: readonly Migration[] = [{ up: V1 }, { up: V2, down: V2_DOWN }];
