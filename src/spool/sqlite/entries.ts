import { segmentFileName } from '../files/segment-writer.ts';
import type { Entry, EntryState, Origin } from '../port.ts';
import { countsAfter, type EntryCounts, entryStateOf, isSettled, NO_COUNTS } from '../task.ts';
import type { LedgerContext } from './context.ts';
import type { WirePlace, WireTask } from './messages.ts';
import { addTasks } from './tasks.ts';

/** A row of `ENTRY` columns. */
export interface EntryColumns {
  readonly entry_id: number;
  readonly origin: Origin;
  readonly parent_entry_id: number | null;
  readonly sop_class_uid: string;
  readonly sop_instance_uid: string;
  readonly transfer_syntax_uid: string;
  readonly study_instance_uid: string;
  readonly series_instance_uid: string;
  readonly source: string;
  readonly calling_ae_title: string;
  readonly called_ae_title: string;
  readonly peer_address: string;
  readonly received_at_ms: number;
  readonly size_bytes: number;
  readonly data_set_offset: number;
}

export function toEntry(row: EntryColumns): Entry {
  return {
    entryId: row.entry_id,
    origin: row.origin,
    ...(row.parent_entry_id !== null && { parentEntryId: row.parent_entry_id }),
    sopClassUid: row.sop_class_uid,
    sopInstanceUid: row.sop_instance_uid,
    transferSyntaxUid: row.transfer_syntax_uid,
    studyInstanceUid: row.study_instance_uid,
    seriesInstanceUid: row.series_instance_uid,
    source: row.source,
    callingAeTitle: row.calling_ae_title,
    calledAeTitle: row.called_ae_title,
    peerAddress: row.peer_address,
    receivedAtMs: row.received_at_ms,
    sizeBytes: row.size_bytes,
    dataSetOffset: row.data_set_offset,
  };
}

/** The column `keeps`: what retention has left of an entry, most to least. */
export const KEEPS = { all: 0, allOfSource: 1, header: 2, row: 3 } as const;

/** A row of `PLACE` columns, and what else a reader has to know. */
export interface PlaceColumns {
  readonly size_bytes: number;
  readonly data_set_offset: number;
  readonly transfer_syntax_uid: string;
  readonly segment_id: number | null;
  readonly segment_offset: number | null;
  readonly file_name: string | null;
  readonly sha256: Uint8Array;
}

export function toPlace(row: PlaceColumns): WirePlace {
  return {
    folder: row.file_name === null ? 'segments' : 'files',
    fileName: row.file_name ?? segmentFileName(row.segment_id as number),
    offset: row.segment_offset ?? 0,
    sizeBytes: row.size_bytes,
    dataSetOffset: row.data_set_offset,
    transferSyntaxUid: row.transfer_syntax_uid,
    sha256: row.sha256,
  };
}

/** Where the bytes of a new entry lie: in a segment, or in a file of their own. */
export type Place = { readonly segmentId: number; readonly offset: number } | { readonly fileName: string };

export interface NewEntry extends Omit<Entry, 'entryId'> {
  readonly sha256: Uint8Array;
  readonly headerIndex: Uint8Array;
  readonly place: Place;
  readonly tasks: readonly WireTask[];
}

/** Inserts an entry with its header and its first tasks. */
export function insertEntry(context: LedgerContext, entry: NewEntry): { entryId: number; state: EntryState } {
  const { statements, tally, unit } = context;
  // Its tasks are numbered after the entry, so what they make of it must be known before they exist.
  let counts: EntryCounts = NO_COUNTS;
  for (const task of entry.tasks) counts = countsAfter(counts, undefined, task.held ? 'held' : 'waiting');
  const state = entryStateOf(counts);
  const { place } = entry;
  const entryId = statements.insert(
    'insertEntry',
    entry.origin,
    entry.parentEntryId ?? null,
    state,
    counts.open,
    counts.held,
    counts.discarded,
    isSettled(state) ? context.clock.wallMs() : null,
    entry.receivedAtMs,
    entry.sizeBytes,
    entry.dataSetOffset,
    entry.sha256,
    'segmentId' in place ? place.segmentId : null,
    'segmentId' in place ? place.offset : null,
    'fileName' in place ? place.fileName : null,
    entry.sopClassUid,
    entry.sopInstanceUid,
    entry.transferSyntaxUid,
    entry.studyInstanceUid,
    entry.seriesInstanceUid,
    entry.source,
    entry.callingAeTitle,
    entry.calledAeTitle,
    entry.peerAddress,
  );
  statements.run('insertHeader', entryId, entry.headerIndex);
  addTasks(context, entryId, entry.tasks, NO_COUNTS, true);
  tally.add(unit, 'total', entry.origin, '', 1);
  tally.add(unit, 'entry', entry.origin, state, 1);
  tally.add(unit, 'bytes', 'held', '', entry.sizeBytes);
  context.news.entryChanged(unit, entryId, state);
  return { entryId, state };
}

/** Adds to the counts of an entry; when that changes its state, its source is told in turn. */
export function changeEntry(context: LedgerContext, entryId: number, change: EntryCounts): void {
  if (change.open === 0 && change.held === 0 && change.discarded === 0) return;
  const row = context.statements.get<{
    state: EntryState;
    open_count: number;
    held_count: number;
    discarded_count: number;
    parent_entry_id: number | null;
    origin: Origin;
    settled_at_ms: number | null;
  }>('entryCounts', entryId);
  if (row === undefined) return;
  const counts: EntryCounts = {
    open: row.open_count + change.open,
    held: row.held_count + change.held,
    discarded: row.discarded_count + change.discarded,
  };
  const state = entryStateOf(counts);
  const settledAtMs = isSettled(state) ? (row.settled_at_ms ?? context.clock.wallMs()) : null;
  const { open, held, discarded } = counts;
  context.statements.run('setEntryCounts', state, open, held, discarded, settledAtMs, entryId);
  if (state === row.state) return;
  context.tally.add(context.unit, 'entry', row.origin, row.state, -1);
  context.tally.add(context.unit, 'entry', row.origin, state, 1);
  context.news.entryChanged(context.unit, entryId, state);
  if (row.parent_entry_id !== null) {
    changeEntry(context, row.parent_entry_id, countsAfter(NO_COUNTS, row.state, state));
  }
}
