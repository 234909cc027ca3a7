import { partsOfKind } from '../spool/spool.ts';
import { type Reading, readConditions, TOLD_AFTER_MS } from './conditions.ts';
import type { Facts } from './facts.ts';
import { keyOf, type LastingReason, type Occurrence } from './notice.ts';
import type { WatchedSource } from './watched-source.ts';

interface Condition {
  readonly reason: LastingReason;
  readonly subject: string;
  readonly sinceMs: number;
  readonly seenMs: number;
  readonly told: boolean;
}

/** What has to be remembered over restarts, as JSON. */
export interface WatchState {
  /** When the gateway was last known to run. */
  readonly aliveAtMs: number;
  /** Held tasks by kind. */
  readonly held: Readonly<Record<string, number>>;
  readonly conditions: Readonly<Record<string, Condition>>;
  /** By source. */
  readonly lastSeenMs: Readonly<Record<string, number>>;
}

/**
 * Finds what is worth telling, from one look at the facts to the next. No clock, no I/O.
 *
 * What lasts is told when it begins and when it is over, over restarts too; what is held or given up is told as
 * its count grows.
 */
export class Judge {
  #sources: readonly WatchedSource[];
  #held: Record<string, number> | undefined;
  readonly #conditions: Map<string, Condition>;
  readonly #lastSeenMs: Record<string, number>;
  #heldByCode = new Map<string, number>();
  #gaveUp: Readonly<Record<string, number>> = {};
  /** Given up and not yet found among the held. */
  #gaveUpBefore: Record<string, number> = {};
  #lookedAtMs: number;

  /** @param saved what an earlier process has remembered */
  constructor(sources: readonly WatchedSource[], nowMs: number, saved?: WatchState) {
    this.#sources = sources;
    this.#held = saved && { ...saved.held };
    this.#conditions = new Map(Object.entries(saved?.conditions ?? {}));
    this.#lookedAtMs = nowMs;
    // While the gateway was down nobody could send: that is no silence.
    const downMs = saved ? Math.max(0, nowMs - saved.aliveAtMs) : 0;
    this.#lastSeenMs = Object.fromEntries(
      sources.map(({ name }) => [name, Math.min(nowMs, (saved?.lastSeenMs[name] ?? nowMs) + downMs)]),
    );
  }

  /** Other sources are watched from now on; of those that are new, silence counts from `nowMs`. */
  watch(sources: readonly WatchedSource[], nowMs: number): void {
    this.#sources = sources;
    for (const { name } of sources) this.#lastSeenMs[name] ??= nowMs;
  }

  /** @returns what is new since the last look */
  observe(facts: Facts): readonly Occurrence[] {
    const gaveUp = this.#newlyGivenUp(facts);
    const held = this.#newlyHeld(facts);
    this.#lookedAtMs = facts.nowMs;
    return [...gaveUp, ...held, ...this.#newlyLasting(facts)];
  }

  get state(): WatchState {
    return {
      aliveAtMs: this.#lookedAtMs,
      held: this.#held ?? {},
      conditions: Object.fromEntries(this.#conditions),
      lastSeenMs: this.#lastSeenMs,
    };
  }

  #newlyGivenUp({ nowMs, gaveUp }: Facts): readonly Occurrence[] {
    const before = this.#gaveUp;
    this.#gaveUp = gaveUp;
    const leftOver = this.#gaveUpBefore;
    this.#gaveUpBefore = {};
    return Object.entries(gaveUp).flatMap(([subject, total]) => {
      const count = total - (before[subject] ?? 0);
      if (count > 0) this.#gaveUpBefore[subject] = count;
      else if (leftOver[subject]) this.#gaveUpBefore[subject] = leftOver[subject];
      return count > 0 ? [{ reason: 'gave-up', subject, sinceMs: this.#lookedAtMs, atMs: nowMs, count }] : [];
    });
  }

  #newlyHeld({ nowMs, spool, heldByCode }: Facts): readonly Occurrence[] {
    const codesOf = this.#newCodes(heldByCode);
    if (spool === undefined) return [];
    const before = this.#held;
    this.#held = { ...(spool.held as Record<string, number>) };
    if (before === undefined) return []; // The first look ever: nobody knows since when.
    const grown = Object.entries(this.#held).flatMap(([kind, now]) => {
      const count = now - (before[kind] ?? 0) - this.#takeGivenUp(kind);
      return count > 0 ? [{ kind, count }] : [];
    });
    return grown.map(({ kind, count }) => {
      const { stage } = partsOfKind(kind);
      // Codes are counted by stage: of two destinations nobody could tell whose they are.
      const isAlone = grown.filter((other) => partsOfKind(other.kind).stage === stage).length === 1;
      const codes = isAlone ? codesOf.get(stage) : undefined;
      const subject = subjectOf(kind);
      return {
        reason: 'held',
        subject,
        sinceMs: this.#lookedAtMs,
        atMs: nowMs,
        count,
        ...(codes && { codes }),
      };
    });
  }

  /** What was given up is held too, and told once. */
  #takeGivenUp(kind: string): number {
    const { stage, destination = '' } = partsOfKind(kind);
    if (stage !== 'delivery') return 0;
    const count = this.#gaveUpBefore[destination] ?? 0;
    delete this.#gaveUpBefore[destination];
    return count;
  }

  #newCodes(heldByCode: Facts['heldByCode']): Map<string, Record<string, number>> {
    const codes = new Map<string, Record<string, number>>();
    const totals = new Map<string, number>();
    for (const { stage, code, count } of heldByCode) {
      const key = `${stage}/${code}`;
      totals.set(key, count);
      const grown = count - (this.#heldByCode.get(key) ?? 0);
      if (grown > 0) codes.set(stage, { ...codes.get(stage), [code]: grown });
    }
    this.#heldByCode = totals;
    return codes;
  }

  #newlyLasting(facts: Facts): readonly Occurrence[] {
    for (const { name } of this.#sources) {
      const last = Math.max(this.#lastSeenMs[name] ?? 0, facts.lastReceivedMs[name] ?? 0);
      this.#lastSeenMs[name] = last;
    }
    const silentSinceMs = (subject: string) =>
      this.#conditions.get(keyOf({ reason: 'source-silent', subject }))?.sinceMs;
    const readings = readConditions(facts, this.#sources, this.#lastSeenMs, silentSinceMs);
    // What is no longer in the settings is neither well nor unwell.
    const known = new Set(readings.map(keyOf));
    for (const key of this.#conditions.keys()) if (!known.has(key)) this.#conditions.delete(key);
    return readings.flatMap((reading) => this.#judge(reading, facts.nowMs));
  }

  #judge({ reason, subject, holds, sinceMs, count = 0 }: Reading, nowMs: number): readonly Occurrence[] {
    const key = keyOf({ reason, subject });
    const before = this.#conditions.get(key);
    if (holds === 'unknown') return [];
    if (!holds) {
      this.#conditions.delete(key);
      return before?.told
        ? [{ reason: 'recovered', of: reason, subject, sinceMs: before.sinceMs, atMs: nowMs, count: 0 }]
        : [];
    }
    const condition = before ?? { reason, subject, sinceMs: sinceMs ?? nowMs, seenMs: nowMs, told: false };
    const told = condition.told || nowMs - condition.seenMs >= TOLD_AFTER_MS[reason];
    this.#conditions.set(key, { ...condition, told });
    if (condition.told || !told) return [];
    return [{ reason, subject, sinceMs: condition.sinceMs, atMs: nowMs, count }];
  }
}

function subjectOf(kind: string): string {
  const { stage, destination } = partsOfKind(kind);
  return destination === undefined ? stage : `${stage} ${stage === 'delivery' ? 'to' : 'of'} ${destination}`;
}
