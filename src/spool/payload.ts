/**
 * What travels on a task from the rules to the stage that does it. JSON, so that any adapter can keep it and
 * any later version can read it. Stages may not import each other: their common words are here.
 */

/** One change to an attribute, in the order of the rule. */
export type AttributeEdit =
  | { readonly set: string; readonly value: readonly (string | number)[] }
  | { readonly remove: string };

/** On `delivery:<destination>` tasks. */
export interface DeliveryPayload {
  /** Name of the rule that asked for it, or `otherwise`. */
  readonly rule: string;
  /** Spliced into the header at send; the stored instance stays as received. */
  readonly edits?: readonly AttributeEdit[];
}

/** On `conversion` tasks. */
export interface ConversionPayload {
  readonly rule: string;
  /** A name of conversion's table of jobs. */
  readonly job: 'wsi';
  /** The options of the job as the rule states them; the job's own schema checks them and adds defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Applied to the source's attributes before the job. */
  readonly editsBefore: readonly AttributeEdit[];
  /** Applied to each product when it is delivered. */
  readonly editsAfter: readonly AttributeEdit[];
  /** Destinations of every product. */
  readonly deliverTo: readonly string[];
  /** True when rules with `origin: converted` exist: each product then gets a `rules` task first. */
  readonly productsMeetRules: boolean;
  /** All dates a product needs are fixed when the task is made, so that a retry makes the same instance. */
  readonly decidedAtMs: number;
}

/** On `rules` tasks of products: what applies when no rule for converted instances matches. */
export interface RulesPayload {
  readonly inherited?: {
    readonly rule: string;
    readonly deliverTo: readonly string[];
    readonly edits: readonly AttributeEdit[];
  };
}
