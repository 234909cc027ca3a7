import { formatTag } from '../tag.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';

/** An `error` breaks the standard or a reader that we know; a `warning` is legal, or nearly so, and unwise. */
export type Severity = 'error' | 'warning';

/** One thing that is not as it should be. Holds no value of an attribute that may tell of a patient. */
export interface Finding {
  /** Name of the check, a key of `checks`. */
  readonly check: string;
  readonly severity: Severity;
  /** Of the attribute, as (gggg,eeee). */
  readonly tag?: string;
  /** Where it stands: 'SpecimenDescriptionSequence[0].SpecimenUID'. */
  readonly path?: string;
  /** What is, and what should be. */
  readonly message: string;
  /** How often, when more than once: for the same attribute of other items, or for other frames. */
  readonly count?: number;
  /** The source that this instance was made from has the same fault. */
  readonly inherited?: boolean;
}

/** What a check has to say; its name and severity are known from the table. */
export interface Problem {
  readonly tag?: number;
  readonly path?: string;
  readonly message: string;
}

/** A problem of an attribute where it stands. */
export function problemAt(dataSet: ParsedDataSet, tag: number, message: string): Problem {
  return { tag, path: dataSet.pathOf(tag), message };
}

/**
 * A term or a UID for a message: what is written as one. A damaged length can make any attribute hold a
 * patient's name, so that nothing else is shown.
 */
export function shown(value: string): string {
  return /^[A-Z0-9_. ]{1,32}$/.test(value) ? `"${value}"` : 'something that is no term';
}

/** Different findings of one instance that are kept: a hostile file could have millions. */
const FINDINGS_MAX = 1000;

/** Collects findings: those of the same check on the same attribute, in whichever item, are one with a count. */
export class FindingList {
  readonly #byKey = new Map<string, Finding & { count: number }>();

  add(check: string, severity: Severity, problem: Problem): void {
    const key = `${check} ${problem.tag ?? ''} ${problem.path?.replace(/\[\d+\]/g, '[]') ?? ''}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) this.#byKey.set(key, { ...known, count: known.count + 1 });
    else if (this.#byKey.size < FINDINGS_MAX) {
      const { tag, path, message } = problem;
      this.#byKey.set(key, {
        check,
        severity,
        ...(tag === undefined ? {} : { tag: formatTag(tag) }),
        ...(path === undefined ? {} : { path }),
        message,
        count: 1,
      });
    }
  }

  /** Errors first, else in the order found. */
  toArray(): readonly Finding[] {
    const findings = [...this.#byKey.values()].map(({ count, ...finding }) =>
      count === 1 ? finding : { ...finding, count },
    );
    return findings.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  }
}
