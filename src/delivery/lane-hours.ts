/** When a lane may send, and what: its settings read on the clock of the site. */
import type { Interval } from '../schedule/intervals.ts';
import { Schedule } from '../schedule/schedule.ts';
import { PRIORITY, type PriorityName } from '../spool/spool.ts';
import type { LaneSettings } from './lane-settings.ts';

/** What may be sent at a moment, and until when that holds. */
export interface Hours {
  readonly isOpen: boolean;
  /** Deliveries of a lower priority wait. */
  readonly priorityAtLeast?: number;
  /** When this changes; absent when it never does. */
  readonly untilMs?: number;
}

export class LaneHours {
  readonly #sending: Schedule;
  readonly #offPeak: Schedule;

  constructor({ send_windows, off_peak }: Pick<LaneSettings, 'send_windows' | 'off_peak'>, timeZone: string) {
    this.#sending = new Schedule(send_windows, timeZone);
    this.#offPeak = new Schedule(off_peak, timeZone);
  }

  at(nowMs: number): Hours {
    const changes = [this.#sending.nextChangeMs(nowMs), this.#offPeak.nextChangeMs(nowMs)];
    const next = changes.filter((change) => change !== undefined);
    return {
      isOpen: this.#sending.isOpen(nowMs),
      ...(!this.#offPeak.isOpen(nowMs) && { priorityAtLeast: PRIORITY.normal }),
      ...(next.length > 0 && { untilMs: Math.min(...next) }),
    };
  }

  /** When sending is allowed next; undefined while it is, and when it never is. */
  opensAtMs(nowMs: number): number | undefined {
    return this.#sending.isOpen(nowMs) ? undefined : this.#sending.nextChangeMs(nowMs);
  }

  /** When deliveries of that priority were not allowed. */
  closedBetween(fromMs: number, toMs: number, priority: PriorityName = 'normal'): readonly Interval[] {
    const closed = this.#sending.closedBetween(fromMs, toMs);
    return priority === 'off-peak' ? [...closed, ...this.#offPeak.closedBetween(fromMs, toMs)] : closed;
  }
}
