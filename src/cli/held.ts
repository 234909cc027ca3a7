/** What is held, for a terminal or a script: in groups, or one by one. */
import type { EntryAnswer, GroupAnswer } from '../console/console.ts';
import { ask } from './running-gateway.ts';
import { formatDuration, table } from './text.ts';

const PAGE_ENTRIES = 500;

/** What is asked of the API; absent fields filter nothing. */
export interface HeldFilter {
  readonly destination?: string;
  readonly code?: string;
  /** As `A900`. */
  readonly status?: string;
  /** ISO time. */
  readonly since?: string;
}

/** Tasks of a group, the largest first. */
export interface HeldGroups {
  readonly count: number;
  readonly groups: readonly GroupAnswer[];
}

export function askHeldGroups(base: URL, filter: HeldFilter): Promise<HeldGroups> {
  return ask<HeldGroups>(base, `/api/held/groups?${new URLSearchParams({ ...filter })}`);
}

/** Every entry of which something is held, newest first, each with its held tasks; a page at a time. */
export async function* heldEntries(base: URL, filter: HeldFilter): AsyncGenerator<readonly EntryAnswer[]> {
  let before: number | undefined;
  do {
    const query = new URLSearchParams({ ...filter, limit: String(PAGE_ENTRIES) });
    if (before !== undefined) query.set('before', String(before));
    const page = await ask<{ entries: EntryAnswer[]; nextBefore?: number }>(base, `/api/held?${query}`);
    yield page.entries;
    before = page.nextBefore;
  } while (before !== undefined);
}

/** The groups as a table: where, how many, since when, why. */
export function describeGroups(groups: readonly GroupAnswer[], nowMs: number): string {
  const age = (time: string) => formatDuration(nowMs - Date.parse(time));
  const rows = groups.map((group) => [
    placeOf(group),
    group.state,
    String(group.count),
    age(group.oldestAt),
    age(group.newestAt),
    [group.code, group.status, group.reason].filter(Boolean).join(' '),
  ]);
  return table(['STAGE', 'STATE', 'TASKS', 'OLDEST', 'NEWEST', 'REASON'], rows);
}

/** Lines of held tasks, one each, in columns that tabs part: for `cut`, `awk` and eyes. */
export function heldLines(entries: readonly EntryAnswer[]): readonly string[] {
  return entries.flatMap(({ entryId, tasks }) =>
    tasks.map((task) =>
      [
        entryId,
        placeOf(task),
        task.updatedAt,
        task.attempt,
        task.code ?? '-',
        task.status ?? '-',
        task.reason ?? '-',
      ].join('\t'),
    ),
  );
}

export const HELD_COLUMNS = ['ENTRY', 'STAGE', 'SINCE', 'ATTEMPTS', 'CODE', 'STATUS', 'REASON'].join('\t');

/** Where a task stands: `delivery to pacs`, `rules`. */
export function placeOf({ stage, destination }: { stage: string; destination?: string }): string {
  if (destination === undefined) return stage;
  return stage === 'delivery' ? `delivery to ${destination}` : `${stage} of ${destination}`;
}
