import { createHash } from 'node:crypto';
import { didYouMean } from '../did-you-mean.ts';
import { AttributeTable } from './attributes.ts';
import { type Problem, RuleFileError, wholeFile } from './errors.ts';
import { parseRuleFile, type RuleFile } from './rule-file.ts';
import type { Rule, RuleSet } from './rule-set.ts';
import { readRuleSource } from './rule-source.ts';

/** A rule file and what stands in it. */
export interface RuleText {
  readonly file: string;
  readonly text: string;
}

/**
 * Makes one rule set of all files, in their order.
 *
 * @param path what to call them together
 * @throws {RuleFileError} listing every problem
 */
export function buildRuleSet(path: string, texts: readonly RuleText[]): RuleSet {
  const attributes = new AttributeTable();
  const problems: Problem[] = [];
  const files: RuleFile[] = [];
  for (const { file, text } of texts) {
    const read = readRuleSource(file, text);
    problems.push(...read.problems);
    if (read.source === undefined) continue;
    const parsed = parseRuleFile(read.source, attributes);
    problems.push(...parsed.problems);
    files.push(parsed.file);
  }
  const isWhole = problems.length === 0;

  const rules = files.flatMap((file) => file.rules);
  const tests = files.flatMap((file) => file.tests);
  const [otherwise, ...moreOtherwise] = files.flatMap((file) => file.otherwise ?? []);
  problems.push(...duplicateNames(rules), ...unreachable(rules));
  // A name that is missing because its rule could not be read is no problem of the test.
  if (isWhole) problems.push(...unknownRules(tests, rules));
  for (const { place } of moreOtherwise) {
    const first = otherwise?.place;
    problems.push({
      ...place,
      message: `a second "otherwise": there is one at ${first?.file}:${first?.line}`,
    });
  }
  if (isWhole && rules.length === 0 && otherwise === undefined) {
    problems.push(wholeFile(path, 'there are no rules and no "otherwise": every instance would be held'));
  }
  if (problems.length > 0) throw new RuleFileError(path, inOrder(problems, texts));
  return {
    version: digest(texts),
    path,
    rules,
    ...(otherwise && { otherwise }),
    attributes: attributes.all,
    productsMeetRules: rules.some((rule) => rule.meetsConverted),
    tests,
  };
}

/** As a person reads: file by file, from top to bottom. */
function inOrder(problems: readonly Problem[], texts: readonly RuleText[]): readonly Problem[] {
  const position = (problem: Problem) => texts.findIndex(({ file }) => file === problem.file);
  return problems.toSorted((a, b) => position(a) - position(b) || a.line - b.line || a.column - b.column);
}

function duplicateNames(rules: readonly Rule[]): readonly Problem[] {
  const first = new Map<string, Rule>();
  return rules.flatMap((rule) => {
    const { place } = first.get(rule.name) ?? {};
    if (place)
      return [
        {
          ...rule.place,
          message: `a rule of this name stands at ${place.file}:${place.line}: names must differ`,
        },
      ];
    first.set(rule.name, rule);
    return [];
  });
}

function unreachable(rules: readonly Rule[]): readonly Problem[] {
  const last = rules.findIndex((rule) => rule.when === undefined && !rule.continues);
  const [hidden] = last < 0 ? [] : rules.slice(last + 1).filter((rule) => !rule.meetsConverted);
  const stopper = rules[last];
  if (hidden === undefined || stopper === undefined) return [];
  const says = `rule "${hidden.name}" is never reached: rule "${stopper.name}" before it takes everything`;
  return [{ ...hidden.place, message: `${says}; give that one a "when", or move it to the end` }];
}

function unknownRules(tests: RuleSet['tests'], rules: readonly Rule[]): readonly Problem[] {
  const names = [...rules.map(({ name }) => name), 'otherwise', 'none', 'inherited'];
  return tests.flatMap(({ expect }) =>
    (expect.rules ?? [])
      .filter(({ name }) => !names.includes(name))
      .map(({ name, place }) => ({ ...place, message: `unknown rule "${name}"${didYouMean(name, names)}` })),
  );
}

function digest(texts: readonly RuleText[]): string {
  const hash = createHash('sha256');
  for (const { text } of texts) hash.update(text).update('\0');
  return hash.digest('hex').slice(0, 12);
}
