import { z } from 'zod';

/** An IANA time zone, such as Europe/Berlin or UTC. */
export const TimeZone = z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC');

/** That of the machine. */
export function ownTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
