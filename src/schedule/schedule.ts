/** When the windows of a week are open, on the clocks of a time zone. Pure. */
import type { Interval } from './intervals.ts';
import { LONGEST_STEP_MS, WallClock, WEEK_MINUTES } from './wall-clock.ts';
import { DAYS, type Windows } from './windows.ts';

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
/** Whatever changes at all has changed within a week; clocks that are set may hide a window once. */
const LOOK_AHEAD_MS = 15 * DAY_MINUTES * MINUTE_MS;
/** Of what was closed long ago nothing is asked. */
const CLOSED_INTERVALS_MAX = 1000;

/** Minutes of the week. */
interface Range {
  readonly from: number;
  readonly to: number;
}

export class Schedule {
  readonly #ranges: readonly Range[];
  readonly #wallClock: WallClock;
  readonly #isAlwaysOpen: boolean;

  /** @param windows none: always open */
  constructor(windows: Windows, timeZone: string) {
    this.#ranges = rangesOf(windows);
    this.#wallClock = new WallClock(timeZone);
    this.#isAlwaysOpen = windows.length === 0;
  }

  isOpen(atMs: number): boolean {
    if (this.#isAlwaysOpen) return true;
    const { minuteOfWeek } = this.#wallClock.at(atMs);
    return this.#ranges.some(({ from, to }) => from <= minuteOfWeek && minuteOfWeek < to);
  }

  /** The first moment after `atMs` at which it opens or closes; undefined when it never does. */
  nextChangeMs(atMs: number): number | undefined {
    if (this.#isAlwaysOpen) return undefined;
    const isOpen = this.isOpen(atMs);
    for (let now = atMs; now < atMs + LOOK_AHEAD_MS; ) {
      const next = Math.min(now + LONGEST_STEP_MS, this.#nextBoundaryMs(now));
      now = this.#wallClock.changeBetween(now, next) ?? next;
      if (this.isOpen(now) !== isOpen) return now;
    }
    return undefined;
  }

  /** When it was closed between two moments, the latest first. */
  closedBetween(fromMs: number, toMs: number): readonly Interval[] {
    const closed: Interval[] = [];
    for (let now = fromMs; now < toMs && closed.length < CLOSED_INTERVALS_MAX; ) {
      const change = Math.min(toMs, this.nextChangeMs(now) ?? toMs);
      if (!this.isOpen(now)) closed.unshift({ fromMs: now, toMs: change });
      now = change;
    }
    return closed;
  }

  #nextBoundaryMs(atMs: number): number {
    const { minuteOfWeek } = this.#wallClock.at(atMs);
    const boundaries = this.#ranges.flatMap(({ from, to }) => [from, to]);
    const ahead = boundaries.map((boundary) => boundary - minuteOfWeek).filter((minutes) => minutes > 0);
    const minutes = ahead.length > 0 ? Math.min(...ahead) : WEEK_MINUTES - minuteOfWeek;
    return Math.round(atMs + minutes * MINUTE_MS);
  }
}

/** Whether there is any minute of the week at which all of them are open. */
export function everOpenTogether(...all: readonly Windows[]): boolean {
  const stated = all.filter((windows) => windows.length > 0).map(rangesOf);
  const [first, ...others] = stated;
  if (first === undefined) return true;
  // Where ranges meet, they do from the beginning of one of them on.
  const beginnings = stated.flatMap((ranges) => ranges.map(({ from }) => from));
  const isIn = (minute: number, ranges: readonly Range[]) =>
    ranges.some(({ from, to }) => from <= minute && minute < to);
  return beginnings.some((minute) => [first, ...others].every((ranges) => isIn(minute, ranges)));
}

/** Ranges in order, none of them past the end of the week. */
function rangesOf(windows: Windows): readonly Range[] {
  return windows
    .flatMap(({ days, from, to }) =>
      days.flatMap((day) => {
        const start = DAYS.indexOf(day) * DAY_MINUTES;
        const begin = start + minutesOf(from);
        const end = start + minutesOf(to) + (minutesOf(to) < minutesOf(from) ? DAY_MINUTES : 0);
        if (end <= WEEK_MINUTES) return [{ from: begin, to: end }];
        return [
          { from: begin, to: WEEK_MINUTES },
          { from: 0, to: end - WEEK_MINUTES },
        ];
      }),
    )
    .filter(({ from, to }) => from < to)
    .toSorted((one, other) => one.from - other.from);
}

function minutesOf(timeOfDay: string): number {
  const [hours, minutes] = timeOfDay.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}
