import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

type Row = Record<string, unknown>;

/**
 * Counts everything in the database of a spool again, the slow way.
 *
 * @returns what does not fit together; empty when all is well
 */
export function auditLedger(directory: string): string[] {
  const db = new DatabaseSync(join(directory, 'ledger.sqlite'), { readOnly: true });
  const faults: string[] = [];
  const expectNone = (what: string, sql: string) => {
    for (const row of db.prepare(sql).all() as Row[]) faults.push(`${what}: ${JSON.stringify(row)}`);
  };
  try {
    db.exec('BEGIN');
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    const [integrity] = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
    if (integrity?.integrity_check !== 'ok') faults.push(`integrity: ${integrity?.integrity_check}`);
    expectNone(
      'accepted is not delivered + pending + held + discarded',
      `SELECT t.name, t.count, (SELECT coalesce(sum(count), 0) FROM tally WHERE scope = 'entry' AND name = t.name) AS states
       FROM tally t WHERE t.scope = 'total' AND t.count <> states`,
    );
    expectNone(
      'entries miscounted',
      `SELECT * FROM (SELECT origin AS name, state, count(*) AS count FROM entry GROUP BY 1, 2) real
       FULL JOIN (SELECT name, state, count FROM tally WHERE scope = 'entry' AND count <> 0) told USING (name, state)
       WHERE real.count IS NOT told.count`,
    );
    expectNone(
      'tasks miscounted',
      `SELECT * FROM (SELECT kind AS name, state, count(*) AS count FROM task WHERE settled_at_ms IS NULL GROUP BY 1, 2) real
       FULL JOIN (SELECT name, state, count FROM tally WHERE scope = 'task' AND count <> 0) told USING (name, state)
       WHERE real.count IS NOT told.count`,
    );
    expectNone(
      'bytes miscounted',
      `SELECT (SELECT coalesce(sum(size_bytes), 0) FROM entry WHERE keeps < 2) AS real,
         (SELECT coalesce(sum(count), 0) FROM tally WHERE scope = 'bytes') AS told WHERE real <> told`,
    );
    expectNone(
      'entry counts differ from its tasks and products',
      `SELECT e.entry_id, e.open_count, e.held_count, e.discarded_count,
         (SELECT count(*) FROM task t WHERE t.entry_id = e.entry_id AND t.state IN ('ready', 'delayed', 'behind', 'barred', 'claimed'))
           + (SELECT count(*) FROM entry p WHERE p.parent_entry_id = e.entry_id AND p.state = 'pending') AS open,
         (SELECT count(*) FROM task t WHERE t.entry_id = e.entry_id AND t.state = 'held')
           + (SELECT count(*) FROM entry p WHERE p.parent_entry_id = e.entry_id AND p.state = 'held') AS held,
         (SELECT count(*) FROM task t WHERE t.entry_id = e.entry_id AND t.state = 'discarded')
           + (SELECT count(*) FROM entry p WHERE p.parent_entry_id = e.entry_id AND p.state = 'discarded') AS discarded
       FROM entry e WHERE (open, held, discarded) IS NOT (e.open_count, e.held_count, e.discarded_count)`,
    );
    expectNone(
      'entry in the wrong state',
      `SELECT entry_id, state, open_count, held_count, discarded_count, settled_at_ms FROM entry
       WHERE state <> CASE WHEN open_count > 0 THEN 'pending' WHEN held_count > 0 THEN 'held'
         WHEN discarded_count > 0 THEN 'discarded' ELSE 'delivered' END
       OR (settled_at_ms IS NULL) <> (state IN ('pending', 'held'))`,
    );
    expectNone(
      'task settled and open at once',
      "SELECT task_id, state FROM task WHERE (settled_at_ms IS NULL) = (state IN ('done', 'discarded'))",
    );
    if (version > 1) auditSince2(expectNone);
    expectNone(
      'segment miscounted',
      `SELECT s.segment_id, s.live_count, s.live_bytes, count(e.entry_id) AS count, coalesce(sum(e.size_bytes), 0) AS bytes
       FROM segment s LEFT JOIN entry e ON e.segment_id = s.segment_id AND e.keeps < 2
       GROUP BY s.segment_id HAVING (s.live_count, s.live_bytes) IS NOT (count, bytes)`,
    );
  } finally {
    db.close();
  }
  return faults;
}

/** What version 1 of the schema did not have. */
function auditSince2(expectNone: (what: string, sql: string) => void): void {
  expectNone(
    'kept back by nothing in its study',
    `SELECT b.task_id FROM task b WHERE b.state = 'behind' AND NOT EXISTS (
       SELECT 1 FROM task t JOIN entry e ON e.entry_id = t.entry_id
       WHERE t.kind = b.kind AND t.state IN ('ready', 'claimed', 'delayed')
         AND e.study_instance_uid = b.study_instance_uid)`,
  );
  expectNone(
    'barred although nobody is at work on what it replaces',
    `SELECT b.task_id FROM task b WHERE b.state = 'barred' AND NOT EXISTS (
       SELECT 1 FROM entry e JOIN task t ON t.entry_id = e.entry_id
       WHERE e.replaced_by = b.entry_id AND t.state = 'claimed')`,
  );
  expectNone(
    'replaced and still to be done',
    `SELECT t.task_id, t.state FROM entry e JOIN task t ON t.entry_id = e.entry_id
     WHERE e.replaced_by IS NOT NULL AND t.settled_at_ms IS NULL AND t.state <> 'claimed'`,
  );
  expectNone(
    'at work on an entry and on the one that replaces it',
    `SELECT e.entry_id, e.replaced_by FROM entry e JOIN task t ON t.entry_id = e.entry_id
       JOIN task r ON r.task_id = e.replaced_by * 1000 + 1
     WHERE t.state = 'claimed' AND r.state NOT IN ('barred', 'held', 'discarded')`,
  );
}

/**
 * Reads every instance that the spool says it has.
 *
 * @returns what is missing, torn, or without an owner; empty when all is well
 */
export function auditFiles(directory: string): string[] {
  const db = new DatabaseSync(join(directory, 'ledger.sqlite'), { readOnly: true });
  const faults: string[] = [];
  try {
    const rows = db
      .prepare(
        `SELECT entry_id, segment_id, segment_offset, file_name, size_bytes, data_set_offset, sha256 FROM entry
         WHERE keeps < 2 ORDER BY segment_id`,
      )
      .all() as {
      entry_id: number;
      segment_id: number | null;
      segment_offset: number | null;
      file_name: string | null;
      size_bytes: number;
      data_set_offset: number;
      sha256: Uint8Array;
    }[];
    const owned = new Set(rows.map(({ file_name }) => file_name));
    for (const name of readdirSync(join(directory, 'files'))) {
      if (!owned.has(name)) faults.push(`file without an entry: ${name}`);
    }
    for (const name of readdirSync(join(directory, 'incoming'))) faults.push(`left behind: ${name}`);
    const segments = new Map<number, Buffer>();
    for (const row of rows) {
      const bytes = bytesOf(directory, row, segments).subarray(0, row.size_bytes);
      const digest = createHash('sha256').update(bytes.subarray(row.data_set_offset)).digest();
      if (bytes.length !== row.size_bytes || !digest.equals(row.sha256))
        faults.push(`torn: entry ${row.entry_id}`);
    }
  } finally {
    db.close();
  }
  return faults;
}

function bytesOf(
  directory: string,
  row: { segment_id: number | null; segment_offset: number | null; file_name: string | null },
  segments: Map<number, Buffer>,
): Buffer {
  if (row.file_name !== null) return readFileSync(join(directory, 'files', row.file_name));
  const segmentId = row.segment_id as number;
  let segment = segments.get(segmentId);
  if (segment === undefined) {
    segment = readFileSync(join(directory, 'segments', `${String(segmentId).padStart(10, '0')}.segment`));
    segments.clear(); // Rows come segment by segment.
    segments.set(segmentId, segment);
  }
  return segment.subarray(row.segment_offset as number);
}
