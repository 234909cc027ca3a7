import type { Origin, PriorityName } from '../spool/spool.ts';
import { parseActions } from './actions.ts';
import { AttributeError, type AttributeName, parseAttributeName } from './attributes.ts';
import type { Place } from './errors.ts';
import type { Circumstances } from './facts.ts';
import type { RuleConversion } from './plan.ts';
import { describeIssue, isMapping, kindOf, reportIssues, TestShape } from './rule-schema.ts';
import type { Report, RuleSource, SourcePath } from './rule-source.ts';
import { givenProblem } from './written-value.ts';

/** A test that stands in a rule file: an instance in a few words, and what must become of it. */
export interface RuleTest {
  readonly name: string;
  readonly place: Place;
  readonly given: {
    readonly circumstances: Pick<Circumstances, 'origin' | 'source' | 'callingAeTitle' | 'calledAeTitle'>;
    readonly attributes: readonly AttributeValues[];
  };
  readonly expect: Expectation;
}

export interface AttributeValues {
  readonly attribute: AttributeName;
  readonly values: readonly string[];
}

/** What is not stated is not looked at. */
export interface Expectation {
  /** The rules that match, or one of `otherwise`, `inherited`, `none`. */
  readonly rules?: readonly { readonly name: string; readonly place: Place }[];
  readonly to?: readonly string[];
  readonly toOriginal?: readonly string[];
  /** Of every delivery, and of the conversion. */
  readonly priority?: PriorityName;
  /** False: nothing is converted. Only the options stated here are compared. */
  readonly convert?: false | Pick<RuleConversion, 'job' | 'options'> | true;
  readonly set?: readonly AttributeValues[];
  readonly remove?: readonly AttributeName[];
}

/** Words of `given` beside attributes, as in conditions. */
const CIRCUMSTANCES = ['from', 'from-ae', 'to-ae', 'origin'];

/** Reads one test; undefined after a problem has been reported. */
export function parseTest(
  raw: unknown,
  path: SourcePath,
  context: { readonly source: RuleSource; readonly report: Report },
): RuleTest | undefined {
  let isSound = true;
  const report: Report = (...problem) => {
    isSound = false;
    context.report(...problem);
  };
  const shape = TestShape.safeParse(raw, { error: describeIssue });
  if (!shape.success) {
    reportIssues(shape.error.issues, path, report);
    return undefined;
  }
  const { name, given, expect } = shape.data;
  const test = {
    name,
    place: context.source.place([...path, 'name']),
    given: parseGiven(given, [...path, 'given'], report),
    expect: parseExpectation(expect, [...path, 'expect'], { ...context, report }),
  };
  return isSound ? test : undefined;
}

function parseExpectation(
  shape: TestShape['expect'],
  path: SourcePath,
  { source, report }: { readonly source: RuleSource; readonly report: Report },
): Expectation {
  const { rule, to, priority, convert, set, remove } = shape;
  const toOriginal = shape['to-original'];
  if (Object.keys(shape).length === 0)
    report(path, 'a test must expect something: rule, to, priority, convert, set …');
  const at = (key: string): SourcePath => [...path, key];
  return {
    ...(rule && {
      rules: rule.map((name, index) => ({ name, place: source.place([...at('rule'), index]) })),
    }),
    ...(to && { to }),
    ...(toOriginal && { toOriginal }),
    ...(priority && { priority }),
    ...(convert !== undefined && { convert: parseConvert(convert, at('convert'), report) }),
    ...(set && { set: parseAttributes(set, at('set'), report) }),
    ...(remove && { remove: parseRemoved(remove, at('remove'), report) }),
  };
}

function parseGiven(given: Record<string, unknown>, path: SourcePath, report: Report): RuleTest['given'] {
  const word = (key: string, fallback: string): string => {
    const value = given[key];
    if (value === undefined) return fallback;
    if (typeof value !== 'string') report([...path, key], `"${key}" takes one name, not ${kindOf(value)}`);
    return String(value);
  };
  const origin = word('origin', 'received');
  if (origin !== 'received' && origin !== 'converted') {
    report([...path, 'origin'], `"origin" is received or converted, not "${origin}"`);
  }
  const attributes = Object.fromEntries(
    Object.entries(given).filter(([key]) => !CIRCUMSTANCES.includes(key)),
  );
  return {
    circumstances: {
      origin: origin as Origin,
      source: word('from', 'unknown'),
      callingAeTitle: word('from-ae', 'UNKNOWN'),
      calledAeTitle: word('to-ae', 'SLIDEGATE'),
    },
    attributes: parseAttributes(attributes, path, report),
  };
}

function parseAttributes(
  values: Record<string, unknown>,
  path: SourcePath,
  report: Report,
): readonly AttributeValues[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const attribute = attributeNamed(key, [...path, key], report, 'key');
    const texts = Array.isArray(value) ? value : [value];
    const wrong = texts.find((text) => typeof text !== 'string');
    if (wrong !== undefined)
      report([...path, key], `"${key}" takes a value or a list of values, not ${kindOf(wrong)}`);
    if (attribute === undefined || wrong !== undefined) return [];
    if (texts.length === 1 && texts[0] === '') return [{ attribute, values: [] }];
    const resolved = texts.map((text) => resolve(attribute, text, [...path, key], report));
    return [{ attribute, values: resolved }];
  });
}

function resolve(attribute: AttributeName, text: string, path: SourcePath, report: Report): string {
  const problem = givenProblem(attribute, text);
  if (problem !== undefined) report(path, problem);
  try {
    return attribute.resolve(text);
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error;
    report(path, error.message);
    return text;
  }
}

function parseRemoved(names: readonly string[], path: SourcePath, report: Report): readonly AttributeName[] {
  return names
    .map((name, index) => attributeNamed(name, [...path, index], report, 'value'))
    .filter((attribute) => attribute !== undefined);
}

function attributeNamed(
  name: string,
  path: SourcePath,
  report: Report,
  at: 'key' | 'value',
): AttributeName | undefined {
  try {
    return parseAttributeName(name);
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error;
    return void report(path, error.message, at);
  }
}

function parseConvert(value: unknown, path: SourcePath, report: Report): NonNullable<Expectation['convert']> {
  if (value === 'true' || value === 'false') return value === 'true';
  if (!isMapping(value)) {
    report(
      path,
      `"convert" takes true, false or options such as { to: wsi, tile: 512 }, not ${kindOf(value)}`,
    );
    return true;
  }
  // The same words as in a rule, read by the same schema.
  const [step] = parseActions([{ convert: value }], [], (within, message, at) =>
    report([...path, ...within.slice(2)], message, at),
  );
  return step?.step === 'convert' ? { job: step.job, options: step.options } : true;
}
