/** What happens to certificates: as events.ts, one function per thing that can happen. */
import type { Telemetry } from './telemetry.ts';

/** Whose certificate it is. */
interface Owner {
  readonly side: 'input' | 'destination' | 'source';
  readonly name: string;
}

/** A certificate, its key and the trusted authorities are in force. */
export function certificateTaken(telemetry: Telemetry, event: Owner & { expiresAtMs?: number }): void {
  const { side, name, expiresAtMs } = event;
  telemetry.metrics.certificateReloadFailed.set({ [side]: name }, 0);
  if (expiresAtMs !== undefined) {
    telemetry.metrics.certificateExpiry.set({ [side]: name }, expiresAtMs / 1000);
  }
  const expiresAt = expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
  const facts = { [side]: name, ...expiresAt };
  if (expiresAtMs !== undefined && expiresAtMs < Date.now()) {
    telemetry.log.error(facts, 'Certificate has expired: peers that check it will not connect.');
  } else telemetry.log.info(facts, 'Certificate and authorities are in force.');
}

/** New files cannot be used: the certificate that was in force stays. */
export function certificateRefused(
  telemetry: Telemetry,
  event: Owner & { code: string; reason: string },
): void {
  const { side, name, ...facts } = event;
  telemetry.metrics.certificateReloadFailed.set({ [side]: name }, 1);
  telemetry.log.error(
    { [side]: name, ...facts },
    'New certificate files cannot be used: the old ones stay in force.',
  );
}

/** The input or destination is no more. */
export function certificatesForgotten(telemetry: Telemetry, { side, name }: Owner): void {
  telemetry.metrics.certificateExpiry.remove({ [side]: name });
  telemetry.metrics.certificateReloadFailed.remove({ [side]: name });
}
