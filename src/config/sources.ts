/**
 * Where settings come from: `config/default.yaml` of the program, the file that SLIDEGATE_CONFIG names, then
 * NODE_CONFIG (JSON). The later overrides the earlier key by key, with two additions to what node-config does:
 * an object that states a `kind` replaces the earlier one whole, since the keys of another kind would make no
 * sense there, and `null` removes an input, a source or a destination.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Load } from 'config/lib/util.js';
import { type Document, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Place, SettingsProblem } from './errors.ts';

export type Path = readonly PropertyKey[];
type Values = Record<string, unknown>;

/** One layer of the settings, able to say where in it something stands. */
export interface Source {
  readonly name: string;
  /** False for the defaults that come with the program. */
  readonly stated: boolean;
  readonly values: Values;
  /** The place of the deepest part of `path` that the source has. */
  placeOf(path: Path): Place;
}

export interface Sources {
  /** All layers merged, not yet validated. */
  readonly values: Values;
  /** Lowest first. */
  readonly sources: readonly Source[];
  readonly problems: readonly SettingsProblem[];
}

export interface SourceOptions {
  /** Where SLIDEGATE_CONFIG and NODE_CONFIG are read from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Read instead of the file that SLIDEGATE_CONFIG names. */
  readonly file?: string;
}

/** Sections whose members can be removed by `null`. */
const NAMED_SECTIONS = ['inputs', 'sources', 'destinations'];
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
/** What node-config merges; settings need five. */
const DEPTH_MAX = 20;
const DEFAULTS = fileURLToPath(new URL('../../config/default.yaml', import.meta.url));

export function readSources({ env, file = env.SLIDEGATE_CONFIG }: SourceOptions): Sources {
  const problems: SettingsProblem[] = [];
  const sources = [readFile(DEFAULTS, false, problems)];
  if (file) sources.push(readFile(file, true, problems));
  if (env.NODE_CONFIG) sources.push(readJson(env.NODE_CONFIG, problems));

  const load = new Load({});
  const readable = sources.filter((source) => source !== undefined);
  for (const source of readable) {
    forgetReplacedKinds(load.config, source.values);
    load.addConfig(source.name, source.values);
  }
  removeNulls(load.config, problems, readable);
  return { values: load.config, sources: readable, problems };
}

function readFile(path: string, stated: boolean, problems: SettingsProblem[]): Source | undefined {
  const name = shownPath(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    problems.push({ path: '', message: `cannot read the file: ${code}`, place: { source: name } });
    return undefined;
  }
  return readYaml(text, { name, stated, problems });
}

/** JSON is read as YAML too: every problem then has its line, and comments do no harm. */
function readYaml(
  text: string,
  { name, stated, problems }: { name: string; stated: boolean; problems: SettingsProblem[] },
): Source | undefined {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  for (const error of document.errors) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    problems.push({ path: '', message: error.message, place: { source: name, line, column: col } });
  }
  if (document.errors.length > 0) return undefined;

  const placeOf = (path: Path): Place => placeInYaml(document, lineCounter, name, path);
  try {
    return asSource(document.toJS() as unknown, { name, stated, problems, placeOf });
  } catch (error) {
    // Aliases to nothing, or far too many of them: they show only when values are made.
    problems.push({ path: '', message: (error as Error).message, place: { source: name } });
    return undefined;
  }
}

function readJson(text: string, problems: SettingsProblem[]): Source | undefined {
  const name = 'NODE_CONFIG';
  try {
    const values: unknown = JSON.parse(text);
    return asSource(values, { name, stated: true, problems, placeOf: () => ({ source: name }) });
  } catch (error) {
    const message = `must be JSON: ${(error as Error).message}`;
    problems.push({ path: '', message, place: { source: name } });
    return undefined;
  }
}

function asSource(
  values: unknown,
  { problems, ...source }: Omit<Source, 'values'> & { problems: SettingsProblem[] },
): Source | undefined {
  if (values === null || values === undefined) return { ...source, values: {} }; // Nothing but comments.
  if (!isPlainObject(values)) {
    const message = 'must hold settings by name, such as "console: { port: 8080 }"';
    problems.push({ path: '', message, place: { source: source.name } });
    return undefined;
  }
  const forbidden = findForbidden(values);
  if (forbidden) {
    const { path, message } = forbidden;
    problems.push({ path: path.join('.'), message, place: source.placeOf(path) });
    return undefined;
  }
  // `destinations:` with nothing but comments below it states nothing, rather than removing everything.
  const stated = Object.entries(values).filter(([, value]) => value !== null);
  return { ...source, values: Object.fromEntries(stated) };
}

/** A merge would carry `__proto__` into the prototype of every object of the process; an alias can point to itself. */
function findForbidden(
  value: unknown,
  path: readonly string[] = [],
): { path: readonly string[]; message: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length > DEPTH_MAX) return { path: path.slice(0, 3), message: 'is nested without end' };
  for (const [name, member] of Object.entries(value)) {
    const at = [...path, name];
    if (FORBIDDEN_NAMES.has(name)) return { path: at, message: 'is a name that cannot be used' };
    const below = findForbidden(member, at);
    if (below) return below;
  }
  return undefined;
}

/** Drops from `merged` what `override` replaces whole by stating a `kind`. */
function forgetReplacedKinds(merged: Values, override: Values): void {
  for (const [name, value] of Object.entries(override)) {
    const before = merged[name];
    if (!isPlainObject(value) || !isPlainObject(before)) continue;
    if (Object.hasOwn(value, 'kind')) delete merged[name];
    else forgetReplacedKinds(before, value);
  }
}

function removeNulls(merged: Values, problems: SettingsProblem[], sources: readonly Source[]): void {
  for (const section of NAMED_SECTIONS) {
    const members = merged[section];
    if (!isPlainObject(members)) continue;
    for (const [name, value] of Object.entries(members)) {
      if (value !== null) continue;
      delete members[name];
      const everStated = sources.some(({ values }) => (values[section] as Values | undefined)?.[name]);
      if (everStated) continue;
      const path = [section, name];
      const place = sources.findLast((source) => hasPath(source.values, path))?.placeOf(path);
      const message = 'cannot be removed by null, as there is none of that name';
      problems.push({ path: path.join('.'), message, ...(place && { place }) });
    }
  }
}

/** Whether a source says anything at `path`. */
export function hasPath(values: unknown, path: Path): boolean {
  let at = values;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return false;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return true;
}

function placeInYaml(document: Document, lineCounter: LineCounter, source: string, path: Path): Place {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const part of path) {
    if (!isCollection(node)) break;
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    const next = node.get(part, true);
    const stands = pair?.key ?? next;
    if (!isNode(stands)) break;
    offset = stands.range?.[0] ?? offset;
    node = next;
  }
  if (offset === undefined) return { source };
  const { line, col } = lineCounter.linePos(offset);
  return { source, line, column: col };
}

function isPlainObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Relative to the working directory where that is shorter to read. */
function shownPath(path: string): string {
  const short = relative(process.cwd(), resolve(path));
  return short.startsWith('..') ? resolve(path) : short;
}
