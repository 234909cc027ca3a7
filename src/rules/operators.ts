/**
 * # Operators
 *
 * What a condition may ask of the values of an attribute. Every operator asks for *any* value: an attribute with
 * several holds when one of them does. One without a value fails every comparison.
 *
 * To add one: write its function, then add its line to `operators`.
 */
import { RE2JS } from 're2js';
import { kindOf } from './rule-schema.ts';
import { type ComparisonClass, comparisonClassOf } from './value-class.ts';

/** Whether the values, trimmed and without empty ones, are what the condition asks for. */
export type ValueTest = (values: readonly string[]) => boolean;

export interface OperandContext {
  /** Name of the attribute, for messages. */
  readonly attribute: string;
  /** Value representation by the dictionary; undefined for a private or unknown attribute. */
  readonly vr: string | undefined;
  /** What a word stands for: a SOP class by its keyword is its UID. Throws for a word that names nothing. */
  readonly resolve: (word: string) => string;
}

/** The operand is not one that the operator can use; the message says what would be right. */
export class OperandError extends Error {}

interface Operator {
  /**
   * @param operand as it stands in the rule file
   * @throws {OperandError} when the operator cannot use it
   */
  compile(operand: unknown, context: OperandContext): ValueTest;
}

export const operators = {
  is: { compile: (operand, context) => equalTo([oneText('is', operand)], context) },
  in: { compile: (operand, context) => equalTo(texts(operand), context) },
  matches: { compile: compileMatches },
  contains: { compile: compileContains },
  exists: { compile: (operand) => presence(isTrue('exists', operand)) },
  missing: { compile: (operand) => presence(!isTrue('missing', operand)) },
  'at-least': { compile: (operand, context) => ordered('at-least', operand, context, (order) => order >= 0) },
  'at-most': { compile: (operand, context) => ordered('at-most', operand, context, (order) => order <= 0) },
} as const satisfies Record<string, Operator>;

export type OperatorName = keyof typeof operators;

/** Whether the operator only asks if there is a value, whatever it is. */
export function asksPresence(operator: OperatorName): boolean {
  return operator === 'exists' || operator === 'missing';
}

function oneText(operator: string, operand: unknown): string {
  if (typeof operand === 'string' && operand !== '') return operand.trim();
  const instead = operator === 'is' && Array.isArray(operand) ? ': for several values write "in"' : '';
  throw new OperandError(`"${operator}" takes one value, not ${kindOf(operand)}${instead}`);
}

function texts(operand: unknown): string[] {
  if (typeof operand === 'string' && operand !== '') {
    throw new OperandError(`"in" takes a list: write in: [${operand}], or is: ${operand}`);
  }
  if (!Array.isArray(operand) || operand.length === 0) {
    throw new OperandError(
      `"in" takes a list of values, not ${Array.isArray(operand) ? 'an empty one' : kindOf(operand)}`,
    );
  }
  return operand.map((item) => {
    if (typeof item === 'string' && item.trim() !== '') return item.trim();
    throw new OperandError(`"in" takes a list of values, but one of them is ${kindOf(item)}`);
  });
}

function equalTo(words: readonly string[], context: OperandContext): ValueTest {
  if (comparisonClassOf(context.vr) === 'number') {
    const wanted = new Set(words.map((word) => numberOf(word, context)));
    return (values) => values.some((value) => wanted.has(Number(value)));
  }
  const wanted = words.map((word) => context.resolve(word));
  const [only] = wanted;
  if (wanted.length === 1 && only !== undefined) return (values) => values.includes(only);
  const set = new Set(wanted);
  return (values) => values.some((value) => set.has(value));
}

/** Found anywhere in a value: `^` and `$` tie it to the ends. RE2 syntax, linear time whatever the pattern. */
function compileMatches(operand: unknown): ValueTest {
  const pattern = oneText('matches', operand);
  const regex = compileRegex(pattern);
  // The images of a series come one after the other and bear the same texts: most answers are known already.
  let lastValue: string | undefined;
  let lastAnswer = false;
  const found = (value: string): boolean => {
    if (value !== lastValue) {
      lastAnswer = regex.test(value);
      lastValue = value;
    }
    return lastAnswer;
  };
  return (values) => values.some(found);
}

function compileRegex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperandError(`"matches" takes a regular expression (RE2 syntax): ${reason}`);
  }
}

function compileContains(operand: unknown): ValueTest {
  const part = oneText('contains', operand);
  return (values) => values.some((value) => value.includes(part));
}

function isTrue(operator: string, operand: unknown): boolean {
  if (operand === 'true') return true;
  if (operand === 'false') return false;
  throw new OperandError(`"${operator}" takes true or false, not ${kindOf(operand)}`);
}

function presence(wanted: boolean): ValueTest {
  return (values) => values.length > 0 === wanted;
}

function ordered(
  operator: 'at-least' | 'at-most',
  operand: unknown,
  context: OperandContext,
  holds: (order: number) => boolean,
): ValueTest {
  const word = oneText(operator, operand);
  const comparison = comparisonClassOf(context.vr);
  if (comparison === 'text') {
    throw new OperandError(
      `"${operator}" compares numbers and dates, and ${context.attribute} is text (${context.vr}): use is, in or matches`,
    );
  }
  if (comparison === 'number' || comparison === 'unknown') {
    const limit = numberOf(word, context);
    return (values) => values.some((value) => holds(Number(value) - limit));
  }
  const limit = timeOf(word, comparison, context);
  // Dates and times are written from the largest unit to the smallest: they compare as text.
  return (values) => values.some((value) => holds(value < limit ? -1 : Number(value > limit)));
}

function numberOf(word: string, context: OperandContext): number {
  const value = Number(word);
  if (word !== '' && Number.isFinite(value)) return value;
  throw new OperandError(`${context.attribute} is a number, and "${word}" is none`);
}

const TIME_FORMS: Readonly<
  Record<Exclude<ComparisonClass, 'number' | 'text' | 'unknown'>, [RegExp, string]>
> = {
  date: [/^\d{8}$/, 'a date is written as 20260131'],
  time: [/^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/, 'a time is written as 1730 or 173059'],
  'date-time': [/^\d{4}(\d{2}){0,5}(\.\d{1,6})?$/, 'a date and time is written as 20260131173059'],
};

function timeOf(word: string, comparison: keyof typeof TIME_FORMS, context: OperandContext): string {
  const [form, says] = TIME_FORMS[comparison];
  if (form.test(word)) return word;
  throw new OperandError(`${context.attribute} cannot be compared with "${word}": ${says}`);
}
