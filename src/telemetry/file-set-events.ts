import type { Telemetry } from './telemetry.ts';

/** The DICOMDIR of a folder could not be written; its files are there all the same. */
export function fileSetTroubled(telemetry: Telemetry, event: { destination: string; code: string }): void {
  telemetry.log.warn(event, 'DICOMDIR could not be written.');
}
