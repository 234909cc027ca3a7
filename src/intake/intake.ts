/**
 * # Intake
 *
 * Arrivals become spool entries: starts the configured inputs and stops them.
 *
 * Invariants:
 * - An instance is acknowledged only after the spool has made it durable.
 * - Nothing is left of an instance that was not acknowledged, unless its peer went away before it could be told.
 *
 * Storage commitment for sources is here too: it answers for what was acknowledged.
 *
 * Deliberately absent: rules, destinations, and any look into the data set, but for UIDs that a file says nowhere else.
 */
import type { Spool } from '../spool/spool.ts';
import { admissionReloaded, inputStarted, inputStopped } from '../telemetry/intake-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { AdmissionControl, type AdmissionSettings } from './admission-control.ts';
import { CommitmentRequests } from './commitment-requests.ts';
import { DEFAULT_COMMITMENT } from './commitment-settings.ts';
import type { IntakeSettings } from './config.ts';
import type { Input } from './input-kind.ts';
import { startInput } from './inputs.ts';

/** An input at work, under its name in the configuration. */
export interface RunningInput extends Omit<Input, 'stop' | 'reloadCertificates'> {
  readonly name: string;
  readonly kind: string;
}

export interface Intake {
  inputs(): readonly RunningInput[];
  /**
   * Puts sources and admission in force for what comes from now on, and reads certificates again. Nothing that is
   * open is touched. Inputs themselves, and their ports, stay as they were started.
   */
  reload(settings: AdmissionSettings): void;
  /** Takes nothing new, gives what has begun up to `drainMs` to end, then cuts it off. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Starts all inputs.
 *
 * @throws {InputUnavailableError} when one cannot start; then none is left running
 */
export async function startIntake(
  settings: IntakeSettings,
  deps: { readonly spool: Spool; readonly telemetry: Telemetry },
): Promise<Intake> {
  const { spool, telemetry } = deps;
  const admission = new AdmissionControl(settings);
  const commitment = await CommitmentRequests.start({
    spool,
    telemetry,
    settingsOf: (source) => admission.source(source)?.commitment ?? DEFAULT_COMMITMENT,
  });
  const running = new Map<string, { readonly kind: string; readonly input: Input }>();
  const stop = async (drainMs: number) => {
    const inputs = [...running];
    running.clear();
    await Promise.all(inputs.map(([, { input }]) => input.stop(drainMs)));
    await commitment.stop();
    for (const [name] of inputs) inputStopped(telemetry, { input: name });
  };
  try {
    for (const [name, inputSettings] of Object.entries(settings.inputs)) {
      const { kind } = inputSettings;
      const input = await startInput(inputSettings, {
        name,
        admission,
        commitment,
        spool,
        telemetry,
      });
      running.set(name, { kind, input });
      inputStarted(telemetry, { input: name, kind, place: input.place });
    }
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    inputs: () =>
      [...running].map(
        ([
          name,
          {
            kind,
            input: { stop: _, reloadCertificates: __, ...at },
          },
        ]) => ({ name, kind, ...at }),
      ),
    reload(next) {
      admission.reload(next);
      for (const { input } of running.values()) input.reloadCertificates?.();
      admissionReloaded(telemetry, { sources: Object.keys(next.sources).length });
    },
    stop,
  };
}
