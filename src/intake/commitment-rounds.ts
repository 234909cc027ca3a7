import type { CommitmentReport } from '../dimse/storage-commitment.ts';
import {
  openReportAssociation,
  type ReportAssociation,
  type ReportOutcome,
  type ReportTarget,
} from './commitment-courier.ts';
import { Turns } from './turns.ts';

interface Round {
  waiting: number;
  association: ReportAssociation | undefined;
}

/** Reports to the same target go over one association, one after the other, as long as there are any. */
export class ReportRounds {
  readonly #retryMs: number;
  readonly #signal: AbortSignal;
  readonly #turns = new Turns<string>();
  readonly #rounds = new Map<string, Round>();
  /** Targets that could not be reached of late: those that wait need not find out one by one. */
  readonly #unreachable = new Map<string, { readonly untilMs: number; readonly reason: string }>();

  constructor({ retryMs, signal }: { readonly retryMs: number; readonly signal: AbortSignal }) {
    this.#retryMs = retryMs;
    this.#signal = signal;
  }

  async report(target: ReportTarget, report: CommitmentReport): Promise<ReportOutcome> {
    const { tls, ...address } = target;
    const key = JSON.stringify([address, tls !== undefined]);
    const round = this.#rounds.get(key) ?? { waiting: 0, association: undefined };
    this.#rounds.set(key, round);
    round.waiting += 1;
    return this.#turns.take(key, async () => {
      try {
        return await this.#send(key, target, round, report);
      } finally {
        round.waiting -= 1;
        if (round.waiting === 0) {
          this.#rounds.delete(key);
          await round.association?.close();
        }
      }
    });
  }

  async #send(
    key: string,
    target: ReportTarget,
    round: Round,
    report: CommitmentReport,
  ): Promise<ReportOutcome> {
    const before = this.#unreachable.get(key);
    if (before !== undefined && performance.now() < before.untilMs) return undelivered(before.reason);
    this.#unreachable.delete(key);
    if (!round.association?.isOpen) {
      const opened = await openReportAssociation(target, this.#signal);
      if (typeof opened === 'string') {
        this.#unreachable.set(key, { untilMs: performance.now() + this.#retryMs / 2, reason: opened });
        return undelivered(opened);
      }
      round.association = opened;
    }
    return round.association.report(report);
  }
}

function undelivered(reason: string): ReportOutcome {
  return { delivered: false, isRefused: false, reason };
}
