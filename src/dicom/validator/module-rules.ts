import { Tag } from '../tags.generated.ts';
import { conditions } from './conditions.ts';
import type { Problem } from './findings.ts';
import type { Instance } from './instance.ts';
import type { AttributeRule, FunctionalGroup, Iod, Module, Usage } from './iod.ts';
import type { ParsedDataSet, ParsedElement } from './parsed-data-set.ts';

/** What an attribute or functional group can have wrong by the tables of PS3.3; names of checks. */
export type RuleBreach =
  | 'attribute-missing'
  | 'attribute-empty'
  | 'attribute-not-allowed'
  | 'sequence-too-many-items'
  | 'functional-group-missing'
  | 'functional-group-twice';

export type ReportBreach = (check: RuleBreach, problem: Problem) => void;

/** Holds the top level of an instance against the modules of its IOD. PS3.3 A.1.3. */
export function checkModules({ dataSet }: Instance, iod: Iod, report: ReportBreach): void {
  const required = iod.modules.filter((module) => isRequired(module, dataSet));
  const requiredTags = new Set(required.flatMap((module) => module.attributes.map(({ tag }) => tag)));
  const optional = iod.modules.filter((module) => {
    // A module is there when an attribute is that no module has which must be there anyway.
    const own = module.attributes.filter(({ tag }) => !requiredTags.has(tag));
    return !required.includes(module) && own.some(({ tag }) => dataSet.has(tag));
  });
  const breaches: Parameters<ReportBreach>[] = [];
  for (const module of [...required, ...optional]) {
    checkAttributes(module.attributes, dataSet, origin(module), (check, problem) =>
      breaches.push([check, problem]),
    );
  }
  for (const [check, problem] of strictestOfEach(breaches)) report(check, problem);
}

/** Modules share attributes: of what several say of one, that which asks for most. */
function strictestOfEach(breaches: readonly Parameters<ReportBreach>[]): Iterable<Parameters<ReportBreach>> {
  const byPlace = new Map<string, Parameters<ReportBreach>>();
  for (const breach of breaches) {
    const [check, problem] = breach;
    const place = `${check} ${problem.path}`;
    if (!byPlace.has(place) || problem.message.includes('with a value')) byPlace.set(place, breach);
  }
  return byPlace.values();
}

function origin(module: Module): string {
  return `the ${module.name} Module (PS3.3 ${module.section})`;
}

/**
 * Holds the shared functional groups against the IOD; the groups of each frame too when there are none per frame.
 * PS3.3 C.7.6.16.
 */
export function checkSharedGroups({ dataSet }: Instance, iod: Iod, report: ReportBreach): void {
  const shared = dataSet.item(Tag.SharedFunctionalGroupsSequence);
  if (shared === undefined) return; // Reported as missing where the module is required.
  const hasFrameGroups = dataSet.has(Tag.PerFrameFunctionalGroupsSequence);
  for (const group of iod.functionalGroups) {
    if (shared.has(group.sequence.tag)) checkGroup(group, shared, report);
    else if (!hasFrameGroups && isRequired(group, dataSet)) reportMissingGroup(group, shared, report);
  }
}

/** Holds the functional groups of one frame against the IOD and the shared ones. */
export function checkFrameGroups(frame: ParsedDataSet, iod: Iod, report: ReportBreach): void {
  const shared = frame.root.item(Tag.SharedFunctionalGroupsSequence);
  for (const group of iod.functionalGroups) {
    const { tag } = group.sequence;
    const isShared = shared?.has(tag) ?? false;
    if (frame.has(tag)) checkGroup(group, frame, report);
    else if (!isShared && isRequired(group, frame.root)) reportMissingGroup(group, frame, report);
    if (isShared && frame.has(tag)) {
      report('functional-group-twice', {
        tag,
        path: frame.pathOf(tag),
        message: `${group.name} is given for the frame and shared too; it should be either`,
      });
    }
  }
}

function checkGroup(group: FunctionalGroup, item: ParsedDataSet, report: ReportBreach): void {
  checkAttributes([group.sequence], item, `the ${group.name} Macro`, report);
}

function reportMissingGroup(group: FunctionalGroup, item: ParsedDataSet, report: ReportBreach): void {
  const { tag } = group.sequence;
  report('functional-group-missing', {
    tag,
    path: item.pathOf(tag),
    message: `${group.name} is missing; it should be shared or be given for every frame`,
  });
}

function isRequired({ usage, condition }: Usage, root: ParsedDataSet): boolean {
  return usage === 'M' || (condition !== undefined && holds(condition, root) === true);
}

function holds(condition: string, at: ParsedDataSet): boolean | undefined {
  const predicate = conditions[condition];
  if (predicate === undefined)
    throw new TypeError(`Cannot decide condition "${condition}": it is not in the table`);
  return predicate(at);
}

function checkAttributes(
  rules: readonly AttributeRule[],
  dataSet: ParsedDataSet,
  from: string,
  report: ReportBreach,
): void {
  for (const rule of rules) {
    const element = dataSet.get(rule.tag);
    if (element === undefined) checkAbsent(rule, dataSet, from, report);
    else checkPresent(rule, element, dataSet, from, report);
  }
}

function checkAbsent(rule: AttributeRule, dataSet: ParsedDataSet, from: string, report: ReportBreach): void {
  const { tag, type, condition } = rule;
  const isAsked =
    type === '1' || type === '2' || (condition !== undefined && holds(condition, dataSet) === true);
  if (!isAsked) return;
  const reason = condition === undefined ? '' : `, whose condition "${condition}" holds`;
  const value = type.startsWith('1') ? 'with a value' : 'even if empty';
  report('attribute-missing', {
    tag,
    path: dataSet.pathOf(tag),
    message: `is missing; it should be there ${value}: Type ${type} of ${from}${reason}`,
  });
}

function checkPresent(
  rule: AttributeRule,
  element: ParsedElement,
  dataSet: ParsedDataSet,
  from: string,
  report: ReportBreach,
): void {
  const { tag, type, condition } = rule;
  const path = dataSet.pathOf(tag);
  if (rule.isForbiddenOtherwise && condition !== undefined && holds(condition, dataSet) === false) {
    report('attribute-not-allowed', {
      tag,
      path,
      message: `is there; it should not be, as condition "${condition}" of ${from} does not hold`,
    });
  }
  if (type.startsWith('1') && !dataSet.hasValue(tag)) {
    report('attribute-empty', {
      tag,
      path,
      message: `is empty; it should have a value: Type ${type} of ${from}`,
    });
  }
  const items = element.items ?? [];
  if (rule.isSingleItem && items.length > 1) {
    report('sequence-too-many-items', {
      tag,
      path,
      message: `has ${items.length} items; it should have at most one`,
    });
  }
  if (rule.items.length > 0) for (const item of items) checkAttributes(rule.items, item, from, report);
}
