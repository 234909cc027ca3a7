/**
 * What travels on a task from the rules to the stage that does it. JSON, so that any adapter can keep it and
 * any later version can read it. Stages may not import each other: their common words are here.
 */

/** One change to an attribute, in the order of the rule. */
export type AttributeEdit =
  | { readonly set: string; readonly value: readonly (string | number)[] }
  | { readonly remove: string };

/** What rules may say of the haste of an instance; the numbers are priorities of tasks. */
export const PRIORITY = { urgent: 100, normal: 0, 'off-peak': -100 } as const;
export type PriorityName = keyof typeof PRIORITY;

/** On `delivery:<destination>` tasks, and on `commitment:<destination>` tasks that follow them. */
export interface DeliveryPayload {
  /** Name of the rule that asked for it, or `otherwise`. */
  readonly rule: string;
  /** Absent: normal. Tasks that follow from this one have the same. */
  readonly priority?: PriorityName;
  /** The destinations that passed it on because they were down, the first of them first. */
  readonly failedOverFrom?: readonly string[];
  /** Times that the destination took it and did not commit to it. */
  readonly uncommitted?: number;
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
  /** Of the conversion and of every delivery that follows. */
  readonly priority?: PriorityName;
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
    readonly priority?: PriorityName;
    readonly edits: readonly AttributeEdit[];
  };
}
