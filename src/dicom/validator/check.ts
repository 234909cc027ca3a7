import type { CodestreamFamily } from './codestream.ts';
import type { CodestreamHeader } from './codestream-header.ts';
import type { Problem, Severity } from './findings.ts';
import type { Frame, Instance } from './instance.ts';
import type { Iod } from './iod.ts';
import type { ParsedDataSet, ParsedElement } from './parsed-data-set.ts';
import type { InstanceFacts } from './series-facts.ts';

/** One thing that is checked. What it is called is its key in a table; see `checks.ts`. */
export interface Check {
  readonly severity: Severity;
  /** What should be, in one sentence, with the paragraph of the standard. */
  readonly rule: string;
  /** Looks at every element as it passes; returns what is and what should be when they differ. */
  readonly element?: (element: ParsedElement, context: ElementContext) => string | undefined;
  /** Looks at the functional groups of every frame as they pass, with what stands in front of them. */
  readonly frameItem?: (item: ParsedDataSet, iod: Iod | undefined) => Iterable<Problem>;
  /** Looks at every compressed frame as it passes. */
  readonly frame?: (frame: Frame, context: FrameContext) => string | undefined;
  /** Looks at the whole instance once it is read. */
  readonly instance?: (instance: Instance) => Iterable<Problem>;
  /** Looks at the instances of one series together. */
  readonly series?: (instances: readonly InstanceFacts[], context: SeriesContext) => Iterable<Problem>;
}

export interface SeriesContext {
  /** The series has no other instances: what is missing is a fault. */
  readonly isComplete: boolean;
}

export interface ElementContext {
  /** The data set or item that the element is in, up to it. */
  readonly dataSet: ParsedDataSet;
  /** VR and VM of the dictionary; undefined for private and unknown attributes. */
  readonly attribute: { readonly vr: string; readonly vm: string; readonly keyword: string } | undefined;
  /** The value as text, when the VR is one of text. Undecodable bytes are U+FFFD. */
  readonly text: string | undefined;
  /** Values of {@link text}, padding kept. */
  readonly values: readonly string[];
  readonly isFileMeta: boolean;
}

export interface FrameContext {
  readonly dataSet: ParsedDataSet;
  readonly iod: Iod | undefined;
  readonly family: CodestreamFamily;
  readonly transferSyntaxUid: string;
  /** Undefined when it cannot be read. */
  readonly header: CodestreamHeader | undefined;
}

/** A table of checks; says once that every value is a {@link Check} and keeps the names as types. */
export function checkTable<Name extends string>(table: Readonly<Record<Name, Check>>): typeof table {
  return table;
}
