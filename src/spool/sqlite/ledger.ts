/**
 * # The ledger
 *
 * Works off groups of requests against one database: bytes of small instances first, with one sync; then one
 * transaction for everything; then the answers. Knows no threads.
 *
 * Invariants:
 * - An answer is made only after the commit that it speaks of.
 * - What somebody outside relies on is synced before it is answered: instances, products, an operator's word.
 *   Claims and their outcomes are synced with the next of those, or within SYNC_WITHIN_MS: work that a power cut
 *   takes back is done again, under the same UIDs. A killed process takes nothing back.
 * - A request that fails takes nothing of the rest of its group with it.
 * - When the commit fails, nothing of the group has happened, in the database or in memory.
 */
import { SpoolError } from '../errors.ts';
import type { SegmentWriter } from '../files/segment-writer.ts';
import type { StagingMemory } from '../staging.ts';
import { reasonOf, toWireError } from '../wire-error.ts';
import { AcceptGroup } from './accept.ts';
import { ClaimDesk } from './claims.ts';
import type { LedgerContext } from './context.ts';
import { isDiskError, primaryCodeOf } from './disk-error.ts';
import { Wipe } from './erasure.ts';
import type { FromLedger, Reply, Request, RequestOf } from './messages.ts';
import { OperatorAction } from './operator.ts';
import { Purge } from './purge.ts';
import { answerRead, isRead, type ReadRequest } from './reading.ts';
import { giveBack } from './settle.ts';
import { passTime } from './time.ts';
import { answerWrite, mustBeSynced, type WriteRequest } from './writing.ts';

/** How long outcomes may wait for a sync to share. */
const SYNC_WITHIN_MS = 50;

export interface LedgerOptions {
  readonly duplicateWindowMs: number;
  readonly leaseMs: number;
  readonly ageingMs: number;
  /** Above every token of earlier processes. */
  readonly firstToken: number;
}

/** What a group came to; posted to the main thread as it is. */
export type GroupResult = Extract<FromLedger, { type: 'group' }>;

/** Done a page at a time, between other requests. */
interface LongRequest {
  readonly id: number;
  readonly work: { advance(): boolean };
  /** Once it is done. */
  readonly answer: () => unknown;
}

export class Ledger {
  readonly #context: LedgerContext;
  readonly #segments: SegmentWriter;
  readonly #memory: StagingMemory;
  readonly #options: LedgerOptions;
  readonly #desk: ClaimDesk;
  #long: LongRequest[] = [];
  #isDatabaseHealthy = true;
  #nextDueMs: number;
  /** When commits that are not synced must be (steady clock). */
  #syncDueMs = Number.POSITIVE_INFINITY;

  constructor(
    context: LedgerContext,
    segments: SegmentWriter,
    memory: StagingMemory,
    options: LedgerOptions,
  ) {
    this.#context = context;
    this.#segments = segments;
    this.#memory = memory;
    this.#options = options;
    this.#desk = new ClaimDesk(context, options);
    this.#nextDueMs = this.#readNextDue();
  }

  get isHealthy(): boolean {
    return this.#segments.isHealthy && this.#isDatabaseHealthy;
  }

  /** When a group without requests has something to do (steady clock). */
  get nextWorkMs(): number {
    if (this.#long.length > 0) return 0;
    return Math.min(this.#nextDueMs, this.#desk.nextExpiryMs, this.#syncDueMs);
  }

  /**
   * Does a whole group. Whatever fails is in the replies.
   *
   * @param options `servesClaims` is false where the group should not wait for that; it must be true soon after
   */
  run(requests: readonly Request[], { servesClaims } = { servesClaims: true }): GroupResult {
    const startedMs = performance.now();
    const replies: Reply[] = [];
    const accept = new AcceptGroup(this.#context, this.#options.duplicateWindowMs);
    const { reads, writes } = this.#sort(requests, replies);
    const ready = this.#writeBytes(writes, accept, replies);
    if (ready.length > 0 || (servesClaims && this.#hasWork())) {
      this.#transact(ready, accept, replies, { servesClaims });
    }
    const durable = { instances: accept.instances, bytes: accept.bytes, ms: performance.now() - startedMs };
    for (const request of reads) {
      replies.push(attempt(request, () => answerRead(this.#context, request, this.isHealthy)));
    }
    return this.#result(replies, accept.instances > 0 ? { durable } : {});
  }

  /** Ends the waiting, and gives every claim back uncounted: nobody is left to settle it. */
  close(): GroupResult {
    const replies: Reply[] = this.#desk.cancel().map(({ id }) => ({ id, answer: [] }));
    this.#syncDueMs = 0;
    const alsoDo = () => {
      const dueAtMs = this.#context.clock.nowMs();
      giveBack(this.#context, this.#desk, this.#desk.all(), { dueAtMs, countsAttempt: false });
    };
    this.#transact([], new AcceptGroup(this.#context, 0), replies, { servesClaims: true, alsoDo });
    return this.#result(replies, {});
  }

  #result(replies: readonly Reply[], durable: object): GroupResult {
    const news = { isHealthy: this.isHealthy, ...this.#context.news.take(), ...durable };
    return { type: 'group', replies, news };
  }

  /** Takes aside what has no part in the transaction, or a part of its own. */
  #sort(requests: readonly Request[], replies: Reply[]): { reads: ReadRequest[]; writes: WriteRequest[] } {
    const reads: ReadRequest[] = [];
    const writes: WriteRequest[] = [];
    for (const request of requests) {
      switch (request.type) {
        case 'claim':
          this.#desk.wait(request); // Served at the end of the transaction, with what the group has added.
          break;
        case 'cancel-claim':
          for (const { id } of this.#desk.cancel(request.request)) replies.push({ id, answer: [] });
          replies.push({ id: request.id, answer: null });
          break;
        case 'retry':
        case 'hold':
        case 'discard': {
          const work = new OperatorAction(this.#context, this.#desk, request);
          const answer = () => (request.type === 'discard' ? work.answer : work.count);
          this.#long.push({ id: request.id, work, answer });
          break;
        }
        case 'purge': {
          const work = new Purge(this.#context, this.#segments, this.#desk, request.policy);
          this.#long.push({ id: request.id, work, answer: () => work.count });
          break;
        }
        case 'wipe': {
          const work = new Wipe(this.#context);
          this.#long.push({ id: request.id, work, answer: () => work.count });
          break;
        }
        case 'subscribe':
          this.#context.news.wanted = new Set(request.types);
          replies.push({ id: request.id, answer: null });
          break;
        case 'close':
          break; // The thread sees to it, after the group.
        default:
          if (isRead(request)) reads.push(request);
          else writes.push(request);
      }
    }
    return { reads, writes };
  }

  /** Drafts and writes the small instances. Returns the requests that are still in the running. */
  #writeBytes(writes: readonly WriteRequest[], accept: AcceptGroup, replies: Reply[]): WriteRequest[] {
    const isBytes = (request: WriteRequest): request is RequestOf<'accept-bytes'> =>
      request.type === 'accept-bytes';
    const ready: WriteRequest[] = [];
    for (const request of writes) {
      if (request.type === 'accept-file') accept.foresee(request);
      const reply = isBytes(request) && attempt(request, () => accept.draft(request, this.#memory));
      if (reply && 'error' in reply) replies.push(reply);
      else ready.push(request);
    }
    try {
      accept.write(this.#segments);
      return ready;
    } catch (error) {
      const wire = toWireError(error);
      for (const { id } of ready.filter(isBytes)) replies.push({ id, error: wire });
      return ready.filter((request) => !isBytes(request));
    }
  }

  /** True when a transaction is wanted although no request asks for one. */
  #hasWork(): boolean {
    const { clock } = this.#context;
    return this.#desk.isServable || this.nextWorkMs <= clock.nowMs() || clock.isSkewed;
  }

  #transact(
    requests: readonly WriteRequest[],
    accept: AcceptGroup,
    replies: Reply[],
    options: { readonly servesClaims: boolean; readonly alsoDo?: () => void },
  ): void {
    const { statements, tally, unit, step, clock } = this.#context;
    const parts = { context: this.#context, desk: this.#desk, segments: this.#segments, accept };
    const done: Reply[] = [];
    const served: RequestOf<'claim'>[] = [];
    const isSynced = this.#mustSync(requests);
    try {
      statements.syncCommits(isSynced);
      statements.control('begin');
      step('transaction-begun');
      // A commit without a change would sync nothing.
      if (isSynced && requests.length === 0) statements.run('setMeta', 'synced_at_ms', clock.wallMs());
      for (const request of requests) {
        done.push(this.#savepoint(request.id, () => answerWrite(parts, request)));
      }
      accept.countSegment();
      options.alsoDo?.();
      passTime(this.#context, this.#desk);
      this.#advanceLong(done);
      for (const { ask, claims } of options.servesClaims ? this.#desk.serve() : []) {
        served.push(ask);
        done.push({ id: ask.id, answer: claims });
      }
      tally.flush(statements);
      step('transaction-filled');
      statements.control('commit');
      step('transaction-committed');
    } catch (error) {
      this.#desk.waitAgain(served);
      this.#rollBack(error, requests, replies);
      return;
    }
    this.#isDatabaseHealthy = true;
    const syncDueMs = Math.min(this.#syncDueMs, clock.nowMs() + SYNC_WITHIN_MS);
    this.#syncDueMs = isSynced ? Number.POSITIVE_INFINITY : syncDueMs;
    tally.committed();
    unit.commit();
    this.#nextDueMs = this.#readNextDue();
    replies.push(...done);
  }

  #mustSync(requests: readonly WriteRequest[]): boolean {
    return (
      requests.some(mustBeSynced) || this.#long.length > 0 || this.#syncDueMs <= this.#context.clock.nowMs()
    );
  }

  #rollBack(cause: unknown, requests: readonly { readonly id: number }[], replies: Reply[]): void {
    const { statements, unit } = this.#context;
    // SQLite may have given the transaction up by itself.
    if (statements.isInTransaction) statements.control('rollBack');
    unit.rollBack();
    this.#isDatabaseHealthy = false;
    const failed = [...requests, ...this.#long];
    this.#long = []; // A page of theirs is gone: whoever asked has to ask again.
    const message = `Cannot commit ${failed.length} requests: ${reasonOf(cause)}`;
    const sqliteCode = primaryCodeOf(cause);
    const error = toWireError(new SpoolError('COMMIT_FAILED', message, { sqliteCode }, { cause }));
    for (const { id } of failed) replies.push({ id, error });
  }

  /** Does one request of the transaction; when it fails, only what it did is taken back. */
  #savepoint(id: number, act: () => unknown): Reply {
    const { statements, unit } = this.#context;
    const mark = unit.mark();
    statements.control('savepoint');
    try {
      const answer = act();
      statements.control('release');
      return { id, answer };
    } catch (error) {
      if (isDiskError(error) || !statements.isInTransaction) throw error;
      statements.control('rollBackToSavepoint');
      statements.control('release');
      unit.rollBackTo(mark);
      return { id, error: toWireError(error) };
    }
  }

  /** One page of every long request; those that are done are answered. */
  #advanceLong(done: Reply[]): void {
    const unfinished: LongRequest[] = [];
    for (const long of this.#long) {
      const { id, work, answer } = long;
      const reply = this.#savepoint(id, () => work.advance());
      if ('error' in reply) done.push(reply);
      else if (reply.answer === true) unfinished.push(long);
      else done.push({ id, answer: answer() });
    }
    const before = this.#long;
    this.#long = unfinished;
    this.#context.unit.onRollback(() => {
      this.#long = before;
    });
  }

  #readNextDue(): number {
    const row = this.#context.statements.get<{ due_at_ms: number | null }>('nextDue');
    return row?.due_at_ms ?? Number.POSITIVE_INFINITY;
  }
}

function attempt(request: Request, act: () => unknown): Reply {
  try {
    return { id: request.id, answer: act() };
  } catch (error) {
    return { id: request.id, error: toWireError(error) };
  }
}
