/**
 * # One SOP Instance UID, several data sets
 *
 * Whether an instance that arrives is here already, and what becomes of it when another data set of its UID is.
 *
 * The earlier counts for as long as its row is kept, unless it was discarded, or is held because its header is
 * damaged, names another instance, or was itself other content: such a one has not been taken for the instance.
 */
import type { EntryState, OtherContentPolicy } from '../port.ts';
import { isSettled } from '../task.ts';
import type { LedgerContext } from './context.ts';
import type { WireArrival } from './messages.ts';
import { succeed } from './successions.ts';

export type Verdict =
  | { readonly type: 'fresh' }
  | { readonly type: 'duplicate'; readonly duplicateOf: number }
  | { readonly type: OtherContentPolicy; readonly earlierId: number };

const FRESH: Verdict = { type: 'fresh' };

/** @param isDamaged it will be held for its header, and then takes nobody's place */
export function weigh(
  context: LedgerContext,
  arrival: WireArrival,
  sha256: Uint8Array,
  options: { readonly isDamaged: boolean; readonly windowMs: number },
): Verdict {
  const { statements } = context;
  if (statements.get('anyVersion', arrival.sopInstanceUid) === undefined) return FRESH;
  const duplicateOf = findDuplicate(context, arrival, sha256, options.windowMs);
  if (duplicateOf !== undefined) return { type: 'duplicate', duplicateOf };
  if (options.isDamaged) return FRESH;
  const current = statements.get<{ entry_id: number; sha256: Uint8Array }>(
    'currentVersion',
    arrival.sopInstanceUid,
  );
  if (current === undefined || Buffer.compare(current.sha256, sha256) === 0) return FRESH;
  return { type: arrival.onOtherContent, earlierId: current.entry_id };
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
  if (equal === undefined || equal.state === 'discarded') return undefined;
  const isRecent = context.clock.wallMs() - equal.received_at_ms < windowMs;
  return isRecent || !isSettled(equal.state) ? equal.entry_id : undefined;
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
