/** What is held, read in pages: entries by their held tasks, whatever else there is of them. */
import type { EntryRow, Spool, TaskKind, TaskRow } from '../spool/spool.ts';

/** Entries looked at for one page; what is filtered out costs time too. */
const LOOKED_AT_MAX = 5000;
const PAGE_ENTRIES = 500;

export interface HeldQuery {
  /** Deliveries to it, and what it has to commit to. */
  readonly destination?: string;
  readonly stage?: string;
  readonly code?: string;
  readonly status?: number;
  /** Only what has been held since this time or later. */
  readonly sinceMs?: number;
  readonly beforeEntryId?: number;
  readonly limit: number;
}

export interface HeldPage {
  /** Newest first, each with its held tasks that match. */
  readonly entries: readonly EntryRow[];
  /** There may be more before this entry. */
  readonly nextBefore?: number;
}

/** A page of what is held. It may be short, or empty, while there is more. */
export async function readHeld(spool: Pick<Spool, 'query' | 'status'>, query: HeldQuery): Promise<HeldPage> {
  const { tasks } = await spool.status();
  const kinds = tasks
    .filter(({ kind, state, count }) => state === 'held' && count > 0 && matchesKind(kind, query))
    .map(({ kind }) => kind);
  const entries: EntryRow[] = [];
  let before = query.beforeEntryId;
  for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX; ) {
    const page = await newestHeld(spool, kinds, query, before);
    if (page.length === 0) return { entries };
    for (const entry of page) {
      lookedAt += 1;
      before = entry.entryId;
      const held = entry.tasks.filter((task) => kinds.includes(task.kind) && matchesTask(task, query));
      if (held.length > 0) entries.push({ ...entry, tasks: held });
      if (entries.length === query.limit) return { entries, nextBefore: before };
    }
  }
  return { entries, ...(before !== undefined && { nextBefore: before }) };
}

/** The newest entries of which anything of these kinds is held; each once. */
async function newestHeld(
  spool: Pick<Spool, 'query'>,
  kinds: readonly TaskKind[],
  { sinceMs, limit }: HeldQuery,
  before: number | undefined,
): Promise<readonly EntryRow[]> {
  const common = {
    limit: Math.min(PAGE_ENTRIES, limit),
    ...(sinceMs !== undefined && { heldSinceMs: sinceMs }),
    ...(before !== undefined && { beforeEntryId: before }),
  };
  const pages = await Promise.all(kinds.map((heldKind) => spool.query({ ...common, heldKind })));
  // Below the end of a page that has more behind it, another kind may lack entries in between.
  const complete = Math.max(0, ...pages.map((page) => (page.length < 1 ? 0 : (page.at(-1)?.entryId ?? 0))));
  const byId = new Map(pages.flat().map((entry) => [entry.entryId, entry]));
  return [...byId.values()]
    .filter(({ entryId }) => entryId >= complete)
    .sort((one, other) => other.entryId - one.entryId);
}

function matchesKind(kind: TaskKind, { destination, stage }: HeldQuery): boolean {
  const [kindStage, ...names] = kind.split(':');
  return (
    (stage === undefined || stage === kindStage) &&
    (destination === undefined || destination === names.join(':'))
  );
}

function matchesTask(task: TaskRow, { code, status, sinceMs }: HeldQuery): boolean {
  return (
    task.state === 'held' &&
    (code === undefined || task.code === code) &&
    (status === undefined || task.status === status) &&
    (sinceMs === undefined || task.updatedAtMs >= sinceMs)
  );
}
