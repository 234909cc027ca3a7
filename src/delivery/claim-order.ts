/** In which order the claims of a lane are sent, and which of them belong together. */
import { type Claim, type DeliveryPayload, PRIORITY } from '../spool/spool.ts';
import type { LaneSettings } from './lane-settings.ts';

/**
 * Sets go through one slot. The products of a conversion are one, and so is a study where the settings want it
 * kept together or in order.
 */
export function setOf(
  { entry }: Pick<Claim, 'entry'>,
  { order, keep_study_on_one_association }: Pick<LaneSettings, 'order' | 'keep_study_on_one_association'>,
): string | undefined {
  if (order === 'study' || keep_study_on_one_association) return `study ${entry.studyInstanceUid}`;
  return entry.origin === 'converted' ? `products of ${entry.parentEntryId}` : undefined;
}

/** Whether nothing of its set stands before it. */
export function isFirstOfSet(
  claim: Claim,
  claims: readonly Claim[],
  settings: Parameters<typeof setOf>[1],
): boolean {
  const set = setOf(claim, settings);
  return claims.find((other) => setOf(other, settings) === set) === claim;
}

export function priorityOf({ payload }: Claim): number {
  return PRIORITY[(payload as Partial<DeliveryPayload> | undefined)?.priority ?? 'normal'];
}
