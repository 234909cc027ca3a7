/** What is left of the bytes of an entry, and what an erasure has taken. */

/** `purged` by retention; `erased` by an operator, for privacy. */
export type BytesKept = 'kept' | 'purged' | 'erased';

/** Who had an entry erased. */
export interface ErasedBy {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface Kept {
  readonly bytes: BytesKept;
  /** Present when `bytes` is `erased`. */
  readonly erased?: ErasedBy;
}

/** What a discard did, or would do. */
export interface Discarded {
  /** Tasks. */
  readonly count: number;
  /** Entries that were erased, products among them; none that were erased before. */
  readonly erased: readonly number[];
}
