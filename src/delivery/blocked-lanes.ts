import type { Clock } from '../clock.ts';
import { partsOfKind, type Spool } from '../spool/spool.ts';
import { laneBlocked, laneTroubled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { LaneStatus } from './lane-status.ts';

/** How often the spool is asked for tasks of destinations that are not configured. */
const LOOK_EVERY_MS = 5000;

/** Destinations that tasks name and the configuration does not. */
export class BlockedLanes {
  readonly #isConfigured: (destination: string) => boolean;
  readonly #deps: { readonly spool: Spool; readonly telemetry: Telemetry };
  #names: ReadonlySet<string> = new Set();
  #awaitingCommitment: ReadonlyMap<string, number> = new Map();

  constructor(
    isConfigured: (destination: string) => boolean,
    deps: { readonly spool: Spool; readonly telemetry: Telemetry },
  ) {
    this.#isConfigured = isConfigured;
    this.#deps = deps;
  }

  statuses(): readonly LaneStatus[] {
    return [...this.#names]
      .filter((destination) => !this.#isConfigured(destination))
      .map((destination) => ({
        destination,
        state: 'blocked',
        breaker: 'closed',
        sending: 0,
        taken: 0,
        failed: 0,
      }));
  }

  /** Instances that a destination has taken and not committed to; as of the last look. */
  awaitingCommitment(destination: string): number {
    return this.#awaitingCommitment.get(destination) ?? 0;
  }

  async look(): Promise<void> {
    const found = new Map<string, number>();
    const awaiting = new Map<string, number>();
    for (const { kind, count } of (await this.#deps.spool.status()).tasks) {
      const { stage, destination } = partsOfKind(kind);
      if (destination === undefined) continue;
      if (stage === 'commitment') awaiting.set(destination, (awaiting.get(destination) ?? 0) + count);
      if (count === 0 || this.#isConfigured(destination)) continue;
      found.set(destination, (found.get(destination) ?? 0) + count);
    }
    for (const [destination, tasks] of found) {
      if (!this.#names.has(destination)) laneBlocked(this.#deps.telemetry, { destination, tasks });
    }
    this.#names = new Set(found.keys());
    this.#awaitingCommitment = awaiting;
  }

  async keepLooking(clock: Clock, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.lookAgain();
    }
  }

  /** As `look`; what it cannot learn now it learns later. */
  async lookAgain(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      laneTroubled(this.#deps.telemetry, { destination: 'all', error });
    }
  }
}
