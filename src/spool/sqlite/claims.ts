import type { TaskKind } from '../port.ts';
import type { LedgerContext } from './context.ts';
import { type EntryColumns, type PlaceColumns, toEntry, toPlace } from './entries.ts';
import type { RequestOf, WireClaimed } from './messages.ts';
import { taskMoved } from './tasks.ts';

type ClaimAsk = RequestOf<'claim'>;

interface ClaimableRow extends EntryColumns, PlaceColumns {
  readonly task_id: number;
  readonly attempt: number;
  readonly payload: string | null;
  readonly created_at_ms: number;
  readonly first_attempt_at_ms: number | null;
}

/** A claim that is out. */
export interface HeldClaim {
  readonly taskId: number;
  readonly token: number;
  readonly kind: TaskKind;
}

interface Lease {
  readonly token: number;
  readonly kind: TaskKind;
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
  readonly #waiting = new Map<TaskKind, ClaimAsk[]>();
  readonly #leases = new Map<number, Lease>();
  #nextToken: number;
  /** No lease ends before. */
  #nextExpiryMs = Number.POSITIVE_INFINITY;

  /** @param firstToken above every token of earlier processes */
  constructor(context: LedgerContext, options: { leaseMs: number; firstToken: number }) {
    this.#context = context;
    this.#leaseMs = options.leaseMs;
    this.#nextToken = options.firstToken;
  }

  /** Takes what is ready, highest priority and oldest first. Empty when nothing is. */
  take(ask: ClaimAsk): readonly WireClaimed[] {
    const { statements, tally, unit, clock, step } = this.#context;
    if (tally.count('task', ask.kind, 'ready') === 0) return [];
    const rows = statements.all<ClaimableRow>('claimable', ask.kind, ask.limit);
    const wallMs = clock.wallMs();
    const endsAtMs = clock.nowMs() + (ask.leaseMs ?? this.#leaseMs);
    const claims = rows.map((row): WireClaimed => {
      const token = this.#nextToken;
      this.#nextToken += 1;
      statements.run('markClaimed', row.task_id, token, wallMs);
      taskMoved(this.#context, ask.kind, 'ready', 'claimed');
      unit.onCommit(() => this.#leases.set(row.task_id, { token, kind: ask.kind, endsAtMs }));
      this.#nextExpiryMs = Math.min(this.#nextExpiryMs, endsAtMs);
      const header = ask.headerIndex
        ? statements.get<{ bytes: Uint8Array }>('entryHeader', row.entry_id)
        : undefined;
      return {
        taskId: row.task_id,
        token,
        kind: ask.kind,
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

  /** Lets a claim wait until its kind has work. */
  wait(ask: ClaimAsk): void {
    const queue = this.#waiting.get(ask.kind);
    if (queue === undefined) this.#waiting.set(ask.kind, [ask]);
    else queue.push(ask);
  }

  /** The claims that wait for a kind which has work by now, longest waiting first; they wait no longer. */
  *takeServable(): Generator<ClaimAsk> {
    for (const [kind, queue] of this.#waiting) {
      while (queue.length > 0 && this.#context.tally.count('task', kind, 'ready') > 0) {
        yield queue.shift() as ClaimAsk;
      }
    }
  }

  /** True when a claim waits for a kind that has work. */
  get isServable(): boolean {
    for (const [kind, queue] of this.#waiting) {
      if (queue.length > 0 && this.#context.tally.count('task', kind, 'ready') > 0) return true;
    }
    return false;
  }

  /** Puts claims back in front after a rollback. */
  waitAgain(asks: readonly ClaimAsk[]): void {
    for (const ask of asks.toReversed()) this.#waiting.get(ask.kind)?.unshift(ask);
  }

  /** Ends the waiting of one claim, or of all. Returns whom nothing will be given. */
  cancel(requestId?: number): ClaimAsk[] {
    const cancelled: ClaimAsk[] = [];
    for (const queue of this.#waiting.values()) {
      for (let index = queue.length - 1; index >= 0; index -= 1) {
        if (requestId !== undefined && queue[index]?.id !== requestId) continue;
        cancelled.push(...queue.splice(index, 1));
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
