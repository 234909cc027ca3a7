/**
 * # Admission control
 *
 * Who may come in now: the policy in force, and what each source has used of its limits, over all inputs.
 *
 * Invariants:
 * - Other settings hold for what comes after: associations that are open keep their source, and count on.
 * - Who is over a limit of associations is told to come again; who sends too fast is slowed down, never refused.
 */

import type { Arrival } from '../spool/spool.ts';
import {
  type AdmissionDecision,
  type AdmissionPolicy,
  type Caller,
  decideAdmission,
  describeMisfit,
  sourceOf,
} from './admission.ts';
import { Meter } from './meter.ts';
import { namedSources, type SourceCaller, type SourceSettings } from './sources.ts';

export interface AdmissionSettings {
  readonly sources: Readonly<Record<string, SourceSettings>>;
  readonly allow_any_caller: boolean;
  readonly accept_unknown_sop_classes: boolean;
}

export type LimitedDecision =
  | AdmissionDecision
  | {
      readonly admitted: false;
      readonly refused: 'associations-max' | 'associations-per-minute';
      readonly source: string;
    };

/** What a source may do, and has done. */
interface SourceUse {
  readonly associationsMax: number;
  readonly associations?: Meter;
  readonly instances?: Meter;
  open: number;
}

export class AdmissionControl {
  readonly #now: () => number;
  #settings: AdmissionSettings;
  #policy: AdmissionPolicy;
  #uses = new Map<string, SourceUse>();

  /** @param now monotonic, in ms */
  constructor(settings: AdmissionSettings, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#settings = settings;
    this.#policy = policyOf(settings);
  }

  get acceptsUnknownSopClasses(): boolean {
    return this.#settings.accept_unknown_sop_classes;
  }

  /** Settings of a source that has any. */
  source(name: string): SourceSettings | undefined {
    return this.#settings.sources[name];
  }

  /** Puts other settings in force for what comes from now on. */
  reload(settings: AdmissionSettings): void {
    const open = [...this.#uses].filter(([, use]) => use.open > 0);
    this.#settings = settings;
    this.#policy = policyOf(settings);
    this.#uses = new Map(open.map(([name, use]) => [name, { ...this.#newUse(name), open: use.open }]));
  }

  /** @param aeTitles titles that the input answers to */
  decide(caller: Caller, aeTitles: readonly string[]): LimitedDecision {
    const decision = decideAdmission(caller, aeTitles, this.#policy);
    if (!decision.admitted) return decision;
    const { source } = decision;
    const use = this.#useOf(source);
    if (use.open >= use.associationsMax) return { admitted: false, refused: 'associations-max', source };
    const isTooSoon = (use.associations?.waitMs(this.#now()) ?? 0) > 0;
    return isTooSoon ? { admitted: false, refused: 'associations-per-minute', source } : decision;
  }

  /**
   * The source of a caller that opens no association.
   *
   * @returns undefined when it is not admitted
   */
  sourceOf(caller: SourceCaller): string | undefined {
    return sourceOf(caller, this.#policy);
  }

  /** Why no source fits a caller that was not admitted; names sources only. */
  describeMisfit(caller: SourceCaller): string {
    return describeMisfit(caller, this.#policy.sources);
  }

  associationOpened(source: string): void {
    const use = this.#useOf(source);
    use.open += 1;
    use.associations?.take(this.#now());
  }

  associationEnded(source: string): void {
    this.#useOf(source).open -= 1;
  }

  /** Counts an instance that begins, and tells how long its answer must wait, in ms. */
  paceInstance(source: string): number {
    return this.#useOf(source).instances?.take(this.#now()) ?? 0;
  }

  /** What the source wants done with other content under a known UID, if it says so. */
  otherContentOf(source: string): Pick<Arrival, 'onOtherContent'> {
    const { sources } = this.#settings;
    const policy = Object.hasOwn(sources, source) ? sources[source]?.other_content : undefined;
    return policy === undefined ? {} : { onOtherContent: policy };
  }

  #useOf(source: string): SourceUse {
    const known = this.#uses.get(source);
    if (known !== undefined) return known;
    const use = this.#newUse(source);
    this.#uses.set(source, use);
    return use;
  }

  #newUse(source: string): SourceUse {
    const { sources } = this.#settings;
    const limits = Object.hasOwn(sources, source) ? sources[source] : undefined;
    const perMinute = limits?.associations_per_minute_max;
    const perSecond = limits?.instances_per_s_max;
    return {
      associationsMax: limits?.associations_max ?? Number.POSITIVE_INFINITY,
      ...(perMinute !== undefined && { associations: new Meter(60_000 / perMinute, perMinute) }),
      ...(perSecond !== undefined && { instances: new Meter(1000 / perSecond, perSecond) }),
      open: 0,
    };
  }
}

function policyOf({ sources, allow_any_caller: allowAnyCaller }: AdmissionSettings): AdmissionPolicy {
  return { sources: namedSources(sources), allowAnyCaller };
}
