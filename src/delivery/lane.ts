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
import { laneTroubled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Attempts } from './attempts.ts';
import { Breaker } from './breaker.ts';
import { ClaimQueue, type Next } from './claim-queue.ts';
import type { Clock } from './clock.ts';
import type { DestinationSession, PreparedItem } from './destination-kind.ts';
import type { LaneStatus } from './lane-status.ts';
import { type Outcome, outcomeOfError } from './outcome.ts';
import { goesAlone } from './retry-policy.ts';
import type { RetrySettings } from './retry-settings.ts';
import { LEASE_MS, Settlements } from './settlements.ts';

/** Claims asked for at a time; fewer when they are large. */
const BATCH_MAX = 128;
/** Made ready ahead of their turn: enough to go on with while the spool commits. */
const AHEAD_MAX = 32;
/** A stop waits at least so long for the spool to write down what has been taken. */
const SETTLE_MS = 5000;

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
  readonly #attempts: Attempts;
  readonly #running: Promise<void>;
  #sending = 0;

  constructor({ destination, session, retry }: LaneOptions, deps: LaneDeps) {
    const { spool, telemetry, clock } = deps;
    this.destination = destination;
    this.#session = session;
    this.#retry = retry;
    this.#deps = deps;
    const breaker = new Breaker(retry, { now: () => clock.now(), random: deps.random });
    const settlements = new Settlements({
      spool,
      clock,
      onTrouble: (error) => laneTroubled(telemetry, { destination, error }),
    });
    this.#breaker = breaker;
    this.#settlements = settlements;
    this.#attempts = new Attempts(
      { destination, retry, probe: session.echo ? 'echo' : 'instance' },
      { breaker, settlements, telemetry, clock, random: deps.random },
    );
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
      ...this.#attempts.remembered,
    };
  }

  /** Claims no more, lets what is being sent finish for that long, cuts off the rest, settles everything. */
  async stop(drainMs: number): Promise<void> {
    const { clock } = this.#deps;
    this.#stopping.abort();
    const drained = new AbortController();
    await Promise.race([this.#running, clock.sleep(drainMs, drained.signal)]);
    drained.abort();
    await this.#session.close();
    await this.#running;

    const settled = new AbortController();
    const giveUp = new AbortController();
    const timeUp = clock.sleep(Math.max(drainMs, SETTLE_MS), settled.signal).then(() => giveUp.abort());
    await this.#settlements.close(giveUp.signal);
    settled.abort();
    await timeUp;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        if (this.#breaker.state === 'open') await this.#probe();
        else await this.#flow();
      } catch (error) {
        // The spool cannot be asked, or a bug: said, and after a while the lane goes on.
        laneTroubled(this.#deps.telemetry, { destination: this.destination, error });
        await this.#deps.clock.sleep(this.#retry.first_delay, this.#stopping.signal);
      }
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
    if (broken) throw broken.reason;
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
    this.#attempts.settle(claim, outcome, { startedAtMs, alone });
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
      this.#attempts.probeFailed(error);
    }
  }

  async #letGo(left: readonly (Claim | Next<PreparedItem>)[]): Promise<void> {
    for (const each of left) {
      if (!('ready' in each)) continue;
      const prepared = await each.ready.catch(() => undefined);
      await prepared?.close();
    }
    this.#settlements.release(left.map((each) => ('ready' in each ? each.claim : each)));
  }

  #stateWord(): LaneStatus['state'] {
    if (this.#stopping.signal.aborted) return 'stopped';
    if (this.#sending > 0) return 'sending';
    return this.#breaker.state === 'closed' ? 'idle' : 'suspended';
  }
}
