import type { z } from 'zod';
import type { AttributeEdit, ConversionPayload } from '../spool/spool.ts';

/** What an action adds to the plan of its rule. A closed set: `plan.ts` folds it. */
export type PlanStep =
  | { readonly step: 'edit'; readonly edits: readonly AttributeEdit[] }
  | {
      readonly step: 'convert';
      readonly job: ConversionPayload['job'];
      readonly options: Readonly<Record<string, unknown>>;
      /** Whether pixels lose information; the name of the rule must say so then. */
      readonly lossy: false | string;
    };

/** What a rule action must provide. A new action is one file and one line in `actions.ts`. */
export interface ActionKind<Options extends z.ZodType = z.ZodType> {
  /** What stands behind the name of the action; every scalar arrives as text. */
  readonly options: Options;
  /** The options in the words of the plan. Pure, called once when the rules are loaded. */
  plan(options: z.output<Options>): PlanStep;
}

/** Keeps the options of a kind tied to its schema. */
export function actionKind<Options extends z.ZodType>(kind: ActionKind<Options>): ActionKind<Options> {
  return kind;
}
