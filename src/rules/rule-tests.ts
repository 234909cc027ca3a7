import { isDeepStrictEqual } from 'node:util';
import type { AttributeEdit } from '../spool/spool.ts';
import { type AttributeName, parseAttributeName } from './attributes.ts';
import type { Place } from './errors.ts';
import { type Decision, evaluate } from './evaluate.ts';
import { givenFacts } from './given-facts.ts';
import type { Plan } from './plan.ts';
import type { RuleSet } from './rule-set.ts';
import type { AttributeValues, Expectation, RuleTest } from './rule-test-syntax.ts';

export interface RuleTestResult {
  readonly name: string;
  readonly place: Place;
  /** What is not as expected; none: the test passed. */
  readonly failures: readonly string[];
}

/** What products inherit in a test: the rule of their conversion is not part of it. */
const INHERITED = { rule: 'inherited', deliverTo: ['inherited'], edits: [] };

/** Runs the `tests:` of the rules, through the same header index and conditions as an instance that arrives. */
export function runRuleTests(ruleSet: RuleSet): readonly RuleTestResult[] {
  return ruleSet.tests.map((test) => ({
    name: test.name,
    place: test.place,
    failures: runRuleTest(ruleSet, test),
  }));
}

function runRuleTest(ruleSet: RuleSet, { given, expect }: RuleTest): readonly string[] {
  const decision = evaluate(ruleSet, givenFacts(given, ruleSet.attributes.length), INHERITED);
  const { plan } = decision;
  const { converting, sent } = sides(plan);
  const failures = [
    compare(
      'rule',
      expect.rules?.map(({ name }) => name),
      decidingNames(decision),
    ),
    compareSets('to', expect.to, [...(converting?.deliverTo ?? []), ...sent.others]),
    compareSets('to-original', expect.toOriginal, sent.original),
    compareSets('priority', expect.priority && [expect.priority], prioritiesOf(plan)),
    compareConversion(expect.convert, converting),
    ...(expect.set ?? []).map((one) => compareSet(one, plan)),
    ...(expect.remove ?? []).map((one) => compareRemoved(one, plan)),
  ];
  return failures.filter((failure) => failure !== undefined);
}

/** Deliveries that the converting rule asked for are those of the original. */
function sides(plan: Plan | undefined) {
  const converting = plan?.conversion;
  const deliveries = plan?.deliveries ?? [];
  const isOriginal = ({ rule }: { readonly rule: string }) => rule === converting?.rule;
  return {
    converting,
    sent: {
      original: deliveries.filter(isOriginal).map(({ destination }) => destination),
      others: deliveries.filter((delivery) => !isOriginal(delivery)).map(({ destination }) => destination),
    },
  };
}

function prioritiesOf(plan: Plan | undefined): readonly string[] {
  const { deliveries = [], conversion } = plan ?? {};
  return [...deliveries, ...(conversion ? [conversion] : [])].map(({ priority = 'normal' }) => priority);
}

function decidingNames({ matched, decidedBy }: Decision): readonly string[] {
  const names = matched.map(({ name }) => name);
  if (decidedBy === 'rules') return names;
  return [...names, decidedBy === 'nobody' ? 'none' : decidedBy];
}

function compare(
  what: string,
  expected: readonly string[] | undefined,
  found: readonly string[],
): string | undefined {
  if (expected === undefined || isDeepStrictEqual(expected, found)) return undefined;
  return `${what}: expected ${list(expected)}, found ${list(found)}`;
}

function compareSets(
  what: string,
  expected: readonly string[] | undefined,
  found: readonly string[],
): string | undefined {
  return compare(what, expected?.toSorted(), [...new Set(found)].sort());
}

function compareConversion(expected: Expectation['convert'], found: Plan['conversion']): string | undefined {
  if (expected === undefined) return undefined;
  if (typeof expected === 'boolean') {
    if (expected === (found !== undefined)) return undefined;
    return `convert: expected ${expected ? 'a conversion' : 'none'}, found ${found?.job ?? 'none'}`;
  }
  if (found === undefined) return `convert: expected ${expected.job}, found none`;
  const differing = Object.entries(expected.options).filter(
    ([name, value]) => !isDeepStrictEqual(found.options[name], value),
  );
  if (expected.job === found.job && differing.length === 0) return undefined;
  const told = differing.map(
    ([name, value]) => `${name} ${JSON.stringify(value)}, found ${JSON.stringify(found.options[name])}`,
  );
  return `convert: expected ${[expected.job, ...told].join('; ')}`;
}

function compareSet({ attribute, values }: AttributeValues, plan: Plan | undefined): string | undefined {
  const found = lastEdits(attribute, plan);
  const agree =
    found.length > 0 &&
    found.every((edit) => 'set' in edit && isDeepStrictEqual(edit.value.map(String), values));
  return agree ? undefined : `set: expected ${attribute.name} ${list(values)}, found ${tellEdits(found)}`;
}

function compareRemoved(attribute: AttributeName, plan: Plan | undefined): string | undefined {
  const found = lastEdits(attribute, plan);
  const agree = found.length > 0 && found.every((edit) => 'remove' in edit);
  return agree ? undefined : `remove: expected ${attribute.name}, found ${tellEdits(found)}`;
}

/** The last word on the attribute in each chain of edits that touches it. */
function lastEdits({ name }: AttributeName, plan: Plan | undefined): readonly AttributeEdit[] {
  const { deliveries = [], conversion } = plan ?? {};
  const chains = [
    ...deliveries.map(({ edits }) => edits),
    ...(conversion ? [[...conversion.editsBefore, ...conversion.editsAfter]] : []),
  ];
  return chains.flatMap((edits) => edits.findLast((edit) => editedName(edit) === name) ?? []);
}

function editedName(edit: AttributeEdit): string {
  return parseAttributeName('set' in edit ? edit.set : edit.remove).name;
}

function tellEdits(edits: readonly AttributeEdit[]): string {
  const told = edits.map((edit) => ('set' in edit ? list(edit.value.map(String)) : 'removed'));
  return told.length === 0 ? 'unchanged' : told.join(' and ');
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.map((name) => `"${name}"`).join(', ');
}
