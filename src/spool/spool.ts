/**
 * # Spool
 *
 * Durable custody of every SOP Instance from reception until every destination has taken it.
 *
 * An accepted instance is an *entry*. What is still to be done with it are its *tasks*: `rules` first, then a
 * conversion or one delivery per destination.
 *
 * Invariants:
 * - `commit` returns only when the bytes and the rows are on disk. The C-STORE response is sent after it.
 * - What is done with a task is synced soon after it is answered: a power cut may take some of it back, and it
 *   is done again, under the same UIDs.
 * - Every entry is in exactly one state at every commit: accepted = delivered + pending + held + discarded.
 * - A task is claimed by at most one worker at a time; a claim that was lost can change nothing.
 * - Completing a task, adding the tasks that follow and taking its products in is one transaction.
 * - Bytes are removed only when their entry has no open and no held task.
 * - A failed sync is never tried again on the same file.
 *
 * Deliberately absent: knowledge of associations, rules and destinations. Stages meet here and nowhere else.
 */
import { resolve } from 'node:path';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { SpoolSettings } from './config.ts';
import type { Spool } from './port.ts';
import { Retention } from './retention.ts';
import { SqliteSpool } from './sqlite/sqlite-spool.ts';
import { loadStepHook } from './steps.ts';

export { allRecords } from './all-records.ts';
export * from './commitment.ts';
export { OtherContent, SpoolSettings } from './config.ts';
export { ClaimsLostError, SpoolError, type SpoolErrorCode, SpoolRefusingError } from './errors.ts';
export * from './payload.ts';
export type * from './port.ts';
export { backUpSpool, restoreSpool } from './sqlite/restore.ts';
export { goBack } from './sqlite/way-back.ts';
export type { TaskGroup, TaskPreview } from './task-groups.ts';
export { partsOfKind } from './task-kind.ts';

export interface SpoolDependencies {
  readonly telemetry: Telemetry;
  /** A module that exports `step`, called at every step of steps.ts in every thread; for tests that kill. */
  readonly stepModule?: URL;
  /** Called when a thread of the spool has died: nothing works until it is opened anew. */
  readonly onDeath?: (reason: string) => void;
}

/**
 * Opens the spool: takes the directory's lock, migrates, and puts right what a crash has left.
 *
 * @throws {SpoolError} when another process serves the directory, or it cannot be used
 */
export async function openSpool(settings: SpoolSettings, dependencies: SpoolDependencies): Promise<Spool> {
  const { telemetry, stepModule, onDeath } = dependencies;
  const closing = new AbortController();
  const keepFreeBytes = settings.keep_free_bytes ?? 2 * settings.watermark_free_bytes;
  let retention: Retention | undefined;
  const spool = await SqliteSpool.open(
    {
      directory: resolve(settings.directory),
      watermarkFreeBytes: settings.watermark_free_bytes,
      receptionReserveBytes: settings.reception_reserve_bytes,
      keepFreeBytes,
      duplicateWindowMs: settings.duplicate_window,
      onOtherContent: settings.other_content,
      leaseMs: settings.lease,
      ageingMs: settings.priority_ageing,
      segmentBytesMax: settings.segment_bytes,
      segmentAgeMsMax: settings.segment_age,
      stepModule: stepModule?.href,
    },
    {
      telemetry,
      step: await loadStepHook(stepModule?.href),
      closing,
      onDeath: onDeath ?? (() => {}),
      spaceIsShort: (freeBytes) => void retention?.spaceIsShort(freeBytes),
    },
  );
  retention = new Retention(
    spool,
    {
      keepDeliveredMs: settings.keep_delivered,
      keepSourcesMs: settings.keep_sources,
      keepHeadersMs: settings.keep_headers,
      keepLedgerMs: settings.keep_ledger,
      keepFreeBytes,
    },
    { telemetry, signal: closing.signal },
  );
  return spool;
}
