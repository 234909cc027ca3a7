import { groupMadeDurable, spoolDied, spoolHealthChanged } from '../../telemetry/events.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { SpoolError } from '../errors.ts';
import type { SpoolEvent, SpoolEventType } from '../port.ts';
import type { GroupNews } from './messages.ts';

export const EVENT_TYPES = [
  'work',
  'entry',
  'record',
  'withdrawn',
] as const satisfies readonly SpoolEventType[];

/** How often a sick disk is tried again. */
const PROBE_MS = 1000;

interface Actions {
  /** Files and folders that have no owner any more. */
  remove(paths: readonly string[]): void;
  /** Tries whether the disk takes bytes. */
  probe(): Promise<unknown>;
}

/** Hears what the threads have to say beside their answers, and passes it on. */
export class SpoolHub {
  readonly #telemetry: Telemetry;
  readonly #onDeath: (reason: string) => void;
  readonly #listeners = new Map<(event: SpoolEvent) => void, ReadonlySet<SpoolEventType>>();
  #actions: Actions | undefined;
  #probing: NodeJS.Timeout | undefined;
  #isHealthy = true;
  #isClosed = false;

  /** @param onDeath called once, when nothing will ever work again */
  constructor(telemetry: Telemetry, onDeath: (reason: string) => void) {
    this.#telemetry = telemetry;
    this.#onDeath = onDeath;
  }

  /** Before this, nothing can be heard. */
  attach(actions: Actions): void {
    this.#actions = actions;
  }

  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  heard({ isHealthy, durable, removals, entries, work, records, withdrawn }: GroupNews): void {
    this.#setHealthy(isHealthy);
    if (durable !== undefined) groupMadeDurable(this.#telemetry, { durationMs: durable.ms });
    if (removals.length > 0) this.#actions?.remove(removals);
    if (withdrawn.length > 0) this.#tell({ type: 'withdrawn', taskIds: withdrawn });
    for (const { entryId, state } of entries) this.#tell({ type: 'entry', entryId, state });
    for (const kind of work) this.#tell({ type: 'work', kind });
    for (const collection of records) this.#tell({ type: 'record', collection });
  }

  died({ message }: SpoolError): void {
    if (this.#isClosed) return;
    this.#isHealthy = false;
    this.#stopProbing();
    spoolDied(this.#telemetry, { reason: message });
    this.#onDeath(message);
  }

  /** A write has failed where the ledger does not see it. */
  diskFailed(): void {
    this.#setHealthy(false);
  }

  addListener(listener: (event: SpoolEvent) => void, types: readonly SpoolEventType[]): void {
    this.#listeners.set(listener, new Set(types));
  }

  removeListener(listener: (event: SpoolEvent) => void): void {
    this.#listeners.delete(listener);
  }

  /** What somebody listens to. */
  get wanted(): readonly SpoolEventType[] {
    return EVENT_TYPES.filter((type) => this.#listeners.values().some((types) => types.has(type)));
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#stopProbing();
  }

  #tell(event: SpoolEvent): void {
    for (const [listener, types] of this.#listeners) if (types.has(event.type)) listener(event);
  }

  #setHealthy(isHealthy: boolean): void {
    if (isHealthy === this.#isHealthy || this.#isClosed) return;
    this.#isHealthy = isHealthy;
    spoolHealthChanged(this.#telemetry, { isHealthy });
    if (isHealthy) {
      this.#stopProbing();
      return;
    }
    const probe = () => void this.#actions?.probe().catch(() => {}); // The next news tells how it went.
    this.#probing = setInterval(probe, PROBE_MS).unref();
    probe();
  }

  #stopProbing(): void {
    clearInterval(this.#probing);
    this.#probing = undefined;
  }
}
