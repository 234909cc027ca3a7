/**
 * # Every SQL statement, by name
 *
 * A test asks SQLite for the plan of each: none may scan a table that grows with the entries.
 */

/** Columns of the facts that travel with every claim; see `toEntry`. */
const ENTRY = `
  e.entry_id, e.origin, e.parent_entry_id, e.sop_class_uid, e.sop_instance_uid, e.transfer_syntax_uid,
  e.study_instance_uid, e.series_instance_uid, e.source, e.calling_ae_title, e.called_ae_title,
  e.peer_address, e.received_at_ms, e.size_bytes, e.data_set_offset`;

const PLACE = 'e.segment_id, e.segment_offset, e.file_name, e.sha256, e.keeps';

const CLAIMABLE = `
  t.task_id, t.state AS task_state, t.rank, t.attempt, t.payload, t.created_at_ms, t.first_attempt_at_ms,
  ${PLACE}, ${ENTRY}`;

/** What a delayed task may keep back; nothing else needs it. */
const studyIfDelayed = (state: string, entryId: string) => `
  CASE WHEN ${state} = 'delayed' THEN (SELECT study_instance_uid FROM entry WHERE entry_id = ${entryId}) END`;

const TASK = `
  task_id, kind, state, attempt, due_at_ms, code, reason, status, created_at_ms, updated_at_ms, explanation`;

const RECORD = 'collection, key, value, due_at_ms, kept_at_ms';

/** The parts of a page of entries, newest first. */
const page = (filter: string) => `
  SELECT ${ENTRY}, e.state, e.keeps FROM entry e
  WHERE ${filter} AND e.entry_id < :before AND (:state IS NULL OR e.state = :state)
  ORDER BY e.entry_id DESC LIMIT :limit`;

export const queries = {
  // Meta and tally.
  getMeta: 'SELECT value FROM meta WHERE name = ?',
  setMeta:
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  raiseMeta:
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)',
  readTally: 'SELECT scope, name, state, count FROM tally',
  addToTally: `
    INSERT INTO tally (scope, name, state, count) VALUES (?, ?, ?, ?)
    ON CONFLICT (scope, name, state) DO UPDATE SET count = count + excluded.count`,

  // Entries.
  insertEntry: `
    INSERT INTO entry (origin, parent_entry_id, state, open_count, held_count, discarded_count, settled_at_ms,
      keeps, received_at_ms, size_bytes, data_set_offset, sha256, segment_id, segment_offset, file_name,
      sop_class_uid, sop_instance_uid, transfer_syntax_uid, study_instance_uid, series_instance_uid,
      source, calling_ae_title, called_ae_title, peer_address)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  insertHeader: 'INSERT INTO header (entry_id, bytes) VALUES (?, ?)',
  entryCounts: `
    SELECT state, open_count, held_count, discarded_count, parent_entry_id, origin, settled_at_ms
    FROM entry WHERE entry_id = ?`,
  setEntryCounts: `
    UPDATE entry SET state = ?, open_count = ?, held_count = ?, discarded_count = ?, settled_at_ms = ?
    WHERE entry_id = ?`,
  keepAsSource: 'UPDATE entry SET keeps = 1 WHERE entry_id = ? AND keeps = 0',
  findEqual: `
    SELECT entry_id, state, received_at_ms FROM entry
    WHERE sop_instance_uid = ? AND sha256 = ? AND origin = 'received'
      AND sop_class_uid = ? AND transfer_syntax_uid = ?
      AND source = ? AND calling_ae_title = ? AND called_ae_title = ? AND replaced_by IS NULL
    ORDER BY entry_id DESC LIMIT 1`,
  anyVersion: "SELECT 1 AS one FROM entry WHERE sop_instance_uid = ? AND origin = 'received' LIMIT 1",
  currentVersion: `
    SELECT e.entry_id, e.state, e.received_at_ms, e.sop_class_uid, e.transfer_syntax_uid, e.source,
      e.calling_ae_title, e.called_ae_title, e.size_bytes, e.data_set_offset, ${PLACE}
    FROM entry e
    WHERE e.sop_instance_uid = ? AND e.origin = 'received' AND e.state <> 'discarded'
      AND NOT EXISTS (
        SELECT 1 FROM task t WHERE t.task_id = e.entry_id * 1000 + 1 AND t.state = 'held'
          AND t.code IN ('HEADER_DAMAGED', 'UID_MISMATCH', 'OTHER_CONTENT'))
    ORDER BY e.entry_id DESC LIMIT 1`,
  openVersions: `
    SELECT e.entry_id FROM entry e
    WHERE e.sop_instance_uid = ? AND e.entry_id < ? AND e.origin = 'received' AND e.state IN ('pending', 'held')
      AND NOT EXISTS (
        SELECT 1 FROM task t WHERE t.task_id = e.entry_id * 1000 + 1 AND t.state = 'held'
          AND t.code IN ('HEADER_DAMAGED', 'UID_MISMATCH'))
    ORDER BY e.entry_id`,
  setReplacedBy: 'UPDATE entry SET replaced_by = ?2 WHERE entry_id = ?1',
  replacedBy: 'SELECT replaced_by FROM entry WHERE entry_id = ?',
  productsOf: 'SELECT entry_id FROM entry WHERE parent_entry_id = ? ORDER BY entry_id',
  entryFacts: `SELECT ${ENTRY} FROM entry e WHERE e.entry_id = ?`,
  entryPlace: `
    SELECT e.size_bytes, e.data_set_offset, e.transfer_syntax_uid, ${PLACE} FROM entry e WHERE e.entry_id = ?`,
  entryRow: `SELECT ${ENTRY}, e.state, e.keeps FROM entry e WHERE e.entry_id = ?`,
  entryHeader: 'SELECT bytes FROM header WHERE entry_id = ?',
  pageOfAll: page('1'),
  pageOfState: page('e.state = :state'),
  pageOfSopInstance: page('e.sop_instance_uid = :uid'),
  pageOfHeld: `
    SELECT ${ENTRY}, e.state, e.keeps FROM task t JOIN entry e ON e.entry_id = t.entry_id
    WHERE t.kind = :kind AND t.state = 'held' AND t.task_id < :beforeTask AND t.updated_at_ms >= :since
      AND (:state IS NULL OR e.state = :state)
      AND (:sopInstanceUid IS NULL OR e.sop_instance_uid = :sopInstanceUid)
      AND (:studyInstanceUid IS NULL OR e.study_instance_uid = :studyInstanceUid)
    ORDER BY t.task_id DESC LIMIT :limit`,
  pageOfStudy: page('e.study_instance_uid = :uid'),

  // Tasks.
  insertTask: `
    INSERT INTO task (task_id, entry_id, kind, state, rank, due_at_ms, attempt, created_at_ms, updated_at_ms,
      code, reason, payload, study_instance_uid)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, ?8, ?9, ?10, ${studyIfDelayed('?4', '?2')})`,
  lastTask: 'SELECT max(task_id) AS task_id FROM task WHERE task_id BETWEEN ? AND ?',
  tasksOfEntry: `SELECT ${TASK} FROM task WHERE task_id BETWEEN ? AND ? ORDER BY task_id`,
  claimable: `
    SELECT ${CLAIMABLE} FROM task t JOIN entry e ON e.entry_id = t.entry_id
    WHERE t.kind = ?1 AND t.state = 'ready' AND t.settled_at_ms IS NULL
      AND (t.rank, t.task_id) > (?2, ?3) AND t.rank <= ?4
    ORDER BY t.rank, t.task_id LIMIT ?5`,
  claimableTask: `
    SELECT ${CLAIMABLE} FROM task t JOIN entry e ON e.entry_id = t.entry_id
    WHERE t.task_id = ? AND t.kind = ? AND t.state IN ('ready', 'delayed', 'behind')`,
  putBehind:
    "UPDATE task SET state = 'behind', study_instance_uid = ?2 WHERE task_id = ?1 AND state = 'ready'",
  putForward: "UPDATE task SET state = 'ready' WHERE task_id = ? AND state = 'behind'",
  bar: "UPDATE task SET state = 'barred' WHERE task_id = ? AND state = 'ready'",
  liftBar: "UPDATE task SET state = 'ready' WHERE task_id = ? AND state = 'barred'",
  barredTasks: `
    SELECT task_id, entry_id, kind, state, rank, token, code, reason, status, updated_at_ms FROM task
    WHERE kind = 'rules' AND state = 'barred' AND settled_at_ms IS NULL`,
  keptBack: `
    SELECT task_id, state FROM task
    WHERE kind = ? AND study_instance_uid = ? AND state IN ('delayed', 'behind')
    ORDER BY task_id LIMIT ?`,
  markClaimed: `
    UPDATE task SET state = 'claimed', token = ?2, attempt = attempt + 1, claimed_at_ms = ?3,
      updated_at_ms = ?3, first_attempt_at_ms = coalesce(first_attempt_at_ms, ?3)
    WHERE task_id = ?1`,
  holdsClaim: "SELECT 1 AS held FROM task WHERE task_id = ? AND token = ? AND state = 'claimed'",
  settleClaim: `
    UPDATE task SET state = ?3, settled_at_ms = ?4, updated_at_ms = ?4, code = ?5, reason = ?6, status = ?7,
      explanation = ?8, token = NULL
    WHERE task_id = ?1 AND token = ?2 AND state = 'claimed'`,
  giveClaimBack: `
    UPDATE task SET state = ?3, due_at_ms = ?4, updated_at_ms = ?5, attempt = attempt - ?6, token = NULL,
      study_instance_uid = ${studyIfDelayed('?3', 'task.entry_id')}
    WHERE task_id = ?1 AND token = ?2 AND state = 'claimed'`,
  failClaim: `
    UPDATE task SET state = ?3, due_at_ms = ?4, updated_at_ms = ?5, attempt = attempt - ?6, code = ?7,
      reason = ?8, status = ?9, token = NULL, study_instance_uid = ${studyIfDelayed('?3', 'task.entry_id')}
    WHERE task_id = ?1 AND token = ?2 AND state = 'claimed'`,
  recordAttempt: `
    INSERT INTO attempt (task_id, sequence, attempt, started_at_ms, ended_at_ms, disposition, code, status, message)
    SELECT task_id, (SELECT coalesce(max(sequence), 0) + 1 FROM attempt WHERE task_id = ?1), attempt,
      claimed_at_ms, ?3, ?4, ?5, ?6, ?7
    FROM task WHERE task_id = ?1 AND token = ?2 AND state = 'claimed'`,
  trimAttempts: `
    DELETE FROM attempt WHERE task_id = ?1
      AND sequence <= (SELECT max(sequence) FROM attempt WHERE task_id = ?1) - ?2`,
  attemptsOfTask: `
    SELECT attempt, started_at_ms, ended_at_ms, disposition, code, status, message
    FROM attempt WHERE task_id = ? ORDER BY sequence DESC`,
  dueTasks: `
    SELECT task_id, kind FROM task WHERE state = 'delayed' AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ?`,
  makeReady: "UPDATE task SET state = 'ready' WHERE task_id = ? AND state = 'delayed'",
  nextDue: "SELECT min(due_at_ms) AS due_at_ms FROM task WHERE state = 'delayed'",
  shiftDue: "UPDATE task SET due_at_ms = due_at_ms + ? WHERE state = 'delayed' AND due_at_ms >= 0",
  dueBeforeClockWasSet: `
    UPDATE task SET due_at_ms = ?1 + (due_at_ms - updated_at_ms), updated_at_ms = ?1
    WHERE state = 'delayed' AND due_at_ms >= ?1 AND updated_at_ms > ?1`,
  openTasks: `
    SELECT task_id, entry_id, kind, state, rank, token, code, reason, status, updated_at_ms FROM task
    WHERE kind = ? AND state = ? AND settled_at_ms IS NULL AND (rank, task_id) > (?, ?)
    ORDER BY rank, task_id LIMIT ?`,
  openTasksOfEntry: `
    SELECT task_id, entry_id, kind, state, rank, token, code, reason, status, updated_at_ms FROM task
    WHERE task_id BETWEEN ? AND ? AND settled_at_ms IS NULL ORDER BY task_id`,
  oldestOfRank: `
    SELECT rank, created_at_ms FROM task
    WHERE kind = ? AND state = ? AND settled_at_ms IS NULL AND rank > ? ORDER BY rank, task_id LIMIT 1`,
  retryHeld: `
    UPDATE task SET state = ?3, due_at_ms = ?2, updated_at_ms = ?2, attempt = 0, first_attempt_at_ms = NULL
    WHERE task_id = ?1`,
  holdOpen: `
    UPDATE task SET state = 'held', updated_at_ms = ?2, code = ?3, reason = ?4, token = NULL
    WHERE task_id = ?1`,
  discardOpen: `
    UPDATE task SET state = 'discarded', updated_at_ms = ?2, settled_at_ms = ?2, code = ?3, reason = ?4,
      token = NULL
    WHERE task_id = ?1`,
  taskState: 'SELECT state FROM task WHERE task_id = ?',
  insertAudit: `
    INSERT INTO audit (at_ms, who, action, selection, reason, tasks) VALUES (?, ?, ?, ?, ?, 0)`,
  countAudit: 'UPDATE audit SET tasks = tasks + ? WHERE audit_id = ?',
  // Kept with what was selected: the table has no column of its own for it.
  countErased: `
    UPDATE audit SET selection = json_set(selection, '$.erasedEntries',
      coalesce(json_extract(selection, '$.erasedEntries'), 0) + CAST(? AS INTEGER))
    WHERE audit_id = ?`,

  // After a restore.
  dropMeta: 'DELETE FROM meta WHERE name = ?',
  placesAfter: `
    SELECT entry_id, keeps, size_bytes, segment_id, segment_offset, file_name FROM entry
    WHERE entry_id > ? ORDER BY entry_id LIMIT ?`,
  fileKnown: 'SELECT entry_id FROM entry WHERE file_name = ?',
  equalBytes: 'SELECT entry_id FROM entry WHERE sop_instance_uid = ? AND sha256 = ? ORDER BY entry_id',
  moveTo: 'UPDATE entry SET segment_id = ?2, segment_offset = ?3, file_name = ?4 WHERE entry_id = ?1',
  forgetSegment: 'DELETE FROM segment WHERE segment_id = ?',

  // Records.
  keepRecord: `
    INSERT INTO record (collection, key, value, due_at_ms, kept_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (collection, key) DO UPDATE SET value = ?3, due_at_ms = ?4, kept_at_ms = ?5`,
  recordOfKey: `SELECT ${RECORD} FROM record WHERE collection = ? AND key = ?`,
  recordsAfter: `
    SELECT ${RECORD} FROM record WHERE collection = ? AND key > ? ORDER BY key LIMIT ?`,
  recordsDue: `
    SELECT ${RECORD} FROM record WHERE collection = ? AND due_at_ms < ? AND due_at_ms IS NOT NULL
    ORDER BY due_at_ms LIMIT ?`,
  forgetRecord: 'DELETE FROM record WHERE collection = ? AND key = ?',

  // Segments and files.
  growSegment: `
    INSERT INTO segment (segment_id, size_bytes, live_count, live_bytes, first_entry_id, last_entry_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (segment_id) DO UPDATE SET size_bytes = ?2, live_count = live_count + ?3,
      live_bytes = live_bytes + ?4, first_entry_id = min(first_entry_id, ?5), last_entry_id = max(last_entry_id, ?6)`,
  shrinkSegment: `
    UPDATE segment SET live_count = live_count - 1, live_bytes = live_bytes - ? WHERE segment_id = ?
    RETURNING live_count`,
  deleteSegment: 'DELETE FROM segment WHERE segment_id = ? AND live_count = 0',
  segmentSize: 'SELECT size_bytes FROM segment WHERE segment_id = ?',
  lastSegment: 'SELECT max(segment_id) AS segment_id FROM segment',
  segmentsAfter: `
    SELECT segment_id, size_bytes, live_count, live_bytes, first_entry_id, last_entry_id FROM segment
    WHERE segment_id > ? ORDER BY segment_id LIMIT ?`,
  survivors: `
    SELECT entry_id, size_bytes, segment_offset, data_set_offset, sha256 FROM entry
    WHERE entry_id BETWEEN ? AND ? AND segment_id = ? AND keeps < 2 ORDER BY entry_id`,
  moveToSegment: 'UPDATE entry SET segment_id = ?, segment_offset = ? WHERE entry_id = ?',
  fileOwner: 'SELECT entry_id FROM entry WHERE file_name = ? AND keeps < 2',

  // Erasure.
  entryToErase: `
    SELECT entry_id, state, keeps, size_bytes, segment_id, segment_offset, file_name FROM entry WHERE entry_id = ?`,
  noteErasure: `
    INSERT OR REPLACE INTO erasure (entry_id, size_bytes, segment_id, segment_offset, file_name)
    VALUES (?, ?, ?, ?, ?)`,
  rangeInUse: `
    SELECT 1 AS one FROM segment s JOIN entry e
      ON e.entry_id BETWEEN s.first_entry_id AND s.last_entry_id AND e.segment_id = s.segment_id
    WHERE s.segment_id = ?1 AND e.keeps < 2 AND e.segment_offset < ?2 + ?3 AND e.segment_offset + e.size_bytes > ?2
    LIMIT 1`,
  erasures: `
    SELECT entry_id, size_bytes, segment_id, segment_offset, file_name FROM erasure
    WHERE entry_id > 0 ORDER BY entry_id LIMIT ?`,
  forgetErasure: 'DELETE FROM erasure WHERE entry_id = ?',
  erasePayloads: 'UPDATE task SET payload = NULL, explanation = NULL WHERE task_id BETWEEN ? AND ?',

  // Retention.
  settledBefore: `
    SELECT entry_id, segment_id, file_name, size_bytes FROM entry
    WHERE keeps = ? AND settled_at_ms < ? AND settled_at_ms IS NOT NULL ORDER BY settled_at_ms LIMIT ?`,
  keepLess: 'UPDATE entry SET keeps = ? WHERE entry_id = ?',
  deleteHeader: 'DELETE FROM header WHERE entry_id = ?',
  deleteAttempts: 'DELETE FROM attempt WHERE task_id BETWEEN ? AND ?',
  deleteTasks: 'DELETE FROM task WHERE task_id BETWEEN ? AND ?',
  deleteEntry: 'DELETE FROM entry WHERE entry_id = ?',
} as const satisfies Record<string, string>;

export type QueryName = keyof typeof queries;
