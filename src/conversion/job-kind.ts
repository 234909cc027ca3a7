import type { z } from 'zod';
import type { AttributeEdit } from '../dicom/edits.ts';

/** Where the bytes to convert lie. A Part 10 file may lie within another file. */
export type JobSource =
  | {
      readonly kind: 'part10';
      readonly path: string;
      readonly offset: number;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'image'; readonly path: string };

/** One job for a worker: paths and small values, never pixels. JSON. */
export interface JobRequest {
  /** A name of the table of jobs. */
  readonly job: string;
  readonly source: JobSource;
  /** As the rule states them; the job's schema checks them and adds defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Made to the source's attributes before the job. */
  readonly edits: readonly AttributeEdit[];
  /** Every date that the source does not give is this one. */
  readonly decidedAtMs: number;
  /** Time zone of those dates, as IANA names it; absent: that of the system. */
  readonly timeZone?: string;
  /** For scratch and products; empty, and its owner's to remove. */
  readonly folder: string;
}

/** One finished Part 10 file. */
export interface JobProduct {
  readonly path: string;
  /** Says which part of the set it is, for people and file names: `01-volume`. */
  readonly name: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly sizeBytes: number;
}

export interface JobResult {
  /** In Instance Number order, series after series. */
  readonly products: readonly JobProduct[];
  /** Keywords of attributes whose values were made here, for the source has none. */
  readonly generated: readonly string[];
  /** Faults of the products that the source brought along; those made here are errors. */
  readonly inheritedFaults: readonly { readonly check: string; readonly tag?: string }[];
}

/** What a conversion job must provide. Runs in a worker process, which may die with it. */
export interface JobKind<Options extends z.ZodObject = z.ZodObject> {
  readonly options: Options;
  /**
   * @throws {GatewayError} whose disposition says what is to be done with the task
   */
  run(options: z.output<Options>, request: JobRequest): Promise<JobResult>;
}
