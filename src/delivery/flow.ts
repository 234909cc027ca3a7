/**
 * Sends what a lane claims, over its slots, until it is told that something has changed: the breaker, the hour, or
 * that the lane stops. What is being sent then finishes; what was claimed ahead is given back.
 */

import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Claim, ClaimRequest, DeliveryPayload, Spool } from '../spool/spool.ts';
import { laneTroubled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Attempts } from './attempts.ts';
import type { Breaker } from './breaker.ts';
import { isFirstOfSet, priorityOf, setOf } from './claim-order.ts';
import { ClaimQueue, type Next } from './claim-queue.ts';
import type { DestinationSession, PreparedItem } from './destination-kind.ts';
import type { LaneSettings } from './lane-settings.ts';
import { type Outcome, outcomeOfError } from './outcome.ts';
import { goesAlone } from './retry-policy.ts';
import { LEASE_MS, type Settlements } from './settlements.ts';
import type { SlotRamp } from './slot-ramp.ts';

/** Claims asked for at a time; fewer when they are large. */
const BATCH_MAX = 128;
/** Made ready ahead of their turn: enough to go on with while the spool commits. */
const AHEAD_MAX = 32;
/** A slot waits so long for the spool to give more of the study that it sends. */
const MORE_OF_STUDY_MS = 100;

export interface FlowOptions {
  readonly destination: string;
  readonly session: DestinationSession;
  readonly settings: Pick<LaneSettings, 'retry' | 'order' | 'keep_study_on_one_association'>;
}

export interface FlowDeps {
  readonly spool: Spool;
  readonly breaker: Breaker;
  readonly attempts: Attempts;
  readonly settlements: Settlements;
  readonly ramp: SlotRamp;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

type DeliveryClaim = Claim<DeliveryPayload>;

export class Flow {
  readonly #options: FlowOptions;
  readonly #deps: FlowDeps;
  #sending = 0;

  constructor(options: FlowOptions, deps: FlowDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Being sent now. */
  get sending(): number {
    return this.#sending;
  }

  /**
   * Sends until the breaker changes its mind, or `until` aborts. Half open, one instance at a time.
   *
   * @param priorityAtLeast what is allowed at this hour
   * @throws what the spool threw when it was asked for claims
   */
  async run(priorityAtLeast: number | undefined, until: AbortSignal): Promise<void> {
    const { breaker, ramp, settlements, clock } = this.#deps;
    const { session, settings } = this.#options;
    const { state } = breaker;
    const halfOpen = state === 'half-open';
    const changed = new AbortController();
    const signal = AbortSignal.any([until, changed.signal]);
    const ask = { ...(priorityAtLeast !== undefined && { priorityAtLeast }) };
    const queue = new ClaimQueue<PreparedItem>({
      claim: (limit, end) => (halfOpen ? this.#claimProbe(ask, end) : this.#claim({ ...ask, limit }, end)),
      prepare: (claim) => session.prepare(claim as DeliveryClaim),
      setOf: (claim) => setOf(claim, settings),
      priorityOf,
      ...(settings.keep_study_on_one_association && {
        patience: () => clock.sleep(MORE_OF_STUDY_MS, signal),
      }),
      batchMax: halfOpen ? 1 : BATCH_MAX,
      aheadMax: halfOpen ? 0 : AHEAD_MAX,
      signal,
    });

    const working: Promise<void>[] = [];
    const failures: unknown[] = [];
    const openSlots = () => {
      while (working.length < (halfOpen ? 1 : ramp.slots)) {
        const slot = work(working.length).catch((error: unknown) => failures.push(error));
        working.push(slot.then(() => changed.abort()));
      }
    };
    const work = async (slot: number) => {
      for (let next = await queue.take(slot); next; next = await queue.take(slot)) {
        const end = await this.#deliver(next, slot);
        if (end === 'again' && settings.order === 'study') await this.#holdUp(next.claim, queue);
        if (breaker.state !== state) changed.abort();
        else if (end === 'taken' && ramp.grow()) openSlots();
        await settlements.room();
      }
    };
    openSlots();
    for (const slot of working) await slot; // More may open meanwhile.
    await this.#letGo(await queue.drain());
    if (failures.length > 0) throw failures[0];
  }

  async #claim(
    ask: Pick<ClaimRequest, 'limit' | 'priorityAtLeast'>,
    signal: AbortSignal,
  ): Promise<readonly Claim[]> {
    const { destination, session, settings } = this.#options;
    const { spool, settlements } = this.#deps;
    const claims = await spool.claim(
      {
        ...ask,
        kind: `delivery:${destination}`,
        leaseMs: LEASE_MS,
        ...(settings.order === 'study' && { inOrderOf: 'study' }),
      },
      signal,
    );
    settlements.hold(claims);
    session.expect(claims.map(({ entry }) => entry));
    return claims;
  }

  /** One that has not failed yet, where there is one: the oldest may be the poison. */
  async #claimProbe(
    ask: Pick<ClaimRequest, 'priorityAtLeast'>,
    signal: AbortSignal,
  ): Promise<readonly Claim[]> {
    const { failing } = this.#deps.breaker;
    const { settings } = this.#options;
    const claims = await this.#claim({ ...ask, limit: Math.min(failing.size + 1, BATCH_MAX) }, signal);
    const mayGo =
      settings.order === 'study' ? claims.filter((claim) => isFirstOfSet(claim, claims, settings)) : claims;
    const probe = mayGo.find(({ entry }) => !failing.has(entry.entryId)) ?? claims[0];
    this.#deps.settlements.release(claims.filter((claim) => claim !== probe));
    return probe ? [probe] : [];
  }

  async #deliver(
    { claim, ready }: Next<PreparedItem>,
    slot: number,
  ): Promise<ReturnType<Attempts['settle']>> {
    const { attempts, settlements, clock, telemetry } = this.#deps;
    const { destination, session, settings } = this.#options;
    if (settlements.isLost(claim)) {
      await (await ready.catch(() => undefined))?.close();
      return 'again';
    }
    const startedAtMs = clock.now();
    const alone = goesAlone(claim.attempt, settings.retry);
    this.#sending += 1;
    let outcome: Outcome;
    try {
      outcome = await session.send(await ready, { slot, alone });
    } catch (error) {
      outcome = outcomeOfError(error, 'local');
      if (!(error instanceof GatewayError)) {
        // A bug: said loudly, and held, so that it stops neither the lane nor is repeated for ever.
        laneTroubled(telemetry, { destination, error });
      }
    } finally {
      this.#sending -= 1;
    }
    return attempts.settle(claim, outcome, { startedAtMs, alone });
  }

  /** What will be tried again holds up its study: the rest of it comes after it. */
  async #holdUp(claim: Claim, queue: ClaimQueue<PreparedItem>): Promise<void> {
    const set = setOf(claim, this.#options.settings);
    if (set !== undefined) await this.#letGo(queue.dropSet(set));
  }

  async #letGo(left: readonly (Claim | Next<PreparedItem>)[]): Promise<void> {
    for (const each of left) {
      if (!('ready' in each)) continue;
      const prepared = await each.ready.catch(() => undefined);
      await prepared?.close();
    }
    this.#deps.settlements.release(left.map((each) => ('ready' in each ? each.claim : each)));
  }
}
