/**
 * # Messages between the main thread and that of the files
 *
 * The thread writes, hashes and syncs what is too big for a segment. It knows paths and bytes, and neither
 * entries nor tasks.
 */
import type { HeaderReading } from '../header.ts';
import type { StagedBytes } from '../staging.ts';
import type { WireError } from '../wire-error.ts';

export interface FilesWorkerOptions {
  readonly directory: string;
  readonly stepModule: string | undefined;
}

/** What the header of an instance is compared with. */
export interface ExpectedInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
}

/** A durable Part 10 file of the folder `files`. */
export interface FiledInstance extends HeaderReading {
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly dataSetOffset: number;
  /** Of the data set alone. */
  readonly sha256: Uint8Array;
}

/** A finished file of a work folder that becomes one of ours. */
export interface Adoptee extends ExpectedInstance {
  readonly path: string;
  readonly fileName: string;
}

export type ToFiles =
  | { readonly type: 'arena'; readonly arena: SharedArrayBuffer }
  /** The data set starts at `dataSetOffset`, after preamble and File Meta Information. */
  | { readonly type: 'begin'; readonly name: string; readonly dataSetOffset: number }
  | { readonly type: 'write'; readonly id: number; readonly name: string; readonly bytes: StagedBytes }
  | {
      readonly type: 'finish';
      readonly id: number;
      readonly name: string;
      readonly expected: ExpectedInstance;
    }
  /** The entry of the file is committed, or it is not wanted: either way the thread forgets it. */
  | { readonly type: 'forget'; readonly name: string }
  | { readonly type: 'discard'; readonly name: string }
  | { readonly type: 'adopt'; readonly id: number; readonly adoptees: readonly Adoptee[] }
  | { readonly type: 'remove'; readonly paths: readonly string[] }
  /** Answered when everything before has been done. */
  | { readonly type: 'settle'; readonly id: number };

/** `finish` is answered with a {@link FiledInstance}, `adopt` with one per adoptee. */
export type FromFiles =
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError };
