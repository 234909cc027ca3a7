/**
 * # Delivery
 *
 * Forwards every instance to its destinations until each has taken it: one lane per destination, each with its
 * own associations, retries and breaker, so that one dead destination costs the others nothing.
 *
 * - An instance counts as taken only by the destination's word; no answer is not success.
 * - A failure never deletes: it is tried again, or held for an operator.
 * - Tasks of a destination that the configuration no longer has stay as they are, and are shown as blocked.
 *
 * Deliberately absent: codecs. What a destination takes only in another transfer syntax is not converted here.
 */
import type { Spool } from '../spool/spool.ts';
import { laneBlocked, laneOpened, laneTroubled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type Clock, systemClock } from './clock.ts';
import type { DestinationsSettings } from './config.ts';
import type { DestinationSession } from './destination-kind.ts';
import { openDestination } from './destinations.ts';
import { DeliveryError } from './errors.ts';
import { Lane } from './lane.ts';
import type { LaneStatus } from './lane-status.ts';

export type { DestinationSettings } from './destinations.ts';
export type { LaneStatus } from './lane-status.ts';
export type { DestinationsSettings };

const KIND = 'delivery:';
/** How often the spool is asked for tasks of destinations that are not configured. */
const LOOK_EVERY_MS = 5000;
const DRAIN_MS = 10_000;

export interface Delivery {
  /** Every lane; and as blocked, every destination that tasks name and the configuration does not. */
  lanes(): LaneStatus[];
  /**
   * Asks a destination whether it is there, by C-ECHO where it speaks DICOM.
   *
   * @throws {GatewayError} when it is not, or there is none of that name
   */
  echo(destination: string): Promise<{ readonly durationMs: number }>;
  /** Claims nothing more; what is being sent may finish for `drainMs`. Safe to call twice. */
  stop(drainMs?: number): Promise<void>;
}

export interface DeliveryDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

interface OpenLane {
  readonly lane: Lane;
  readonly session: DestinationSession;
  readonly kind: string;
}

/** Opens a lane for every destination. None of them has to be there yet. */
export async function startDelivery(
  destinations: DestinationsSettings,
  { spool, telemetry, clock = systemClock, random = Math.random }: DeliveryDeps,
): Promise<Delivery> {
  const blocked = new BlockedLanes(new Set(Object.keys(destinations)), { spool, telemetry });
  await blocked.look();
  const lanes = new Map<string, OpenLane>();
  for (const [name, settings] of Object.entries(destinations)) {
    const { kind, retry } = settings;
    const session = openDestination(settings, { name, instances: spool, telemetry });
    laneOpened(telemetry, { destination: name, kind, slots: session.slots });
    const lane = new Lane({ destination: name, session, retry }, { spool, telemetry, clock, random });
    lanes.set(name, { lane, session, kind });
  }
  const stopping = new AbortController();
  const looking = blocked.keepLooking(clock, stopping.signal);

  return {
    lanes: () => [
      ...Array.from(lanes.values(), ({ lane, kind }) => ({ ...lane.status(), kind })),
      ...Array.from(blocked.names, blockedLane),
    ],

    async echo(destination) {
      const session = lanes.get(destination)?.session;
      if (!session) {
        throw new DeliveryError(
          'DESTINATION_UNKNOWN',
          `Cannot ask "${destination}" whether it is there: the configuration has no destination of that name`,
        );
      }
      const startedAtMs = performance.now();
      await session.echo?.();
      return { durationMs: performance.now() - startedAtMs };
    },

    async stop(drainMs = DRAIN_MS) {
      stopping.abort();
      await Promise.all([looking, ...Array.from(lanes.values(), ({ lane }) => lane.stop(drainMs))]);
    },
  };
}

/** Destinations that tasks name and the configuration does not. */
class BlockedLanes {
  readonly #configured: ReadonlySet<string>;
  readonly #deps: { readonly spool: Spool; readonly telemetry: Telemetry };
  #names: ReadonlySet<string> = new Set();

  constructor(
    configured: ReadonlySet<string>,
    deps: { readonly spool: Spool; readonly telemetry: Telemetry },
  ) {
    this.#configured = configured;
    this.#deps = deps;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  async look(): Promise<void> {
    const found = new Map<string, number>();
    for (const { kind, count } of (await this.#deps.spool.status()).tasks) {
      const destination = kind.startsWith(KIND) ? kind.slice(KIND.length) : undefined;
      if (destination === undefined || count === 0 || this.#configured.has(destination)) continue;
      found.set(destination, (found.get(destination) ?? 0) + count);
    }
    for (const [destination, tasks] of found) {
      if (!this.#names.has(destination)) laneBlocked(this.#deps.telemetry, { destination, tasks });
    }
    this.#names = new Set(found.keys());
  }

  async keepLooking(clock: Clock, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        laneTroubled(this.#deps.telemetry, { destination: 'all', error });
      }
    }
  }
}

function blockedLane(destination: string): LaneStatus {
  return { destination, state: 'blocked', breaker: 'closed', sending: 0, taken: 0, failed: 0 };
}
