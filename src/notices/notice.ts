/** What is worth telling somebody who watches no dashboard. Names of the settings, closed words and counts: nothing of an instance. */
import { hostname } from 'node:os';

/** Why somebody is told; a closed set. */
export const REASONS = [
  'held', // Tasks wait for a person.
  'gave-up', // Deliveries are held because they were tried for as long as the settings allow.
  'destination-down', // Instances wait for a destination that has been in trouble for a while.
  'source-silent', // A source has sent nothing for longer than it should.
  'refusing-input', // Free space is under the watermark.
  'unhealthy', // The spool cannot write or does not answer, or an input does not listen.
  'certificate-expiring', // A certificate ends soon.
  'recovered', // One of the above, where it lasts, is over.
] as const;
/** `test`: asked for by a person, and sent whatever a channel wants to be told. */
export type NoticeReason = (typeof REASONS)[number] | 'test';

/** What goes on until it is over, and is then told as `recovered`. */
export type LastingReason = Exclude<NoticeReason, 'held' | 'gave-up' | 'recovered' | 'test'>;

/** Something that happened, or began, or is over. */
export interface Occurrence {
  readonly reason: NoticeReason;
  /** Of `recovered`: what is over. */
  readonly of?: LastingReason;
  /** A destination, source, input, stage or listener by its name in the settings, or `spool`. */
  readonly subject: string;
  readonly sinceMs: number;
  readonly atMs: number;
  /** Tasks that were held or given up, instances that wait; 0 where nothing is counted. */
  readonly count: number;
  /** Tasks by the code of their failure. */
  readonly codes?: Readonly<Record<string, number>>;
}

/** What one channel is told: an occurrence, or several of the same kind in one. */
export interface Notice extends Occurrence {
  /** Unique, and in the order of time. */
  readonly id: string;
  /** Name of the machine that the gateway runs on. */
  readonly gateway: string;
  /** How many occurrences are told in one. */
  readonly times: number;
}

/** What occurrences have in common that may be told in one. */
export function keyOf({ reason, of, subject }: Pick<Occurrence, 'reason' | 'of' | 'subject'>): string {
  return [reason, of ?? '', subject].join('/');
}

/** Tells two of the same key in one. */
export function merge<Told extends Occurrence & { readonly times: number }>(one: Told, later: Told): Told {
  const codes = { ...one.codes };
  for (const [code, count] of Object.entries(later.codes ?? {})) codes[code] = (codes[code] ?? 0) + count;
  // What waits is not added up: the same instances wait on.
  const adds = one.reason === 'held' || one.reason === 'gave-up';
  return {
    ...later,
    sinceMs: Math.min(one.sinceMs, later.sinceMs),
    count: adds ? one.count + later.count : later.count,
    times: one.times + later.times,
    ...(Object.keys(codes).length > 0 && { codes }),
  };
}

let made = 0;

export function noticeOf(told: Occurrence & { readonly times: number }): Notice {
  made += 1;
  const id = `${told.atMs.toString().padStart(14, '0')}-${process.pid}-${made.toString().padStart(6, '0')}`;
  return { ...told, id, gateway: hostname() };
}
