/** Everything of one destination that has to be open for deliveries: its session, and the lane on top of it. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import type { Spool } from '../spool/spool.ts';
import { laneOpened } from '../telemetry/events.ts';
import { laneReportOnly } from '../telemetry/lane-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { ownTimeZone } from '../time-zone.ts';
import { Bandwidth } from './bandwidth.ts';
import { CommitmentLane } from './commitment-lane.ts';
import type { DestinationSession } from './destination-kind.ts';
import { type DestinationSettings, openDestination } from './destinations.ts';
import { Lane } from './lane.ts';
import type { LaneStatus } from './lane-status.ts';
import { ReportFile } from './report-file.ts';
import { ReportSession } from './report-session.ts';

/** What the site as a whole says about its destinations. */
export interface SiteSettings {
  /** With `report`, every destination is as with `report_only`. */
  readonly mode?: 'live' | 'report';
  /** Absent: that of the machine. */
  readonly time_zone?: string | undefined;
}

export interface OpenLaneDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Where it is written down what would have been sent. */
  readonly reportsFolder: string;
}

/** All that a lane depends on: two lanes of equal plans are the same. */
interface Plan {
  readonly settings: DestinationSettings;
  readonly timeZone: string;
  readonly reportOnly: boolean;
}

/** A destination made ready; nothing is claimed for it before `start`. */
export class OpenLane {
  readonly destination: string;
  readonly session: DestinationSession;
  readonly #plan: Plan;
  readonly #deps: OpenLaneDeps;
  readonly #bandwidth: Bandwidth | undefined;
  #lane: Lane | undefined;
  #commitmentLane: CommitmentLane | undefined;

  private constructor(
    destination: string,
    plan: Plan,
    deps: OpenLaneDeps,
    parts: { readonly session: DestinationSession; readonly bandwidth: Bandwidth | undefined },
  ) {
    this.destination = destination;
    this.#plan = plan;
    this.#deps = deps;
    this.session = parts.session;
    this.#bandwidth = parts.bandwidth;
  }

  /** @throws {GatewayError} when the settings cannot be used */
  static async open(
    destination: string,
    settings: DestinationSettings,
    site: SiteSettings,
    deps: OpenLaneDeps,
  ): Promise<OpenLane> {
    const { spool, telemetry, clock, reportsFolder } = deps;
    const plan = planOf(settings, site);
    const { bytes_per_s_max } = settings;
    const bandwidth = bytes_per_s_max === undefined ? undefined : new Bandwidth(bytes_per_s_max, clock);
    const live = await openDestination(settings, {
      name: destination,
      instances: spool,
      telemetry,
      ...(bandwidth && { pace: bandwidth }),
    });
    const session = plan.reportOnly
      ? new ReportSession({
          destination: live,
          instances: spool,
          file: new ReportFile({ folder: reportsFolder, destination, timeZone: plan.timeZone }),
          ...('odd_length' in settings && { oddLength: settings.odd_length }),
          now: () => clock.now(),
        })
      : live;
    return new OpenLane(destination, plan, deps, { session, bandwidth });
  }

  /** Whether it would be the same with these settings. */
  isAsWith(settings: DestinationSettings, site: SiteSettings): boolean {
    return isDeepStrictEqual(this.#plan, planOf(settings, site));
  }

  start(): void {
    const { destination, session } = this;
    const { settings, timeZone, reportOnly } = this.#plan;
    const { telemetry } = this.#deps;
    laneOpened(telemetry, { destination, kind: settings.kind, slots: session.slots });
    laneReportOnly(telemetry, { destination, reportOnly });
    const bandwidth = this.#bandwidth;
    this.#lane = new Lane({ destination, session, settings, timeZone, bandwidth }, this.#deps);
    if (reportOnly) return; // What waits for a commitment waits until the destination is live again.
    const peer = session.commitment;
    this.#commitmentLane = new CommitmentLane({ destination, peer, retry: settings.retry }, this.#deps);
  }

  /** Where reports on commitments belong. */
  get commitmentLane(): CommitmentLane | undefined {
    return this.#commitmentLane;
  }

  status(): LaneStatus | undefined {
    const status = this.#lane?.status();
    return (
      status && {
        ...status,
        kind: this.#plan.settings.kind,
        ...(this.#plan.reportOnly && { reportOnly: true }),
      }
    );
  }

  /** Claims nothing more; what is being sent may finish for that long. */
  async stop(drainMs: number): Promise<void> {
    // Closing the session cuts off what is being asked: it cannot wait for the other.
    const stopped = this.#lane ? this.#lane.stop(drainMs) : this.session.close();
    await Promise.all([stopped, this.#commitmentLane?.stop()]);
  }
}

function planOf(settings: DestinationSettings, { mode, time_zone }: SiteSettings): Plan {
  return {
    settings,
    timeZone: time_zone ?? ownTimeZone(),
    reportOnly: mode === 'report' || settings.report_only,
  };
}
