/**
 * # Lane
 *
 * Works off the delivery tasks of one destination, oldest first, until it is stopped.
 *
 * - One slot sends one instance at a time; while it awaits the answer the next one is made ready.
 * - A failure is the failure of one instance: all others go on.
 * - What is taken is settled behind the sender's back; what was sent and not yet settled when the process dies
 *   is sent again, never lost.
 * - While the breaker is open nothing is claimed, so that nothing ages.
 *
 * Deliberately absent: how anything is sent, and which failures are worth another try.
 */
import { GatewayError } from '../errors.ts';
import type { Claim, DeliveryPayload, Spool } from '../spool/spool.ts';
import {
  breakerClosed,
  breakerOpened,
  deliveryFailed,
  deliveryTaken,
  laneTroubled,
} from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Breaker } from './breaker.ts';
import { ClaimQueue, type Next } from './claim-queue.ts';
import type { Clock } from './clock.ts';
import type { DestinationSession, PreparedItem } from './destination-kind.ts';
import type { LaneStatus } from './lane-status.ts';
import {
  dispositionOf,
  type NotTaken,
  type Outcome,
  outcomeOfError,
  statusLabel,
  type Taken,
} from './outcome.ts';
import { decide, type FailedAttempt, goesAlone, triedForMs } from './retry-policy.ts';
import type { RetrySettings } from './retry-settings.ts';
import { LEASE_MS, Settlements } from './settlements.ts';

/** Claims asked for at a time; fewer when they are large. */
const BATCH_MAX = 128;
/** Made ready ahead of their turn: enough to go on with while the spool commits. */
const AHEAD_MAX = 32;

export interface LaneOptions {
  readonly destination: string;
  readonly session: DestinationSession;
  readonly retry: RetrySettings;
}

export interface LaneDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  random(): number;
}

type DeliveryClaim = Claim<DeliveryPayload>;

export class Lane {
  readonly destination: string;
  readonly #session: DestinationSession;
  readonly #retry: RetrySettings;
  readonly #deps: LaneDeps;
  readonly #breaker: Breaker;
  readonly #settlements: Settlements;
  readonly #stopping = new AbortController();
  readonly #startedAtMs: number;
  readonly #running: Promise<void>;
  #sending = 0;
  #taken = 0;
  #failed = 0;
  #lastTakenAtMs: number | undefined;
  #lastFailure: LaneStatus['lastFailure'];

  constructor({ destination, session, retry }: LaneOptions, deps: LaneDeps) {
    const { spool, telemetry, clock } = deps;
    this.destination = destination;
    this.#session = session;
    this.#retry = retry;
    this.#deps = deps;
    this.#startedAtMs = clock.now();
    this.#breaker = new Breaker(retry, { now: () => clock.now(), random: deps.random });
    this.#settlements = new Settlements({
      spool,
      clock,
      onTrouble: (error) => laneTroubled(telemetry, { destination, error }),
    });
    this.#running = this.#run();
  }

  status(): LaneStatus {
    const { state } = this.#breaker;
    return {
      destination: this.destination,
      state: this.#stateWord(),
      breaker: state,
      ...(state === 'open' && { nextProbeAtMs: this.#breaker.probeAtMs }),
      sending: this.#sending,
      taken: this.#taken,
      failed: this.#failed,
      ...(this.#lastTakenAtMs !== undefined && { lastTakenAtMs: this.#lastTakenAtMs }),
      ...(this.#lastFailure && { lastFailure: this.#lastFailure }),
    };
  }

  /** Claims no more, lets what is being sent finish for that long, cuts off the rest, settles everything. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    const drained = new AbortController();
    const limit = AbortSignal.any([drained.signal]);
    const timeUp = this.#deps.clock.sleep(drainMs, limit);
    await Promise.race([this.#running, timeUp]);
    await this.#session.close();
    await this.#running;
    drained.abort();
    const giveUp = new AbortController();
    const settled = new AbortController();
    void this.#deps.clock.sleep(Math.max(drainMs, 1000), settled.signal).then(() => giveUp.abort());
    await this.#settlements.close(giveUp.signal);
    settled.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.#breaker.state === 'open') await this.#probe();
      else await this.#flow();
    }
  }

  /** Sends until the breaker changes its mind. Half open, one instance at a time. */
  async #flow(): Promise<void> {
    const { state } = this.#breaker;
    const halfOpen = state === 'half-open';
    const changed = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, changed.signal]);
    const slots = halfOpen ? 1 : this.#session.slots;
    const queue = new ClaimQueue<PreparedItem>({
      claim: (limit, until) => (halfOpen ? this.#claimProbe(until) : this.#claim(limit, until)),
      prepare: (claim) => this.#session.prepare(claim as DeliveryClaim),
      batchMax: halfOpen ? 1 : BATCH_MAX,
      aheadMax: halfOpen ? 0 : AHEAD_MAX,
      signal,
    });

    const work = async (slot: number) => {
      for (let next = await queue.take(slot); next; next = await queue.take(slot)) {
        await this.#deliver(next, slot);
        if (this.#breaker.state !== state) changed.abort();
        await this.#settlements.room();
      }
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: slots }, (_, slot) => work(slot).finally(() => changed.abort())),
    );
    await this.#letGo(await queue.drain());
    const broken = outcomes.find((outcome) => outcome.status === 'rejected');
    if (broken) await this.#rest(broken.reason);
  }

  async #claim(limit: number, signal: AbortSignal): Promise<readonly Claim[]> {
    const kind = `delivery:${this.destination}` as const;
    const claims = await this.#deps.spool.claim({ kind, limit, leaseMs: LEASE_MS }, signal);
    this.#settlements.hold(claims);
    this.#session.expect(claims.map(({ entry }) => entry));
    return claims;
  }

  /** One that has not failed yet, where there is one: the oldest may be the poison. */
  async #claimProbe(signal: AbortSignal): Promise<readonly Claim[]> {
    const { failing } = this.#breaker;
    const claims = await this.#claim(Math.min(failing.size + 1, BATCH_MAX), signal);
    const probe = claims.find(({ entry }) => !failing.has(entry.entryId)) ?? claims[0];
    this.#settlements.release(claims.filter((claim) => claim !== probe));
    return probe ? [probe] : [];
  }

  async #deliver({ claim, ready }: Next<PreparedItem>, slot: number): Promise<void> {
    if (this.#settlements.isLost(claim)) {
      await (await ready.catch(() => undefined))?.close();
      return;
    }
    const startedAtMs = this.#deps.clock.now();
    const alone = goesAlone(claim.attempt, this.#retry);
    this.#sending += 1;
    let outcome: Outcome;
    try {
      outcome = await this.#session.send(await ready, { slot, alone });
    } catch (error) {
      outcome = outcomeOfError(error, 'local');
      if (!(error instanceof GatewayError)) {
        // A bug: said loudly, and held, so that it stops neither the lane nor is repeated for ever.
        laneTroubled(this.#deps.telemetry, { destination: this.destination, error });
      }
    } finally {
      this.#sending -= 1;
    }
    if (outcome.taken) this.#settleTaken(claim, outcome, startedAtMs);
    else if (outcome.code === 'STOPPED') this.#settlements.release([claim]);
    else this.#settleFailed(claim, outcome, { startedAtMs, alone });
  }

  #settleTaken(claim: Claim, { outcome, status, comment }: Taken, startedAtMs: number): void {
    const { destination } = this;
    const { entry, attempt } = claim;
    const now = this.#deps.clock.now();
    this.#noteBreaker('TAKEN', () => this.#breaker.taken(entry.entryId));
    this.#taken += 1;
    this.#lastTakenAtMs = now;
    this.#lastFailure = undefined;
    this.#settlements.complete(
      {
        claim,
        outcome,
        ...(status !== undefined && { status }),
        ...(comment && { detail: comment }),
      },
      () =>
        deliveryTaken(this.#deps.telemetry, {
          destination,
          entryId: entry.entryId,
          attempt,
          outcome,
          status: statusLabel(status),
          sizeBytes: entry.sizeBytes,
          durationMs: now - startedAtMs,
          latencyMs: now - entry.receivedAtMs,
        }),
    );
  }

  #settleFailed(claim: Claim, outcome: NotTaken, sent: { startedAtMs: number; alone: boolean }): void {
    const { destination } = this;
    const { entry, attempt } = claim;
    const now = this.#deps.clock.now();
    const decision = decide(this.#failedAttempt(claim, outcome, sent), this.#retry, this.#deps.random());
    const why = decision.type === 'hold' ? decision.why : 'refused';
    const message = `${PREFIX[why](attempt)}${outcome.message}`;
    const disposition = decision.type === 'hold' ? 'hold' : dispositionOf(outcome.reason);
    this.#failed += 1;
    this.#lastFailure = { atMs: now, code: outcome.code, reason: message };
    this.#settlements.fail(
      {
        claim,
        disposition,
        code: outcome.code,
        message: outcome.comment ? `${message}: "${outcome.comment}"` : message,
        ...(outcome.status !== undefined && { status: outcome.status }),
        ...(decision.type === 'retry' && { retryAtMs: now + decision.delayMs, counts: decision.counts }),
      },
      () =>
        deliveryFailed(this.#deps.telemetry, {
          destination,
          entryId: entry.entryId,
          attempt,
          code: outcome.code,
          disposition,
          status: statusLabel(outcome.status),
          reason: message,
        }),
    );
  }

  /** What the policy has to know; tells the breaker on the way. */
  #failedAttempt(
    claim: Claim,
    { reason, status, code }: NotTaken,
    { startedAtMs, alone }: { startedAtMs: number; alone: boolean },
  ): FailedAttempt {
    const { entryId } = claim.entry;
    const othersPass = this.#breaker.othersPass(entryId, claim.createdAtMs);
    const othersFail = this.#breaker.othersFail(entryId);
    const probe = reason === 'resources' || !this.#session.echo ? 'instance' : 'echo';
    if (reason === 'refused' && status !== undefined) this.#noteBreaker(code, () => this.#breaker.answered());
    else if (reason !== 'refused' && reason !== 'local') {
      this.#noteBreaker(code, () => this.#breaker.failed(entryId, probe));
    }

    const now = this.#deps.clock.now();
    const firstAtMs = claim.firstAttemptAtMs ?? startedAtMs;
    const knownFromMs = Math.max(firstAtMs, this.#startedAtMs);
    const tried = {
      attempt: claim.attempt,
      sinceFirstMs: now - firstAtMs,
      inThisRunMs: now - knownFromMs - this.#breaker.suspendedMsSince(knownFromMs),
    };
    return {
      reason,
      attempt: claim.attempt,
      alone,
      failuresInRow: Math.max(1, this.#breaker.failuresInRow),
      othersPass,
      othersFail,
      triedForMs: triedForMs(tried, this.#retry),
    };
  }

  /** Waits until the destination may be well again, and asks. */
  async #probe(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#deps.clock.sleep(this.#breaker.probeAtMs - this.#deps.clock.now(), signal);
    if (signal.aborted) return;
    try {
      if (this.#breaker.probe === 'echo') await this.#session.echo?.();
      this.#breaker.letOneTry();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#lastFailure = { atMs: this.#deps.clock.now(), code: error.code, reason: error.message };
      this.#breaker.probeFailed();
    }
  }

  /** Reports a change of the breaker between working and suspended. */
  #noteBreaker(code: string, change: () => void): void {
    const before = this.#breaker.state;
    change();
    const after = this.#breaker.state;
    if (before === after) return;
    const { destination } = this;
    if (after === 'open') {
      const { failuresInRow } = this.#breaker;
      breakerOpened(this.#deps.telemetry, { destination, code, failuresInRow });
    } else if (after === 'closed') breakerClosed(this.#deps.telemetry, { destination });
  }

  async #letGo(left: readonly (Claim | Next<PreparedItem>)[]): Promise<void> {
    for (const each of left) {
      if (!('ready' in each)) continue;
      const prepared = await each.ready.catch(() => undefined);
      await prepared?.close();
    }
    this.#settlements.release(left.map((each) => ('ready' in each ? each.claim : each)));
  }

  /** The spool could not be asked for claims: it will say so itself; ask again in a while. */
  async #rest(error: unknown): Promise<void> {
    laneTroubled(this.#deps.telemetry, { destination: this.destination, error });
    await this.#deps.clock.sleep(this.#retry.first_delay, this.#stopping.signal);
  }

  #stateWord(): LaneStatus['state'] {
    if (this.#stopping.signal.aborted) return 'stopped';
    if (this.#sending > 0) return 'sending';
    return this.#breaker.state === 'closed' ? 'idle' : 'suspended';
  }
}

const PREFIX = {
  refused: () => '',
  tries: (attempt: number) => `Held after ${attempt} attempts. `,
  'gave-up': () => 'Held as tried for too long. ',
} as const;
