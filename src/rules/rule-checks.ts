import type { PlanStep } from './action-kind.ts';
import type { Rule } from './rule-set.ts';
import type { Report, SourcePath } from './rule-source.ts';

/** Words that stand for the absence of a rule, in tests and explanations. */
const RESERVED_NAMES = ['otherwise', 'none', 'inherited'];

/** What each part of a rule allows, and the parts together do not. */
export function checkRule(
  rule: Rule,
  context: { readonly steps: readonly PlanStep[]; readonly path: SourcePath; readonly report: Report },
): void {
  const { path, report } = context;
  if (RESERVED_NAMES.includes(rule.name)) {
    report([...path, 'name'], `"${rule.name}" has a meaning of its own: give the rule another name`);
  }
  checkDestinations(rule, path, report);
  if (rule.conversion !== undefined) checkConversion(rule, context);
}

function checkDestinations(rule: Rule, path: SourcePath, report: Report): void {
  const { to, toOriginal, priority, continues, edits, conversion } = rule;
  if (to.length === 0 && !continues) {
    report(
      path,
      `rule "${rule.name}" sends nothing anywhere: add to: [ … ], or continue: true for the rules after it`,
    );
  }
  const prepares = edits.length > 0 || priority !== undefined;
  if (to.length === 0 && continues && conversion === undefined && !prepares) {
    report(path, `rule "${rule.name}" does nothing: add do: [ … ], priority or to: [ … ]`);
  }
  if (toOriginal.length > 0 && conversion === undefined) {
    report(
      [...path, 'to-original'],
      'to-original is for a rule that converts; without convert, "to" sends the original',
      'key',
    );
  }
  for (const [key, names] of [
    ['to', to],
    ['to-original', toOriginal],
  ] as const) {
    const twice = names.findIndex(
      ({ name }, index) => names.findIndex((other) => other.name === name) < index,
    );
    if (twice >= 0) report([...path, key, twice], `"${names[twice]?.name}" is named twice`);
  }
}

function checkConversion(rule: Rule, { steps, path, report }: Parameters<typeof checkRule>[1]): void {
  const [first, ...more] = steps.filter((step) => step.step === 'convert');
  if (more.length > 0) report([...path, 'do'], 'a rule converts once: leave one convert');
  if (rule.to.length === 0) {
    report(path, `rule "${rule.name}" converts and sends the result nowhere: add to: [ … ]`);
  }
  if (rule.continues) {
    report(
      [...path, 'continue'],
      'a rule that converts ends the search: put rules with continue: true in front of it',
      'key',
    );
  }
  if (rule.meetsConverted) {
    report(
      [...path, 'when'],
      'a rule for converted instances cannot convert again: leave out convert, or origin: converted',
    );
  }
  if (first !== undefined && first.lossy !== false && !/lossy|jpeg/i.test(rule.name)) {
    const example = `${rule.name} (${first.lossy})`;
    report(
      [...path, 'name'],
      `this rule converts to JPEG, which loses information, and its name must say so: for example "${example}"`,
    );
  }
}
