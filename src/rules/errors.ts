import { GatewayError } from '../errors.ts';

/** Where something stands. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a rule file, and where. */
export interface Problem extends Place {
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/** A problem of a file, or folder, as a whole. */
export function wholeFile(file: string, message: string): Problem {
  return { file, line: 1, column: 1, message };
}

/** The rules cannot be used. Every problem of every file is listed, so that one look mends them all. */
export class RuleFileError extends GatewayError {
  override readonly code = 'RULES_INVALID';
  override readonly disposition = 'hold';
  readonly problems: readonly Problem[];

  constructor(path: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(`Cannot use the rules of ${path}: ${count}\n${problems.map(formatProblem).join('\n')}`, {
      path,
      problems: problems.length,
    });
    this.problems = problems;
  }
}

/** `rules/site.yaml:12:7: what is wrong`: a form that editors jump to. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

/** A rule asks for an attribute that lies beyond the part of the header that could be read. */
export class HeaderUnreadError extends GatewayError {
  override readonly code = 'HEADER_UNREAD';
  override readonly disposition = 'hold';

  constructor(attribute: string, where: string) {
    super(`Cannot read ${attribute} for the rules: the header is not readable that far: ${where}`, {
      attribute,
    });
  }
}

/** Nothing says where the instance goes. */
export class NoRuleError extends GatewayError {
  override readonly code = 'NO_RULE';
  override readonly disposition = 'hold';
}

/** The rules themselves failed on an instance: a bug, which must not cost the instance. */
export class RuleEvaluationError extends GatewayError {
  override readonly code = 'RULES_FAILED';
  override readonly disposition = 'hold';

  /** Names the cause and where it came up, not its text: that may quote the header. */
  constructor(cause: unknown) {
    const name = cause instanceof Error ? cause.name : typeof cause;
    const [frame = 'an unknown place'] =
      cause instanceof Error ? (cause.stack?.match(/[\w.-]+\.ts:\d+/) ?? []) : [];
    super(`Cannot apply the rules to the instance: unexpected ${name} at ${frame}`, {}, { cause });
  }
}
