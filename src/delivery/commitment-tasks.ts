/** The tasks that storage commitment adds to an entry. Pure. */

import { formatStatus } from '../dimse/status.ts';
import { FAILURE_REASON } from '../dimse/storage-commitment.ts';
import { type Claim, type DeliveryPayload, type NewTask, PRIORITY } from '../spool/spool.ts';
import type { OutcomeCode } from './outcome-codes.ts';

export type CommitmentKind = `commitment:${string}`;

export function commitmentKind(destination: string): CommitmentKind {
  return `commitment:${destination}`;
}

/** What follows a delivery that was taken: the destination has to commit to it. */
export function commitmentTask(destination: string, { payload }: Pick<Claim, 'payload'>): NewTask {
  return { kind: commitmentKind(destination), payload, priority: priorityOf(payload as DeliveryPayload) };
}

/**
 * What follows a commitment that was denied: the instance is sent again, or waits for a person when it has been
 * often enough.
 */
export function resendTask(
  destination: string,
  payload: DeliveryPayload,
  denied: { readonly failureReason: number; readonly resendsMax: number; readonly laterAtMs: number },
): NewTask {
  const { failureReason, resendsMax, laterAtMs } = denied;
  const { uncommitted = 0, ...rest } = payload;
  const task = { kind: `delivery:${destination}`, priority: priorityOf(payload) } as const;
  if (uncommitted >= resendsMax) {
    const reason =
      `Destination took the instance ${uncommitted + 1} times and did not commit to it: ` +
      `${formatStatus(failureReason)} (${meaningOf(failureReason)})`;
    // Whoever retries it starts anew.
    return { ...task, payload: rest, held: { code: 'NOT_COMMITTED' satisfies OutcomeCode, reason } };
  }
  const resent = { ...task, payload: { ...rest, uncommitted: uncommitted + 1 } };
  // What the destination says it does not have is sent at once; what it cannot keep now, later.
  return failureReason === FAILURE_REASON.noSuchObjectInstance ? resent : { ...resent, dueAtMs: laterAtMs };
}

/** Failure Reason (0008,1197): PS3.3 C.14.1.1. */
export function meaningOf(failureReason: number): string {
  return MEANINGS.get(failureReason) ?? 'unknown reason';
}

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [0x0110, 'processing failure'],
  [0x0112, 'no such object instance'],
  [0x0119, 'class-instance conflict'],
  [0x0122, 'SOP class not supported'],
  [0x0131, 'duplicate transaction UID'],
  [0x0213, 'resource limitation'],
]);

function priorityOf({ priority = 'normal' }: DeliveryPayload): number {
  return PRIORITY[priority];
}
