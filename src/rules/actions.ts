/**
 * # Actions
 *
 * What a rule may do to an instance before it goes `to` its destinations, in the order of the rule.
 * To add one: write its file, then add its line to `actionKinds`.
 */
import { convert } from './action-convert.ts';
import type { ActionKind, PlanStep } from './action-kind.ts';
import { remove } from './action-remove.ts';
import { set } from './action-set.ts';
import { describeIssue, kindOf, reportIssues, unknownWord } from './rule-schema.ts';
import type { Report, SourcePath } from './rule-source.ts';

const actionKinds: Readonly<Record<string, ActionKind>> = {
  convert,
  set,
  remove,
};

/** Reads the list behind `do:`. Problems are reported; what is right among them comes back. */
export function parseActions(
  items: readonly unknown[],
  path: SourcePath,
  report: Report,
): readonly PlanStep[] {
  return items.flatMap((item, index) => {
    const within: SourcePath = [...path, index];
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      report(within, `an action is a mapping such as { set: { Manufacturer: ACME } }, not ${kindOf(item)}`);
      return [];
    }
    const [entry, ...others] = Object.entries(item);
    if (entry === undefined || others.length > 0) {
      report(within, `an action says one thing: one of ${Object.keys(actionKinds).join(', ')}`);
      return [];
    }
    const [name, options] = entry;
    const kind = Object.hasOwn(actionKinds, name) ? actionKinds[name] : undefined;
    if (kind === undefined) {
      report([...within, name], unknownWord('action', name, Object.keys(actionKinds)), 'key');
      return [];
    }
    const parsed = kind.options.safeParse(options, { error: describeIssue });
    if (parsed.success) return [kind.plan(parsed.data)];
    reportIssues(parsed.error.issues, [...within, name], report);
    return [];
  });
}
