/** What happens at inputs beside DIMSE: as events.ts, one function per thing that can happen. */
import type { Telemetry } from './telemetry.ts';

/** An HTTP request was refused before its body was read. */
export function httpRequestRefused(
  telemetry: Telemetry,
  event: { input: string; peerAddress: string; httpStatus: number; reason: string },
): void {
  telemetry.log.warn(event, 'HTTP request refused.');
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
