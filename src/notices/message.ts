import type { Message } from './channel-kind.ts';
import type { Notice } from './notice.ts';
import { commandOf, textOf, titleOf } from './notice-text.ts';

/** A notice as channels send it; the facts are those of docs/notices.md. */
export function messageOf(notice: Notice, timeZone: string): Message {
  const { id, gateway, reason, of, subject, sinceMs, atMs, count, times, codes } = notice;
  return {
    id,
    title: `[Slidegate ${gateway}] ${titleOf(notice)}`,
    text: textOf(notice, timeZone),
    facts: {
      schema: 'slidegate-notice-1',
      id,
      gateway,
      reason,
      ...(of !== undefined && { of }),
      subject,
      since: new Date(sinceMs).toISOString(),
      at: new Date(atMs).toISOString(),
      count,
      times,
      codes: codes ?? {},
      command: commandOf(notice),
    },
  };
}
