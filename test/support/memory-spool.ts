import type {
  Claim,
  ClaimRequest,
  Completion,
  Entry,
  EntryQuery,
  Failure,
  NewRecord,
  NewTask,
  RecordQuery,
  Spool,
  SpoolRecord,
} from '../../src/spool/port.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface MemoryTask {
  readonly taskId: number;
  readonly kind: string;
  readonly entry: Entry;
  readonly payload: unknown;
  readonly priority: number;
  readonly createdAtMs: number;
  state: 'waiting' | 'claimed' | 'held' | 'done';
  attempt: number;
  token: number;
  dueAtMs: number;
  firstAttemptAtMs?: number;
  code?: string;
  reason?: string;
  outcome?: string;
}

/**
 * The tasks of a spool, for tests of what goes on over days: in memory, on a clock that moves when told. What the
 * real one keeps is tested with the real one.
 */
export class MemorySpool {
  readonly tasks: MemoryTask[] = [];
  /** Every renewal, by how many claims. */
  readonly renewals: number[] = [];
  /** Set to make the next writes fail. */
  writeErrors: Error[] = [];
  readonly #records = new Map<string, SpoolRecord>();
  readonly #clock: VirtualClock;
  #changed = new AbortController();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  add(kind: string, entry: Partial<Entry> = {}, more: Partial<Omit<NewTask, 'kind'>> = {}): MemoryTask {
    const { payload = { rule: 'otherwise' }, priority = 0, dueAtMs = this.#clock.now(), held } = more;
    const taskId = this.tasks.length + 1;
    const task: MemoryTask = {
      taskId,
      kind,
      entry: { ...anEntry(taskId, this.#clock.now()), ...entry },
      payload,
      priority,
      createdAtMs: this.#clock.now(),
      state: held === undefined ? 'waiting' : 'held',
      attempt: 0,
      token: 0,
      dueAtMs,
      ...held,
    };
    this.tasks.push(task);
    this.#wake();
    return task;
  }

  count(state: MemoryTask['state']): number {
    return this.tasks.filter((task) => task.state === state).length;
  }

  /** There is nothing that it would tell. */
  subscribe(): () => void {
    return () => {};
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<readonly Claim[]> {
    if (request.taskIds !== undefined) {
      const meant = this.#waiting(request).filter(({ taskId }) => request.taskIds?.includes(taskId));
      return meant.map((task) => this.#claimed(task));
    }
    while (!signal.aborted) {
      const now = this.#clock.now();
      const waiting = this.#waiting(request);
      const due = waiting
        .filter((task) => task.dueAtMs <= now && !this.#isKeptBack(request, task))
        .toSorted((a, b) => b.priority - a.priority || a.taskId - b.taskId)
        .slice(0, request.limit);
      if (due.length > 0) return due.map((task) => this.#claimed(task));
      const next = Math.min(...waiting.map(({ dueAtMs }) => dueAtMs).filter((dueAtMs) => dueAtMs > now));
      const change = AbortSignal.any([signal, this.#changed.signal]);
      await this.#clock.sleep(next - now, change); // For ever, when nothing waits.
    }
    return [];
  }

  #waiting({ kind, priorityAtLeast = Number.NEGATIVE_INFINITY }: ClaimRequest): MemoryTask[] {
    return this.tasks.filter(
      (task) => task.kind === kind && task.state === 'waiting' && task.priority >= priorityAtLeast,
    );
  }

  #isKeptBack({ inOrderOf }: ClaimRequest, task: MemoryTask): boolean {
    if (inOrderOf === undefined) return false;
    const now = this.#clock.now();
    return this.tasks.some(
      (other) =>
        other.kind === task.kind &&
        other.entry.studyInstanceUid === task.entry.studyInstanceUid &&
        other.taskId < task.taskId &&
        (other.state === 'claimed' || (other.state === 'waiting' && other.dueAtMs > now)),
    );
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    this.#mayWrite();
    for (const { claim, outcome, detail, tasks = [] } of completions) {
      Object.assign(this.#of(claim), { state: 'done', outcome, ...(detail && { reason: detail }) });
      for (const task of tasks) this.add(task.kind, claim.entry, task);
    }
    this.#wake();
  }

  async fail(failures: readonly Failure[]): Promise<void> {
    this.#mayWrite();
    for (const { claim, retryAtMs, counts = true, code, message } of failures) {
      const task = this.#of(claim);
      Object.assign(task, { code, reason: message, state: retryAtMs === undefined ? 'held' : 'waiting' });
      task.dueAtMs = retryAtMs ?? 0;
      if (!counts) task.attempt -= 1;
    }
    this.#wake();
  }

  async release(claims: readonly Claim[]): Promise<void> {
    this.#mayWrite();
    for (const claim of claims) {
      const task = this.#of(claim);
      task.state = 'waiting';
      task.attempt -= 1;
    }
    this.#wake();
  }

  async defer(claims: readonly Claim[], { dueAtMs }: { readonly dueAtMs: number }): Promise<void> {
    await this.release(claims);
    for (const { taskId } of claims) (this.tasks[taskId - 1] as MemoryTask).dueAtMs = dueAtMs;
    this.#wake();
  }

  async query({ entryIds = [] }: EntryQuery) {
    return entryIds.map((entryId) => ({
      entryId,
      tasks: this.tasks
        .filter(({ entry }) => entry.entryId === entryId)
        .map((task) => ({ ...task, ...(task.outcome && { code: task.outcome }) })),
    }));
  }

  async keep(records: readonly NewRecord[]): Promise<void> {
    this.#mayWrite();
    for (const record of records) {
      const keptAtMs = this.#clock.now();
      this.#records.set(JSON.stringify([record.collection, record.key]), { ...record, keptAtMs });
    }
  }

  async records({ collection, key, dueBeforeMs, limit = 100 }: RecordQuery): Promise<readonly SpoolRecord[]> {
    return [...this.#records.values()]
      .filter((record) => record.collection === collection && (key === undefined || record.key === key))
      .filter(({ dueAtMs = Number.POSITIVE_INFINITY }) => dueBeforeMs === undefined || dueAtMs < dueBeforeMs)
      .slice(0, limit);
  }

  async forget(collection: string, keys: readonly string[]): Promise<number> {
    this.#mayWrite();
    return keys.filter((key) => this.#records.delete(JSON.stringify([collection, key]))).length;
  }

  async renew(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) this.#of(claim);
    this.renewals.push(claims.length);
  }

  /** What a lane sees of it. */
  asSpool(): Spool {
    return this as unknown as Spool;
  }

  #claimed(task: MemoryTask): Claim {
    task.state = 'claimed';
    task.attempt += 1;
    task.token += 1;
    task.firstAttemptAtMs ??= this.#clock.now();
    const { taskId, token, attempt, payload, entry, createdAtMs, firstAttemptAtMs } = task;
    return {
      taskId,
      token,
      kind: task.kind as Claim['kind'],
      attempt,
      payload,
      entry,
      createdAtMs,
      firstAttemptAtMs,
    };
  }

  #of({ taskId, token }: Claim): MemoryTask {
    const task = this.tasks[taskId - 1];
    if (task?.state !== 'claimed' || task.token !== token)
      throw new Error(`Claim of task ${taskId} was lost`);
    return task;
  }

  #mayWrite(): void {
    const error = this.writeErrors.shift();
    if (error) throw error;
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = new AbortController();
    changed.abort();
  }
}

function anEntry(entryId: number, receivedAtMs: number): Entry {
  return {
    entryId,
    origin: 'received',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.7',
    sopInstanceUid: `1.2.3.${entryId}`,
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    studyInstanceUid: '1.2.3',
    seriesInstanceUid: '1.2.3.4',
    source: 'unknown',
    callingAeTitle: 'SOURCE',
    calledAeTitle: 'SLIDEGATE',
    peerAddress: '127.0.0.1',
    receivedAtMs,
    sizeBytes: 1000,
    dataSetOffset: 400,
  };
}
