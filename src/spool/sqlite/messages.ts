/**
 * # Messages between the main thread and the ledger's
 *
 * Everything is batched: the main thread posts arrays of requests, the ledger answers a whole group at once.
 * JSON travels as text, for it comes from and goes to columns of text.
 */
import type { Disposition } from '../../errors.ts';
import type { FiledInstance } from '../files/messages.ts';
import type {
  Arrival,
  Claim,
  Committed,
  Entry,
  EntryQuery,
  EntryRow,
  EntryState,
  NewTask,
  PurgePolicy,
  RecordQuery,
  Selection,
  SpoolEventType,
  SpoolStatus,
  TaskKind,
} from '../port.ts';
import type { StagedBytes } from '../staging.ts';
import type { TaskGroup } from '../task-groups.ts';
import type { WireError } from '../wire-error.ts';

/** What the thread is started with. */
export interface WorkerOptions {
  readonly directory: string;
  readonly duplicateWindowMs: number;
  readonly leaseMs: number;
  readonly ageingMs: number;
  readonly segmentBytesMax: number;
  readonly segmentAgeMsMax: number;
  readonly stepModule: string | undefined;
}

export type WireArrival = Required<Omit<Arrival, 'fileMeta'>>;

/** What became of an instance; `rejectedFor`, `replaced`: the entry that holds the other data set. */
export type Accepted = (Committed & { readonly replaced?: number }) | { readonly rejectedFor: number };

export interface WireTask extends Omit<NewTask, 'payload'> {
  readonly payload: string | null;
}

export interface WireProduct extends FiledInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly tasks: readonly WireTask[];
}

/** What proves a claim. */
export interface WireClaim {
  readonly taskId: number;
  readonly token: number;
  readonly kind: TaskKind;
  readonly entryId: number;
}

export interface WireCompletion {
  readonly claim: WireClaim;
  readonly tasks: readonly WireTask[];
  readonly products: readonly WireProduct[];
  readonly discardReason: string | null;
  readonly outcome: string;
  readonly status: number | null;
  readonly detail: string | null;
  readonly explanation: string | null;
}

export interface WireFailure {
  readonly claim: WireClaim;
  readonly disposition: Disposition;
  readonly code: string;
  readonly message: string;
  readonly status: number | null;
  readonly retryAtMs: number | null;
  readonly counts: boolean;
}

export interface WireClaimed extends Omit<Claim, 'payload' | 'entry'> {
  readonly payload: string | null;
  readonly entry: Entry;
  /** Holds while the task is claimed. */
  readonly place: WirePlace;
}

export interface WireEntryRow extends Omit<EntryRow, 'explanation'> {
  readonly explanation: string | null;
}

export interface WireRecord {
  readonly collection: string;
  readonly key: string;
  readonly value: string;
  readonly dueAtMs: number | null;
  readonly keptAtMs: number;
}

/** Where the bytes of an entry lie. */
export interface WirePlace {
  readonly folder: 'segments' | 'files';
  readonly fileName: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly dataSetOffset: number;
  readonly transferSyntaxUid: string;
  readonly sha256: Uint8Array;
}

/** What the ledger alone knows of the status. */
export type LedgerStatus = Omit<SpoolStatus, 'freeBytes' | 'refusing'>;

/** Every request, with what it is answered by. */
interface Requests {
  'accept-bytes': {
    ask: { arrival: WireArrival; receivedAtMs: number; dataSetOffset: number; bytes: StagedBytes };
    answer: Accepted;
  };
  'accept-file': {
    ask: { arrival: WireArrival; receivedAtMs: number; file: FiledInstance };
    answer: Accepted;
  };
  claim: {
    ask: {
      kind: TaskKind;
      limit: number;
      headerIndex: boolean;
      leaseMs: number | null;
      priorityAtLeast: number | null;
      inOrderOf: 'study' | null;
    };
    answer: readonly WireClaimed[];
  };
  /** Answered at once, also with none. */
  'claim-tasks': {
    ask: { kind: TaskKind; taskIds: readonly number[]; headerIndex: boolean; leaseMs: number | null };
    answer: readonly WireClaimed[];
  };
  'cancel-claim': { ask: { request: number }; answer: null };
  renew: { ask: { claims: readonly WireClaim[]; leaseMs: number }; answer: { lost: readonly number[] } };
  release: { ask: { claims: readonly WireClaim[] }; answer: { lost: readonly number[] } };
  defer: { ask: { claims: readonly WireClaim[]; dueAtMs: number }; answer: { lost: readonly number[] } };
  complete: { ask: { completions: readonly WireCompletion[] }; answer: { lost: readonly number[] } };
  fail: { ask: { failures: readonly WireFailure[] }; answer: { lost: readonly number[] } };
  retry: { ask: { selection: Selection; by: string }; answer: number };
  hold: { ask: { selection: Selection; reason: string; by: string }; answer: number };
  discard: {
    ask: { selection: Selection; reason: string; by: string; preview: boolean; erase: boolean };
    answer: {
      count: number;
      erased: readonly { entryId: number; fileName: string | null }[];
      /** Of a preview. */
      groups: readonly TaskGroup[];
    };
  };
  /** Wipes from the disk what discards have erased. */
  wipe: { ask: object; answer: number };
  keep: { ask: { records: readonly Omit<WireRecord, 'keptAtMs'>[] }; answer: null };
  forget: { ask: { collection: string; keys: readonly string[] }; answer: number };
  records: { ask: { query: RecordQuery }; answer: readonly WireRecord[] };
  'work-folder': { ask: { taskId: number }; answer: string };
  place: { ask: { entryId: number }; answer: WirePlace };
  header: { ask: { entryId: number }; answer: Uint8Array | null };
  query: { ask: { query: EntryQuery }; answer: readonly WireEntryRow[] };
  status: { ask: object; answer: LedgerStatus };
  purge: { ask: { policy: PurgePolicy }; answer: number };
  /** Starts a new segment: a write has failed somewhere, or a sick disk may be well again. */
  probe: { ask: object; answer: null };
  subscribe: { ask: { types: readonly SpoolEventType[] }; answer: null };
  close: { ask: object; answer: null };
}

export type RequestType = keyof Requests;
export type Ask<Type extends RequestType> = Requests[Type]['ask'];
export type Answer<Type extends RequestType> = Requests[Type]['answer'];

export type Request = {
  [Type in RequestType]: { readonly id: number; readonly type: Type } & Readonly<Ask<Type>>;
}[RequestType];

export type RequestOf<Type extends RequestType> = Extract<Request, { type: Type }>;

export type ToLedger =
  | { readonly type: 'arena'; readonly arena: SharedArrayBuffer }
  | { readonly type: 'requests'; readonly requests: readonly Request[] };

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: WireError };

/** What recovery found and put right. */
export interface Recovered {
  readonly claims: number;
  readonly parts: number;
  readonly files: number;
  readonly segments: number;
  readonly workFolders: number;
  /** Absent when the ledger was not restored. */
  readonly reconciled?: Reconciled;
}

/** What was done to make a restored ledger agree with the files. */
export interface Reconciled {
  /** New entries, which are held: instances on disk that the ledger did not know. */
  readonly recovered: readonly number[];
  /** Known instances that were found elsewhere. */
  readonly moved: number;
  /** Known instances whose bytes are gone. */
  readonly missing: number;
}

/** What else happened in a group, for whoever listens. */
export interface GroupNews {
  readonly isHealthy: boolean;
  /** Kinds that have tasks which nobody waits for yet. */
  readonly work: readonly TaskKind[];
  readonly entries: readonly { readonly entryId: number; readonly state: EntryState }[];
  /** Collections of records that have changed. */
  readonly records: readonly string[];
  /** Tasks whose claims an operator has ended. */
  readonly withdrawn: readonly number[];
  /** Files and folders that may go now. */
  readonly removals: readonly string[];
  /** Bytes made durable by the group and how long that took, when it had any. */
  readonly durable?: { readonly instances: number; readonly bytes: number; readonly ms: number };
}

export type FromLedger =
  | { readonly type: 'ready'; readonly epoch: number; readonly recovered: Recovered }
  | { readonly type: 'unavailable'; readonly error: WireError }
  | { readonly type: 'group'; readonly replies: readonly Reply[]; readonly news: GroupNews };
