import type { PlanStep } from './action-kind.ts';
import { parseActions } from './actions.ts';
import type { AttributeTable } from './attributes.ts';
import { type Condition, parseCondition } from './condition-syntax.ts';
import { asksForConverted, compileCondition, namesSopClass } from './conditions.ts';
import type { Problem } from './errors.ts';
import { WSI_SOP_CLASS_UID } from './evaluate.ts';
import { foldSteps } from './plan.ts';
import { checkRule } from './rule-checks.ts';
import { describeIssue, isMapping, RuleFileShape, RuleShape, reportIssues } from './rule-schema.ts';
import type { DestinationName, Rule, RuleSet } from './rule-set.ts';
import type { Report, RuleSource, SourcePath } from './rule-source.ts';
import { parseTest, type RuleTest } from './rule-test-syntax.ts';

/** What one file adds to the rules: all of it that could be read. */
export interface RuleFile {
  readonly rules: readonly Rule[];
  readonly otherwise?: NonNullable<RuleSet['otherwise']>;
  readonly tests: readonly RuleTest[];
}

/**
 * Reads the values of a rule file as rules.
 *
 * @param attributes shared by all files of a rule set
 * @returns the file and every problem it has; a file with problems may be looked at, but never routed by
 */
export function parseRuleFile(
  source: RuleSource,
  attributes: AttributeTable,
): { readonly file: RuleFile; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (path, message, at) => problems.push({ ...source.place(path, at), message });
  const value = source.value === '' ? {} : source.value; // A file of comments only.
  const shape = RuleFileShape.safeParse(value, { error: describeIssue });
  if (!shape.success) reportIssues(shape.error.issues, [], report);

  const context = { source, attributes, report };
  const rules = listAt(value, 'rules').map((raw, index) => parseRule(raw, ['rules', index], context));
  const tests = listAt(value, 'tests').map((raw, index) => parseTest(raw, ['tests', index], context));
  const file = {
    rules: rules.filter((rule) => rule !== undefined),
    tests: tests.filter((test) => test !== undefined),
  };
  const otherwise = shape.success ? shape.data.otherwise : undefined;
  if (otherwise === undefined) return { file, problems };
  const to = destinationNames(otherwise.to, ['otherwise', 'to'], source);
  return { file: { ...file, otherwise: { to, place: source.place(['otherwise'], 'key') } }, problems };
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = isMapping(value) ? value[key] : undefined;
  return Array.isArray(list) ? list : [];
}

interface RuleContext {
  readonly source: RuleSource;
  readonly attributes: AttributeTable;
  readonly report: Report;
}

/** Reads the parts of a rule one by one, so that every problem shows; undefined when there was one. */
function parseRule(raw: unknown, path: SourcePath, context: RuleContext): Rule | undefined {
  const { source, attributes } = context;
  let isSound = true;
  const report: Report = (...problem) => {
    isSound = false;
    context.report(...problem);
  };
  const shape = RuleShape.safeParse(raw, { error: describeIssue });
  if (!shape.success) reportIssues(shape.error.issues, path, report);
  const { when: whenValue, do: doValue } = isMapping(raw) ? raw : {};
  const when =
    whenValue === undefined
      ? undefined
      : parseCondition(whenValue, [...path, 'when'], { attributes, report });
  const items = Array.isArray(doValue) ? doValue : [doValue];
  const steps = doValue === undefined ? [] : parseActions(items, [...path, 'do'], report);
  if (!shape.success || !isSound) return undefined;

  const rule = buildRule(shape.data, { when, steps, path, source });
  checkRule(rule, { steps, path, report });
  return rule;
}

function buildRule(
  shape: RuleShape,
  parts: {
    readonly when: Condition | undefined;
    readonly steps: readonly PlanStep[];
    readonly path: SourcePath;
    readonly source: RuleSource;
  },
): Rule {
  const { when, steps, path, source } = parts;
  return {
    ...foldSteps(steps),
    name: shape.name,
    place: source.place([...path, 'name']),
    ...(when && { when: compileCondition(when) }),
    to: destinationNames(shape.to ?? [], [...path, 'to'], source),
    toOriginal: destinationNames(shape['to-original'] ?? [], [...path, 'to-original'], source),
    ...(shape.priority !== undefined && { priority: shape.priority }),
    continues: shape.continue ?? false,
    meetsConverted: when !== undefined && asksForConverted(when),
    namesWsi: when !== undefined && namesSopClass(when, WSI_SOP_CLASS_UID),
  };
}

function destinationNames(
  names: readonly string[],
  path: SourcePath,
  source: RuleSource,
): readonly DestinationName[] {
  return names.map((name, index) => ({ name, place: source.place([...path, index]) }));
}
