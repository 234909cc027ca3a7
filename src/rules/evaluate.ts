import type { AttributeEdit, PriorityName, RulesPayload } from '../spool/spool.ts';
import type { Facts } from './facts.ts';
import type { Plan, PlannedConversion, PlannedDelivery } from './plan.ts';
import type { Rule, RuleSet } from './rule-set.ts';

/** VL Whole Slide Microscopy Image Storage. */
export const WSI_SOP_CLASS_UID = '1.2.840.10008.5.1.4.1.1.77.1.6';

/**
 * What became of a rule when it was asked.
 * `other-origin`: the instance is a converted one, and the rule does not ask for such.
 * `already-wsi`: it would convert an object that is a slide already, without naming that SOP class.
 */
export type Verdict = 'matched' | 'failed' | 'other-origin' | 'already-wsi';

/** Who had the last word: `inherited` is the rule of the conversion that made the instance. */
export type DecidedBy = 'rules' | 'otherwise' | 'inherited' | 'nobody';

export interface Decision {
  /** Absent when nothing says where the instance goes. */
  readonly plan?: Plan;
  readonly decidedBy: DecidedBy;
  /** The rules that matched, in order. */
  readonly matched: readonly Rule[];
  /** What became of each rule, in order; shorter than the rules when one ended the search. */
  readonly verdicts: readonly Verdict[];
  /** Destinations that a rule named after another rule had already decided how to send there. */
  readonly decidedBefore: readonly { readonly destination: string; readonly rule: string }[];
}

/**
 * Asks the rules in order. The first that matches ends the search, unless it says `continue: true`.
 * Pure: no clock, no I/O, so that a rule file can be tested on a laptop.
 *
 * @param inherited what applies to a converted instance when no rule for such instances sends it anywhere
 * @throws {HeaderUnreadError} when a rule asks for an attribute beyond the readable part of the header
 */
export function evaluate(ruleSet: RuleSet, facts: Facts, inherited?: RulesPayload['inherited']): Decision {
  const verdicts: Verdict[] = [];
  const matched: Rule[] = [];
  for (const rule of ruleSet.rules) {
    const verdict = ask(rule, facts);
    verdicts.push(verdict);
    if (verdict !== 'matched') continue;
    matched.push(rule);
    if (!rule.continues) break;
  }
  const draft = new PlanDraft(inherited?.edits ?? [], inherited?.priority);
  for (const rule of matched) draft.apply(rule);

  let decidedBy: DecidedBy = 'rules';
  if (draft.isEmpty) decidedBy = fallBack(draft, ruleSet, facts, inherited);
  const { decidedBefore } = draft;
  if (draft.isEmpty) return { decidedBy, matched, verdicts, decidedBefore };
  return { plan: draft.plan(), decidedBy, matched, verdicts, decidedBefore };
}

function ask(rule: Rule, facts: Facts): Verdict {
  const { circumstances } = facts;
  if (!rule.meetsConverted && circumstances.origin === 'converted') return 'other-origin';
  if (rule.when !== undefined && !rule.when.holds(facts)) return 'failed';
  const convertsSlide = rule.conversion !== undefined && circumstances.sopClassUid === WSI_SOP_CLASS_UID;
  return convertsSlide && !rule.namesWsi ? 'already-wsi' : 'matched';
}

/** A product goes where its conversion said, never where a stranger would go. */
function fallBack(
  draft: PlanDraft,
  ruleSet: RuleSet,
  facts: Facts,
  inherited: RulesPayload['inherited'],
): DecidedBy {
  if (facts.circumstances.origin === 'converted') {
    for (const destination of inherited?.deliverTo ?? [])
      draft.deliver(destination, inherited?.rule ?? '', []);
    return draft.isEmpty ? 'nobody' : 'inherited';
  }
  for (const { name } of ruleSet.otherwise?.to ?? []) draft.deliver(name, 'otherwise', []);
  return draft.isEmpty ? 'nobody' : 'otherwise';
}

/**
 * A plan in the making. The actions and the priority of a rule are for the destinations of that rule; a rule without
 * destinations prepares the instance for all rules after it.
 */
class PlanDraft {
  readonly decidedBefore: { destination: string; rule: string }[] = [];
  readonly #deliveries = new Map<string, PlannedDelivery>();
  readonly #prepared: AttributeEdit[];
  #preparedPriority: PriorityName | undefined;
  #conversion: PlannedConversion | undefined;

  constructor(edits: readonly AttributeEdit[], priority: PriorityName | undefined) {
    this.#prepared = [...edits];
    this.#preparedPriority = priority;
  }

  get isEmpty(): boolean {
    return this.#deliveries.size === 0 && this.#conversion === undefined;
  }

  apply(rule: Rule): void {
    const { name, edits, conversion, to, toOriginal, priority = this.#preparedPriority } = rule;
    if (conversion === undefined) {
      if (to.length === 0) {
        this.#prepared.push(...edits);
        this.#preparedPriority = priority;
      }
      for (const destination of to) this.deliver(destination.name, name, edits, priority);
      return;
    }
    const editsBefore = [...this.#prepared, ...conversion.editsBefore];
    const deliverTo = to.map((destination) => destination.name);
    this.#conversion = {
      ...conversion,
      rule: name,
      editsBefore,
      deliverTo,
      ...(priority && { priority }),
    };
    for (const { name: destination } of toOriginal) {
      this.deliver(destination, name, conversion.editsBefore, priority);
    }
  }

  deliver(
    destination: string,
    rule: string,
    edits: readonly AttributeEdit[],
    priority: PriorityName | undefined = this.#preparedPriority,
  ): void {
    if (this.#deliveries.has(destination)) {
      this.decidedBefore.push({ destination, rule });
      return;
    }
    this.#deliveries.set(destination, {
      destination,
      rule,
      edits: [...this.#prepared, ...edits],
      ...(priority && { priority }),
    });
  }

  plan(): Plan {
    const deliveries = [...this.#deliveries.values()];
    return this.#conversion === undefined ? { deliveries } : { deliveries, conversion: this.#conversion };
  }
}
