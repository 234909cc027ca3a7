/**
 * # One SOP Instance UID, several data sets
 *
 * Whether an instance that arrives is here already, and what becomes of it when another data set of its UID is.
 *
 * The earlier counts for as long as its row is kept, unless it was discarded, or is held because its header is
 * damaged, names another instance, or was itself other content: such a one has not been taken for the instance.
 */
import { join } from 'node:path';
import { CANONICAL_BYTES_MAX, canonicalDigest, isComparable } from '../canonical-digest.ts';
import type { SpoolFolders } from '../files/folders.ts';
import { readRange } from '../files/read-range.ts';
import type { EntryState, OtherContentPolicy } from '../port.ts';
import { isSettled } from '../task.ts';
import type { LedgerContext } from './context.ts';
import { KEEPS, type PlaceColumns, toPlace } from './entries.ts';
import type { WireArrival, WirePlace } from './messages.ts';
import { succeed } from './successions.ts';

export type Verdict =
  | { readonly type: 'fresh' }
  | { readonly type: 'duplicate'; readonly duplicateOf: number }
  | { readonly type: OtherContentPolicy; readonly earlierId: number };

const FRESH: Verdict = { type: 'fresh' };

/** The earlier instance that has been taken for the instance of its UID. */
interface CurrentVersion extends PlaceColumns {
  readonly entry_id: number;
  readonly state: EntryState;
  readonly received_at_ms: number;
  readonly keeps: number;
  readonly sop_class_uid: string;
  readonly source: string;
  readonly calling_ae_title: string;
  readonly called_ae_title: string;
}

interface Weighing {
  /** It will be held for its header, and then takes nobody's place. */
  readonly isDamaged: boolean;
  readonly windowMs: number;
  /** Its data set, when it must be looked at as a whole; undefined when it is too large for that. */
  readonly dataSet: () => Uint8Array | undefined;
}

export function weigh(
  context: LedgerContext,
  arrival: WireArrival,
  sha256: Uint8Array,
  options: Weighing,
): Verdict {
  const { statements } = context;
  if (statements.get('anyVersion', arrival.sopInstanceUid) === undefined) return FRESH;
  const duplicateOf = findDuplicate(context, arrival, sha256, options.windowMs);
  const duplicate = duplicateOf === undefined ? undefined : ({ type: 'duplicate', duplicateOf } as const);
  if (options.isDamaged) return duplicate ?? FRESH;
  const current = statements.get<CurrentVersion>('currentVersion', arrival.sopInstanceUid);
  // Its equal counts unless another data set has been taken for the instance since.
  if (duplicate && (current === undefined || current.entry_id <= duplicate.duplicateOf)) return duplicate;
  if (current === undefined || Buffer.compare(current.sha256, sha256) === 0) return duplicate ?? FRESH;
  if (!saysTheSame(context, arrival, current, options)) {
    return { type: arrival.onOtherContent, earlierId: current.entry_id };
  }
  if (duplicate) return duplicate;
  const isSameWay =
    current.sop_class_uid === arrival.sopClassUid &&
    current.source === arrival.source &&
    current.calling_ae_title === arrival.callingAeTitle &&
    current.called_ae_title === arrival.calledAeTitle;
  return isSameWay && countsAsDuplicate(context, current, options.windowMs)
    ? { type: 'duplicate', duplicateOf: current.entry_id }
    : FRESH;
}

/** Data sets are compared, not transfer syntaxes, as far as that needs no codec. */
function saysTheSame(
  { folders }: LedgerContext,
  arrival: WireArrival,
  current: CurrentVersion,
  { dataSet }: Weighing,
): boolean {
  if (!isComparable(arrival.transferSyntaxUid, current.transfer_syntax_uid)) return false;
  if (current.keeps >= KEEPS.header || current.size_bytes > CANONICAL_BYTES_MAX) return false;
  const bytes = dataSet();
  if (bytes === undefined) return false;
  const digest = canonicalDigest(bytes, arrival.transferSyntaxUid);
  const earlier =
    digest && canonicalDigest(readDataSet(folders, toPlace(current)), current.transfer_syntax_uid);
  return earlier !== undefined && Buffer.compare(digest as Uint8Array, earlier) === 0;
}

function readDataSet(folders: SpoolFolders, place: WirePlace): Uint8Array {
  const { folder, fileName, offset, sizeBytes, dataSetOffset } = place;
  return readRange(join(folders[folder], fileName), offset + dataSetOffset, sizeBytes - dataSetOffset);
}

function countsAsDuplicate(
  { clock }: LedgerContext,
  equal: { readonly state: EntryState; readonly received_at_ms: number },
  windowMs: number,
): boolean {
  if (equal.state === 'discarded') return false;
  return !isSettled(equal.state) || clock.wallMs() - equal.received_at_ms < windowMs;
}

/** An equal instance that is still being worked on, or came within the window. A discarded one is no excuse. */
function findDuplicate(
  context: LedgerContext,
  arrival: WireArrival,
  sha256: Uint8Array,
  windowMs: number,
): number | undefined {
  const equal = context.statements.get<{ entry_id: number; state: EntryState; received_at_ms: number }>(
    'findEqual',
    arrival.sopInstanceUid,
    sha256,
    ...wayOf(arrival),
  );
  return equal && countsAsDuplicate(context, equal, windowMs) ? equal.entry_id : undefined;
}

/** What makes two instances of one group equal. */
export function kindOf(arrival: WireArrival, sha256: Uint8Array): string {
  return JSON.stringify([arrival.sopInstanceUid, Buffer.from(sha256).toString('base64'), ...wayOf(arrival)]);
}

/**
 * What rules may decide by beside the data set. Equal bytes that came another way may have other destinations;
 * and of two that say to be of different kinds, the first may be held for it.
 */
function wayOf(arrival: WireArrival): readonly string[] {
  const { sopClassUid, transferSyntaxUid, source, callingAeTitle, calledAeTitle } = arrival;
  return [sopClassUid, transferSyntaxUid, source, callingAeTitle, calledAeTitle];
}

/** Why the first task of an instance is held that is kept beside another of its UID. */
export function heldForContent(earlierId: number): { code: string; reason: string } {
  return {
    code: 'OTHER_CONTENT',
    reason: `Entry ${earlierId} has the same SOP Instance UID and another data set: retry to send this one as well`,
  };
}

/** Lets an entry that has just been inserted take the place of all that were there before it. Returns their tasks. */
export function replaceEarlier(context: LedgerContext, sopInstanceUid: string, entryId: number): number {
  const earlier = context.statements.all<{ entry_id: number }>('openVersions', sopInstanceUid, entryId);
  return succeed(
    context,
    entryId,
    earlier.map((row) => row.entry_id),
  );
}

/** Writes down what the policy has done. `entryId` is missing when nothing was kept. */
export function auditContent(
  { statements, clock }: LedgerContext,
  policy: OtherContentPolicy,
  { earlierId, entryId, tasks }: { earlierId: number; entryId: number | undefined; tasks: number },
): void {
  const entryIds = entryId === undefined ? [earlierId] : [earlierId, entryId];
  const auditId = statements.insert(
    'insertAudit',
    clock.wallMs(),
    'policy',
    policy,
    JSON.stringify({ entryIds }),
    `Another data set of the SOP Instance UID of entry ${earlierId}`,
  );
  statements.run('countAudit', tasks, auditId);
}
