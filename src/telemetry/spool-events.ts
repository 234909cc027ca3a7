/** What happens in the spool beside its opening and its health. See events.ts. */
import type { Telemetry } from './telemetry.ts';

/** An equal instance is here already: nothing was added. */
export function duplicateAbsorbed(telemetry: Telemetry, event: { source: string; entryId: number }): void {
  telemetry.metrics.duplicatesTotal.inc({ source: event.source, outcome: 'absorbed' });
  telemetry.log.debug(event, 'Instance absorbed: an equal one is here.');
}

/** Another data set of the same SOP Instance UID is here; `outcome` is what became of the later. */
export function otherContentArrived(
  telemetry: Telemetry,
  event: {
    source: string;
    outcome: 'rejected' | 'replaced' | 'held';
    earlierEntryId?: number;
    entryId?: number;
  },
): void {
  telemetry.metrics.duplicatesTotal.inc({ source: event.source, outcome: event.outcome });
  telemetry.log.warn(event, 'Instance has the SOP Instance UID of another and other content.');
}

/** Bytes of settled entries were removed before their time, for less is free than is wanted. */
export function spaceFreedEarly(
  telemetry: Telemetry,
  event: { entries: number; freeBytes: number; wantedBytes: number },
): void {
  telemetry.metrics.earlyRemovalsTotal.inc({ volume: 'spool' }, event.entries);
  telemetry.log.warn(event, 'Spool removed settled instances early: free space is short.');
}

/** A restored ledger and the files agree again. `recovered` are the entries that a person has to look at. */
export function ledgerReconciled(
  telemetry: Telemetry,
  event: { recovered: readonly number[]; moved: number; missing: number },
): void {
  telemetry.metrics.heldTotal.inc({ stage: 'rules', code: 'RECOVERED' }, event.recovered.length);
  const { recovered, ...facts } = event;
  for (const entryId of recovered) telemetry.log.warn({ entryId }, 'Instance recovered and held.');
  telemetry.log.warn(
    { ...facts, recovered: recovered.length },
    'Spool was restored from a backup: what was open when that was made is sent again.',
  );
}
