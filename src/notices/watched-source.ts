import { Schedule } from '../schedule/schedule.ts';
import type { Windows } from '../schedule/windows.ts';

/** Working hours longer than this are as good as always: every silence worth telling is shorter. */
const LOOK_BACK_MS = 14 * 24 * 3_600_000;

/** A source that should send something at least so often. */
export interface WatchedSource {
  readonly name: string;
  readonly silentAfterMs: number;
  /** Since when its working hours have gone on, two weeks at most; undefined outside of them. */
  workingSinceMs(atMs: number): number | undefined;
}

/** The part of the settings of a source that is read here. */
export interface SilenceSettings {
  readonly silent_after?: number | undefined;
  readonly working_hours?: Windows | undefined;
}

/** Those that state after which time their silence is worth telling. */
export function watchedSources(
  settings: Readonly<Record<string, SilenceSettings>>,
  timeZone: string,
): readonly WatchedSource[] {
  return Object.entries(settings).flatMap(([name, { silent_after: silentAfterMs, working_hours = [] }]) => {
    if (silentAfterMs === undefined) return [];
    const hours = new Schedule(working_hours, timeZone);
    return [{ name, silentAfterMs, workingSinceMs: (atMs: number) => openSinceMs(hours, atMs) }];
  });
}

function openSinceMs(hours: Schedule, atMs: number): number | undefined {
  if (!hours.isOpen(atMs)) return undefined;
  const [lastClosed] = hours.closedBetween(atMs - LOOK_BACK_MS, atMs);
  return lastClosed?.toMs ?? atMs - LOOK_BACK_MS;
}
