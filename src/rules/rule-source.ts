import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { Place, Problem } from './errors.ts';

/** Keys and indexes from the top of a file to one of its values. */
export type SourcePath = readonly (string | number)[];

/** A YAML file as plain values, and the way back from each value to its line. */
export interface RuleSource {
  readonly file: string;
  /** Mappings, lists and texts; every scalar is the text as written, so that `00123` and `no` stay what they are. */
  readonly value: unknown;
  /** Where a value stands, or its nearest ancestor that exists; `key` means the key in front of it. */
  place(path: SourcePath, at?: 'key' | 'value'): Place;
}

/** Notes a problem at a value, or at its key. Reading goes on, so that one look finds them all. */
export type Report = (path: SourcePath, message: string, at?: 'key' | 'value') => void;

const DEPTH_MAX = 64;
const VALUES_MAX = 200_000;

/** Reads YAML. Problems of the syntax come back alone: what follows from broken text would only confuse. */
export function readRuleSource(
  file: string,
  text: string,
): { readonly source?: RuleSource; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problemAt = (offset: number, message: string): Problem => ({ ...placeOf(offset), message });

  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return { problems: faults.map((fault) => problemAt(fault.pos[0], sayFault(fault))) };
  }
  const problems: Problem[] = [];
  const value = plainValue(document, (node, message) => {
    problems.push(problemAt(node.range?.[0] ?? 0, message));
  });
  if (problems.length > 0) return { problems };

  const place = (path: SourcePath, at: 'key' | 'value' = 'value') => placeOf(offsetOf(document, path, at));
  return { source: { file, value, place }, problems };
}

function sayFault(fault: { readonly code: string; readonly message: string }): string {
  if (fault.code === 'RESOURCE_EXHAUSTION') return `nested deeper than ${DEPTH_MAX} levels`;
  if (fault.code === 'MULTIPLE_DOCS') return 'a second document begins here: a rule file holds one';
  if (fault.code === 'DUPLICATE_KEY') return 'this key stands twice in the same mapping';
  return `not YAML: ${fault.message}`;
}

/** Nodes to values, with bounds that aliases (which can point at their own parents) cannot get around. */
function plainValue(document: Document, report: (node: Node, message: string) => void): unknown {
  let count = 0;
  return convert(document.contents, []);

  function convert(node: Node | null | undefined, ancestors: readonly Node[]): unknown {
    if (node === null || node === undefined) return '';
    count++;
    if (count === VALUES_MAX) report(node, `more than ${VALUES_MAX} values, counting repeated aliases`);
    if (count >= VALUES_MAX) return '';
    if (isScalar(node)) return String(node.value ?? '');
    if (isAlias(node)) return convertAlias(node, ancestors);
    if (ancestors.length >= DEPTH_MAX) {
      report(node, `nested deeper than ${DEPTH_MAX} levels`);
      return '';
    }
    const within = [...ancestors, node];
    if (isSeq<Node>(node)) return node.items.map((item) => convert(item, within));
    if (!isMap<Node, Node>(node)) return '';
    const mapping: Record<string, unknown> = Object.create(null);
    for (const { key, value } of node.items) {
      if (!isScalar(key)) report(key ?? node, 'a key must be text');
      else mapping[String(key.value ?? '')] = convert(value, within);
    }
    return mapping;
  }

  function convertAlias(node: Alias, ancestors: readonly Node[]): unknown {
    const target = node.resolve(document);
    if (target !== undefined && !ancestors.includes(target)) return convert(target, ancestors);
    const fault = target === undefined ? `there is no &${node.source}` : 'it stands in what it names';
    report(node, `the alias *${node.source} means nothing: ${fault}`);
    return '';
  }
}

function offsetOf(document: Document, path: SourcePath, at: 'key' | 'value'): number {
  let node: Node | null | undefined = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const found: { key?: Node; value?: Node | null } | undefined = childOf(node, step);
    if (found === undefined) break;
    node = found.value;
    const isLast = index === path.length - 1;
    const target: Node | null | undefined =
      isLast && at === 'key' ? (found.key ?? node) : (node ?? found.key);
    offset = target?.range?.[0] ?? offset;
  }
  return offset;
}

function childOf(node: unknown, step: string | number): { key?: Node; value?: Node | null } | undefined {
  if (isSeq<Node>(node) && typeof step === 'number') {
    const value = node.items[step];
    return value === undefined ? undefined : { value };
  }
  if (!isMap<Node, Node>(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value ?? '') === step);
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}
