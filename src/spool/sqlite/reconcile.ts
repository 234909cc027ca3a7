/**
 * # After a restore
 *
 * The ledger is of an earlier time than the files. What was received since is on disk, acknowledged, and unknown: it
 * is taken in and held, so that a person decides. What has moved since is found again. What has been removed since
 * had been settled: it can no longer be sent, and is held with that reason.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type FoundRange, findInstances, readFound } from '../files/find-instances.ts';
import { segmentFileName } from '../files/segment-writer.ts';
import { countsAfter, NO_COUNTS } from '../task.ts';
import type { LedgerContext } from './context.ts';
import { changeEntry, insertEntry, KEEPS, type Place } from './entries.ts';
import type { Reconciled } from './messages.ts';
import type { OpenTask } from './successions.ts';
import { taskMoved, taskStateOf } from './task-moves.ts';
import { taskIdsOf } from './tasks.ts';

/** In the table `meta` from a restore until it has been reconciled. */
export const RESTORED = 'restored_at_ms';
const PAGE_ROWS = 1000;
/** Of the source, in rules and on the console. */
const SOURCE = 'recovered';

interface PlacedRow {
  readonly entry_id: number;
  readonly keeps: number;
  readonly size_bytes: number;
  readonly segment_id: number | null;
  readonly segment_offset: number | null;
  readonly file_name: string | null;
}

interface Candidate extends FoundRange {
  readonly path: string;
  readonly place: Place;
}

/** Makes ledger and files agree again; in a transaction. Undefined when there was no restore. */
export function reconcile(context: LedgerContext): Reconciled | undefined {
  const { statements } = context;
  if (statements.get('getMeta', RESTORED) === undefined) return undefined;
  const rows = [...placedRows(context)];
  const missing = new Map(rows.filter((row) => isMissing(context, row)).map((row) => [row.entry_id, row]));
  const candidates = [...unknownFiles(context), ...unknownRanges(context, rows)];
  const recovered: number[] = [];
  let moved = 0;
  for (const candidate of candidates) {
    const outcome = takeIn(context, candidate, missing);
    if (outcome === 'moved') moved += 1;
    else if (outcome !== undefined) recovered.push(outcome);
  }
  for (const row of missing.values()) giveUpBytes(context, row);
  countSegments(context);
  statements.run('dropMeta', RESTORED);
  return { recovered, moved, missing: missing.size };
}

function* placedRows({ statements }: LedgerContext): Generator<PlacedRow> {
  let after = 0;
  for (;;) {
    const page = statements.all<PlacedRow>('placesAfter', after, PAGE_ROWS);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.entry_id;
  }
}

function isMissing({ folders }: LedgerContext, row: PlacedRow): boolean {
  if (row.keeps >= KEEPS.header) return false;
  const path =
    row.file_name === null
      ? join(folders.segments, segmentFileName(row.segment_id as number))
      : join(folders.files, row.file_name);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size < (row.segment_offset ?? 0) + row.size_bytes;
}

/** Files that no row names, not even one whose bytes are no longer kept. */
function unknownFiles({ folders, statements }: LedgerContext): Candidate[] {
  return readdirSync(folders.files)
    .filter((name) => statements.get('fileKnown', name) === undefined)
    .map((fileName) => {
      const path = join(folders.files, fileName);
      return { path, offset: 0, sizeBytes: statSync(path).size, place: { fileName } };
    });
}

/** What lies between and behind the instances that rows know of. */
function unknownRanges({ folders }: LedgerContext, rows: readonly PlacedRow[]): Candidate[] {
  const known = Map.groupBy(
    rows.filter((row) => row.segment_id !== null),
    (row) => segmentFileName(row.segment_id as number),
  );
  const names = readdirSync(folders.segments).filter((name) => /^\d+\.segment$/.test(name));
  return names.flatMap((name) => {
    const path = join(folders.segments, name);
    const segmentId = Number.parseInt(name, 10);
    const end = { offset: statSync(path).size, sizeBytes: 0 };
    const ranges = (known.get(name) ?? []).map((row) => ({
      offset: row.segment_offset as number,
      sizeBytes: row.size_bytes,
    }));
    const found: Candidate[] = [];
    let from = 0;
    for (const range of [...ranges.sort((a, b) => a.offset - b.offset), end]) {
      for (const one of from < range.offset ? findInstances(path, from, range.offset) : []) {
        found.push({ ...one, path, place: { segmentId, offset: one.offset } });
      }
      from = Math.max(from, range.offset + range.sizeBytes);
    }
    return found;
  });
}

/**
 * The number of a new entry; `moved` when it is a known one; undefined when it is no instance. An equal one that is
 * here is no reason to leave it out: it may have come from another source, for other destinations.
 */
function takeIn(
  context: LedgerContext,
  { path, place, offset, sizeBytes }: Candidate,
  missing: Map<number, PlacedRow>,
): number | 'moved' | undefined {
  const found = readFound(path, { offset, sizeBytes });
  if (found === undefined) return undefined;
  const { meta, sha256 } = found;
  const equals = context.statements.all<{ entry_id: number }>('equalBytes', meta.sopInstanceUid, sha256);
  const lost = equals.map(({ entry_id }) => missing.get(entry_id)).find((row) => row !== undefined);
  if (lost !== undefined) {
    moveTo(context, lost.entry_id, place);
    missing.delete(lost.entry_id);
    return 'moved';
  }
  const { entryId } = insertEntry(context, {
    origin: 'received',
    sopClassUid: meta.sopClassUid,
    sopInstanceUid: meta.sopInstanceUid,
    transferSyntaxUid: meta.transferSyntaxUid,
    studyInstanceUid: found.studyInstanceUid,
    seriesInstanceUid: found.seriesInstanceUid,
    source: SOURCE,
    callingAeTitle: meta.sourceAeTitle ?? '',
    calledAeTitle: '',
    peerAddress: '',
    receivedAtMs: Math.round(statSync(path).mtimeMs),
    sizeBytes,
    dataSetOffset: meta.dataSetOffset,
    sha256,
    headerIndex: found.headerIndex,
    place,
    tasks: [
      { kind: 'rules', payload: null, held: { code: 'RECOVERED', reason: reasonOf(found.held?.reason) } },
    ],
  });
  return entryId;
}

function reasonOf(fault: string | undefined): string {
  const reason =
    'Found on disk after a restore: it came after the backup was made. Retry to send it, perhaps for the second time';
  return fault === undefined ? reason : `${reason}. ${fault}`;
}

function moveTo({ statements }: LedgerContext, entryId: number, place: Place): void {
  if ('fileName' in place) statements.run('moveTo', entryId, null, null, place.fileName);
  else statements.run('moveTo', entryId, place.segmentId, place.offset, null);
}

function giveUpBytes(context: LedgerContext, row: PlacedRow): void {
  const { statements, tally, unit, clock } = context;
  statements.run('keepLess', KEEPS.header, row.entry_id);
  tally.add(unit, 'bytes', 'held', '', -row.size_bytes);
  const reason =
    'Its bytes are gone: they were removed after the backup was made, when nothing was left to do with it';
  for (const task of statements.all<OpenTask>('openTasksOfEntry', ...taskIdsOf(row.entry_id))) {
    if (task.state === 'held') continue;
    statements.run('holdOpen', task.task_id, clock.wallMs(), 'BYTES_PURGED', reason);
    taskMoved(context, task.kind, task.state, 'held');
    changeEntry(context, row.entry_id, countsAfter(NO_COUNTS, taskStateOf(task.state), 'held'));
  }
}

/** Counts anew what every segment holds. */
function countSegments(context: LedgerContext): void {
  const { statements, folders } = context;
  for (const { segment_id } of statements.all<{ segment_id: number }>(
    'segmentsAfter',
    0,
    Number.MAX_SAFE_INTEGER,
  )) {
    statements.run('forgetSegment', segment_id);
  }
  for (const row of placedRows(context)) {
    if (row.segment_id === null || row.keeps >= KEEPS.header) continue;
    const sizeBytes = statSync(join(folders.segments, segmentFileName(row.segment_id))).size;
    statements.run('growSegment', row.segment_id, sizeBytes, 1, row.size_bytes, row.entry_id, row.entry_id);
  }
}
