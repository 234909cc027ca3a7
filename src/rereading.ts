/**
 * # Rereading
 *
 * The one way in which a running gateway takes new settings, whoever asks: SIGHUP or `slidegate reload`. Settings
 * are read, put in force or not, told to the log, and what went wrong is remembered until a reload goes well.
 */
import { GatewayError } from './errors.ts';
import { configReloadFailed } from './telemetry/events.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** What came of a reload. */
export type Reread =
  /** `needRestart`: settings that differ and were not put in force. */
  { readonly needRestart: readonly string[] } | { readonly failed: ReloadFailure };

/** Why the settings before are still in force. */
export interface ReloadFailure {
  readonly atMs: number;
  readonly code: string;
  /** Every problem with its place, a line each. */
  readonly message: string;
}

export class Rereading<Settings> {
  readonly #read: (() => Settings) | undefined;
  readonly #telemetry: Telemetry;
  readonly #started = Promise.withResolvers<(settings: Settings) => Promise<readonly string[]>>();
  #failure: ReloadFailure | undefined;
  #runs = 0;

  /** @param read where settings come from; absent: nowhere, and every reload fails */
  constructor(read: (() => Settings) | undefined, telemetry: Telemetry) {
    this.#read = read;
    this.#telemetry = telemetry;
  }

  /** Of the last reload, if that went wrong. */
  get failure(): ReloadFailure | undefined {
    return this.#failure;
  }

  /** Everything has started: what waits to be reloaded may be. */
  started(putInForce: (settings: Settings) => Promise<readonly string[]>): void {
    this.#started.resolve(putInForce);
  }

  /** Reads everything again, once the gateway has started; what is wrong is told, and changes nothing. */
  async run(): Promise<Reread> {
    const putInForce = await this.#started.promise;
    this.#runs += 1;
    const run = this.#runs;
    try {
      if (this.#read === undefined) throw new Error('Cannot reload: the settings came from no file');
      const needRestart = await putInForce(this.#read());
      if (run === this.#runs) this.#failure = undefined; // Of those that overlap, the last counts.
      return { needRestart };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof GatewayError ? error.code : 'RELOAD_FAILED';
      const failed = { atMs: Date.now(), code, message };
      if (run === this.#runs) this.#failure = failed;
      configReloadFailed(this.#telemetry, { reason: message });
      return { failed };
    }
  }
}
