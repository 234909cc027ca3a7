/**
 * Brings decided requests to whoever asked: over the association that is open and at rest, else over one of its own,
 * again and again until it is taken. Callers without an address are waited for.
 */
import type { ReverseLink } from '../dimse/provider-options.ts';
import type { CommitmentReport } from '../dimse/storage-commitment.ts';
import {
  commitmentReported,
  commitmentReportFailed,
  commitmentReportWaits,
  commitmentStalled,
} from '../telemetry/commitment-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { TlsFileError } from '../tls/errors.ts';
import { type ReportOutcome, reportBack } from './commitment-courier.ts';
import { ReportRounds } from './commitment-rounds.ts';
import type { CommitmentSettings } from './commitment-settings.ts';
import { type CommitmentHead, type CommitmentStore, keyOf } from './commitment-store.ts';
import type { CommitmentTiming } from './commitment-timing.ts';
import { ReportTls } from './report-tls.ts';
import { Turns } from './turns.ts';

export interface ReportingDeps {
  readonly telemetry: Telemetry;
  readonly timing: CommitmentTiming;
  readonly store: CommitmentStore;
  settingsOf(source: string): CommitmentSettings;
}

export interface ReportingOptions {
  /** Called when a request stands otherwise than before; it is kept by then. */
  changed(head: CommitmentHead): void;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** Reports answered with a failure before no more are sent. */
const REFUSALS_MAX = 10;
const POLL_MS = 50;
/** A caller without an address is waited for without a timer: this ends it. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type How = 'same-association' | 'own-association';

export class CommitmentReporting {
  readonly #deps: ReportingDeps;
  readonly #options: ReportingOptions;
  readonly #links = new Map<string, ReverseLink>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #working = new Map<string, Promise<void>>();
  readonly #overLinks = new Turns<ReverseLink>();
  readonly #rounds: ReportRounds;
  readonly #tls: ReportTls;

  constructor(deps: ReportingDeps, options: ReportingOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#tls = new ReportTls(deps.telemetry);
    this.#rounds = new ReportRounds({ retryMs: deps.timing.firstRetryMs, signal: options.signal });
  }

  /** An association over which the report may go. */
  offer(head: CommitmentHead, link: ReverseLink): void {
    this.#links.set(keyOf(head), link);
    if (head.state === 'decided') this.due(head);
  }

  /** The request is decided: it is reported when its time has come. */
  due(head: CommitmentHead): void {
    const { signal } = this.#options;
    const key = keyOf(head);
    clearTimeout(this.#timers.get(key));
    if (signal.aborted || this.#working.has(key)) return;
    const waitMs = this.#links.get(key)?.isOpen ? 0 : Math.max(0, head.dueAtMs - Date.now());
    const timer = setTimeout(() => this.#start(head), Math.min(waitMs, LONGEST_TIMER_MS));
    this.#timers.set(key, timer);
  }

  async stopped(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#working.values());
    this.#tls.close();
  }

  #start(head: CommitmentHead): void {
    const key = keyOf(head);
    let after: CommitmentHead | undefined;
    const working = this.#report(head)
      .then((changed) => {
        after = changed;
      })
      .catch((error: unknown) => {
        if (this.#options.signal.aborted) return;
        commitmentStalled(this.#deps.telemetry, { error });
        after = { ...head, dueAtMs: Date.now() + this.#deps.timing.firstRetryMs }; // The spool may work again then.
      })
      .finally(() => {
        this.#working.delete(key);
        this.#timers.delete(key);
        if (after !== undefined) this.#options.changed(after);
      });
    this.#working.set(key, working);
  }

  /** @returns how the request stands then */
  async #report(head: CommitmentHead): Promise<CommitmentHead | undefined> {
    const report = reportOf(head, await this.#deps.store.items(head));
    const back = await this.#overLink(head, report);
    if (back?.delivered) return this.#settle(head, back, 'same-association');
    const outcome = await this.#overOwn(head, report);
    if (this.#options.signal.aborted) return undefined; // Tried again after the next start.
    return this.#settle(head, outcome ?? back, 'own-association');
  }

  /** @returns undefined when there is no association for it, or it is too busy */
  async #overLink(head: CommitmentHead, report: CommitmentReport): Promise<ReportOutcome | undefined> {
    const key = keyOf(head);
    const link = this.#links.get(key);
    if (link === undefined) return undefined;
    const { busyMs } = this.#deps.timing;
    const hasAddress = this.#deps.settingsOf(head.source).host !== undefined;
    const outcome = await this.#overLinks.take(link, async () => {
      const isAtRest = await this.#atRest(link, hasAddress ? busyMs : Number.POSITIVE_INFINITY);
      return isAtRest ? reportBack(link, report) : undefined;
    });
    if (this.#links.get(key) === link) this.#links.delete(key); // Once is enough: it may not know what to do with it.
    return outcome;
  }

  async #atRest(link: ReverseLink, withinMs: number): Promise<boolean> {
    const { restMs } = this.#deps.timing;
    const startedAtMs = performance.now();
    let restsSinceMs = link.isIdle ? startedAtMs : undefined;
    while (link.isOpen && !this.#options.signal.aborted) {
      const now = performance.now();
      if (!link.isIdle) restsSinceMs = undefined;
      else restsSinceMs ??= now;
      if (restsSinceMs !== undefined && now - restsSinceMs >= restMs) return true;
      if (now - startedAtMs >= withinMs) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  /** @returns undefined when the caller has no address */
  async #overOwn(head: CommitmentHead, report: CommitmentReport): Promise<ReportOutcome | undefined> {
    const { source, callingAeTitle, calledAeTitle } = head;
    const { host, port, ae_title = callingAeTitle, tls } = this.#deps.settingsOf(source);
    if (host === undefined || port === undefined) return undefined;
    const target = { host, port, calledAeTitle: ae_title, callingAeTitle: calledAeTitle };
    if (tls === undefined) return this.#rounds.report(target, report);
    try {
      return await this.#rounds.report({ ...target, tls: this.#tls.of(source, tls) }, report);
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error;
      return { delivered: false, isRefused: false, reason: error.message };
    }
  }

  async #settle(head: CommitmentHead, outcome: ReportOutcome | undefined, how: How): Promise<CommitmentHead> {
    const { telemetry, store } = this.#deps;
    const { source, callingAeTitle, transactionUid } = head;
    const after = this.#after(head, outcome);
    await store.update(after);
    if (outcome?.delivered) commitmentReported(telemetry, { source, transactionUid, how });
    else if (outcome !== undefined || after.state === 'done') {
      const reason = outcome?.reason ?? 'The source has no commitment host, and has not called';
      const givenUp = after.state === 'done';
      const about = { source, callingAeTitle, transactionUid };
      commitmentReportFailed(telemetry, { ...about, reason, tries: after.tries, givenUp });
    } else commitmentReportWaits(telemetry, { source, callingAeTitle, transactionUid });
    return after;
  }

  #after(head: CommitmentHead, outcome: ReportOutcome | undefined): CommitmentHead {
    const { timing } = this.#deps;
    const now = Date.now();
    const done = { ...head, state: 'done', dueAtMs: now + timing.rememberMs } as const;
    if (outcome?.delivered) return done;
    const givesUpAtMs = (head.decidedAtMs ?? head.askedAtMs) + timing.giveUpAfterMs;
    // Nothing to do before the caller is here, or it is too late.
    if (outcome === undefined) return now >= givesUpAtMs ? done : { ...head, dueAtMs: givesUpAtMs };
    const tries = head.tries + 1;
    const refusals = head.refusals + (outcome.isRefused ? 1 : 0);
    if (now >= givesUpAtMs || refusals >= REFUSALS_MAX) return { ...done, tries, refusals };
    const delayMs = Math.min(timing.longestRetryMs, timing.firstRetryMs * 2 ** Math.min(tries - 1, 30));
    return { ...head, tries, refusals, dueAtMs: now + delayMs };
  }
}

function reportOf(
  { transactionUid }: CommitmentHead,
  items: Awaited<ReturnType<CommitmentStore['items']>>,
): CommitmentReport {
  const failed = items.flatMap(({ failureReason = 0, ...reference }) =>
    failureReason === 0 ? [] : [{ ...reference, failureReason }],
  );
  const committed = items.flatMap(({ failureReason = 0, ...reference }) =>
    failureReason === 0 ? [reference] : [],
  );
  return { transactionUid, committed, failed };
}
