/** The open lanes: as the settings say, and again when the settings change. */
import { laneClosed } from '../telemetry/lane-events.ts';
import type { DestinationsSettings } from './config.ts';
import { OpenLane, type OpenLaneDeps, type SiteSettings } from './open-lane.ts';

export class Lanes {
  readonly #deps: OpenLaneDeps;
  readonly #open = new Map<string, OpenLane>();
  /** Changes follow one another. */
  #changing: Promise<void> = Promise.resolve();

  constructor(deps: OpenLaneDeps) {
    this.#deps = deps;
  }

  get(destination: string): OpenLane | undefined {
    return this.#open.get(destination);
  }

  all(): readonly OpenLane[] {
    return [...this.#open.values()];
  }

  /**
   * Makes the lanes those of the settings. One whose settings are the same goes on as if nothing were; others finish
   * what they send, for `drainMs`, and give back the rest before their successor claims anything.
   *
   * @param opened called when all can be opened, before anything changes
   * @throws {GatewayError} when a destination cannot be opened; then nothing has changed
   */
  replace(
    destinations: DestinationsSettings,
    site: SiteSettings,
    drainMs: number,
    opened: () => void = () => {},
  ): Promise<void> {
    const changed = this.#changing.then(() => this.#replace(destinations, site, drainMs, opened));
    this.#changing = changed.catch(() => undefined); // Said to whoever asked for it.
    return changed;
  }

  async stop(drainMs: number): Promise<void> {
    await this.#changing;
    await Promise.all(this.all().map((lane) => lane.stop(drainMs)));
  }

  async #replace(
    destinations: DestinationsSettings,
    site: SiteSettings,
    drainMs: number,
    opened: () => void,
  ): Promise<void> {
    const { telemetry } = this.#deps;
    const ready = await this.#makeReady(destinations, site);
    opened();
    const leaving = this.all().filter(
      ({ destination }) => ready.has(destination) || !Object.hasOwn(destinations, destination),
    );
    const swaps = [...ready.keys(), ...leaving.map(({ destination }) => destination)];
    await Promise.all(
      [...new Set(swaps)].map(async (destination) => {
        const before = this.#open.get(destination);
        const after = ready.get(destination);
        await before?.stop(drainMs);
        if (after === undefined) this.#open.delete(destination);
        else this.#open.set(destination, after);
        if (before) laneClosed(telemetry, { destination, isRemoved: after === undefined });
        after?.start();
      }),
    );
  }

  /** What is new or changed, opened but not started. */
  async #makeReady(
    destinations: DestinationsSettings,
    site: SiteSettings,
  ): Promise<ReadonlyMap<string, OpenLane>> {
    const ready = new Map<string, OpenLane>();
    try {
      for (const [destination, settings] of Object.entries(destinations)) {
        if (this.#open.get(destination)?.isAsWith(settings, site)) continue;
        ready.set(destination, await OpenLane.open(destination, settings, site, this.#deps));
      }
    } catch (error) {
      await Promise.all([...ready.values()].map((lane) => lane.stop(0)));
      throw error;
    }
    return ready;
  }
}
