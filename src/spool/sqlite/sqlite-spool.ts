import { join } from 'node:path';
import { spoolOpened, spoolRefusalChanged } from '../../telemetry/events.ts';
import { ledgerReconciled } from '../../telemetry/spool-events.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { ClaimsLostError, SpoolError } from '../errors.ts';
import { FilesThread } from '../files/files-thread.ts';
import { type SpoolFolders, spoolFoldersOf } from '../files/folders.ts';
import { OpenFiles } from '../files/open-files.ts';
import { openStoredInstance } from '../files/stored-instance.ts';
import { FreeSpace } from '../free-space.ts';
import type { Discarded } from '../kept.ts';
import type {
  Arrival,
  Claim,
  ClaimRequest,
  Completion,
  EntryQuery,
  EntryRow,
  Failure,
  NewRecord,
  OtherContentPolicy,
  PurgePolicy,
  Reception,
  RecordQuery,
  Selection,
  Spool,
  SpoolEvent,
  SpoolEventType,
  SpoolRecord,
  SpoolStatus,
  StoredInstance,
} from '../port.ts';
import { StagedReception } from '../reception.ts';
import { BlockPool } from '../staging.ts';
import type { StepHook } from '../steps.ts';
import type { TaskPreview } from '../task-groups.ts';
import { SqliteCustody } from './custody.ts';
import type { Erased } from './erasure.ts';
import { EVENT_TYPES, SpoolHub } from './hub.ts';
import { KnownPlaces } from './known-places.ts';
import { LedgerThread } from './ledger-thread.ts';
import type { WireClaimed, WireCompletion } from './messages.ts';
import { Readers } from './readers.ts';
import {
  adopteesOf,
  fromWireClaimed,
  fromWireEntryRow,
  fromWireRecord,
  toWireClaim,
  toWireCompletion,
  toWireFailure,
  toWireRecord,
} from './wire.ts';

/** The states that an action takes tasks from. */
const PREVIEWED_STATES = {
  retry: ['held'],
  hold: ['waiting', 'claimed'],
  discard: ['waiting', 'claimed', 'held'],
} as const;

export interface SqliteSpoolOptions {
  /** Absolute. */
  readonly directory: string;
  readonly watermarkFreeBytes: number;
  readonly receptionReserveBytes: number;
  readonly keepFreeBytes: number;
  readonly duplicateWindowMs: number;
  readonly onOtherContent: OtherContentPolicy;
  readonly leaseMs: number;
  readonly ageingMs: number;
  readonly segmentBytesMax: number;
  readonly segmentAgeMsMax: number;
  readonly stepModule: string | undefined;
}

interface OpenDependencies {
  readonly telemetry: Telemetry;
  readonly step: StepHook;
  readonly closing: AbortController;
  readonly onDeath: (reason: string) => void;
  /** Called at every look at the disk that finds less free than `keepFreeBytes`. */
  readonly spaceIsShort: (freeBytes: number) => void;
}

/** What a spool is put together from. */
interface Parts {
  readonly folders: SpoolFolders;
  readonly hub: SpoolHub;
  readonly ledger: LedgerThread;
  readonly files: FilesThread;
  readonly openFiles: OpenFiles;
  readonly space: FreeSpace;
  readonly custody: SqliteCustody;
  readonly step: StepHook;
  /** Aborted when the spool is closed. */
  readonly closing: AbortController;
}

/** The spool on one machine: rows in SQLite, small instances in segments, large ones in files. */
export class SqliteSpool implements Spool {
  readonly #parts: Parts;
  readonly #places = new KnownPlaces();
  readonly #readers = new Readers();
  readonly #receptions = new Set<Reception>();
  #closed: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws {SpoolError} when the directory is locked, cannot be written, or is of a later version */
  static async open(
    options: SqliteSpoolOptions,
    { telemetry, step, closing, onDeath, spaceIsShort }: OpenDependencies,
  ): Promise<SqliteSpool> {
    const { directory, stepModule } = options;
    const hub = new SpoolHub(telemetry, onDeath);
    const ledger = new LedgerThread(options, hub);
    const files = new FilesThread({ directory, stepModule }, hub);
    const openFiles = new OpenFiles();
    hub.attach({
      remove: (paths) => void openFiles.forget(paths).finally(() => files.remove(paths)),
      probe: () => ledger.ask('probe', {}).answer,
    });
    try {
      const { epoch, recovered } = await ledger.started();
      const space = await FreeSpace.measure({
        ...options,
        spaceIsShort,
        refusalChanged: (event) => spoolRefusalChanged(telemetry, event),
      });
      const blocks = new BlockPool((arena) => {
        ledger.addArena(arena);
        files.addArena(arena);
      });
      const diskFailed = () => {
        hub.diskFailed();
        void space.look();
      };
      const parts = { blocks, ledger, files, space, step };
      const { onOtherContent } = options;
      const custody = new SqliteCustody(parts, { epoch, onOtherContent, telemetry, diskFailed });
      const { reconciled, ...putRight } = recovered;
      spoolOpened(telemetry, putRight);
      if (reconciled !== undefined) ledgerReconciled(telemetry, reconciled);
      return new SqliteSpool({
        folders: spoolFoldersOf(directory),
        hub,
        ledger,
        files,
        openFiles,
        space,
        custody,
        step,
        closing,
      });
    } catch (error) {
      hub.close();
      await Promise.all([ledger.terminate(), files.close()]);
      throw error;
    }
  }

  receive(arrival: Arrival): Reception {
    if (this.#parts.closing.signal.aborted) {
      throw new SpoolError('SPOOL_CLOSED', 'Cannot receive: the spool is being closed');
    }
    const { space, custody } = this.#parts;
    space.reserve();
    const reception: Reception = new StagedReception(arrival, custody, () => {
      this.#receptions.delete(reception);
    });
    this.#receptions.add(reception);
    return reception;
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<readonly Claim[]> {
    const { step, closing } = this.#parts;
    if (signal.aborted || closing.signal.aborted) return [];
    const claimed = await this.#ask(request, signal);
    this.#places.claimed(claimed);
    const claims = claimed.map(fromWireClaimed);
    if (claims.length > 0) step('claim-answered');
    if (!signal.aborted || claims.length === 0) return claims;
    await this.release(claims); // Nobody waits for them any more.
    return [];
  }

  async #ask(request: ClaimRequest, signal: AbortSignal): Promise<readonly WireClaimed[]> {
    const { ledger } = this.#parts;
    const { kind, limit, headerIndex = false, leaseMs = null, taskIds } = request;
    if (taskIds !== undefined) {
      const wanted = { kind, taskIds: taskIds.slice(0, Math.max(1, limit)), headerIndex, leaseMs };
      return ledger.ask('claim-tasks', wanted).answer;
    }
    const { priorityAtLeast = null, inOrderOf = null } = request;
    const wanted = { kind, limit: Math.max(1, limit), headerIndex, leaseMs, priorityAtLeast, inOrderOf };
    const { id, answer } = ledger.ask('claim', wanted);
    const cancel = () => void ledger.ask('cancel-claim', { request: id }).answer.catch(() => {});
    signal.addEventListener('abort', cancel, { once: true });
    return answer.finally(() => signal.removeEventListener('abort', cancel));
  }

  async renew(claims: readonly Claim[], leaseMs: number): Promise<void> {
    const ask = { claims: claims.map(toWireClaim), leaseMs };
    throwIfLost('renew', await this.#parts.ledger.ask('renew', ask).answer);
  }

  async release(claims: readonly Claim[]): Promise<void> {
    this.#places.settling(claims);
    await this.#parts.ledger.ask('release', { claims: claims.map(toWireClaim) }).answer;
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    const { ledger, step } = this.#parts;
    step('completion-requested');
    this.#places.settling(completions.map(({ claim }) => claim));
    const prepared = await Promise.allSettled(completions.map((completion) => this.#prepare(completion)));
    const wire = prepared.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const answer = await ledger.ask('complete', { completions: wire }).answer;
    step('completion-answered');
    throwIfLost('complete', answer);
    const unprepared = prepared.find((result) => result.status === 'rejected');
    if (unprepared !== undefined) throw unprepared.reason;
  }

  async fail(failures: readonly Failure[]): Promise<void> {
    this.#places.settling(failures.map(({ claim }) => claim));
    const ask = { failures: failures.map(toWireFailure) };
    throwIfLost('fail', await this.#parts.ledger.ask('fail', ask).answer);
  }

  async defer(claims: readonly Claim[], until: { readonly dueAtMs: number }): Promise<void> {
    this.#places.settling(claims);
    const ask = { claims: claims.map(toWireClaim), dueAtMs: until.dueAtMs };
    throwIfLost('defer', await this.#parts.ledger.ask('defer', ask).answer);
  }

  async preview(action: 'retry' | 'hold' | 'discard', selection: Selection): Promise<TaskPreview> {
    const states = selection.states ?? PREVIEWED_STATES[action];
    const ask = { selection: { ...selection, states }, reason: '', by: '', preview: true, erase: false };
    const { count, groups } = await this.#parts.ledger.ask('discard', ask).answer;
    return { count, groups };
  }

  retry(selection: Selection, by = UNNAMED_OPERATOR): Promise<number> {
    return this.#parts.ledger.ask('retry', { selection, by }).answer;
  }

  hold(selection: Selection, reason: string, by = UNNAMED_OPERATOR): Promise<number> {
    return this.#parts.ledger.ask('hold', { selection, reason, by }).answer;
  }

  async discard(
    selection: Selection,
    options: {
      readonly reason: string;
      readonly by: string;
      readonly preview?: boolean;
      readonly erase?: boolean;
    },
  ): Promise<Discarded> {
    const { reason, by, preview = false, erase = false } = options;
    const ask = { selection, reason, by, preview, erase };
    const { count, erased } = await this.#parts.ledger.ask('discard', ask).answer;
    if (erase && !preview) await this.#wipe(erased);
    return { count, erased: erased.map(({ entryId }) => entryId) };
  }

  /** Whoever still reads what has been erased must not read on while it is overwritten. */
  async #wipe(erased: readonly Erased[]): Promise<void> {
    const { ledger, folders, openFiles } = this.#parts;
    for (const { entryId } of erased) {
      this.#places.forget(entryId);
      await this.#readers.revoke(entryId);
    }
    const names = erased.flatMap(({ fileName }) => fileName ?? []);
    await openFiles.forget(names.map((name) => join(folders.files, name)));
    await ledger.ask('wipe', {}).answer;
  }

  async open(entryId: number): Promise<StoredInstance> {
    try {
      return await this.#open(entryId);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#places.forget(entryId);
      return this.#open(entryId); // Retention has just moved it to another segment, or removed it.
    }
  }

  workFolder(taskId: number): Promise<string> {
    return this.#parts.ledger.ask('work-folder', { taskId }).answer;
  }

  async query(query: EntryQuery): Promise<readonly EntryRow[]> {
    return (await this.#parts.ledger.ask('query', { query }).answer).map(fromWireEntryRow);
  }

  async headerIndex(entryId: number): Promise<Uint8Array | undefined> {
    return (await this.#parts.ledger.ask('header', { entryId }).answer) ?? undefined;
  }

  subscribe(
    listener: (event: SpoolEvent) => void,
    types: readonly SpoolEventType[] = EVENT_TYPES,
  ): () => void {
    const { hub, ledger } = this.#parts;
    const tellWanted = () => void ledger.ask('subscribe', { types: hub.wanted }).answer.catch(() => {});
    hub.addListener(listener, types);
    tellWanted();
    return () => {
      hub.removeListener(listener);
      tellWanted();
    };
  }

  async keep(records: readonly NewRecord[]): Promise<void> {
    await this.#parts.ledger.ask('keep', { records: records.map(toWireRecord) }).answer;
  }

  async records(query: RecordQuery): Promise<readonly SpoolRecord[]> {
    if (query.afterKey !== undefined && query.dueBeforeMs !== undefined) {
      throw new SpoolError('REQUEST_REJECTED', 'Cannot page by key through what is due: ask again instead');
    }
    return (await this.#parts.ledger.ask('records', { query }).answer).map(fromWireRecord);
  }

  forget(collection: string, keys: readonly string[]): Promise<number> {
    return this.#parts.ledger.ask('forget', { collection, keys }).answer;
  }

  purge(policy: PurgePolicy): Promise<number> {
    return this.#parts.ledger.ask('purge', { policy }).answer;
  }

  async status(): Promise<SpoolStatus> {
    const { ledger, space, hub } = this.#parts;
    const status = await ledger.ask('status', {}).answer;
    return {
      ...status,
      freeBytes: space.freeBytes,
      refusing: space.isRefusing,
      healthy: status.healthy && hub.isHealthy,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { hub, ledger, files, openFiles, space, closing } = this.#parts;
    closing.abort();
    for (const reception of this.#receptions) reception.discard('The spool is being closed.');
    space.close();
    hub.close();
    await ledger.ask('close', {}).answer.catch(() => {}); // It has died before.
    await files.close();
    await openFiles.close();
    await ledger.terminate();
  }

  async #open(entryId: number): Promise<StoredInstance> {
    const { folders, ledger, openFiles } = this.#parts;
    const known = this.#places.of(entryId) ?? (await ledger.ask('place', { entryId }).answer);
    const { folder, fileName, ...place } = known;
    const path = join(folders[folder], fileName);
    const opened = await openStoredInstance(openFiles, { ...place, path }, () =>
      this.#readers.remove(entryId, opened),
    );
    this.#readers.add(entryId, opened);
    return opened;
  }

  async #prepare(completion: Completion): Promise<WireCompletion> {
    const { folders, files, step } = this.#parts;
    const adoptees = adopteesOf(completion, folders);
    if (adoptees.length === 0) return toWireCompletion(completion, []);
    const filed = await files.adopt(adoptees);
    step('products-answered');
    return toWireCompletion(completion, filed);
  }
}

const UNNAMED_OPERATOR = 'operator';

function throwIfLost(verb: string, { lost }: { readonly lost: readonly number[] }): void {
  if (lost.length > 0) throw new ClaimsLostError(verb, lost);
}
