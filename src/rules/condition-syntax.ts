import { didYouMean } from '../did-you-mean.ts';
import type { Origin } from '../spool/spool.ts';
import { AttributeError, type AttributeReference, type AttributeTable, holdsWords } from './attributes.ts';
import { asksPresence, OperandError, type OperatorName, operators, type ValueTest } from './operators.ts';
import { isMapping, kindOf } from './rule-schema.ts';
import type { Report, SourcePath } from './rule-source.ts';

/** A condition of the closed grammar. `at` is its place in the rule: `when.any[0].all[1]`. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[]; readonly at: string }
  | { readonly kind: 'not'; readonly of: Condition; readonly at: string }
  | AttributeCondition
  | { readonly kind: 'from' | 'from-ae' | 'to-ae'; readonly names: readonly string[]; readonly at: string }
  | { readonly kind: 'origin'; readonly origins: readonly Origin[]; readonly at: string };

export interface AttributeCondition {
  readonly kind: 'attribute';
  readonly attribute: AttributeReference;
  readonly operator: OperatorName;
  /** The operand as written, for people. */
  readonly words: readonly string[];
  readonly test: ValueTest;
  readonly at: string;
}

export interface SyntaxContext {
  readonly attributes: AttributeTable;
  readonly report: Report;
}

/** The rest of a tag that stands without quotes between braces, where YAML ends a value at the comma. */
const UNQUOTED_TAG = /^[\dA-Fa-f]{4}\)/;
const DEPTH_MAX = 24;
const ORIGINS: readonly string[] = ['received', 'converted'] satisfies Origin[];
const FORMS = ['all', 'any', 'not', 'attribute', 'from', 'from-ae', 'to-ae', 'origin'] as const;
const OPERATORS = Object.keys(operators) as OperatorName[];

/** Words of other systems that are too far from ours for a spelling suggestion. */
const SYNONYMS: Readonly<Record<string, string>> = {
  and: 'all',
  or: 'any',
  none: 'not',
  tag: 'attribute',
  keyword: 'attribute',
  source: 'from',
  'calling-ae': 'from-ae',
  'called-ae': 'to-ae',
  equals: 'is',
  eq: 'is',
  'one-of': 'in',
  'any-of': 'in',
  regex: 'matches',
  like: 'contains',
  includes: 'contains',
  present: 'exists',
  absent: 'missing',
  empty: 'missing',
  min: 'at-least',
  max: 'at-most',
};

/** Reads one condition; undefined after a problem has been reported. */
export function parseCondition(
  value: unknown,
  path: SourcePath,
  context: SyntaxContext,
  at = 'when',
  depth = 0,
): Condition | undefined {
  const { report } = context;
  if (depth > DEPTH_MAX) return void report(path, `conditions may be nested at most ${DEPTH_MAX} deep`);
  if (!isMapping(value)) {
    return void report(
      path,
      `a condition is a mapping such as { attribute: Modality, is: SM }, not ${kindOf(value)}`,
    );
  }
  const forms = FORMS.filter((form) => form in value);
  if (!checkKeys(value, forms, path, report)) return undefined;
  const [form, ...others] = forms;
  if (form === undefined) {
    return void report(path, `a condition begins with one of: ${FORMS.join(', ')}`);
  }
  if (others.length > 0) {
    const words = forms.map((word) => `"${word}"`).join(' and ');
    return void report(
      path,
      `a condition says one thing, and here stand ${words}: put them under all: [ … ]`,
    );
  }

  const inner: SourcePath = [...path, form];
  switch (form) {
    case 'all':
    case 'any':
      return parseGroup(form, value[form], inner, context, `${at}.${form}`, depth);
    case 'not': {
      const of = parseCondition(value[form], inner, context, `${at}.not`, depth + 1);
      return of && { kind: 'not', of, at };
    }
    case 'attribute':
      return parseAttribute(value, path, context, at);
    case 'origin': {
      const origins = parseWords(form, value[form], inner, report, ORIGINS);
      return origins && { kind: 'origin', origins: origins as Origin[], at };
    }
    default: {
      const names = parseWords(form, value[form], inner, report);
      return names && { kind: form, names, at };
    }
  }
}

function checkKeys(
  value: Record<string, unknown>,
  forms: readonly string[],
  path: SourcePath,
  report: Report,
): boolean {
  const hasAttribute = forms.includes('attribute');
  const operatorsHere = OPERATORS.filter((operator) => operator in value);
  const known: readonly string[] = hasAttribute ? ['attribute', ...OPERATORS] : [...FORMS, ...OPERATORS];
  const unknown = Object.keys(value).filter((key) => !known.includes(key) && !forms.includes(key));
  for (const key of unknown) {
    if (UNQUOTED_TAG.test(key)) {
      report([...path, key], "a tag in braces is cut at its comma: put it in quotes, '(0008,0060)'", 'key');
      continue;
    }
    const what = hasAttribute ? 'operator' : 'condition';
    const choices: readonly string[] = hasAttribute ? OPERATORS : FORMS;
    report(
      [...path, key],
      `unknown ${what} "${key}"${suggest(key, choices)} known: ${choices.join(', ')}`,
      'key',
    );
  }
  if (unknown.length > 0) return false;
  const [operator] = operatorsHere;
  if (!hasAttribute && operator !== undefined) {
    report(
      [...path, operator],
      `"${operator}" asks about an attribute, and none is named: add attribute: …`,
      'key',
    );
    return false;
  }
  return true;
}

function suggest(key: string, choices: readonly string[]): string {
  const synonym = Object.hasOwn(SYNONYMS, key) ? SYNONYMS[key] : undefined;
  if (synonym !== undefined && choices.includes(synonym)) return `; did you mean "${synonym}"?`;
  return didYouMean(key, choices) || ';';
}

function parseGroup(
  kind: 'all' | 'any',
  value: unknown,
  path: SourcePath,
  context: SyntaxContext,
  at: string,
  depth: number,
): Condition | undefined {
  if (!Array.isArray(value) || value.length === 0) {
    const found = Array.isArray(value) ? 'an empty one' : kindOf(value);
    return void context.report(path, `"${kind}" takes a list of conditions, not ${found}`);
  }
  const of = value.map((item, index) =>
    parseCondition(item, [...path, index], context, `${at}[${index}]`, depth + 1),
  );
  const parsed = of.filter((condition) => condition !== undefined);
  return parsed.length === of.length ? { kind, of: parsed, at } : undefined;
}

function parseAttribute(
  value: Record<string, unknown>,
  path: SourcePath,
  context: SyntaxContext,
  at: string,
): Condition | undefined {
  const { report, attributes } = context;
  const found = OPERATORS.filter((operator) => operator in value);
  const [operator, second] = found;
  if (operator === undefined) {
    report(path, `this condition asks nothing of its attribute: add one of ${OPERATORS.join(', ')}`);
  } else if (second !== undefined) {
    report(
      [...path, second],
      `one operator to a condition: put "${operator}" and "${second}" under all: [ … ]`,
      'key',
    );
  }
  const attribute = parseReference(value.attribute, [...path, 'attribute'], attributes, report);
  if (attribute === undefined || operator === undefined || second !== undefined) return undefined;
  if (!holdsWords(attribute) && !asksPresence(operator)) {
    const instead = attribute.vr === 'SQ' ? 'name an attribute in it, or ask' : 'ask';
    return void report(
      [...path, operator],
      `${attribute.name} holds no words to compare (${attribute.vr}): ${instead} whether it exists`,
      'key',
    );
  }
  try {
    const operand = value[operator];
    const test = operators[operator].compile(operand, {
      attribute: attribute.name,
      vr: attribute.vr,
      resolve: attribute.resolve,
    });
    const words = Array.isArray(operand) ? operand.map(String) : [String(operand)];
    return { kind: 'attribute', attribute, operator, words, test, at };
  } catch (error) {
    if (!(error instanceof OperandError || error instanceof AttributeError)) throw error;
    return void report([...path, operator], error.message);
  }
}

function parseReference(
  value: unknown,
  path: SourcePath,
  attributes: AttributeTable,
  report: Report,
): AttributeReference | undefined {
  if (typeof value !== 'string' || value === '') {
    return void report(path, `"attribute" takes a keyword or a tag, not ${kindOf(value)}`);
  }
  try {
    return attributes.reference(value);
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error;
    return void report(path, error.message);
  }
}

function parseWords(
  form: string,
  value: unknown,
  path: SourcePath,
  report: Report,
  choices?: readonly string[],
): readonly string[] | undefined {
  const words = Array.isArray(value) ? value : [value];
  const wrong = words.filter((word) => typeof word !== 'string' || word.trim() === '');
  if (words.length === 0 || wrong.length > 0) {
    const found = words.length === 0 ? 'an empty list' : kindOf(wrong[0]);
    return void report(path, `"${form}" takes a name or a list of names, not ${found}`);
  }
  const trimmed = words.map((word) => String(word).trim());
  const strange = trimmed.find((word) => choices !== undefined && !choices.includes(word));
  if (strange === undefined) return trimmed;
  return void report(
    path,
    `"${form}" is one of ${choices?.join(', ')}, not "${strange}"${didYouMean(strange, choices ?? [])}`,
  );
}
