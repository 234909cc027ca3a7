import type { TaskKind } from '../port.ts';
import { countsAfter, NO_COUNTS, TASK_MOVES } from '../task.ts';
import { TaskGroups } from '../task-groups.ts';
import type { ClaimDesk } from './claims.ts';
import type { LedgerContext } from './context.ts';
import { changeEntry } from './entries.ts';
import { type Erased, erasableOf, eraseSettled } from './erasure.ts';
import type { Answer, RequestOf } from './messages.ts';
import { claimEnded, discardTask, familyOf, type OpenTask } from './successions.ts';
import { type StoredState, storedStatesFrom, taskMoved, taskStateOf } from './task-moves.ts';
import { taskIdsOf } from './tasks.ts';

/** How many tasks are looked at in one transaction, so that receptions between them do not wait long. */
const PAGE_TASKS = 500;

export type OperatorRequest = RequestOf<'retry'> | RequestOf<'hold'> | RequestOf<'discard'>;

/** One thing an operator does to many tasks, a page per transaction. */
export class OperatorAction {
  readonly request: OperatorRequest;
  readonly #context: LedgerContext;
  readonly #desk: ClaimDesk;
  readonly #pages: Generator<OpenTask[]>;
  #auditId: number | undefined;
  /** Entries to look at once all tasks are discarded. */
  readonly #toErase = new Set<number>();
  readonly #erased: Erased[] = [];
  readonly #groups = new TaskGroups();
  /** Of a preview that erases: tasks that would be discarded. */
  readonly #goingAway = new Set<number>();
  readonly #erasable = new Set<number>();
  /** Tasks that were acted on, or would be. */
  count = 0;

  constructor(context: LedgerContext, desk: ClaimDesk, request: OperatorRequest) {
    this.#context = context;
    this.#desk = desk;
    this.request = request;
    this.#pages = pagesOf(context, request);
    const { entryIds = [] } = request.selection;
    if (this.#erases) for (const entryId of entryIds) this.#toErase.add(entryId);
  }

  /** Does one page; false when there are no more. */
  advance(): boolean {
    const page = this.#pages.next();
    const tasks = (page.value ?? []) as OpenTask[];
    this.count += tasks.length;
    const isPreview = this.request.type === 'discard' && this.request.preview;
    if (isPreview) for (const task of tasks) this.#groups.add(groupedAs(task));
    else {
      this.#audit(tasks.length);
      for (const task of tasks) this.#act(task);
    }
    if (this.#erases) for (const task of tasks) this.#willErase(task, isPreview);
    return page.done !== true || this.#erasePage(isPreview);
  }

  get answer(): Answer<'discard'> {
    return { count: this.count, erased: this.#erased, groups: this.#groups.all };
  }

  get #erases(): boolean {
    return this.request.type === 'discard' && this.request.erase;
  }

  #willErase({ entry_id, task_id }: OpenTask, isPreview: boolean): void {
    this.#toErase.add(entry_id);
    if (isPreview) this.#goingAway.add(task_id);
  }

  /** Erases entries that have nothing left to do, also those that were settled before and are named. */
  #erasePage(isPreview: boolean): boolean {
    const page = [...this.#toErase].slice(0, PAGE_TASKS);
    const before = this.#erased.length;
    for (const entryId of page) {
      this.#erased.push(...(isPreview ? this.#findErasable(entryId) : this.#erase(entryId)));
      this.#toErase.delete(entryId);
    }
    const erased = this.#erased.length - before;
    if (!isPreview && erased > 0) this.#context.statements.run('countErased', erased, this.#auditId ?? null);
    return page.length > 0;
  }

  #erase(entryId: number): Erased[] {
    const { by, reason } = this.request as RequestOf<'discard'>;
    return eraseSettled(this.#context, entryId, { by, reason });
  }

  /** Those of its family that were not found with another. */
  #findErasable(entryId: number): Erased[] {
    const found = erasableOf(this.#context, entryId, (taskId) => this.#goingAway.has(taskId));
    const further = found.filter((one) => !this.#erasable.has(one));
    for (const one of further) this.#erasable.add(one);
    return further.map((one) => ({ entryId: one, fileName: null }));
  }

  #act(task: OpenTask): void {
    const { statements, clock, superseded } = this.#context;
    const { request } = this;
    const nowMs = clock.wallMs();
    switch (request.type) {
      case 'retry':
        {
          const to = superseded.isBarred(task.entry_id) ? 'barred' : 'ready';
          statements.run('retryHeld', task.task_id, clock.nowMs(), to);
          this.#moved(task, to);
        }
        break;
      case 'hold':
        statements.run('holdOpen', task.task_id, nowMs, 'OPERATOR', request.reason);
        this.#moved(task, 'held');
        break;
      case 'discard':
        discardTask(this.#context, task, 'OPERATOR', `Discarded by ${request.by}: ${request.reason}`);
        this.#left(task);
        break;
      default:
        request satisfies never;
    }
  }

  #moved(task: OpenTask, to: StoredState): void {
    const change = countsAfter(NO_COUNTS, taskStateOf(task.state), taskStateOf(to));
    taskMoved(this.#context, task.kind, task.state, to);
    changeEntry(this.#context, task.entry_id, change);
    this.#left(task);
  }

  /** Whoever had claimed it has lost it, and what it kept back may go on. */
  #left(task: OpenTask): void {
    const { order, news, unit } = this.#context;
    if (task.token === null) order.moved(task.kind, task.entry_id);
    else {
      this.#desk.settled(task.task_id, task.token);
      news.claimWithdrawn(unit, task.task_id);
    }
    claimEnded(this.#context, task.entry_id);
  }

  /** Who did it, what and why: written with the first page, counted up with each. */
  #audit(tasks: number): void {
    const { statements, clock } = this.#context;
    const { type, by, selection } = this.request;
    const reason = this.request.type === 'retry' ? '' : this.request.reason;
    this.#auditId ??= statements.insert(
      'insertAudit',
      clock.wallMs(),
      by,
      this.#erases ? 'erase' : type,
      JSON.stringify(selection),
      reason,
    );
    statements.run('countAudit', tasks, this.#auditId);
  }
}

function groupedAs({ kind, state, code, reason, status, updated_at_ms: atMs }: OpenTask) {
  return {
    kind,
    state: taskStateOf(state),
    atMs,
    ...(code !== null && { code }),
    ...(status !== null && { status }),
    ...(reason !== null && { reason }),
  };
}

/** What an operator may look for: the code that `status` shows, or any part of the reason. */
function reasonOf({ code, reason }: OpenTask): string {
  return `${code ?? ''} ${reason ?? ''}`;
}

/** The tasks that the request means, in pages. The states they are taken from are those of the move. */
function* pagesOf(context: LedgerContext, request: OperatorRequest): Generator<OpenTask[]> {
  const { selection, type } = request;
  const states = storedStatesFrom(type, TASK_MOVES).filter(
    (state) => selection.states === undefined || selection.states.includes(taskStateOf(state)),
  );
  const kinds = kindsOf(context, request);
  const isMeant = (task: OpenTask) =>
    states.includes(task.state) &&
    kinds.includes(task.kind) &&
    (selection.reasonContains === undefined || reasonOf(task).includes(selection.reasonContains)) &&
    (selection.code === undefined || task.code === selection.code) &&
    (selection.status === undefined || task.status === selection.status) &&
    (selection.sinceMs === undefined || task.updated_at_ms >= selection.sinceMs);

  if (selection.entryIds !== undefined) {
    // What was made of an entry is erased with it.
    const families =
      type === 'discard' && request.erase
        ? selection.entryIds.flatMap((entryId) => familyOf(context, entryId))
        : selection.entryIds;
    for (const entryId of new Set(families)) {
      yield context.statements.all<OpenTask>('openTasksOfEntry', ...taskIdsOf(entryId)).filter(isMeant);
    }
    return;
  }
  for (const kind of kinds) {
    for (const state of states) {
      let after: [number, number] = [Number.MIN_SAFE_INTEGER, 0];
      for (;;) {
        const page = context.statements.all<OpenTask>('openTasks', kind, state, ...after, PAGE_TASKS);
        const last = page.at(-1);
        if (last === undefined) break;
        after = [last.rank, last.task_id];
        yield page.filter(isMeant);
      }
    }
  }
}

function kindsOf(context: LedgerContext, { selection }: OperatorRequest): TaskKind[] {
  const { kind, destination } = selection;
  return [...context.tally.kinds].filter(
    (candidate) =>
      (kind === undefined || candidate === kind) &&
      (destination === undefined ||
        [`delivery:${destination}`, `commitment:${destination}`].includes(candidate)),
  );
}
