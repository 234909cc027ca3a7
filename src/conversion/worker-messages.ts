import type { Disposition } from '../errors.ts';
import type { JobRequest, JobResult } from './job-kind.ts';

/** Messages between the gateway and its conversion workers. One job per worker at a time; JSON, no pixels. */
export type ToWorker = { readonly type: 'run'; readonly request: JobRequest };

export type FromWorker =
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'failed'; readonly failure: JobFailure }
  /** A bug: the worker ends. */
  | { readonly type: 'crashed'; readonly stack: string };

/** A `GatewayError` on its way between processes. */
export interface JobFailure {
  readonly code: string;
  readonly disposition: Disposition;
  readonly message: string;
  readonly context: Readonly<Record<string, string | number>>;
}
