/** What happens at inputs beside DIMSE: as events.ts, one function per thing that can happen. */
import type { Telemetry } from './telemetry.ts';

/** An HTTP request was refused before its body was read. */
export function httpRequestRefused(
  telemetry: Telemetry,
  event: { input: string; peerAddress: string; httpStatus: number; reason: string },
): void {
  telemetry.log.warn(event, 'HTTP request refused.');
}

/** A secret that callers sign in with can be read no more; the one before holds. Told once. */
export function signInSecretMissing(telemetry: Telemetry, event: { input: string; reason: string }): void {
  telemetry.log.error(event, 'Secret of callers cannot be read again: the one before stays in force.');
}

/** What became of one instance of a STOW-RS request is clear. */
export function stowPartSettled(
  telemetry: Telemetry,
  event: { source: string; status: string; reason?: string; durationMs: number },
): void {
  const { source, status, durationMs } = event;
  telemetry.metrics.storeRequestsTotal.inc({ source, status });
  telemetry.metrics.storeDurationSeconds.observe({ source }, durationMs / 1000);
  if (status !== '0000') telemetry.log.warn(event, 'Instance of a STOW-RS request refused.');
}

/** A STOW-RS request was answered. */
export function stowAnswered(
  telemetry: Telemetry,
  event: {
    input: string;
    source: string;
    peerAddress: string;
    httpStatus: number;
    stored: number;
    failed: number;
    durationMs: number;
  },
): void {
  if (event.httpStatus === 200) telemetry.log.debug(event, 'STOW-RS request answered.');
  else telemetry.log.warn(event, 'STOW-RS request answered: not everything was taken.');
}

/** A STOW-RS request ended before its body was complete; what had come in full is kept, of the rest nothing. */
export function stowBrokeOff(
  telemetry: Telemetry,
  event: {
    input: string;
    source: string;
    peerAddress: string;
    code: string;
    stored: number;
    durationMs: number;
  },
): void {
  telemetry.log.warn(event, 'STOW-RS request broke off; the instance that was arriving was discarded.');
}

/** The instance of a file is durable. */
export function fileTaken(
  telemetry: Telemetry,
  event: { input: string; source: string; entryId: number },
): void {
  telemetry.metrics.storeRequestsTotal.inc({ source: event.source, status: '0000' });
  telemetry.log.debug(event, 'File taken.');
}

/** A file is none that can be taken. Its name is not told, for it may be a patient's: size and time find it. */
export function fileRejected(
  telemetry: Telemetry,
  event: {
    input: string;
    source: string;
    status: string;
    reason: string;
    sizeBytes: number;
    modifiedAt: string;
  },
): void {
  const { source, status } = event;
  telemetry.metrics.storeRequestsTotal.inc({ source, status });
  telemetry.log.warn(event, 'File rejected.');
}

/** A file cannot be read now: it is locked, or not ours to read. It is tried again; told the first time only. */
export function fileNotTaken(
  telemetry: Telemetry,
  event: { input: string; code: string; sizeBytes: number },
): void {
  telemetry.log.warn(event, 'File cannot be read: it is tried again.');
}

/** A file was taken and cannot be deleted or moved. It is not taken again; told the first time only. */
export function fileNotRemoved(telemetry: Telemetry, event: { input: string; code: string }): void {
  telemetry.log.error(event, 'File was taken and cannot be removed: it is tried again.');
}

/** A watched folder, or a part of it, cannot be read; told once. */
export function folderUnreadable(telemetry: Telemetry, event: { input: string; code: string }): void {
  telemetry.log.error(event, 'Watched folder cannot be read: it is tried again.');
}

/** A watched folder can be read again. */
export function folderBack(telemetry: Telemetry, event: { input: string }): void {
  telemetry.log.info(event, 'Watched folder can be read again.');
}
