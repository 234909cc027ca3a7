/**
 * # Delivery
 *
 * Forwards every instance to its destinations until each has taken it: one lane per destination, each with its
 * own associations, retries and breaker, so that one dead destination costs the others nothing.
 *
 * - An instance counts as taken only by the destination's word; no answer is not success.
 * - Where a destination has to commit to what it has taken, an instance is done only when it has.
 * - A failure never deletes: it is tried again, or held for an operator.
 * - Tasks of a destination that the configuration no longer has stay as they are, and are shown as blocked.
 * - Where a destination is only reported on, nothing leaves; what would have is on record.
 *
 * Deliberately absent: codecs. What a destination takes only in another transfer syntax is not converted here.
 */

import { type Clock, systemClock } from '../clock.ts';
import type { Spool } from '../spool/spool.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { BlockedLanes } from './blocked-lanes.ts';
import { CommitmentReports } from './commitment-reports.ts';
import type { DestinationsSettings } from './config.ts';
import { DeliveryError } from './errors.ts';
import type { LaneStatus } from './lane-status.ts';
import { Lanes } from './lanes.ts';
import type { OpenLane, SiteSettings } from './open-lane.ts';

export type { DestinationSettings } from './destinations.ts';
export type { LaneStatus } from './lane-status.ts';
export type { SiteSettings } from './open-lane.ts';
export type { DestinationsSettings };

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
  /**
   * Puts other settings in force. Lanes of unchanged settings go on untouched; changed ones finish what they are
   * sending, for up to `drainMs`, and are opened anew; tasks of removed ones stay, blocked.
   *
   * @param site absent: as before
   * @param options `opened` is called when all can be opened, before anything changes: what names them may be put in
   * force then
   * @throws {GatewayError} when a destination cannot be opened; then nothing has changed
   */
  reload(
    destinations: DestinationsSettings,
    site?: SiteSettings,
    options?: { readonly drainMs?: number; readonly opened?: () => void },
  ): Promise<void>;
  /** Claims nothing more; what is being sent may finish for `drainMs`. Safe to call twice. */
  stop(drainMs?: number): Promise<void>;
}

export interface DeliveryDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly site?: SiteSettings;
  /** Where it is written down what would have been sent to destinations that are only reported on. */
  readonly reportsFolder?: string;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** Opens a lane for every destination. None of them has to be there yet. */
export async function startDelivery(
  destinations: DestinationsSettings,
  deps: DeliveryDeps,
): Promise<Delivery> {
  const { spool, telemetry, clock = systemClock, random = Math.random, reportsFolder = './reports' } = deps;
  let site = deps.site ?? {};
  const lanes = new Lanes({ spool, telemetry, clock, random, reportsFolder });
  const blocked = new BlockedLanes((name) => lanes.get(name) !== undefined, { spool, telemetry });
  await lanes.replace(destinations, site, 0);
  await blocked.lookAgain();
  const laneOf = (destination: string) => lanes.get(destination)?.commitmentLane;
  const reports = new CommitmentReports(laneOf, { spool, telemetry, clock });
  const stopping = new AbortController();
  const looking = blocked.keepLooking(clock, stopping.signal);

  return {
    lanes: () => [...lanes.all().flatMap((lane) => withCommitments(lane, blocked)), ...blocked.statuses()],

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

    async reload(changed, siteChanged = site, { drainMs = DRAIN_MS, opened } = {}) {
      await lanes.replace(changed, siteChanged, drainMs, opened);
      site = siteChanged;
      await blocked.lookAgain();
      reports.look();
    },

    async stop(drainMs = DRAIN_MS) {
      stopping.abort();
      await Promise.all([looking, reports.stop(), lanes.stop(drainMs)]);
    },
  };
}

/** How many instances a destination has not committed to, where it has to. */
function withCommitments(lane: OpenLane, blocked: BlockedLanes): LaneStatus[] {
  const status = lane.status();
  if (status === undefined) return [];
  if (lane.session.commitment === undefined) return [status];
  return [{ ...status, awaitingCommitment: blocked.awaitingCommitment(lane.destination) }];
}
