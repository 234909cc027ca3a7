import type { PriorityName } from '../spool/spool.ts';
import type { Reason } from './conditions.ts';
import type { DecidedBy, Decision, Verdict } from './evaluate.ts';
import type { Facts } from './facts.ts';
import type { RuleSet } from './rule-set.ts';

/** Why the rules decided so, negative side too. JSON, without patient data (disclosure.ts), kept with the entry. */
export interface Explanation {
  /** Digest of the rules that decided. */
  readonly version: string;
  readonly decidedBy: DecidedBy;
  readonly matched: readonly string[];
  /** Where the instance itself goes, and which rule said so. */
  readonly deliveries: readonly {
    readonly destination: string;
    readonly rule: string;
    readonly priority?: PriorityName;
  }[];
  /** What is made of it, and where the products go. */
  readonly conversion?: {
    readonly job: string;
    readonly rule: string;
    readonly to: readonly string[];
    readonly priority?: PriorityName;
  };
  /** Each rule that was asked, in order, with what settled it. */
  readonly rules: readonly RuleExplanation[];
  /** How many more were asked than are told of. */
  readonly more?: number;
  /** Destinations of a later rule that an earlier one had already decided about. */
  readonly decidedBefore?: Decision['decidedBefore'];
}

export interface RuleExplanation {
  readonly rule: string;
  readonly verdict: Verdict | 'not-asked';
  readonly reasons?: readonly Reason[];
  /** How many more conditions settled it than are told of. */
  readonly moreReasons?: number;
}

export interface ExplainOptions {
  /** Rules told of; what matched always is. */
  readonly rulesMax: number;
  /** Reasons told of for each rule. */
  readonly reasonsMax: number;
  /** Values of every attribute, for a person who has the instance at hand. */
  readonly showValues: boolean;
  /** Rules behind the one that ended the search. */
  readonly notAsked: boolean;
}

/** What is stored with an entry: enough for a person to see why, small beside a row. */
const STORED: ExplainOptions = { rulesMax: 40, reasonsMax: 12, showValues: false, notAsked: false };

/** Asks again where needed; the facts remember what they have read. */
export function explainDecision(
  ruleSet: RuleSet,
  facts: Facts,
  decision: Decision,
  options: ExplainOptions = STORED,
): Explanation {
  const { matched, verdicts } = decision;
  const asked = options.notAsked ? ruleSet.rules : ruleSet.rules.slice(0, verdicts.length);
  const first = asked.slice(0, options.rulesMax);
  const late = matched.filter((rule) => !first.includes(rule));
  const rules = [
    ...first.map((rule, index) => explainRule(rule, verdicts[index] ?? 'not-asked', facts, options)),
    ...late.map((rule) => explainRule(rule, 'matched', facts, options)),
  ];
  const more = asked.length - rules.length;
  const { plan, decidedBy, decidedBefore } = decision;
  const { deliveries = [], conversion } = plan ?? {};
  return {
    version: ruleSet.version,
    decidedBy,
    matched: matched.map(({ name }) => name),
    deliveries: deliveries.map(({ destination, rule, priority }) => ({
      destination,
      rule,
      ...(priority && { priority }),
    })),
    ...(conversion && {
      conversion: {
        job: conversion.job,
        rule: conversion.rule,
        to: conversion.deliverTo,
        ...(conversion.priority && { priority: conversion.priority }),
      },
    }),
    rules,
    ...(more > 0 && { more }),
    ...(decidedBefore.length > 0 && { decidedBefore }),
  };
}

function explainRule(
  rule: RuleSet['rules'][number],
  verdict: Verdict | 'not-asked',
  facts: Facts,
  options: ExplainOptions,
): RuleExplanation {
  const asked = verdict === 'matched' || verdict === 'failed';
  if (!asked || rule.when === undefined) return { rule: rule.name, verdict };
  const reasons: Reason[] = [];
  rule.when.addReasons(facts, options.showValues, reasons);
  const more = reasons.length - options.reasonsMax;
  if (more <= 0) return { rule: rule.name, verdict, reasons };
  return { rule: rule.name, verdict, reasons: reasons.slice(0, options.reasonsMax), moreReasons: more };
}

/** The nearest misses in one line, for the reason of a held entry. */
export function summarizeMisses(explanation: Explanation, rulesMax = 3): string {
  const misses = explanation.rules.filter(({ verdict }) => verdict !== 'matched').slice(0, rulesMax);
  const told = misses.map(({ rule, verdict, reasons }) => {
    const [reason] = reasons ?? [];
    return reason === undefined
      ? `"${rule}": ${verdict}`
      : `"${rule}": ${reason.condition}, saw ${reason.saw}`;
  });
  const more = explanation.rules.length - misses.length + (explanation.more ?? 0);
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
