import { buildRuleSet } from '../../src/rules/build-rule-set.ts';
import { type Decision, evaluate } from '../../src/rules/evaluate.ts';
import { type Explanation, explainDecision } from '../../src/rules/explanation.ts';
import type { Facts } from '../../src/rules/facts.ts';
import { givenFacts } from '../../src/rules/given-facts.ts';
import type { RuleSet } from '../../src/rules/rule-set.ts';
import type { RulesPayload } from '../../src/spool/spool.ts';

type Mapping = Readonly<Record<string, unknown>>;

export interface AskedRules {
  readonly ruleSet: RuleSet;
  readonly facts: Facts;
  readonly decision: Decision;
  /** As it is stored with an entry. */
  readonly explanation: Explanation;
}

/** Rules as a file would hold them; numbers and booleans are written as YAML writes them. */
export function ruleSetOf(file: Mapping): RuleSet {
  return buildRuleSet('test.yaml', [{ file: 'test.yaml', text: JSON.stringify(file) }]);
}

/** Asks rules about an instance, in the words of a `given:`. */
export function askRules(
  file: Mapping,
  given: Mapping,
  inherited?: NonNullable<RulesPayload['inherited']>,
): AskedRules {
  const test = { name: 'the question', given, expect: { to: [] } };
  const ruleSet = ruleSetOf({ ...file, tests: [test] });
  const [question] = ruleSet.tests;
  if (question === undefined) throw new TypeError('The question is missing');
  const facts = givenFacts(question.given, ruleSet.attributes.length);
  const decision = evaluate(ruleSet, facts, inherited);
  return { ruleSet, facts, decision, explanation: explainDecision(ruleSet, facts, decision) };
}

/** Whether a condition holds of an instance. */
export function holds(when: unknown, given: Mapping): boolean {
  const { decision } = askRules({ rules: [{ name: 'it holds', when, to: ['there'] }] }, given);
  return decision.decidedBy === 'rules';
}
