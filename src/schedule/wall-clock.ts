/** What clocks on the wall of a time zone show, daylight saving time included. */
export interface WallTime {
  /** Minutes since Monday 00:00, with the fraction of the minute. */
  readonly minuteOfWeek: number;
  /** `20250301` */
  readonly date: string;
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export class WallClock {
  readonly #format: Intl.DateTimeFormat;

  /** @param timeZone of IANA, such as Europe/Berlin */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  }

  at(timeMs: number): WallTime {
    const parts = new Map(this.#format.formatToParts(timeMs).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
    const day = DAYS.indexOf(part('weekday'));
    const minute = day * 1440 + Number(part('hour')) * 60 + Number(part('minute'));
    // No zone of today is off by a fraction of a minute.
    const fraction = (((timeMs % MINUTE_MS) + MINUTE_MS) % MINUTE_MS) / MINUTE_MS;
    return { minuteOfWeek: minute + fraction, date: `${part('year')}${part('month')}${part('day')}` };
  }

  /**
   * The first moment after `fromMs`, and not after `toMs`, at which the clocks are set; undefined when there is none.
   * The two must be so near to each other that it happens once at most.
   */
  changeBetween(fromMs: number, toMs: number): number | undefined {
    if (this.#isRegular(fromMs, toMs)) return undefined;
    // Clocks are set on full minutes.
    let before = Math.floor(fromMs / MINUTE_MS);
    let after = Math.ceil(toMs / MINUTE_MS);
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.#isRegular(fromMs, middle * MINUTE_MS)) before = middle;
      else after = middle;
    }
    return after * MINUTE_MS;
  }

  #isRegular(fromMs: number, toMs: number): boolean {
    const shown = this.at(toMs).minuteOfWeek - this.at(fromMs).minuteOfWeek;
    const gone = (toMs - fromMs) / MINUTE_MS;
    const difference = (((shown - gone) % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES;
    return difference < 0.01 || difference > WEEK_MINUTES - 0.01;
  }
}

export const WEEK_MINUTES = 7 * 24 * 60;
export const LONGEST_STEP_MS = 12 * HOUR_MS;
