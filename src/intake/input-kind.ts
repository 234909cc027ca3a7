import type { z } from 'zod';
import type { Kind } from '../kinds.ts';
import type { Spool } from '../spool/spool.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AdmissionControl } from './admission-control.ts';
import type { CommitmentRequests } from './commitment-requests.ts';

/** What a member of the table of inputs must provide. */
export interface InputKind<Settings extends z.ZodObject> extends Kind<Settings> {
  /**
   * Starts to take instances in.
   *
   * @throws {InputUnavailableError}
   */
  start(settings: z.infer<Settings>, deps: InputDeps): Promise<Input>;
}

export interface InputDeps {
  /** Name in the configuration. */
  readonly name: string;
  /** Asked about every caller: what it says may change at any time. */
  readonly admission: AdmissionControl;
  /** Answers for what was taken in, where a caller asks. */
  readonly commitment: CommitmentRequests;
  readonly spool: Spool;
  readonly telemetry: Telemetry;
}

/** An input at work. */
export interface Input {
  /** For people: `127.0.0.1:11112`, or the folder that it watches. */
  readonly place: string;
  /** Where it really listens, if it does: the settings may have said port 0. */
  readonly host?: string;
  readonly port?: number;
  /** Reads the files of certificates again, for what connects from now on. */
  reloadCertificates?(): void;
  /** Takes nothing new, and gives what has begun up to `drainMs` to end. */
  stop(drainMs: number): Promise<void>;
}
