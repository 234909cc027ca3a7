/** What zod found wrong, in words: what should be, what is, and what was perhaps meant. */
import type { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';
import type { SettingsProblem } from './errors.ts';
import { namesBelow, type Setting, settingAt } from './setting-tree.ts';
import { hasPath, type Path, type Source } from './sources.ts';

/** Names of settings whose values are not repeated in messages. */
const SECRET = /password|secret|token|passphrase|credential/i;

export function problemsOf(
  error: z.ZodError,
  { tree, values, sources }: { tree: Setting; values: unknown; sources: readonly Source[] },
): readonly SettingsProblem[] {
  const at = (path: Path, message: string): SettingsProblem => problemAt(path, message, sources);
  const problems = error.issues.flatMap((issue) => {
    const setting = settingAt(tree, issue.path, values);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => at([...issue.path, key], unknownName(key, setting, issue.path)));
    }
    if (issue.code === 'invalid_key') {
      return [at(issue.path, issue.issues.map(({ message }) => message).join('; '))];
    }
    return [at(issue.path, describeIssue(issue, { setting, value: valueAt(values, issue.path) }))];
  });
  return inReadingOrder(problems);
}

/** As they stand in the files, so that whoever mends them goes through once. */
function inReadingOrder(problems: readonly SettingsProblem[]): readonly SettingsProblem[] {
  const bySource = Object.values(Object.groupBy(problems, ({ place }) => place?.source ?? ''));
  return bySource.flatMap((own = []) =>
    own.toSorted((one, other) => (one.place?.line ?? 0) - (other.place?.line ?? 0)),
  );
}

/** A problem with the place of what caused it: the last source that says anything there. */
export function problemAt(path: Path, message: string, sources: readonly Source[]): SettingsProblem {
  let stated: Path = path;
  let source: Source | undefined;
  for (; source === undefined && stated.length > 0; stated = stated.slice(0, -1)) {
    const part = stated;
    source = sources.findLast(({ values }) => hasPath(values, part));
  }
  return { path: formatPath(path), message, ...(source && { place: source.placeOf(path) }) };
}

/** `destinations.pacs.ae_titles[0]` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text ? `${text}.${String(part)}` : String(part);
  }, '');
}

function unknownName(key: string, setting: Setting | undefined, path: Path): string {
  const names = setting ? namesBelow(setting) : [];
  const suggestion = didYouMean(key, names);
  if (suggestion || names.length === 0) return `there is no such setting${suggestion}`;
  const where = path.length === 0 ? 'the sections are' : 'there are';
  return `there is no such setting; ${where} ${names.join(', ')}`;
}

function describeIssue(
  issue: z.core.$ZodIssue,
  { setting, value }: { setting: Setting | undefined; value: unknown },
): string {
  const expectation = expectationOf(issue, setting);
  const demand = expectation.startsWith('must ') ? expectation : `must be ${expectation}`;
  if (value === undefined) return issue.code === 'custom' ? demand : `must be given: ${expectation}`;
  const shown = SECRET.test(issue.path.map(String).join('.')) ? '' : `: is ${show(value)}`;
  return `${demand}${shown}${suggestionFor(issue, value)}`;
}

function expectationOf(issue: z.core.$ZodIssue, setting: Setting | undefined): string {
  if (issue.code === 'invalid_union' && 'options' in issue) {
    return `one of ${(issue.options as readonly string[]).join(', ')}`;
  }
  // Checks of our own say it better than the type does.
  if (issue.code === 'custom' || (!issue.message.startsWith('Invalid') && !issue.message.startsWith('Too'))) {
    return issue.message.replace(/^must be /, '');
  }
  if (setting === undefined) return issue.message;
  if (setting.type === 'value' || setting.type === 'list') return setting.expects;
  return 'settings by name';
}

function suggestionFor(issue: z.core.$ZodIssue, value: unknown): string {
  if (typeof value !== 'string') return '';
  if (issue.code === 'invalid_value') return didYouMean(value, issue.values.map(String));
  const options = 'options' in issue ? (issue.options as readonly string[]) : [];
  return didYouMean(value, options);
}

function valueAt(values: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)?.[part], values);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
