/**
 * Whether an instance that we have acknowledged can be called safe: it is in the hands of all who are to have it.
 * Pure.
 */
import { FAILURE_REASON } from '../dimse/storage-commitment.ts';
import { type EntryRow, partsOfKind } from '../spool/spool.ts';

export type Verdict =
  | { readonly decided: true; readonly failureReason?: number }
  /** It may still come to either. */
  | { readonly decided: false; readonly isHeld: boolean };

/** A destination has custody. */
const TAKEN = new Set(['delivered', 'warning', 'duplicate']);
/** Settled without its destination: nobody there can be relied on. */
const PASSED_OVER = new Set(['skipped', 'reported']);

const COMMITTED: Verdict = { decided: true };

/**
 * What can be said of an instance now.
 *
 * A source that goes nowhere itself, as only its products are delivered, is never committed: nobody has it once it
 * has left the spool.
 *
 * @param entry see {@link entryFor}; undefined when there is none
 */
export function verdictOn(sopClassUid: string, entry: EntryRow | undefined): Verdict {
  if (entry === undefined) return failed(FAILURE_REASON.noSuchObjectInstance);
  if (entry.sopClassUid !== sopClassUid) return failed(FAILURE_REASON.classInstanceConflict);
  const deliveries = entry.tasks.filter(({ kind }) => partsOfKind(kind).stage === 'delivery');
  const isConverted = entry.tasks.some(({ kind }) => kind === 'conversion');
  if (isConverted && deliveries.length === 0) return failed(FAILURE_REASON.processingFailure);
  if (deliveries.some(({ state, code = '' }) => state === 'done' && PASSED_OVER.has(code))) {
    return failed(FAILURE_REASON.processingFailure);
  }
  switch (entry.state) {
    case 'pending':
      return { decided: false, isHeld: false };
    case 'held':
      return { decided: false, isHeld: true };
    case 'discarded':
      return failed(FAILURE_REASON.noSuchObjectInstance);
    case 'delivered': {
      const isTaken = deliveries.some(({ state, code = '' }) => state === 'done' && TAKEN.has(code));
      return isTaken ? COMMITTED : failed(FAILURE_REASON.processingFailure);
    }
    default:
      return entry.state satisfies never;
  }
}

/**
 * The entry that a source means by a SOP Instance UID: the newest of its own, for what others have sent may have gone
 * elsewhere. Who has sent none asks for others, as a workstation does for its modality.
 *
 * @param entries newest first
 */
export function entryFor(source: string, entries: readonly EntryRow[]): EntryRow | undefined {
  return entries.find((entry) => entry.source === source) ?? entries[0];
}

/** What is said of an instance that was waited for in vain. */
export function overdueReason({ isHeld }: { readonly isHeld: boolean }): number {
  return isHeld ? FAILURE_REASON.processingFailure : FAILURE_REASON.resourceLimitation;
}

function failed(failureReason: number): Verdict {
  return { decided: true, failureReason };
}
