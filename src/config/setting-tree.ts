/**
 * The settings as a tree that is easy to walk: made from the JSON Schema that zod derives, so that example,
 * reference page and messages say what validation does.
 */
import { z } from 'zod';
import { parseDurationMs } from '../duration.ts';

/** A JSON Schema, as far as settings use it. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Described {
  readonly description: string;
  readonly required: boolean;
  /** As it would be written in YAML. */
  readonly default?: unknown;
}

export type Setting =
  | (Described & { readonly type: 'section'; readonly members: ReadonlyMap<string, Setting> })
  | (Described & { readonly type: 'named'; readonly each: Setting })
  | (Described & { readonly type: 'kinds'; readonly kinds: ReadonlyMap<string, Setting> })
  | (Described & { readonly type: 'list'; readonly each: Setting; readonly expects: string })
  | (Described & { readonly type: 'value'; readonly expects: string; readonly schema: JsonSchema });

/** Reads the tree of a schema of settings. Every settings schema of the program can be read so; a test says so. */
export function settingTree(schema: z.ZodType): Setting {
  return readSetting(jsonSchemaOf(schema), true);
}

/** What may be written, as JSON Schema: before defaults are filled in and durations become numbers. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
}

/** The setting at a path, given the values there (which say the `kind`); undefined where there is none. */
export function settingAt(tree: Setting, path: readonly PropertyKey[], values: unknown): Setting | undefined {
  let setting: Setting | undefined = chooseKind(tree, values);
  let value = values;
  for (const part of path) {
    value = isObject(value) ? value[part as string] : undefined;
    const below: Setting | undefined = setting && stepInto(setting, String(part));
    setting = below && chooseKind(below, value);
  }
  return setting;
}

/** Names that may stand below a setting; none where any name may. */
export function namesBelow(setting: Setting): readonly string[] {
  return setting.type === 'section' ? [...setting.members.keys()] : [];
}

function stepInto(setting: Setting, part: string): Setting | undefined {
  if (setting.type === 'section') return setting.members.get(part);
  if (setting.type === 'named' || setting.type === 'list') return setting.each;
  // The kind is missing or unknown: `kind` itself is the same in all.
  if (setting.type === 'kinds') return [...setting.kinds.values()].map((one) => stepInto(one, part))[0];
  return undefined;
}

function chooseKind(setting: Setting, value: unknown): Setting {
  if (setting.type !== 'kinds' || !isObject(value)) return setting;
  return setting.kinds.get(String(value.kind)) ?? setting;
}

function readSetting(schema: JsonSchema, required: boolean): Setting {
  const described: Described = {
    description: schema.description ?? '',
    required: required && schema.default === undefined,
    ...(schema.default !== undefined && { default: asWritten(schema) }),
  };
  const kinds = kindsOf(schema);
  if (kinds) return { ...described, type: 'kinds', kinds };
  if (schema.properties) {
    const requiredNames = new Set(schema.required);
    const members = Object.entries(schema.properties).map(
      ([name, member]) => [name, readSetting(member as JsonSchema, requiredNames.has(name))] as const,
    );
    return { ...described, type: 'section', members: new Map(members) };
  }
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') {
    return { ...described, type: 'named', each: readSetting(schema.additionalProperties, true) };
  }
  if (schema.type === 'array') {
    const each = readSetting((schema.items ?? {}) as JsonSchema, true);
    return { ...described, type: 'list', each, expects: `a list${listOf(each)}` };
  }
  return { ...described, type: 'value', expects: expectationOf(schema), schema };
}

/** Members of a union, by the literal `kind` that tells them apart. */
function kindsOf(schema: JsonSchema): ReadonlyMap<string, Setting> | undefined {
  const members = (schema.oneOf ?? schema.anyOf) as readonly JsonSchema[] | undefined;
  if (!members) return undefined;
  const named = members.map((member) => [(member.properties?.kind as JsonSchema)?.const, member] as const);
  if (named.some(([kind]) => typeof kind !== 'string')) return undefined;
  return new Map(named.map(([kind, member]) => [String(kind), readSetting(member, true)]));
}

/** In words that end the sentence "must be …". */
function expectationOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `"${String(schema.const)}"`;
  if (schema.enum) return oneOf(schema.enum.map(String));
  const alternatives = (schema.anyOf ?? schema.oneOf) as readonly JsonSchema[] | undefined;
  if (alternatives) return alternatives.map((one) => expectationOf(one)).join(' or ');
  if (isDuration(schema)) return 'a duration such as 30s, 10m or 7d';
  switch (schema.type) {
    case 'integer':
      return `a whole number${rangeOf(schema)}`;
    case 'number':
      return `a number${rangeOf(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return `text${lengthOf(schema)}`;
    case 'null':
      return 'null';
    case 'array':
      return 'a list';
    case 'object':
      return 'settings by name';
    default:
      return 'a value';
  }
}

function oneOf(words: readonly string[]): string {
  return words.length > 1 ? `one of ${words.join(', ')}` : (words[0] ?? 'a value');
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const from = bounded(minimum);
  const above = bounded(exclusiveMinimum);
  const to = bounded(maximum);
  const below = bounded(exclusiveMaximum);
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined && below === undefined) return ` of ${from} or more`;
  if (to !== undefined && above === undefined) return ` of ${to} or less`;
  const bounds = Object.entries({ from, above, to, below }).filter(([, bound]) => bound !== undefined);
  return bounds.map(([word, bound]) => ` ${word} ${bound}`).join('');
}

/** Every whole number has the safe integers as bounds: these are none. */
function bounded(bound: unknown): number | undefined {
  return typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
}

function lengthOf({ minLength, maxLength }: JsonSchema): string {
  if (maxLength !== undefined) return ` of ${minLength ?? 0} to ${maxLength} characters`;
  return minLength === undefined || minLength <= 1 ? '' : ` of ${minLength} characters or more`;
}

function listOf(each: Setting): string {
  return each.type === 'value' ? `, each ${each.expects}` : '';
}

export function isDuration({ type, pattern }: JsonSchema): boolean {
  return type === 'string' && pattern?.includes('(ms|s|m|h|d)') === true;
}

/** A default of a duration may have reached the schema in milliseconds; it is written with its unit. */
function asWritten(schema: JsonSchema): unknown {
  if (!isDuration(schema) || typeof schema.default !== 'number') return schema.default;
  return durationText(schema.default);
}

/** `600000` → `10m`: in the largest unit that leaves a whole number. */
export function durationText(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms % (parseDurationMs(`1${name}`) ?? 1) === 0 && ms > 0);
  return unit ? `${ms / (parseDurationMs(`1${unit}`) ?? 1)}${unit}` : `${ms}ms`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
