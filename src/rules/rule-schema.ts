import { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';
import { PRIORITY, type PriorityName } from '../spool/spool.ts';
import type { Report, SourcePath } from './rule-source.ts';

/**
 * The outer shape of a rule file. Rules and tests have shapes of their own, read one by one, so that a mistake in one
 * does not hide those of the others.
 */
export const RuleFileShape = strict({
  rules: z.array(z.unknown()).default([]),
  otherwise: strict({ to: names(), note: text().optional() }).optional(),
  tests: z.array(z.unknown()).default([]),
});
export type RuleFileShape = z.infer<typeof RuleFileShape>;

/** A rule. Conditions and actions are read by files of their own: what they hold depends on the word in front. */
export const RuleShape = strict({
  name: text(),
  /** Who answers for the rule, and why it is there: for people. */
  owner: text().optional(),
  note: text().optional(),
  when: z.unknown().optional(),
  do: oneOrMore(z.unknown()).optional(),
  to: names().optional(),
  'to-original': names().optional(),
  priority: priority().optional(),
  continue: flag().optional(),
});
export type RuleShape = z.infer<typeof RuleShape>;

/** A test of the rules. */
export const TestShape = strict({
  name: text(),
  given: z.record(z.string(), z.unknown()),
  expect: strict({
    rule: oneOrMore(text()).optional(),
    to: oneOrMore(text(), 0).optional(),
    'to-original': oneOrMore(text(), 0).optional(),
    priority: priority().optional(),
    convert: z.unknown().optional(),
    set: z.record(z.string(), z.unknown()).optional(),
    remove: oneOrMore(text()).optional(),
  }),
});
export type TestShape = z.infer<typeof TestShape>;

/** A mapping that refuses unknown keys, and says for each what may have been meant. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue as unknown as { keys: string[] }).keys
            .map((key) => unknownWord('key', key, known))
            .join('\n')
        : undefined,
  });
}

/** `unknown key "wehn"; did you mean "when"? Known: name, when, …`. */
export function unknownWord(what: string, word: string, known: readonly string[]): string {
  const suggestion = didYouMean(word, known);
  return `unknown ${what} "${word}"${suggestion === '' ? ';' : suggestion} known: ${known.join(', ')}`;
}

/** Texts are the scalars of the file as written; spaces around them mean nothing. */
export function text() {
  return z.string().trim().min(1, 'must not be empty');
}

/** `true` or `false`, and no other spelling. */
export function flag() {
  return z.enum(['true', 'false'], 'must be true or false').transform((word) => word === 'true');
}

/** How much haste there is. */
export function priority() {
  const words = Object.keys(PRIORITY) as [PriorityName, ...PriorityName[]];
  return z.enum(words, `must be one of ${words.join(', ')}`);
}

/** A number as text, within bounds. */
export function number(check: (value: number) => boolean, says: string) {
  return z
    .string(says)
    .refine(
      (word) => /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(word.trim()) && check(Number(word)),
      says,
    )
    .transform(Number);
}

/** One or a list of them; a list always reads as a list. */
export function oneOrMore<Item extends z.ZodType>(item: Item, min = 1) {
  const list = z.array(item).min(min, 'must name at least one');
  return z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), list);
}

function names() {
  return oneOrMore(text());
}

/** What zod finds wrong, in words for people who write rules. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'too_small' || issue.code === 'custom') return undefined;
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.input === undefined) return 'is missing';
  return `must be ${KIND_NAMES[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`;
}

/** Hands zod's issues on as problems of the file, one for each unknown key. */
export function reportIssues(issues: readonly z.core.$ZodIssue[], path: SourcePath, report: Report): void {
  for (const issue of issues) {
    const at = [...path, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n');
      for (const [index, key] of issue.keys.entries())
        report([...at, key], messages[index] ?? issue.message, 'key');
    } else if (issue.code === 'custom' && issue.params?.at === 'key') {
      report(at, issue.message, 'key');
    } else {
      report(at, sayWhich(at, issue.message));
    }
  }
}

/** Messages that begin with a verb are about the key in front. */
function sayWhich(path: SourcePath, message: string): string {
  const key = path.findLast((step) => typeof step === 'string');
  const isAboutKey = key !== undefined && /^(is|must) /.test(message);
  return isAboutKey ? `"${key}" ${message}` : message;
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value of a rule file is, in YAML's words. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  return value === '' ? 'empty' : `"${String(value)}"`;
}
