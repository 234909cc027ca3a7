/** What the console is given by the composition root, and no more: it sees stages only through these. */
import type { Spool } from '../spool/spool.ts';
import type { MetricsSettings } from '../telemetry/config.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ConsoleSettings } from './config.ts';

/** The part of the settings that the console reads. */
export interface ConsoleView {
  readonly console: ConsoleSettings;
  readonly metrics: MetricsSettings;
  /** Only their names matter: each should be listening. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** One input at work. */
export interface InputView {
  readonly name: string;
  readonly kind: string;
  /** For people: `127.0.0.1:11112`, or the folder that it watches. */
  readonly place: string;
  /** Only of those that listen. */
  readonly host?: string;
  readonly port?: number;
}

/** How sending to one destination goes. */
export interface LaneView {
  readonly destination: string;
  /** Absent where the settings have no destination of that name any more. */
  readonly kind?: string;
  /**
   * `suspended`: in trouble, and probed. `closed`: outside of its windows. `blocked`: no longer in the settings,
   * though tasks wait for it.
   */
  readonly state: 'idle' | 'sending' | 'suspended' | 'closed' | 'blocked' | 'stopped';
  /** When a suspended destination is asked next whether it is well again. */
  readonly nextProbeAtMs?: number;
  /** When a closed one is sent to again. */
  readonly opensAtMs?: number;
  /** Where deliveries go while it has been down for long. */
  readonly diverting?: 'skip' | 'failover';
  /** The destination that takes over meanwhile. */
  readonly divertingTo?: string;
  /** Nothing is sent: what would have been is written down. */
  readonly reportOnly?: boolean;
  /** Taken and not committed to; absent where it need not commit. */
  readonly awaitingCommitment?: number;
  readonly lastTakenAtMs?: number;
  /** The last failure since the destination last took something. */
  readonly lastFailure?: { readonly atMs: number; readonly code: string; readonly reason: string };
}

/** Why the settings before are still in force. */
interface ReloadFailure {
  readonly atMs: number;
  readonly code: string;
  /** Every problem with its place, a line each. */
  readonly message: string;
}

export interface ReloadPort {
  /** Has settings, rules and certificates read again, and put in force or not. */
  run(): Promise<{ readonly needRestart: readonly string[] } | { readonly failed: ReloadFailure }>;
  /** Of the last reload, if that went wrong. */
  failure(): ReloadFailure | undefined;
}

export interface ConsolePorts {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  lanes(): readonly LaneView[];
  inputs(): readonly InputView[];
  readonly reload: ReloadPort;
}
