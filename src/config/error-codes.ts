/**
 * The codes of every error of the program, and of every other end of a task, read from the source: TypeScript keeps sets of codes closed, but types
 * are gone at run time. For the reference page, and for the test that no two errors share a code.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface ErrorCode {
  readonly code: string;
  /** The folder of `src/` that throws it. */
  readonly folder: string;
  /** The file that declares it, below `src/`. */
  readonly file: string;
  /** First sentence of the comment beside or in front of it, else of its class. */
  readonly meaning: string;
}

const SOURCE = join(import.meta.dirname, '..');
/** `code = 'X'` of a class, `X: 'hold'` of a table of dispositions, `| 'X'` of a union. */
const DECLARATION =
  /(?:\bcode(?:: \w+)? = '([A-Z][A-Z0-9_]+)')|(?:^\s+([A-Z][A-Z0-9_]+): '(?:retry|hold|unclear)')|(?:^\s+\| '([A-Z][A-Z0-9_]+)')/;

/** A class of errors, or a closed set of what else a task may end with. */
const DECLARES = /extends (GatewayError|\w+Error) \{|^export type \w+Code =$/m;

/** Every code once per file that declares it, by code. */
export function readErrorCodes(): readonly ErrorCode[] {
  const files = globSync('**/*.ts', { cwd: SOURCE }).sort();
  const codes = files.flatMap((file) => readCodesOf(file, readFileSync(join(SOURCE, file), 'utf8')));
  return codes.sort((one, other) => one.code.localeCompare(other.code));
}

/** @param text source of a file; of one that declares no codes, nothing is read */
export function readCodesOf(file: string, text: string): readonly ErrorCode[] {
  if (!DECLARES.test(text)) return [];
  const found = new Map<string, ErrorCode>();
  let comment = '';
  let classComment = '';
  for (const line of text.split('\n')) {
    comment = continueComment(comment, line);
    if (/^export (abstract )?class /.test(line)) classComment = comment;
    const match = DECLARATION.exec(line);
    const code = match?.[1] ?? match?.[2] ?? match?.[3];
    if (code !== undefined && !found.get(code)?.meaning) {
      const beside = /\/\/ (.+)$/.exec(line)?.[1];
      const meaning = firstSentence(beside ?? (match?.[1] ? classComment : comment));
      found.set(code, { code, folder: dirname(file), file, meaning });
    }
    if (!isComment(line)) comment = '';
  }
  return [...found.values()].map((one) => (one.meaning ? one : { ...one, meaning: fallback(text) }));
}

function isComment(line: string): boolean {
  return /^\s*(\/\*\*|\*|\/\/)/.test(line);
}

function continueComment(comment: string, line: string): string {
  if (!isComment(line)) return comment;
  const started = /^\s*\/\*\*/.test(line) ? '' : comment;
  const words = line
    .replace(/^\s*(\/\*\*|\*\/|\*|\/\/)/, '')
    .replace(/\*\/\s*$/, '')
    .trim();
  return `${started} ${words}`.trim();
}

/** Where codes stand without comments of their own: what the class says. */
function fallback(text: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^export class \w+ extends GatewayError/.test(line));
  let comment = '';
  for (const line of lines.slice(0, at).reverse()) {
    if (!isComment(line)) break;
    comment = `${line
      .replace(/^\s*(\/\*\*|\*\/|\*|\/\/)/, '')
      .replace(/\*\/\s*$/, '')
      .trim()} ${comment}`;
  }
  return firstSentence(comment.trim());
}

function firstSentence(text: string): string {
  return /^.*?[.:](?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text;
}
