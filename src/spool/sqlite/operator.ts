import type { TaskKind } from '../port.ts';
import { countsAfter, NO_COUNTS, TASK_MOVES } from '../task.ts';
import type { ClaimDesk } from './claims.ts';
import type { LedgerContext } from './context.ts';
import { changeEntry } from './entries.ts';
import type { RequestOf } from './messages.ts';
import { claimEnded, discardTask, type OpenTask } from './successions.ts';
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
  /** Tasks that were acted on, or would be. */
  count = 0;

  constructor(context: LedgerContext, desk: ClaimDesk, request: OperatorRequest) {
    this.#context = context;
    this.#desk = desk;
    this.request = request;
    this.#pages = pagesOf(context, request);
  }

  /** Does one page; false when there are no more. */
  advance(): boolean {
    const page = this.#pages.next();
    const tasks = (page.value ?? []) as OpenTask[];
    this.count += tasks.length;
    const isPreview = this.request.type === 'discard' && this.request.preview;
    if (!isPreview) {
      this.#audit(tasks.length);
      for (const task of tasks) this.#act(task);
    }
    return page.done !== true;
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
        statements.run('holdOpen', task.task_id, nowMs, request.reason);
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
    if (task.token === null) this.#context.order.moved(task.kind, task.entry_id);
    else this.#desk.settled(task.task_id, task.token);
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
      type,
      JSON.stringify(selection),
      reason,
    );
    statements.run('countAudit', tasks, this.#auditId);
  }
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
    (selection.sinceMs === undefined || task.updated_at_ms >= selection.sinceMs);

  if (selection.entryIds !== undefined) {
    for (const entryId of new Set(selection.entryIds)) {
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
