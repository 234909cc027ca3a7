import type { TaskKind } from '../port.ts';
import type { LedgerContext } from './context.ts';
import { type EntryColumns, type PlaceColumns, toEntry, toPlace } from './entries.ts';
import type { RequestOf, WireClaimed } from './messages.ts';
import type { StudyTask } from './study-order.ts';
import { type StoredState, taskMoved } from './task-moves.ts';

type ClaimAsk = RequestOf<'claim'>;

interface ClaimableRow extends EntryColumns, PlaceColumns {
  readonly task_id: number;
  readonly task_state: StoredState;
  readonly rank: number;
  readonly attempt: number;
  readonly payload: string | null;
  readonly created_at_ms: number;
  readonly first_attempt_at_ms: number | null;
}

/** A claim that waits for work. */
interface Waiting {
  readonly ask: ClaimAsk;
  /** How often tasks of the kind had become ready when there was none for it; undefined: not looked yet. */
  inVainAt: number | undefined;
}

/** Of what is claimed while something more urgent is ready, one in so many is what has waited too long. */
const AGED_ONE_IN = 4;
/** Ready tasks looked at together where not all of them may be claimed. */
const PAGE_TASKS_MIN = 32;

/** A claim that is out. */
export interface HeldClaim {
  readonly taskId: number;
  readonly token: number;
  readonly kind: TaskKind;
}

interface Lease {
  readonly token: number;
  readonly kind: TaskKind;
  readonly study: string;
  endsAtMs: number;
}

/**
 * Claims that were given out, and those that wait for work.
 *
 * Leases live in memory: whoever held one is gone when this process is. The token in the row is what fences.
 */
export class ClaimDesk {
  readonly #context: LedgerContext;
  readonly #leaseMs: number;
  readonly #ageingMs: number;
  readonly #waiting = new Map<TaskKind, Waiting[]>();
  readonly #leases = new Map<number, Lease>();
  /** By kind, the part of a claim that is due to what has waited too long. */
  readonly #agedDue = new Map<TaskKind, number>();
  #nextToken: number;
  /** No lease ends before. */
  #nextExpiryMs = Number.POSITIVE_INFINITY;

  /** @param firstToken above every token of earlier processes */
  constructor(context: LedgerContext, options: { leaseMs: number; ageingMs: number; firstToken: number }) {
    this.#context = context;
    this.#leaseMs = options.leaseMs;
    this.#ageingMs = options.ageingMs;
    this.#nextToken = options.firstToken;
  }

  /** Takes what is ready, highest priority and oldest first. Empty when nothing is. */
  take(ask: ClaimAsk): readonly WireClaimed[] {
    if (ask.inOrderOf === null || this.#isStuck(ask.kind)) this.#context.order.disband(ask.kind);
    if (this.#context.tally.count('task', ask.kind, 'ready') === 0) return [];
    return this.#give(ask, this.#choose(ask));
  }

  /** Takes exactly these tasks, due or not, as far as they wait. */
  takeTasks(ask: RequestOf<'claim-tasks'>): readonly WireClaimed[] {
    const { statements } = this.#context;
    const rows = [...new Set(ask.taskIds)].flatMap(
      (taskId) => statements.get<ClaimableRow>('claimableTask', taskId, ask.kind) ?? [],
    );
    return this.#give(ask, rows);
  }

  #give(ask: ClaimAsk | RequestOf<'claim-tasks'>, rows: readonly ClaimableRow[]): WireClaimed[] {
    const { statements, unit, clock, step } = this.#context;
    const { kind } = ask;
    const wallMs = clock.wallMs();
    const endsAtMs = clock.nowMs() + (ask.leaseMs ?? this.#leaseMs);
    const claims = rows.map((row): WireClaimed => {
      const token = this.#nextToken;
      this.#nextToken += 1;
      statements.run('markClaimed', row.task_id, token, wallMs);
      taskMoved(this.#context, kind, row.task_state, 'claimed');
      const task = studyTaskOf(row, kind);
      this.#context.order.claimed(task);
      unit.onCommit(() => this.#leases.set(row.task_id, { token, kind, study: task.study, endsAtMs }));
      this.#nextExpiryMs = Math.min(this.#nextExpiryMs, endsAtMs);
      const header = ask.headerIndex
        ? statements.get<{ bytes: Uint8Array }>('entryHeader', row.entry_id)
        : undefined;
      return {
        taskId: row.task_id,
        token,
        kind,
        attempt: row.attempt + 1,
        payload: row.payload,
        entry: toEntry(row),
        place: toPlace(row),
        createdAtMs: row.created_at_ms,
        firstAttemptAtMs: row.first_attempt_at_ms ?? wallMs,
        ...(header && { headerIndex: header.bytes }),
      };
    });
    if (claims.length > 0) step('claim-marked');
    return claims;
  }

  /**
   * What one claim gets. Urgent tasks come first, but not always: a part of the claims goes to what is less urgent
   * and has waited too long, so that nothing waits for ever and a long backlog holds up nothing urgent.
   */
  #choose(ask: ClaimAsk): ClaimableRow[] {
    const isKeptBack = this.#keptBackBy(ask);
    const rows = this.#firstReady(ask, Number.MIN_SAFE_INTEGER, ask.limit, isKeptBack);
    const last = rows.at(-1);
    if (last === undefined || rows.length < ask.limit) return rows; // Nothing is left waiting.
    const agedRank = this.#agedRankAfter(ask, last.rank);
    if (agedRank === undefined) return rows;
    const due = (this.#agedDue.get(ask.kind) ?? 0) + rows.length / AGED_ONE_IN;
    const seats = Math.floor(due);
    this.#agedDue.set(ask.kind, due - seats);
    const aged = seats > 0 ? this.#firstReady(ask, agedRank, seats, isKeptBack) : [];
    return [...rows.slice(0, rows.length - aged.length), ...aged];
  }

  #keptBackBy(ask: ClaimAsk): (task: StudyTask) => boolean {
    if (ask.inOrderOf === null) return () => false;
    const claims = () =>
      [...this.#leases]
        .filter(([, lease]) => lease.kind === ask.kind)
        .map(([taskId, lease]) => ({ taskId, kind: lease.kind, study: lease.study }));
    this.#context.order.begin(ask.kind, ask.limit, claims);
    return this.#context.order.forOneClaim(ask.kind);
  }

  /** Ready tasks from a rank on that nothing keeps back; those that something does are put behind it. */
  #firstReady(
    ask: ClaimAsk,
    fromRank: number,
    count: number,
    isKeptBack: (task: StudyTask) => boolean,
  ): ClaimableRow[] {
    const rankMax = rankMaxOf(ask);
    const pageRows = ask.inOrderOf === null ? count : Math.max(count, PAGE_TASKS_MIN);
    const chosen: ClaimableRow[] = [];
    let after: readonly [rank: number, taskId: number] = [fromRank, 0];
    for (;;) {
      const page = this.#context.statements.all<ClaimableRow>(
        'claimable',
        ask.kind,
        ...after,
        rankMax,
        pageRows,
      );
      for (const row of page) {
        if (chosen.length === count) return chosen;
        const task = studyTaskOf(row, ask.kind);
        if (isKeptBack(task)) this.#context.order.putBehind(task);
        else chosen.push(row);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageRows) return chosen;
      after = [last.rank, last.task_id];
    }
  }

  /** Among the less urgent, the rank whose first has waited too long; of several, the longest. */
  #agedRankAfter(ask: ClaimAsk, rank: number): number | undefined {
    const rankMax = rankMaxOf(ask);
    let oldestMs = this.#context.clock.wallMs() - this.#ageingMs;
    let aged: number | undefined;
    for (let after = rank; ; ) {
      const first = this.#context.statements.get<{ rank: number; created_at_ms: number }>(
        'oldestOfRank',
        ask.kind,
        'ready',
        after,
      );
      if (first === undefined || first.rank > rankMax) return aged;
      if (first.created_at_ms <= oldestMs) {
        oldestMs = first.created_at_ms;
        aged = first.rank;
      }
      after = first.rank;
    }
  }

  /** Lets a claim wait until its kind has work. */
  wait(ask: ClaimAsk): void {
    const waiting = { ask, inVainAt: undefined };
    const queue = this.#waiting.get(ask.kind);
    if (queue === undefined) this.#waiting.set(ask.kind, [waiting]);
    else queue.push(waiting);
  }

  /** Gives the claims that wait what there is for them, longest waiting first; those that get any wait no longer. */
  serve(): { ask: ClaimAsk; claims: readonly WireClaimed[] }[] {
    const { tally, unit } = this.#context;
    const served: { ask: ClaimAsk; claims: readonly WireClaimed[] }[] = [];
    for (const [kind, queue] of this.#waiting) {
      const still: Waiting[] = [];
      for (const waiting of queue) {
        if (!this.#mayServe(waiting)) {
          still.push(waiting);
          continue;
        }
        const claims = this.take(waiting.ask);
        if (claims.length > 0) {
          served.push({ ask: waiting.ask, claims });
          continue;
        }
        waiting.inVainAt = tally.raises('task', kind, 'ready');
        unit.onRollback(() => {
          waiting.inVainAt = undefined;
        });
        still.push(waiting);
      }
      if (still.length < queue.length) this.#waiting.set(kind, still);
    }
    return served;
  }

  /** True when a claim waits for a kind that has work. */
  get isServable(): boolean {
    return [...this.#waiting.values()].some((queue) => queue.some((waiting) => this.#mayServe(waiting)));
  }

  #mayServe({ ask, inVainAt }: Waiting): boolean {
    const { tally } = this.#context;
    if (tally.count('task', ask.kind, 'ready') > 0) {
      return inVainAt !== tally.raises('task', ask.kind, 'ready');
    }
    if (tally.count('task', ask.kind, 'behind') === 0) return false;
    return ask.inOrderOf === null || this.#isStuck(ask.kind);
  }

  /** Tasks are behind others that are no longer at work: an operator, or other settings, came between. */
  #isStuck(kind: TaskKind): boolean {
    const count = (state: StoredState) => this.#context.tally.count('task', kind, state);
    return count('behind') > 0 && count('ready') + count('claimed') + count('delayed') === 0;
  }

  /** Puts claims back in front after a rollback. */
  waitAgain(asks: readonly ClaimAsk[]): void {
    for (const ask of asks.toReversed()) this.#waiting.get(ask.kind)?.unshift({ ask, inVainAt: undefined });
  }

  /** Ends the waiting of one claim, or of all. Returns whom nothing will be given. */
  cancel(requestId?: number): ClaimAsk[] {
    const cancelled: ClaimAsk[] = [];
    for (const queue of this.#waiting.values()) {
      for (let index = queue.length - 1; index >= 0; index -= 1) {
        if (requestId !== undefined && queue[index]?.ask.id !== requestId) continue;
        cancelled.push(...queue.splice(index, 1).map(({ ask }) => ask));
      }
    }
    return cancelled;
  }

  renew(taskId: number, token: number, leaseMs: number): void {
    const lease = this.#leases.get(taskId);
    if (lease?.token === token) lease.endsAtMs = this.#context.clock.nowMs() + leaseMs;
  }

  /** Forgets a claim once the transaction that settled it is committed. */
  settled(taskId: number, token: number): void {
    const lease = this.#leases.get(taskId);
    if (lease?.token === token) this.#context.order.left({ taskId, kind: lease.kind, study: lease.study });
    this.#context.unit.onCommit(() => {
      if (this.#leases.get(taskId)?.token === token) this.#leases.delete(taskId);
    });
  }

  /** Claims whose time is over. */
  expired(): HeldClaim[] {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs < this.#nextExpiryMs) return [];
    this.#context.unit.onRollback(() => {
      this.#nextExpiryMs = nowMs;
    });
    const ends = [...this.#leases.values()]
      .map((lease) => lease.endsAtMs)
      .filter((endsAtMs) => endsAtMs > nowMs);
    this.#nextExpiryMs = ends.reduce(
      (least, endsAtMs) => Math.min(least, endsAtMs),
      Number.POSITIVE_INFINITY,
    );
    return this.all().filter(({ taskId }) => (this.#leases.get(taskId) as Lease).endsAtMs <= nowMs);
  }

  /** When to look for expired leases again, at the earliest. */
  get nextExpiryMs(): number {
    return this.#nextExpiryMs;
  }

  /** The clock has been set: leases run as long as before. */
  shift(skewMs: number): void {
    for (const lease of this.#leases.values()) lease.endsAtMs += skewMs;
    this.#nextExpiryMs += skewMs;
  }

  /** Every claim that is out. */
  all(): HeldClaim[] {
    return [...this.#leases].map(([taskId, { token, kind }]) => ({ taskId, token, kind }));
  }
}

function studyTaskOf(row: ClaimableRow, kind: TaskKind): StudyTask {
  return { taskId: row.task_id, kind, study: row.study_instance_uid };
}

/** Ranks are priorities negated. */
function rankMaxOf({ priorityAtLeast }: ClaimAsk): number {
  return priorityAtLeast === null ? Number.MAX_SAFE_INTEGER : -priorityAtLeast;
}
