/**
 * # Order within studies
 *
 * For kinds that are claimed in order of their studies: a task that may not be claimed yet, as an earlier one of its
 * study is at work or delayed, is put `behind`, and comes forward when nothing keeps it back any more. Each is
 * looked at once for every time that it is put behind, however long its study is.
 *
 * An earlier task that is ready keeps nobody back: it is claimed first, or is less urgent and is overtaken. One that
 * is held, done or discarded does not either.
 */
import type { TaskKind } from '../port.ts';
import { type StoredState, type TaskBooks, taskMoved } from './task-moves.ts';

const PAGE_TASKS = 1000;

/** Where a task stands in its study. */
export interface StudyTask {
  readonly taskId: number;
  readonly kind: TaskKind;
  /** Empty: of no study, and kept back by nothing. */
  readonly study: string;
}

/** A kind that is claimed in order. */
interface OrderedKind {
  /** Claimed tasks by study. */
  readonly claimed: Map<string, Set<number>>;
  /** As many come forward at once as are claimed at once. */
  width: number;
}

export class StudyOrder {
  readonly #context: TaskBooks;
  readonly #kinds = new Map<TaskKind, OrderedKind>();

  constructor(context: TaskBooks) {
    this.#context = context;
  }

  /** From now on the kind is claimed in order, `width` tasks at a time; `claims` are out already. */
  begin(kind: TaskKind, width: number, claims: () => Iterable<StudyTask>): void {
    const known = this.#kinds.get(kind);
    if (known !== undefined) {
      known.width = width;
      return;
    }
    this.#kinds.set(kind, { claimed: new Map(), width });
    for (const claim of claims()) this.#add(claim);
  }

  /** Tells of each task in turn whether it is kept back; for one claim, whose own tasks come in order. */
  forOneClaim(kind: TaskKind): (task: StudyTask) => boolean {
    const earliest = new Map<string, number>();
    return ({ taskId, study }) => {
      if (study === '') return false;
      let blocker = earliest.get(study);
      if (blocker === undefined) {
        blocker = this.#earliestBlocker(kind, study);
        earliest.set(study, blocker);
      }
      return blocker < taskId;
    };
  }

  putBehind({ taskId, kind, study }: StudyTask): void {
    this.#context.statements.run('putBehind', taskId, study);
    taskMoved(this.#context, kind, 'ready', 'behind');
  }

  /** A task has been claimed. */
  claimed(task: StudyTask): void {
    if (!this.#kinds.has(task.kind)) return;
    this.#add(task);
    this.#context.unit.onRollback(() => this.#remove(task));
  }

  /** A claimed task has been settled or given back; what it kept back comes forward. */
  left(task: StudyTask): void {
    if (!this.#kinds.has(task.kind)) return;
    if (this.#remove(task)) this.#context.unit.onRollback(() => this.#add(task));
    this.comeForward(task.kind, task.study);
  }

  /** A task that was not claimed has been moved by hand: what it kept back comes forward. */
  moved(kind: TaskKind, entryId: number): void {
    const { statements, tally } = this.#context;
    if (tally.count('task', kind, 'behind') === 0) return;
    const study = statements.get<{ study_instance_uid: string }>('entryFacts', entryId)?.study_instance_uid;
    if (study !== undefined) this.comeForward(kind, study);
  }

  /** Something has become of a task of the study: the next come forward, unless they are still kept back. */
  comeForward(kind: TaskKind, study: string): void {
    const { statements, tally } = this.#context;
    if (tally.count('task', kind, 'behind') === 0) return;
    const ordered = this.#kinds.get(kind);
    if ((ordered?.claimed.get(study)?.size ?? 0) > 0) return;
    const next = statements.all<{ task_id: number; state: StoredState }>(
      'keptBack',
      kind,
      study,
      ordered?.width ?? PAGE_TASKS,
    );
    for (const { task_id, state } of next) {
      if (state === 'delayed') break;
      this.#putForward(task_id, kind);
    }
  }

  /** Nobody asks for the order any more. */
  disband(kind: TaskKind): void {
    const { statements, tally } = this.#context;
    this.#kinds.delete(kind);
    while (tally.count('task', kind, 'behind') > 0) {
      const start = [Number.MIN_SAFE_INTEGER, 0] as const;
      const page = statements.all<{ task_id: number }>('openTasks', kind, 'behind', ...start, PAGE_TASKS);
      if (page.length === 0) return;
      for (const { task_id } of page) this.#putForward(task_id, kind);
    }
  }

  #putForward(taskId: number, kind: TaskKind): void {
    this.#context.statements.run('putForward', taskId);
    taskMoved(this.#context, kind, 'behind', 'ready');
  }

  #earliestBlocker(kind: TaskKind, study: string): number {
    const claimed = this.#kinds.get(kind)?.claimed.get(study) ?? [];
    const keptBack = this.#context.statements.get<{ task_id: number }>('keptBack', kind, study, 1);
    return Math.min(keptBack?.task_id ?? Number.POSITIVE_INFINITY, ...claimed);
  }

  #add({ taskId, kind, study }: StudyTask): void {
    const claimed = this.#kinds.get(kind)?.claimed;
    if (claimed === undefined || study === '') return;
    const tasks = claimed.get(study);
    if (tasks === undefined) claimed.set(study, new Set([taskId]));
    else tasks.add(taskId);
  }

  #remove({ taskId, kind, study }: StudyTask): boolean {
    const claimed = this.#kinds.get(kind)?.claimed;
    const tasks = claimed?.get(study);
    const wasThere = tasks?.delete(taskId) ?? false;
    if (tasks?.size === 0) claimed?.delete(study);
    return wasThere;
  }
}
