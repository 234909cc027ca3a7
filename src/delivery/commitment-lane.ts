/**
 * # Commitment lane
 *
 * Has one destination commit to what it has taken: gathers the tasks that wait, asks under a transaction UID of
 * their own, and settles what is reported, on whatever association and whenever it comes.
 *
 * - What was asked is on record before it is asked: a report that comes after a restart is understood.
 * - A transaction UID is used once. What is not reported in time is asked again under another.
 * - A task is settled once, by the first report that names its instance. What it waits for is never assumed.
 * - One round at a time: what is asked and what is settled do not meet.
 *
 * Deliberately absent: how a destination is asked, and how a report reaches the spool.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { CommitmentReport } from '../dimse/storage-commitment.ts';
import {
  type Claim,
  ClaimsLostError,
  COMMITMENT_COLLECTION,
  type CommitmentReported,
  type CommitmentSent,
  type Completion,
  type DeliveryPayload,
  type Failure,
  reportRecord,
  type Spool,
} from '../spool/spool.ts';
import {
  commitmentAskedAgain,
  commitmentDenied,
  commitmentGiven,
  commitmentGivenUp,
  commitmentRequested,
  commitmentRequestFailed,
} from '../telemetry/commitment-events.ts';
import { laneTroubled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { CommitmentAnswer, CommitmentPeer } from './commitment-peer.ts';
import { commitmentKind, meaningOf, resendTask } from './commitment-tasks.ts';
import type { OutcomeCode } from './outcome-codes.ts';
import { backOffMs } from './retry-policy.ts';
import type { RetrySettings } from './retry-settings.ts';

/** Instances of one request: enough for a study, little for a record. */
const REFERENCES_MAX = 1000;
/** What is taken soon after goes with the same request. */
const GATHER_MS = 1000;
/** Longer than any request takes: connection, association and response. */
const LEASE_MS = 3_600_000;
/** Requests without a report before an instance may be given up. */
const UNREPORTED_MAX = 3;
const RECORD_KEPT_MS_MIN = 6 * 3_600_000;
const TROUBLE_MS = 5000;

export interface CommitmentLaneOptions {
  readonly destination: string;
  /** Absent: the destination is not asked any more, and what waits is settled without it. */
  readonly peer: CommitmentPeer | undefined;
  readonly retry: RetrySettings;
}

export interface CommitmentLaneDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  random(): number;
}

/** What became of a report. `later`: some of its tasks are in hand just now. */
export type Settled = 'done' | 'later';

export class CommitmentLane {
  readonly #options: CommitmentLaneOptions;
  readonly #deps: CommitmentLaneDeps;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** Tasks of the round that is going on. */
  readonly #inHand = new Set<number>();
  /** How often each task was asked for in this run, without a report so far. */
  readonly #asked = new Map<number, number>();
  #turn: Promise<unknown> = Promise.resolve();
  #failuresInRow = 0;

  constructor(options: CommitmentLaneOptions, deps: CommitmentLaneDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#running = this.#run();
  }

  /** Asks for no more. Resolves when the round in hand is over: the session of the destination cuts it off. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#turn;
  }

  /** Settles what a report says. Asked again with the same report it does no harm. */
  settle(report: CommitmentReported, sent: CommitmentSent): Promise<Settled> {
    return this.#inTurn(() => this.#settle(report, sent));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let waitMs = 0;
      try {
        const claims = await this.#claim(REFERENCES_MAX, signal);
        if (claims.length > 0) waitMs = await this.#inTurn(() => this.#round(claims));
      } catch (error) {
        laneTroubled(this.#deps.telemetry, { destination: this.#options.destination, error });
        waitMs = TROUBLE_MS;
      }
      if (waitMs > 0) await this.#deps.clock.sleep(waitMs, signal);
    }
  }

  /** One after the other, whatever becomes of those before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #claim(limit: number, signal: AbortSignal): Promise<readonly Claim[]> {
    const kind = commitmentKind(this.#options.destination);
    const claims = await this.#deps.spool.claim({ kind, limit, leaseMs: LEASE_MS }, signal);
    for (const { taskId } of claims) this.#inHand.add(taskId);
    return claims;
  }

  /** @returns how long to wait until the next: the destination may be in trouble */
  async #round(first: readonly Claim[]): Promise<number> {
    let claims = first;
    try {
      const { peer } = this.#options;
      if (peer === undefined) {
        await this.#complete(claims.map((claim) => ({ claim, outcome: 'not-asked' })));
        return 0;
      }
      claims = [...first, ...(await this.#gather(REFERENCES_MAX - first.length))];
      if (this.#stopping.signal.aborted) {
        await this.#deps.spool.release(claims);
        return 0;
      }
      return await this.#ask(peer, claims);
    } catch (error) {
      await this.#deps.spool.release(claims); // Unharmed: the spool could not be written, or a bug.
      throw error;
    } finally {
      this.#inHand.clear();
    }
  }

  async #gather(limit: number): Promise<readonly Claim[]> {
    const { clock } = this.#deps;
    await clock.sleep(GATHER_MS, this.#stopping.signal);
    if (limit <= 0) return [];
    const enough = new AbortController();
    const claims = this.#claim(limit, enough.signal);
    // Only what is due now: the claim would wait for more.
    const timeUp = clock.sleep(GATHER_MS / 10, enough.signal).then(() => enough.abort());
    const gathered = await claims;
    enough.abort();
    await timeUp;
    return gathered;
  }

  async #ask(peer: CommitmentPeer, claims: readonly Claim[]): Promise<number> {
    const { destination, retry } = this.#options;
    const { spool, telemetry, clock } = this.#deps;
    const transactionUid = `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
    const sent = sentRecord(destination, claims, clock.now());
    const dueAtMs = clock.now() + Math.max(4 * peer.timeoutMs, RECORD_KEPT_MS_MIN);
    await spool.keep([{ collection: COMMITMENT_COLLECTION.sent, key: transactionUid, value: sent, dueAtMs }]);
    const references = [...new Map(claims.map(({ entry }) => [entry.sopInstanceUid, entry])).values()];
    const answer = await peer.request({ transactionUid, references }, (report) => this.#keepReport(report));
    if (answer.asked) {
      this.#failuresInRow = 0;
      const unreported = claims.filter(({ taskId }) => this.#asked.has(taskId));
      await this.#await(claims, peer);
      commitmentRequested(telemetry, { destination, transactionUid, instances: references.length });
      if (unreported.length > 0) this.#tellAskedAgain(transactionUid, unreported);
      return 0;
    }
    // What was sent and not answered may be reported on all the same.
    if (answer.reason !== 'unclear') await spool.forget(COMMITMENT_COLLECTION.sent, [transactionUid]);
    if (answer.reason === 'stopped') {
      await spool.release(claims);
      return 0;
    }
    this.#failuresInRow += 1;
    const waitMs = backOffMs(
      { first: retry.first_delay, longest: retry.longest_delay, jitter: retry.jitter },
      this.#failuresInRow - 1,
      this.#deps.random(),
    );
    const failures = claims.map((claim) => this.#failureOf(claim, answer, waitMs));
    await this.#fail(failures);
    const held = failures.filter(({ disposition }) => disposition === 'hold').length;
    const { code, message: reason } = answer;
    commitmentRequestFailed(telemetry, { destination, code, reason, outcome: answer.reason, held });
    return waitMs;
  }

  #tellAskedAgain(transactionUid: string, unreported: readonly Claim[]): void {
    const { telemetry, clock } = this.#deps;
    const sinceMs = Math.min(...unreported.map(({ createdAtMs }) => createdAtMs));
    commitmentAskedAgain(telemetry, {
      destination: this.#options.destination,
      transactionUid,
      instances: unreported.length,
      longestWaitMs: clock.now() - sinceMs,
    });
  }

  /** The destination was asked: nothing is to be done until it reports, or does not. */
  async #await(claims: readonly Claim[], { timeoutMs }: CommitmentPeer): Promise<void> {
    const now = this.#deps.clock.now();
    const givenUp = claims.filter((claim) => this.#isGivenUp(claim, now));
    const awaited = claims.filter((claim) => !givenUp.includes(claim));
    for (const { taskId } of awaited) this.#asked.set(taskId, (this.#asked.get(taskId) ?? 0) + 1);
    for (const { taskId } of givenUp) this.#asked.delete(taskId);
    await this.#lenient(() => this.#deps.spool.defer(awaited, { dueAtMs: now + timeoutMs }));
    if (givenUp.length === 0) return;
    await this.#fail(
      givenUp.map((claim) => ({
        claim,
        disposition: 'hold',
        code: 'COMMITMENT_NOT_REPORTED' satisfies OutcomeCode,
        message: 'Held as the destination was asked to commit again and again, and never reported',
      })),
    );
    const { destination } = this.#options;
    commitmentGivenUp(this.#deps.telemetry, { destination, held: givenUp.length });
  }

  #isGivenUp({ taskId, firstAttemptAtMs, createdAtMs }: Claim, now: number): boolean {
    const sinceMs = now - (firstAttemptAtMs ?? createdAtMs);
    return sinceMs >= this.#options.retry.give_up_after && (this.#asked.get(taskId) ?? 0) >= UNREPORTED_MAX;
  }

  /** Who cannot be reached is asked again for as long as that lasts; who will not is asked a few times. */
  #failureOf(claim: Claim, answer: CommitmentAnswer & { asked: false }, waitMs: number): Failure {
    const { reason, code, message, status } = answer;
    const counts = reason !== 'unreachable';
    const isSpent = counts && claim.attempt >= this.#options.retry.processing_tries;
    return {
      claim,
      disposition: isSpent ? 'hold' : 'retry',
      code,
      message: isSpent ? `Held after ${claim.attempt} attempts. ${message}` : message,
      ...(status !== undefined && { status }),
      ...(!isSpent && { retryAtMs: this.#deps.clock.now() + waitMs, counts }),
    };
  }

  /** A report that came on our own association goes the way of all others. */
  async #keepReport(report: CommitmentReport): Promise<void> {
    const { spool } = this.#deps;
    const key = report.transactionUid;
    const [record] = await spool.records({ collection: COMMITMENT_COLLECTION.sent, key });
    if (record === undefined) return; // Settled long ago, or never asked: nothing follows from it.
    await spool.keep([reportRecord(report, record.value as CommitmentSent, randomUUID())]);
  }

  async #settle(report: CommitmentReported, sent: CommitmentSent): Promise<Settled> {
    const { spool } = this.#deps;
    const tasksOf = new Map(sent.instances.map(([uid, ...taskIds]) => [uid, taskIds]));
    const failed = new Map(report.failed);
    const taskIds = [...report.committed, ...failed.keys()].flatMap((uid) => tasksOf.get(uid) ?? []);
    if (taskIds.length === 0) return 'done';
    const kind = commitmentKind(this.#options.destination);
    const claims = await spool.claim({ kind, limit: taskIds.length, taskIds }, this.#stopping.signal);
    const settlements = claims.map((claim) =>
      this.#settlementOf(claim, failed.get(claim.entry.sopInstanceUid)),
    );
    await this.#complete(settlements.map(({ completion }) => completion));
    for (const { tell } of settlements) tell();
    const isInHand = taskIds.some((taskId) => this.#inHand.has(taskId));
    return isInHand || this.#stopping.signal.aborted ? 'later' : 'done';
  }

  /** @param failureReason absent when the destination has committed to the instance */
  #settlementOf(claim: Claim, failureReason: number | undefined): { completion: Completion; tell(): void } {
    const { destination, retry, peer } = this.#options;
    const { telemetry, clock } = this.#deps;
    const { entryId } = claim.entry;
    this.#asked.delete(claim.taskId);
    if (failureReason === undefined) {
      const completion = { claim, outcome: 'committed' };
      return { completion, tell: () => commitmentGiven(telemetry, { destination, entryId }) };
    }
    const task = resendTask(destination, claim.payload as DeliveryPayload, {
      failureReason,
      resendsMax: peer?.resendsMax ?? 0,
      laterAtMs: clock.now() + retry.resources_first_delay,
    });
    const reason = meaningOf(failureReason);
    return {
      completion: { claim, tasks: [task], outcome: 'uncommitted', status: failureReason, detail: reason },
      tell: () =>
        commitmentDenied(telemetry, { destination, entryId, reason, held: task.held !== undefined }),
    };
  }

  async #complete(completions: readonly Completion[]): Promise<void> {
    if (completions.length > 0) await this.#lenient(() => this.#deps.spool.complete(completions));
  }

  async #fail(failures: readonly Failure[]): Promise<void> {
    if (failures.length > 0) await this.#lenient(() => this.#deps.spool.fail(failures));
  }

  /** An operator may have stepped in: what was lost is no longer ours to settle. */
  async #lenient(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof ClaimsLostError)) throw error;
    }
  }
}

function sentRecord(destination: string, claims: readonly Claim[], sentAtMs: number): CommitmentSent {
  const instances = new Map<string, [string, ...number[]]>();
  for (const { entry, taskId } of claims) {
    const instance = instances.get(entry.sopInstanceUid);
    if (instance) instance.push(taskId);
    else instances.set(entry.sopInstanceUid, [entry.sopInstanceUid, taskId]);
  }
  return { destination, sentAtMs, instances: [...instances.values()] };
}
