import { keyOf, merge, type Notice, type NoticeReason, noticeOf, type Occurrence } from './notice.ts';

type Told = Occurrence & { readonly times: number };

interface Gathering {
  /** When what has been gathered is told. */
  readonly untilMs: number;
  readonly gathered?: Told;
}

/** What has to be remembered over restarts, as JSON. */
export type DigestState = Readonly<Record<string, Gathering>>;

export interface DigestOptions {
  readonly on: readonly NoticeReason[];
  readonly atMostEveryMs: number;
}

/**
 * Keeps a channel from being flooded: the first of its kind is told at once, what follows within a while is told
 * in one at the end of it. No clock, no I/O.
 */
export class Digest {
  readonly #options: DigestOptions;
  readonly #gatherings: Map<string, Gathering>;

  constructor(options: DigestOptions, saved: DigestState = {}) {
    this.#options = options;
    this.#gatherings = new Map(Object.entries(saved));
  }

  get state(): DigestState {
    return Object.fromEntries(this.#gatherings);
  }

  /** @returns what to tell now: what is new, and what has been gathered for long enough */
  take(occurrences: readonly Occurrence[], nowMs: number): readonly Notice[] {
    const notices: Notice[] = [];
    for (const [key, { untilMs, gathered }] of this.#gatherings) {
      if (untilMs > nowMs) continue;
      if (gathered) notices.push(this.#tell(key, gathered, nowMs));
      else this.#gatherings.delete(key);
    }
    for (const occurrence of occurrences) {
      if (!this.#options.on.includes(occurrence.reason)) continue;
      const key = keyOf(occurrence);
      const told = { ...occurrence, times: 1 };
      const gathering = this.#gatherings.get(key);
      if (gathering === undefined) notices.push(this.#tell(key, told, nowMs));
      else {
        const gathered = gathering.gathered ? merge(gathering.gathered, told) : told;
        this.#gatherings.set(key, { ...gathering, gathered });
      }
    }
    return notices;
  }

  #tell(key: string, told: Told, nowMs: number): Notice {
    this.#gatherings.set(key, { untilMs: nowMs + this.#options.atMostEveryMs });
    return noticeOf(told);
  }
}
