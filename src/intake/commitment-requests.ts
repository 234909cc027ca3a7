/**
 * # Storage Commitment SCP
 *
 * Answers for what we have acknowledged: a request is kept, waits until each of its instances is in the hands of all
 * who are to have it, and is reported on. PS3.4 Annex J.
 *
 * Invariants:
 * - A request is on disk before it is answered, its verdicts before they are reported: a restart changes nothing.
 * - Success is said of an instance only when every destination of its has taken it; see commitment-verdict.ts.
 * - Each request gets one report, the same however often it must be tried.
 *
 * Deliberately absent: what destinations are asked, which is delivery's.
 */
import { type CommitmentAnswer, serveCommitmentRequest } from '../dimse/commitment-service.ts';
import type { NormalizedRequest, ReverseLink } from '../dimse/provider-options.ts';
import { formatStatus, NORMALIZED_STATUS } from '../dimse/status.ts';
import { type CommitmentRequest, STORAGE_COMMITMENT } from '../dimse/storage-commitment.ts';
import type { Spool, SpoolEvent } from '../spool/spool.ts';
import {
  commitmentAsked,
  commitmentDecided,
  commitmentNotTaken,
  commitmentStalled,
  commitmentsOpen,
} from '../telemetry/commitment-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { CommitmentEvaluation } from './commitment-evaluation.ts';
import { CommitmentReporting } from './commitment-reporting.ts';
import type { CommitmentSettings } from './commitment-settings.ts';
import { type CommitmentHead, CommitmentStore, commitmentKey, digestOf, keyOf } from './commitment-store.ts';
import { COMMITMENT_TIMING, type CommitmentTiming } from './commitment-timing.ts';
import { EntryWatch } from './entry-watch.ts';

export interface CommitmentDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  /** What holds for a source now. */
  settingsOf(source: string): CommitmentSettings;
  readonly timing?: CommitmentTiming;
}

/** More requests than that are not kept at a time. */
const OPEN_MAX = 10_000;

export class CommitmentRequests {
  readonly #deps: CommitmentDeps;
  readonly #timing: CommitmentTiming;
  readonly #store: CommitmentStore;
  readonly #open = new Map<string, CommitmentHead>();
  readonly #evaluations = new Map<string, CommitmentEvaluation>();
  readonly #watch = new EntryWatch();
  readonly #reporting: CommitmentReporting;
  readonly #stopping = new AbortController();
  /** Entries are listened to while there is a request to decide, and not with every instance received. */
  #unsubscribe: (() => void) | undefined;
  /** Requests that are being taken, or read. */
  #arriving = 0;
  #running: Promise<void> = Promise.resolve();
  #taking: Promise<unknown> = Promise.resolve();
  #wakeUp: () => void = () => {};

  private constructor(deps: CommitmentDeps) {
    this.#deps = deps;
    this.#timing = deps.timing ?? COMMITMENT_TIMING;
    this.#store = new CommitmentStore(deps.spool);
    this.#reporting = new CommitmentReporting(
      { ...deps, timing: this.#timing, store: this.#store },
      { changed: (head) => this.#changed(head), signal: this.#stopping.signal },
    );
  }

  /** Takes up what earlier runs have left. */
  static async start(deps: CommitmentDeps): Promise<CommitmentRequests> {
    const requests = new CommitmentRequests(deps);
    await requests.#whileArriving(async () => {
      for await (const head of requests.#store.all()) requests.#changed(head);
    });
    requests.#running = requests.#run();
    return requests;
  }

  /** Serves an N-ACTION. */
  async serve(request: NormalizedRequest): Promise<CommitmentAnswer> {
    const { source, callingAeTitle } = request.association;
    const answer = await serveCommitmentRequest(request, (asked) => {
      const taken = this.#taking.then(() => this.#take(asked, request));
      this.#taking = taken.catch(() => {});
      return taken;
    });
    const { status, errorComment: reason = 'The request is not as it should be' } = answer;
    if (status !== 0) {
      const about = { source, callingAeTitle, status: formatStatus(status), reason };
      commitmentNotTaken(this.#deps.telemetry, about);
    }
    return answer;
  }

  /** A caller is here: reports that have no other way to it may go now. */
  associated(link: ReverseLink): void {
    if (link.transferSyntaxOf(STORAGE_COMMITMENT.sopClassUid) === undefined) return;
    const { callingAeTitle, source } = link.peer;
    for (const head of this.#open.values()) {
      if (head.state !== 'decided' || head.callingAeTitle !== callingAeTitle || head.source !== source)
        continue;
      if (this.#deps.settingsOf(source).host === undefined) this.#reporting.offer(head, link);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#listenIfNeeded();
    this.#wakeUp();
    await this.#taking;
    await this.#running;
    await this.#reporting.stopped();
  }

  async #take(
    asked: CommitmentRequest,
    { association, reverse }: NormalizedRequest,
  ): Promise<CommitmentAnswer> {
    const { source, callingAeTitle, calledAeTitle } = association;
    const { transactionUid, references } = asked;
    const key = commitmentKey(transactionUid, callingAeTitle);
    const before = this.#open.get(key) ?? (await this.#store.find(key));
    const digest = digestOf(asked);
    if (before !== undefined && before.digest !== digest) {
      const errorComment = 'Transaction UID was used for another request';
      return { status: NORMALIZED_STATUS.duplicateTransactionUid, errorComment };
    }
    const isOpen = before !== undefined && before.state !== 'done';
    if (!isOpen && this.#open.size >= OPEN_MAX) {
      return { status: NORMALIZED_STATUS.resourceLimitation, errorComment: 'Too many requests are open' };
    }
    const again = before !== undefined;
    commitmentAsked(this.#deps.telemetry, {
      source,
      callingAeTitle,
      transactionUid,
      instances: references.length,
      again,
    });
    // The same once more: its answer was lost. The report comes as it would have, and once more when it has gone.
    const now = Date.now();
    const head: CommitmentHead = isOpen
      ? before
      : {
          transactionUid,
          source,
          callingAeTitle,
          calledAeTitle,
          askedAtMs: now,
          references: references.length,
          digest,
          state: 'waiting',
          tries: 0,
          refusals: 0,
          dueAtMs: now + this.#deps.settingsOf(source).wait,
        };
    await this.#whileArriving(async () => {
      if (!isOpen) await this.#store.keep(head, references);
      if (this.#deps.settingsOf(source).same_association) this.#reporting.offer(head, reverse);
      this.#changed(head);
    });
    return { status: NORMALIZED_STATUS.success };
  }

  /** Listens before anything is read of the entries, so that no change falls in between. */
  async #whileArriving(work: () => Promise<void>): Promise<void> {
    this.#arriving += 1;
    this.#listenIfNeeded();
    try {
      await work();
    } finally {
      this.#arriving -= 1;
      this.#listenIfNeeded();
    }
  }

  #listenIfNeeded(): void {
    const isNeeded = this.#arriving + this.#evaluations.size > 0 && !this.#stopping.signal.aborted;
    if (isNeeded === (this.#unsubscribe !== undefined)) return;
    if (isNeeded) this.#unsubscribe = this.#deps.spool.subscribe((event) => this.#heard(event), ['entry']);
    else {
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
    }
  }

  #heard(event: SpoolEvent): void {
    if (event.type !== 'entry' || event.state === 'pending') return;
    if (this.#watch.changed(event.entryId)) this.#wakeUp();
  }

  /** Remembers how a request stands, and goes on with it. */
  #changed(head: CommitmentHead): void {
    const key = keyOf(head);
    if (head.state !== 'waiting') {
      this.#evaluations.get(key)?.close();
      this.#evaluations.delete(key);
    }
    if (head.state === 'done') this.#open.delete(key);
    else this.#open.set(key, head);
    if (head.state === 'waiting' && !this.#evaluations.has(key)) {
      this.#evaluations.set(
        key,
        new CommitmentEvaluation(head, { spool: this.#deps.spool, watch: this.#watch, timing: this.#timing }),
      );
    }
    this.#listenIfNeeded();
    if (head.state === 'decided') this.#reporting.due(head);
    this.#wakeUp();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
      let waitMs = this.#timing.lookEveryMs;
      try {
        waitMs = Math.min(waitMs, await this.#evaluate());
        await this.#sweep();
        this.#tellOpen();
      } catch (error) {
        if (!signal.aborted) commitmentStalled(this.#deps.telemetry, { error });
      }
      if (signal.aborted) return;
      await sleepOr(woken, waitMs);
      if (!signal.aborted) await sleepOr(undefined, this.#timing.gatherMs);
    }
  }

  /** @returns how long nothing will be due */
  async #evaluate(): Promise<number> {
    let waitMs = Number.POSITIVE_INFINITY;
    for (const evaluation of [...this.#evaluations.values()]) {
      if (this.#stopping.signal.aborted) break;
      const items = await evaluation.look(() => this.#store.items(evaluation.head));
      if (items === undefined) {
        waitMs = Math.min(waitMs, evaluation.nextLookInMs);
        continue;
      }
      const { source, transactionUid, askedAtMs } = evaluation.head;
      const decidedAtMs = Date.now();
      const head: CommitmentHead = {
        ...evaluation.head,
        state: 'decided',
        decidedAtMs,
        dueAtMs: decidedAtMs,
      };
      await this.#store.keep(head, items);
      const failed = items.filter(({ failureReason = 0 }) => failureReason !== 0).length;
      const committed = items.length - failed;
      const durationMs = decidedAtMs - askedAtMs;
      commitmentDecided(this.#deps.telemetry, { source, transactionUid, committed, failed, durationMs });
      this.#changed(head);
    }
    return waitMs;
  }

  #tellOpen(): void {
    const open = [...this.#open.values()].flatMap(({ source, state }) =>
      state === 'done' ? [] : [{ source, state }],
    );
    commitmentsOpen(this.#deps.telemetry, open);
  }

  /** Forgets requests that have been remembered for long enough. */
  async #sweep(): Promise<void> {
    for (const head of await this.#store.expired(Date.now())) await this.#store.forget(head);
  }
}

/** Ends early when `woken` settles. Keeps no process alive by itself. */
async function sleepOr(woken: Promise<void> | undefined, durationMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(durationMs, 2 ** 31 - 1));
  await (woken === undefined ? promise : Promise.race([woken, promise]));
  clearTimeout(timer);
}
