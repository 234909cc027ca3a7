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
import { laneBlocked, laneOpened, lanesCounted, laneTroubled } from '../telemetry/events.ts';
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

/** How often the spool is asked what waits. */
const COUNT_EVERY_MS = 5000;
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

type Counts = Pick<LaneStatus, 'waiting' | 'claimed' | 'held' | 'oldestWaitingAtMs'>;
const NOTHING: Counts = { waiting: 0, claimed: 0, held: 0 };

/** Opens a lane for every destination. None of them has to be there yet. */
export async function startDelivery(
  destinations: DestinationsSettings,
  { spool, telemetry, clock = systemClock, random = Math.random }: DeliveryDeps,
): Promise<Delivery> {
  const lanes = new Map<string, OpenLane>();
  for (const [name, settings] of Object.entries(destinations)) {
    const session = openDestination(settings, { name, instances: spool, telemetry });
    const options = { destination: name, session, retry: settings.retry };
    lanes.set(name, {
      lane: new Lane(options, { spool, telemetry, clock, random }),
      session,
      kind: settings.kind,
    });
    laneOpened(telemetry, { destination: name, kind: settings.kind, slots: session.slots });
  }

  const counting = new AbortController();
  let counts = await countTasks(spool);
  const blocked = new Set<string>();
  const noteCounts = () => {
    const names = new Set([...lanes.keys(), ...counts.keys()]);
    lanesCounted(
      telemetry,
      [...names].map((destination) => ({ destination, ...(counts.get(destination) ?? NOTHING) })),
    );
    for (const [destination, { waiting, claimed, held }] of counts) {
      if (lanes.has(destination) || blocked.has(destination)) continue;
      blocked.add(destination);
      laneBlocked(telemetry, { destination, tasks: waiting + claimed + held });
    }
  };
  noteCounts();
  const keepCounting = async () => {
    while (!counting.signal.aborted) {
      await clock.sleep(COUNT_EVERY_MS, counting.signal);
      if (counting.signal.aborted) return;
      try {
        counts = await countTasks(spool);
        noteCounts();
      } catch (error) {
        laneTroubled(telemetry, { destination: 'all', error });
      }
    }
  };
  const counted = keepCounting();

  return {
    lanes() {
      const open = [...lanes].map(([name, { lane, kind }]) => ({
        ...lane.status(),
        ...(counts.get(name) ?? NOTHING),
        kind,
      }));
      const removed = [...counts].filter(([name]) => !lanes.has(name));
      return [...open, ...removed.map(([name, count]) => blockedLane(name, count))];
    },

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
      counting.abort();
      await Promise.all([counted, ...Array.from(lanes.values(), ({ lane }) => lane.stop(drainMs))]);
    },
  };
}

/** Open tasks by destination. */
async function countTasks(spool: Spool): Promise<Map<string, Counts>> {
  const counts = new Map<
    string,
    { waiting: number; claimed: number; held: number; oldestWaitingAtMs?: number }
  >();
  for (const { kind, state, count, oldestAtMs } of (await spool.status()).tasks) {
    if (!kind.startsWith('delivery:')) continue;
    const name = kind.slice('delivery:'.length);
    const lane = counts.get(name) ?? { waiting: 0, claimed: 0, held: 0 };
    counts.set(name, lane);
    if (state !== 'waiting' && state !== 'claimed' && state !== 'held') continue;
    lane[state] += count;
    if (state !== 'held') lane.oldestWaitingAtMs = Math.min(lane.oldestWaitingAtMs ?? oldestAtMs, oldestAtMs);
  }
  return counts;
}

function blockedLane(destination: string, counts: Counts): LaneStatus {
  return { destination, state: 'blocked', breaker: 'closed', sending: 0, taken: 0, failed: 0, ...counts };
}
