/** One association with a destination at a time: opened when needed, kept while there is work, released after. */
import {
  type AssociationServices,
  type AssociationTarget,
  openAssociation,
  type ServiceUser,
} from '../dimse/service-user.ts';
import { GatewayError } from '../errors.ts';
import {
  outgoingAssociationEnded,
  outgoingAssociationFailed,
  outgoingAssociationOpened,
} from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { keyOf, type Need, planContexts } from './presentation-contexts.ts';

export interface ScuAssociationDeps {
  readonly destination: string;
  readonly target: AssociationTarget;
  readonly telemetry: Telemetry;
  /** Cuts off whatever is going on. */
  readonly signal: AbortSignal;
}

export class ScuAssociation {
  readonly #deps: ScuAssociationDeps;
  readonly #lingerMs: number;
  #user: ServiceUser | undefined;
  #proposed: ReadonlySet<string> = new Set();
  #lingering: NodeJS.Timeout | undefined;
  #isBusy = false;

  constructor(deps: ScuAssociationDeps, lingerMs: number) {
    this.#deps = deps;
    this.#lingerMs = lingerMs;
  }

  /**
   * The open association, if it was proposed what is needed; otherwise a new one.
   *
   * @param needs what to propose, the need of the next instance first
   * @throws {GatewayError} when none can be opened
   */
  async use(
    needs: readonly [Need, ...Need[]],
  ): Promise<{ readonly user: ServiceUser; readonly isFresh: boolean }> {
    clearTimeout(this.#lingering);
    this.#isBusy = true;
    if (this.#user?.isOpen && this.#proposed.has(keyOf(needs[0])))
      return { user: this.#user, isFresh: false };
    await this.release();
    const contexts = planContexts(needs);
    this.#user = await openObserved(contexts, this.#deps);
    this.#proposed = new Set(
      contexts.flatMap(({ abstractSyntaxUid, transferSyntaxUids }) =>
        transferSyntaxUids.map((uid) => keyOf({ sopClassUid: abstractSyntaxUid, transferSyntaxUid: uid })),
      ),
    );
    return { user: this.#user, isFresh: true };
  }

  /** The work at hand is done; more may follow soon. */
  rest(): void {
    clearTimeout(this.#lingering);
    this.#isBusy = false;
    if (!this.#user?.isOpen) return;
    this.#lingering = setTimeout(() => void this.release(), this.#lingerMs);
  }

  /** Ends it in order; resolves when it is over, however it ended. */
  async release(): Promise<void> {
    clearTimeout(this.#lingering);
    const user = this.#user;
    this.#user = undefined;
    if (user?.isOpen) await releaseQuietly(user);
  }

  /** Ends it: in order when it rests, at once when something is being sent. */
  async end(): Promise<void> {
    if (this.#isBusy) this.abort();
    else await this.release();
  }

  /** Ends it at once. */
  abort(): void {
    clearTimeout(this.#lingering);
    this.#isBusy = false;
    this.#user?.abort();
    this.#user = undefined;
  }
}

/** Opens an association and reports on it. */
export async function openObserved(
  contexts: Parameters<typeof openAssociation>[1],
  { destination, target, telemetry, signal }: ScuAssociationDeps,
  services?: AssociationServices,
): Promise<ServiceUser> {
  let user: ServiceUser;
  try {
    user = await openAssociation(target, contexts, signal, services);
  } catch (error) {
    if (error instanceof GatewayError) {
      const { code, message } = error;
      outgoingAssociationFailed(telemetry, { destination, code, reason: message });
    }
    throw error;
  }
  outgoingAssociationOpened(telemetry, { destination });
  user.onClose((end) => outgoingAssociationEnded(telemetry, { destination, ...end }));
  return user;
}

/** An association that does not end in order is over all the same. */
export async function releaseQuietly(user: ServiceUser): Promise<void> {
  try {
    await user.release();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
}
