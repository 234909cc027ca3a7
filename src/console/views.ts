/** What the API shows: times as ISO text, names instead of task kinds, and never a patient's data. */
import type {
  AttemptRow,
  EntryRow,
  EntryState,
  SpoolStatus,
  TaskGroup,
  TaskKind,
  TaskRow,
  TaskState,
} from '../spool/spool.ts';
import type { InputView, LaneView } from './ports.ts';

/** Stages whose tasks name a destination. */
const STAGES_OF_DESTINATIONS = ['delivery', 'commitment'] as const;

export function destinationOf(kind: TaskKind): string | undefined {
  const stage = STAGES_OF_DESTINATIONS.find((name) => kind.startsWith(`${name}:`));
  return stage && kind.slice(stage.length + 1);
}

function stageOf(kind: TaskKind): string {
  return destinationOf(kind) === undefined ? kind : kind.slice(0, kind.indexOf(':'));
}

/** What `GET /api/status` answers. What comes from the spool is absent while the spool does not answer. */
export interface StatusAnswer extends Partial<SpoolAnswer> {
  readonly version: string;
  readonly startedAt: string;
  readonly now: string;
  readonly ready: boolean;
  readonly problems: readonly string[];
  /** The last reload changed nothing, since something is wrong: what was in force before still is. */
  readonly reloadFailed?: { readonly at: string; readonly code: string; readonly message: string };
  readonly inputs: readonly InputView[];
  readonly destinations: readonly DestinationView[];
}

/** Received instances by state, so that accepted = delivered + pending + held + discarded; then the rest. */
interface SpoolAnswer extends Readonly<Record<EntryState, number>> {
  readonly accepted: number;
  readonly produced: Readonly<Record<EntryState | 'total', number>>;
  readonly tasks: readonly { kind: TaskKind; state: TaskState; count: number; oldestAt: string }[];
  readonly storage: Pick<SpoolStatus, 'freeBytes' | 'usedBytes' | 'refusing' | 'healthy'>;
}

export function viewSpool(status: SpoolStatus): SpoolAnswer {
  const { accepted, produced, states, producedStates, tasks } = status;
  const { freeBytes, usedBytes, refusing, healthy } = status;
  return {
    accepted,
    ...states,
    produced: { total: produced, ...producedStates },
    tasks: tasks.map(({ oldestAtMs, ...task }) => ({ ...task, oldestAt: isoTime(oldestAtMs) })),
    storage: { freeBytes, usedBytes, refusing, healthy },
  };
}

export interface DestinationView {
  readonly name: string;
  readonly kind?: string;
  readonly state: LaneView['state'];
  readonly opensAt?: string;
  readonly diverting?: LaneView['diverting'];
  readonly divertingTo?: string;
  readonly reportOnly?: boolean;
  readonly waiting: number;
  readonly sending: number;
  readonly held: number;
  /** Taken and not committed to; absent where the destination need not commit. */
  readonly awaitingCommitment?: number;
  /** When the one was taken that awaits it longest. */
  readonly oldestAwaitingCommitmentAt?: string;
  readonly oldestWaitingAt?: string;
  readonly nextProbeAt?: string;
  readonly lastTakenAt?: string;
  readonly lastFailure?: { readonly at: string; readonly code: string; readonly reason: string };
}

/** One row per lane, with counts from the same reading of the spool as all the others. */
export function viewDestinations(
  lanes: readonly LaneView[],
  tasks: SpoolStatus['tasks'],
): readonly DestinationView[] {
  return lanes.map((lane) => {
    const own = tasks.filter(({ kind }) => destinationOf(kind) === lane.destination);
    const sum = (some: SpoolStatus['tasks']) => some.reduce((total, task) => total + task.count, 0);
    const deliveries = own.filter(({ kind }) => stageOf(kind) === 'delivery');
    const count = (state: TaskState) => sum(deliveries.filter((task) => task.state === state));
    const open = deliveries.filter((task) => task.state !== 'held' && task.count > 0);
    const awaiting = own.filter(({ kind, state }) => stageOf(kind) === 'commitment' && state !== 'held');
    const { kind, state, opensAtMs, diverting, divertingTo, reportOnly } = lane;
    const { nextProbeAtMs, lastTakenAtMs, lastFailure } = lane;
    return {
      name: lane.destination,
      ...(kind !== undefined && { kind }),
      state,
      ...(opensAtMs !== undefined && { opensAt: isoTime(opensAtMs) }),
      ...(diverting && { diverting }),
      ...(divertingTo !== undefined && { divertingTo }),
      ...(reportOnly && { reportOnly }),
      waiting: count('waiting'),
      sending: count('claimed'),
      held: sum(own.filter((task) => task.state === 'held')),
      ...(lane.awaitingCommitment !== undefined && { awaitingCommitment: sum(awaiting) }),
      ...(lane.awaitingCommitment !== undefined &&
        awaiting.length > 0 && { oldestAwaitingCommitmentAt: oldestOf(awaiting) }),
      ...(open.length > 0 && { oldestWaitingAt: oldestOf(open) }),
      ...(nextProbeAtMs !== undefined && { nextProbeAt: isoTime(nextProbeAtMs) }),
      ...(lastTakenAtMs !== undefined && { lastTakenAt: isoTime(lastTakenAtMs) }),
      ...(lastFailure && {
        lastFailure: { at: isoTime(lastFailure.atMs), code: lastFailure.code, reason: lastFailure.reason },
      }),
    };
  });
}

function oldestOf(tasks: SpoolStatus['tasks']): string {
  return isoTime(Math.min(...tasks.map((task) => task.oldestAtMs)));
}

export function viewInput({ name, kind, place, host, port }: InputView): InputView {
  return { name, kind, place, ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
}

/** What `GET /api/entries/:id` answers. */
export type EntryAnswer = ReturnType<typeof viewEntry>;

/** An entry with what is left to do with it. UIDs, addresses and counts; nothing of the header. */
export function viewEntry(entry: EntryRow) {
  return {
    entryId: entry.entryId,
    state: entry.state,
    origin: entry.origin,
    ...(entry.parentEntryId !== undefined && { parentEntryId: entry.parentEntryId }),
    sopClassUid: entry.sopClassUid,
    sopInstanceUid: entry.sopInstanceUid,
    studyInstanceUid: entry.studyInstanceUid,
    seriesInstanceUid: entry.seriesInstanceUid,
    transferSyntaxUid: entry.transferSyntaxUid,
    source: entry.source,
    callingAeTitle: entry.callingAeTitle,
    calledAeTitle: entry.calledAeTitle,
    peerAddress: entry.peerAddress,
    receivedAt: isoTime(entry.receivedAtMs),
    sizeBytes: entry.sizeBytes,
    /** `purged` by retention; `erased` by an operator. */
    bytes: entry.bytes,
    ...(entry.erased && { erased: viewErased(entry.erased) }),
    tasks: entry.tasks.map(viewTask),
    ...(entry.explanation !== undefined && { explanation: entry.explanation }),
  };
}

function viewErased({ atMs, by, reason }: NonNullable<EntryRow['erased']>) {
  return { at: isoTime(atMs), by, reason };
}

function viewTask(task: TaskRow) {
  const destination = destinationOf(task.kind);
  return {
    taskId: task.taskId,
    stage: stageOf(task.kind),
    ...(destination !== undefined && { destination }),
    state: task.state,
    attempt: task.attempt,
    dueAt: isoTime(task.dueAtMs),
    updatedAt: isoTime(task.updatedAtMs),
    ...(task.code !== undefined && { code: task.code }),
    ...(task.reason !== undefined && { reason: task.reason }),
    ...(task.status !== undefined && { status: statusText(task.status) }),
    ...(task.attempts && { attempts: task.attempts.map(viewAttempt) }),
  };
}

function viewAttempt({ attempt, startedAtMs, endedAtMs, disposition, code, status, message }: AttemptRow) {
  return {
    attempt,
    startedAt: isoTime(startedAtMs),
    endedAt: isoTime(endedAtMs),
    disposition,
    code,
    ...(status !== undefined && { status: statusText(status) }),
    message,
  };
}

/** Tasks that have their place, code, status and reason in common. */
export type GroupAnswer = ReturnType<typeof viewGroup>;

export function viewGroup(group: TaskGroup) {
  const { state, code, status, reason, count, oldestAtMs, newestAtMs } = group;
  const kind = group.kind as TaskKind;
  const destination = destinationOf(kind);
  return {
    stage: stageOf(kind),
    ...(destination !== undefined && { destination }),
    state,
    count,
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status: statusText(status) }),
    ...(reason !== undefined && { reason }),
    oldestAt: isoTime(oldestAtMs),
    newestAt: isoTime(newestAtMs),
  };
}

/** As PS3.7 writes it: `A700H`. */
function statusText(status: number): string {
  return `${status.toString(16).toUpperCase().padStart(4, '0')}H`;
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
