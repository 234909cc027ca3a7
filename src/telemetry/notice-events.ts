/** What happens to notices: as events.ts, one function per thing that can happen. */
import type { Telemetry } from './telemetry.ts';

/** A channel has taken a notice. */
export function noticeSent(
  telemetry: Telemetry,
  event: { channel: string; reason: string; subject: string; tries: number },
): void {
  telemetry.metrics.noticesTotal.inc({ channel: event.channel, outcome: 'sent' });
  telemetry.log.info(event, 'Notice sent.');
}

/** A channel did not take a notice; unless it was the last try, it is sent again. */
export function noticeNotSent(
  telemetry: Telemetry,
  event: { channel: string; reason: string; code: string; message: string; tries: number; isLast: boolean },
): void {
  const { channel, isLast } = event;
  telemetry.metrics.noticesTotal.inc({ channel, outcome: isLast ? 'given-up' : 'failed' });
  if (isLast) telemetry.log.error(event, 'Notice could not be sent, and is given up.');
  else telemetry.log.warn(event, 'Notice could not be sent; it is tried again.');
}

/** Too many notices wait for a channel: the oldest is forgotten. */
export function noticeDropped(telemetry: Telemetry, event: { channel: string; reason: string }): void {
  telemetry.metrics.noticesTotal.inc({ channel: event.channel, outcome: 'dropped' });
  telemetry.log.error(event, 'Notice was dropped, as too many wait.');
}

/** Looking for what is worth telling has failed; it goes on. */
export function noticesTroubled(telemetry: Telemetry, event: { error: unknown }): void {
  telemetry.log.error({ err: event.error }, 'Notices are in trouble.');
}
