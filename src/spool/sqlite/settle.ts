import { join } from 'node:path';
import type { Entry } from '../port.ts';
import { countsAfter, type EntryCounts, NO_COUNTS } from '../task.ts';
import type { SpoolTaskCode } from '../task-codes.ts';
import type { ClaimDesk } from './claims.ts';
import type { LedgerContext } from './context.ts';
import { changeEntry, type EntryColumns, insertEntry, toEntry } from './entries.ts';
import type { RequestOf, WireClaim, WireCompletion, WireFailure, WireProduct } from './messages.ts';
import { claimEnded } from './successions.ts';
import { type StoredState, taskMoved } from './task-moves.ts';
import { addTasks, dropWorkFolder, entryOfTask, waitingState } from './tasks.ts';

/** A task that fails for weeks keeps its latest attempts. */
const ATTEMPTS_KEPT = 100;

type Lost = { lost: readonly number[] };

/** Settles claims with what follows from them. Those that were lost change nothing. */
export function complete(context: LedgerContext, desk: ClaimDesk, request: RequestOf<'complete'>): Lost {
  return { lost: lostOf(request.completions, (completion) => completeOne(context, desk, completion)) };
}

function completeOne(context: LedgerContext, desk: ClaimDesk, completion: WireCompletion): boolean {
  const { claim, discardReason } = completion;
  const state = discardReason === null ? 'done' : 'discarded';
  const isMine = context.statements.run(
    'settleClaim',
    claim.taskId,
    claim.token,
    state,
    context.clock.wallMs(),
    discardReason === null ? completion.outcome : 'RULE',
    discardReason ?? completion.detail,
    completion.status,
    completion.explanation,
  );
  if (isMine === 0) {
    dropUnowned(context, completion.products);
    return false;
  }
  context.step('task-settled');
  taskMoved(context, claim.kind, 'claimed', state);
  desk.settled(claim.taskId, claim.token);
  dropWorkFolder(context, claim.taskId);
  let change = countsAfter(NO_COUNTS, 'claimed', state);
  change = addTasks(context, claim.entryId, completion.tasks, change, false);
  change = addProducts(context, claim.entryId, completion.products, change);
  context.step('follow-ups-added');
  changeEntry(context, claim.entryId, change);
  claimEnded(context, claim.entryId);
  return true;
}

/** The files of a completion that came too late, unless they are those of one that came in time. */
function dropUnowned(context: LedgerContext, products: readonly WireProduct[]): void {
  for (const { fileName } of products) {
    if (context.statements.get('fileOwner', fileName) !== undefined) continue;
    context.news.remove(context.unit, join(context.folders.files, fileName));
  }
}

/** Products weigh on their source until they are delivered. */
function addProducts(
  context: LedgerContext,
  sourceId: number,
  products: readonly WireProduct[],
  counts: EntryCounts,
): EntryCounts {
  if (products.length === 0) return counts;
  const source = toEntry(context.statements.get<EntryColumns>('entryFacts', sourceId) as EntryColumns);
  context.statements.run('keepAsSource', sourceId);
  let changed = counts;
  for (const product of products) {
    const { state } = insertEntry(context, { ...factsOf(context, source, product), tasks: product.tasks });
    changed = countsAfter(changed, undefined, state);
  }
  return changed;
}

function factsOf(context: LedgerContext, source: Entry, product: WireProduct) {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, studyInstanceUid, seriesInstanceUid } = product;
  const { callingAeTitle, calledAeTitle, peerAddress } = source;
  return {
    origin: 'converted' as const,
    parentEntryId: source.entryId,
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid,
    studyInstanceUid,
    seriesInstanceUid,
    source: source.source,
    callingAeTitle,
    calledAeTitle,
    peerAddress,
    receivedAtMs: context.clock.wallMs(),
    sizeBytes: product.sizeBytes,
    dataSetOffset: product.dataSetOffset,
    sha256: product.sha256,
    headerIndex: product.headerIndex,
    place: { fileName: product.fileName },
  };
}

/** Records failed attempts; their tasks wait for the next, or for a person. */
export function fail(context: LedgerContext, desk: ClaimDesk, request: RequestOf<'fail'>): Lost {
  return { lost: lostOf(request.failures, (failure) => failOne(context, desk, failure)) };
}

function failOne(context: LedgerContext, desk: ClaimDesk, failure: WireFailure): boolean {
  const { statements, clock } = context;
  const { claim, retryAtMs } = failure;
  const nowMs = clock.wallMs();
  const dueMs = retryAtMs === null ? clock.nowMs() : clock.fromWallMs(retryAtMs);
  const state: StoredState = retryAtMs === null ? 'held' : waitingState(context, dueMs);
  statements.run(
    'recordAttempt',
    claim.taskId,
    claim.token,
    nowMs,
    failure.disposition,
    failure.code,
    failure.status,
    failure.message,
  );
  const isMine = statements.run(
    'failClaim',
    claim.taskId,
    claim.token,
    state,
    dueMs,
    nowMs,
    failure.counts ? 0 : 1,
    failure.code,
    failure.message,
    failure.status,
  );
  if (isMine === 0) return false;
  statements.run('trimAttempts', claim.taskId, ATTEMPTS_KEPT);
  leftClaim(context, desk, claim, state);
  return true;
}

/** Claims go back unharmed, to be done from `dueAtMs` (steady clock) on; `countsAttempt` when they were tried. */
export function giveBack(
  context: LedgerContext,
  desk: ClaimDesk,
  claims: readonly Omit<WireClaim, 'entryId'>[],
  options: { readonly dueAtMs: number; readonly countsAttempt: boolean },
): Lost {
  const { statements, clock } = context;
  const state = waitingState(context, options.dueAtMs);
  const giveOneBack = (claim: Omit<WireClaim, 'entryId'>) => {
    const isMine = statements.run(
      'giveClaimBack',
      claim.taskId,
      claim.token,
      state,
      options.dueAtMs,
      clock.wallMs(),
      options.countsAttempt ? 0 : 1,
    );
    if (isMine === 0) return false;
    taskMoved(context, claim.kind, 'claimed', state);
    desk.settled(claim.taskId, claim.token);
    claimEnded(context, entryOfTask(claim.taskId));
    return true;
  };
  const lost = claims.filter((claim) => !giveOneBack(claim)).map(({ taskId }) => taskId);
  return { lost };
}

/** Claims whose holder has not been heard of: the attempt counts, for it may have been what killed the holder. */
export function expire(context: LedgerContext, desk: ClaimDesk): void {
  for (const { taskId, token, kind } of desk.expired()) {
    recordInterruption(
      context,
      taskId,
      token,
      'LEASE_EXPIRED',
      'The lease ran out before the attempt ended.',
    );
    giveBack(context, desk, [{ taskId, token, kind }], {
      dueAtMs: context.clock.nowMs(),
      countsAttempt: true,
    });
    desk.settled(taskId, token);
  }
}

/** An attempt of which nobody knows how it ended. */
export function recordInterruption(
  context: LedgerContext,
  taskId: number,
  token: number,
  code: SpoolTaskCode,
  message: string,
): void {
  const nowMs = context.clock.wallMs();
  context.statements.run('recordAttempt', taskId, token, nowMs, 'unclear', code, null, message);
  context.statements.run('trimAttempts', taskId, ATTEMPTS_KEPT);
}

/** Checks which of the claims are still held, and moves their leases. */
export function renew(context: LedgerContext, desk: ClaimDesk, request: RequestOf<'renew'>): Lost {
  const lost = request.claims
    .filter(({ taskId, token }) => context.statements.get('holdsClaim', taskId, token) === undefined)
    .map(({ taskId }) => taskId);
  for (const { taskId, token } of request.claims) desk.renew(taskId, token, request.leaseMs);
  return { lost };
}

function leftClaim(context: LedgerContext, desk: ClaimDesk, claim: WireClaim, to: StoredState): void {
  taskMoved(context, claim.kind, 'claimed', to);
  desk.settled(claim.taskId, claim.token);
  changeEntry(context, claim.entryId, countsAfter(NO_COUNTS, 'claimed', to === 'held' ? 'held' : 'waiting'));
  claimEnded(context, claim.entryId);
}

function lostOf<Item extends { claim: WireClaim }>(
  items: readonly Item[],
  settle: (item: Item) => boolean,
): number[] {
  return items.filter((item) => !settle(item)).map((item) => item.claim.taskId);
}
