/**
 * # When down
 *
 * What becomes of deliveries while their destination is down for long: they are skipped, or handed to the
 * destination that takes over. Only while the breaker is open, between two probes that fail: what is claimed just
 * when the destination comes back is given back to it.
 *
 * Deliberately absent: the waiting, which needs no work.
 */

import type { Clock } from '../clock.ts';
import {
  type Claim,
  type Completion,
  type DeliveryPayload,
  type NewTask,
  PRIORITY,
  type Spool,
} from '../spool/spool.ts';
import { deliveryFailedOver, deliverySkipped } from '../telemetry/lane-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Breaker } from './breaker.ts';
import type { LaneSettings } from './lane-settings.ts';
import { LEASE_MS, type Settlements } from './settlements.ts';

const BATCH_MAX = 128;
/** Until what can go nowhere else is looked at again, should the destination stay down. */
const LOOK_AGAIN_MS = 30_000;
const EMPTY_MS = 1000;

export interface WhenDownOptions {
  readonly destination: string;
  readonly settings: Pick<LaneSettings, 'when_down' | 'down_after' | 'failover_to'>;
}

export interface WhenDownDeps {
  readonly spool: Spool;
  readonly breaker: Breaker;
  readonly settlements: Settlements;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** What went past the destination since the lane was opened. */
export interface Diverted {
  readonly skipped: number;
  readonly failedOver: number;
}

type DeliveryClaim = Claim<DeliveryPayload>;

/** Outcomes of deliveries that are done though the destination never got the instance. */
const NEVER_SENT: ReadonlySet<string | undefined> = new Set(['skipped', 'reported']);

export class WhenDown {
  readonly #options: WhenDownOptions;
  readonly #deps: WhenDownDeps;
  #diverted: Diverted = { skipped: 0, failedOver: 0 };

  constructor(options: WhenDownOptions, deps: WhenDownDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get diverted(): Diverted {
    return this.#diverted;
  }

  /** Where deliveries go now, past the destination. */
  get diverting(): 'skip' | 'failover' | undefined {
    const { breaker } = this.#deps;
    const { when_down, down_after } = this.#options.settings;
    if (when_down === 'wait' || breaker.state !== 'open') return undefined;
    return breaker.suspendedForMs >= down_after ? when_down : undefined;
  }

  /** The destination that takes over now. */
  get divertingTo(): string | undefined {
    return this.diverting === 'failover' ? this.#options.settings.failover_to : undefined;
  }

  /**
   * Diverts what is due once the destination has been down for long enough, until `signal` aborts.
   *
   * @param priorityAtLeast what is allowed at this hour
   */
  async divert(priorityAtLeast: number | undefined, signal: AbortSignal): Promise<void> {
    const { settings, destination } = this.#options;
    const { spool, breaker, settlements, clock } = this.#deps;
    if (settings.when_down === 'wait') return;
    await clock.sleep(settings.down_after - breaker.suspendedForMs, signal);
    while (!signal.aborted) {
      const kind = `delivery:${destination}` as const;
      const claims = await spool.claim(
        {
          kind,
          limit: BATCH_MAX,
          leaseMs: LEASE_MS,
          ...(priorityAtLeast !== undefined && { priorityAtLeast }),
        },
        signal,
      );
      settlements.hold(claims);
      if (claims.length === 0) await clock.sleep(EMPTY_MS, signal); // The spool is closing.
      if (signal.aborted) settlements.release(claims);
      else if (settings.when_down === 'skip') this.#skip(claims);
      else await this.#failOver(claims as readonly DeliveryClaim[]);
      await settlements.room();
    }
  }

  #skip(claims: readonly Claim[]): void {
    const { destination } = this.#options;
    const { telemetry, settlements } = this.#deps;
    const detail = `Skipped: the destination had been down for ${this.#minutes} min`;
    for (const claim of claims) {
      settlements.complete({ claim, outcome: 'skipped', detail }, () => {
        this.#diverted = { ...this.#diverted, skipped: this.#diverted.skipped + 1 };
        deliverySkipped(telemetry, { destination, entryId: claim.entry.entryId });
      });
    }
  }

  async #failOver(claims: readonly DeliveryClaim[]): Promise<void> {
    const { destination, settings } = this.#options;
    const { telemetry, settlements, clock } = this.#deps;
    const to = settings.failover_to ?? '';
    const stuck = claims.filter(({ payload }) => to === '' || payload.failedOverFrom?.includes(to));
    const going = claims.filter((claim) => !stuck.includes(claim));
    // It has been there before, and was passed on: it waits for whichever of them comes back.
    if (stuck.length > 0) await settlements.defer(stuck, clock.now() + LOOK_AGAIN_MS);

    const alreadyThere = await this.#entriesFor(to, going);
    for (const claim of going) {
      const { entryId } = claim.entry;
      const isThere = alreadyThere.has(entryId);
      const completion: Completion = {
        claim,
        outcome: 'failed-over',
        detail: `Down for ${this.#minutes} min: "${to}" takes over${isThere ? ', which is to get it anyway' : ''}`,
        ...(!isThere && { tasks: [taskFor(to, claim.payload, destination)] }),
      };
      settlements.complete(completion, () => {
        this.#diverted = { ...this.#diverted, failedOver: this.#diverted.failedOver + 1 };
        deliveryFailedOver(telemetry, { destination, entryId, to });
      });
    }
  }

  /**
   * The entries that have a delivery to that destination by themselves: it need not get them twice. One that went
   * past it does not count.
   */
  async #entriesFor(destination: string, claims: readonly Claim[]): Promise<ReadonlySet<number>> {
    const entryIds = claims.map(({ entry }) => entry.entryId);
    if (entryIds.length === 0) return new Set();
    try {
      const rows = await this.#deps.spool.query({ entryIds, limit: entryIds.length });
      const there = rows.filter(({ tasks }) =>
        tasks.some(
          ({ kind, state, code }) =>
            kind === `delivery:${destination}` &&
            state !== 'discarded' &&
            !(state === 'done' && NEVER_SENT.has(code)),
        ),
      );
      return new Set(there.map(({ entryId }) => entryId));
    } catch (error) {
      this.#deps.settlements.release(claims);
      throw error;
    }
  }

  get #minutes(): number {
    return Math.round(this.#deps.breaker.suspendedForMs / 60_000);
  }
}

function taskFor(to: string, payload: DeliveryPayload, from: string): NewTask {
  // What the one did not commit to says nothing of the other.
  const { uncommitted: _, ...rest } = payload;
  const failedOverFrom = [...(payload.failedOverFrom ?? []), from];
  return {
    kind: `delivery:${to}`,
    payload: { ...rest, failedOverFrom } satisfies DeliveryPayload,
    priority: PRIORITY[payload.priority ?? 'normal'],
  };
}
