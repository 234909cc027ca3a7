/**
 * # The spool port
 *
 * What every stage may ask of the spool, whichever adapter keeps it. An accepted instance is an *entry*;
 * what is left to do with it are its *tasks*. Every verb is asynchronous and takes batches, so that an
 * adapter may group commits or cross a network.
 *
 * Deliberately absent: SQL, files, transactions and locks as the adapters have them, and any knowledge of
 * associations, rules or destinations.
 */
import type { Disposition } from '../errors.ts';
import type { Discarded, Kept } from './kept.ts';
import type { TaskPreview } from './task-groups.ts';

/** Task kinds are open: these are the ones in use. */
export type TaskKind = 'rules' | 'conversion' | `delivery:${string}` | `commitment:${string}`;

/** Where a task stands. `waiting` includes tasks whose due time lies ahead. */
export type TaskState = 'waiting' | 'claimed' | 'held' | 'done' | 'discarded';

/** Exactly one at a time for every entry, and so is every product. */
export type EntryState = 'pending' | 'held' | 'discarded' | 'delivered';

/** `received` from outside; `converted` by us, and then counted as produced. */
export type Origin = 'received' | 'converted';

/** What is known of an instance before its data set arrives. */
export interface Arrival {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  /** Named source of the configuration, or `unknown`. */
  readonly source: string;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly peerAddress: string;
  /** Preamble and File Meta Information: written in front of the data set, so that the file is a Part 10 file. */
  readonly fileMeta: Uint8Array;
  /** What becomes of it when another data set of the same SOP Instance UID is here; absent: as the settings say. */
  readonly onOtherContent?: OtherContentPolicy;
}

/**
 * One SOP Instance UID, two data sets.
 * `reject`: the later is refused. `replace`: the later takes the place of the earlier, which goes nowhere any more
 * and never lands after it. `keep-both-and-hold`: both are kept, and the later waits for a person.
 */
export type OtherContentPolicy = 'reject' | 'replace' | 'keep-both-and-hold';

/** What became of a reception. */
export interface Committed {
  readonly entryId: number;
  /** An equal instance that is here already: nothing was added. */
  readonly duplicateOf?: number;
  /** Code of the reason why its first task is held: what came is kept, and a person has to look at it. */
  readonly held?: string;
}

/** Custody of one instance in the making. Nothing of it is visible until `commit` has returned. */
export interface Reception {
  /**
   * Takes a copy of the next bytes of the data set before it returns.
   *
   * @returns false when the caller should pause until `onWritable` calls back
   */
  write(bytes: Uint8Array): boolean;
  /** Registers what to call, once, when writing may go on. */
  onWritable(resume: () => void): void;
  /**
   * Makes the instance durable: bytes synced, entry and its first task committed.
   *
   * @throws {SpoolError} when it could not be kept; then nothing of it is left
   */
  commit(): Promise<Committed>;
  /** Gives up; nothing of it is left. Safe to call at any time, also twice. */
  discard(reason: string): void;
}

/** The facts of an entry that travel with every claim. */
export interface Entry {
  readonly entryId: number;
  readonly origin: Origin;
  /** The entry that a product was converted from. */
  readonly parentEntryId?: number;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly source: string;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly peerAddress: string;
  readonly receivedAtMs: number;
  /** Bytes of the Part 10 file. */
  readonly sizeBytes: number;
  /** Where the data set starts in the Part 10 file. */
  readonly dataSetOffset: number;
}

/** One claimed task. `token` fences: a claim that was lost cannot complete. */
export interface Claim<Payload = unknown> {
  readonly taskId: number;
  readonly token: number;
  readonly kind: TaskKind;
  /** Counted from 1; a released claim does not count. */
  readonly attempt: number;
  readonly payload: Payload;
  readonly entry: Entry;
  readonly createdAtMs: number;
  /** When the first attempt was made, this one included; `give_up_after` counts from here, anew after `retry`. */
  readonly firstAttemptAtMs?: number;
  /** Encoded header index (dicom/header-index.ts), when the claim asked for it. */
  readonly headerIndex?: Uint8Array;
}

export interface ClaimRequest {
  readonly kind: TaskKind;
  readonly limit: number;
  readonly headerIndex?: boolean;
  /** The claim is given to others when it is neither renewed nor settled within this time. */
  readonly leaseMs?: number;
  /** Only tasks that were added with at least this priority; absent: all. */
  readonly priorityAtLeast?: number;
  /**
   * No task while an earlier one of its kind and study is claimed by an earlier call or waits to be tried again. One
   * that is held or discarded holds up nothing, and within a study, too, what is more urgent comes first.
   */
  readonly inOrderOf?: 'study';
  /** Exactly these tasks of the kind, due or not, as far as they wait. Answered at once, also with none. */
  readonly taskIds?: readonly number[];
}

/** A task to add. */
export interface NewTask {
  readonly kind: TaskKind;
  /** JSON. What the stage needs beyond the entry: edits, conversion options, destinations of the products. */
  readonly payload?: unknown;
  /** Higher first; 0 is normal. What has waited long moves up, so that nothing waits for ever. See `PRIORITY`. */
  readonly priority?: number;
  readonly dueAtMs?: number;
  /** Added as held, with this reason. */
  readonly held?: { readonly code: string; readonly reason: string };
}

/** A new instance made by a conversion: a finished Part 10 file in the task's work folder. */
export interface Product {
  readonly path: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly tasks: readonly NewTask[];
}

/** What a finished task leaves behind. All of it appears in one transaction. */
export interface Completion {
  readonly claim: Claim;
  /** Tasks added to the same entry. */
  readonly tasks?: readonly NewTask[];
  /** New entries with their own tasks, in Instance Number order. */
  readonly products?: readonly Product[];
  /** Ends the entry by rule instead: no further tasks. */
  readonly discard?: { readonly reason: string };
  /** A closed word such as `delivered`, `warning`, `planned`, `converted`, `duplicate`. */
  readonly outcome: string;
  /** DIMSE status of a delivery, when there was one. */
  readonly status?: number;
  /** Said to the operator: the peer's comment, the rule that matched. No patient data. */
  readonly detail?: string;
  /** JSON kept with the entry: why the rules decided so. */
  readonly explanation?: unknown;
}

/** An attempt that did not succeed. */
export interface Failure {
  readonly claim: Claim;
  readonly disposition: Disposition;
  readonly code: string;
  /** No patient data. */
  readonly message: string;
  readonly status?: number;
  /** When to try again; absent: the task is held. */
  readonly retryAtMs?: number;
  /** False when the attempt was not the instance's fault (peer down): it is not counted in `attempt`. */
  readonly counts?: boolean;
}

/** Which tasks an operator means. All given fields must match. */
export interface Selection {
  readonly entryIds?: readonly number[];
  /** Deliveries to it, and what it has to commit to. */
  readonly destination?: string;
  readonly kind?: TaskKind;
  readonly states?: readonly TaskState[];
  readonly reasonContains?: string;
  readonly code?: string;
  readonly status?: number;
  /** Tasks that are in their state since this time or later. */
  readonly sinceMs?: number;
}

/** One attempt that did not succeed. Interrupted ones have the code `INTERRUPTED` or `LEASE_EXPIRED`. */
export interface AttemptRow {
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly disposition: Disposition;
  readonly code: string;
  readonly status?: number;
  readonly message: string;
}

export interface TaskRow {
  readonly taskId: number;
  readonly kind: TaskKind;
  readonly state: TaskState;
  readonly attempt: number;
  readonly dueAtMs: number;
  /** Of the last failure; of a task that is done, its outcome; `OPERATOR` or `RULE` of one that was ended. */
  readonly code?: string;
  readonly reason?: string;
  readonly status?: number;
  readonly updatedAtMs: number;
  /** Latest first; only when the query names its entries. */
  readonly attempts?: readonly AttemptRow[];
}

export interface EntryRow extends Entry, Kept {
  readonly state: EntryState;
  readonly tasks: readonly TaskRow[];
  readonly explanation?: unknown;
}

export interface EntryQuery {
  readonly entryIds?: readonly number[];
  readonly state?: EntryState;
  readonly sopInstanceUid?: string;
  readonly studyInstanceUid?: string;
  /**
   * Entries with a held task of this kind, whatever else there is of them: `delivery:pacs` gives the dead letters of
   * that destination. With `heldSinceMs`, only those that are held since this time or later.
   */
  readonly heldKind?: TaskKind;
  readonly heldSinceMs?: number;
  /** Absent: 100; 1000 at most. Newest entries first. */
  readonly limit?: number;
  /** Entries older than this one: paging by key, never by offset. */
  readonly beforeEntryId?: number;
}

/** Accepted = delivered + pending + held + discarded, from the database in one read. */
export interface SpoolStatus {
  readonly accepted: number;
  readonly produced: number;
  readonly states: Readonly<Record<EntryState, number>>;
  readonly producedStates: Readonly<Record<EntryState, number>>;
  /** Open tasks by kind and state. */
  readonly tasks: readonly { kind: TaskKind; state: TaskState; count: number; oldestAtMs: number }[];
  readonly freeBytes: number;
  readonly usedBytes: number;
  readonly refusing: boolean;
  /** False after a failed sync, until a new segment is in use. */
  readonly healthy: boolean;
}

/** The bytes of one entry: a Part 10 file, wherever it lies. */
export interface StoredInstance {
  readonly sizeBytes: number;
  readonly dataSetOffset: number;
  readonly transferSyntaxUid: string;
  /** Of the data set alone, taken at reception; whoever reads it all compares. */
  readonly sha256: Uint8Array;
  /** Fills `into` from `position` (bytes from the start of the Part 10 file); returns the bytes read. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** For conversion workers, which get paths and never megabytes. Holds while a task of the entry is claimed. */
  readonly location: { readonly path: string; readonly offset: number };
  close(): Promise<void>;
}

/** What retention takes away from delivered and discarded entries. Open and held ones keep everything. */
export interface PurgePolicy {
  /** Bytes of delivered and discarded entries settled before this time are removed. */
  readonly settledBeforeMs: number;
  /** At most so many entries per call. */
  readonly limit: number;
  /** The same for entries kept only as their products; absent: as all others. */
  readonly sourcesSettledBeforeMs?: number;
  /** Header indexes of entries settled before this time are removed, too; absent: they stay. */
  readonly headersSettledBeforeMs?: number;
  /** Rows of entries settled before this time are removed, too; absent: they stay. */
  readonly ledgerSettledBeforeMs?: number;
  /** Until so many are free, settled bytes go early, longest settled first and sources of products last. */
  readonly freeBytesWanted?: number;
}

/** What `subscribe` tells: kinds that have work, entries that changed. Hints only; the record is the database. */
export type SpoolEvent =
  | { readonly type: 'work'; readonly kind: TaskKind }
  | { readonly type: 'entry'; readonly entryId: number; readonly state: EntryState }
  | { readonly type: 'record'; readonly collection: string }
  /** Claims that an operator has ended; told before the operator is answered. */
  | { readonly type: 'withdrawn'; readonly taskIds: readonly number[] };
export type SpoolEventType = SpoolEvent['type'];

/**
 * A small durable fact beside the entries: what a stage has to remember across restarts, or leaves for another.
 * Collections are open; `collection` and `key` name it together. JSON, at most 1 MiB. No patient data.
 */
export interface NewRecord {
  readonly collection: string;
  readonly key: string;
  readonly value: unknown;
  /** For its owner: when to look at it again. The spool does nothing with it but answer `dueBeforeMs`. */
  readonly dueAtMs?: number;
}

export interface SpoolRecord extends NewRecord {
  readonly keptAtMs: number;
}

export interface RecordQuery {
  readonly collection: string;
  readonly key?: string;
  /** Only those with a due time before this one, soonest first; not together with `afterKey`. */
  readonly dueBeforeMs?: number;
  /** Otherwise ordered by key, from the one after this on: paging. */
  readonly afterKey?: string;
  /** Absent: 100; 1000 at most. */
  readonly limit?: number;
}

export interface Spool {
  /**
   * Begins custody of one instance.
   *
   * @throws {SpoolRefusingError} when free space less the reserve of every open reception is under the watermark
   */
  receive(arrival: Arrival): Reception;
  /**
   * Up to `limit` due tasks of one kind, highest priority and oldest first. Waits for the first; empty when
   * `signal` aborts before, or the spool is closed.
   */
  claim(request: ClaimRequest, signal: AbortSignal): Promise<readonly Claim[]>;
  /** @throws {ClaimsLostError} naming the claims that were lost; the others have been renewed */
  renew(claims: readonly Claim[], leaseMs: number): Promise<void>;
  /** Gives claims back unharmed; the attempt does not count. One that was lost is no error. */
  release(claims: readonly Claim[]): Promise<void>;
  /**
   * Settles claims, with all that follows from them, in one transaction. May be asked again with the same
   * completions when it failed, also when products have been moved already.
   *
   * @throws {ClaimsLostError} naming the claims that were lost; the others have been completed
   * @throws {SpoolError} `PRODUCT_REJECTED` when a product is not what it is said to be; the other completions
   * have been made; `COMMIT_FAILED` when nothing has
   */
  complete(completions: readonly Completion[]): Promise<void>;
  /** @throws {ClaimsLostError} as `complete` */
  fail(failures: readonly Failure[]): Promise<void>;
  /**
   * Puts claims off until a time without counting an attempt.
   *
   * @throws {ClaimsLostError} as `complete`
   */
  defer(claims: readonly Claim[], until: { readonly dueAtMs: number }): Promise<void>;
  /** The tasks that an action would change, in groups; changes nothing. */
  preview(action: 'retry' | 'hold' | 'discard', selection: Selection): Promise<TaskPreview>;
  /** Held tasks of the selection wait again, at once, and count attempts anew. Returns how many. */
  retry(selection: Selection, by?: string): Promise<number>;
  /** Waiting and claimed tasks of the selection are held. Returns how many. */
  hold(selection: Selection, reason: string, by?: string): Promise<number>;
  /** Open tasks of the selection are discarded by an operator; `preview` only counts. */
  discard(
    selection: Selection,
    options: {
      readonly reason: string;
      readonly by: string;
      readonly preview?: boolean;
      /** For privacy: bytes and headers of what is thereby settled, or named and settled, and of its products go now. */
      readonly erase?: boolean;
    },
  ): Promise<Discarded>;
  /** @throws {SpoolError} `ENTRY_UNKNOWN`, or `BYTES_PURGED` when retention has removed the bytes */
  open(entryId: number): Promise<StoredInstance>;
  /** A folder for one task's unfinished work, kept across restarts until the task is settled. */
  workFolder(taskId: number): Promise<string>;
  query(query: EntryQuery): Promise<readonly EntryRow[]>;
  headerIndex(entryId: number): Promise<Uint8Array | undefined>;
  /** Tells of these types, or of all. Entries change by the thousand: ask for them only while they are needed. */
  subscribe(listener: (event: SpoolEvent) => void, types?: readonly SpoolEventType[]): () => void;
  /** Keeps records, replacing those of the same collection and key; all or none, synced before it is answered. */
  keep(records: readonly NewRecord[]): Promise<void>;
  records(query: RecordQuery): Promise<readonly SpoolRecord[]>;
  /** Removes records; returns how many there were. */
  forget(collection: string, keys: readonly string[]): Promise<number>;
  /** Returns how many entries have lost something. */
  purge(policy: PurgePolicy): Promise<number>;
  status(): Promise<SpoolStatus>;
  /** Settles what is in flight and lets go of the lock. */
  close(): Promise<void>;
}
