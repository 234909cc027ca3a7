import type { DataSet } from '../dicom/data-set.ts';

/** One point in time as DICOM writes it. PS3.5 6.2: DA, TM and DT. */
export interface Moment {
  /** `YYYYMMDD`. */
  readonly date: string;
  /** `HHMMSS`. */
  readonly time: string;
  /** Timezone Offset From UTC (0008,0201), such as `+0100`. */
  readonly offset: string;
}

/** The moment as clocks in a time zone show it; without one, as those of the system do. */
export function momentIn(atMs: number, timeZone: string | undefined): Moment {
  if (timeZone === undefined) return momentAt(atMs, offsetText(-new Date(atMs).getTimezoneOffset()));
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(atMs);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const [, sign = '+', hours = '00', minutes = '00'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  return momentAt(atMs, `${sign}${hours}${minutes}`);
}

/** The moment as clocks at an offset from UTC show it; at none when the offset is not one. PS3.3 C.12.1.1.7. */
export function momentAt(atMs: number, offset: string): Moment {
  const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(offset) ?? [];
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
  const digits = new Date(atMs + offsetMinutes * 60_000).toISOString().replace(/\D/g, '');
  return { date: digits.slice(0, 8), time: digits.slice(8, 14), offset: sign ? offset : '+0000' };
}

function offsetText(minutes: number): string {
  const twoDigits = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.abs(minutes) / 60)}${twoDigits(Math.abs(minutes) % 60)}`;
}

/** What a source dates. */
type Event = 'Study' | 'Series' | 'Acquisition' | 'Content';

/** Date and time of an event as the source has them; one that is damaged counts as missing. PS3.5 6.2. */
export function whenOf(source: DataSet, event: Event): { readonly date?: string; readonly time?: string } {
  const [date, time] = [source.text(`${event}Date`), source.text(`${event}Time`)];
  return {
    ...(date !== undefined && /^\d{8}$/.test(date) && { date }),
    ...(time !== undefined && /^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/.test(time) && { time }),
  };
}

/** The first of some events that the source dates to the second. */
export function firstOf(
  source: DataSet,
  events: readonly Event[],
): { readonly date: string; readonly time: string } | undefined {
  for (const event of events) {
    const { date, time } = whenOf(source, event);
    if (date !== undefined && time !== undefined) return { date, time };
  }
  return undefined;
}
