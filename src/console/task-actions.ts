/** What an operator does to tasks, and what it would do. */
import { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';
import {
  type EntryRow,
  partsOfKind,
  type Selection,
  type Spool,
  type TaskKind,
  type TaskPreview,
} from '../spool/spool.ts';
import { operatorActed } from '../telemetry/events.ts';
import { RequestError } from './errors.ts';
import type { ConsolePorts } from './ports.ts';

/** Entries of which it is said one by one why nothing could be done, or which were erased. */
const EXPLAINED_MAX = 20;

export const TaskAction = z.enum(['retry', 'hold', 'discard']);
export type TaskAction = z.infer<typeof TaskAction>;

/** A DIMSE status as people write it: `A900`, `A900H`, `0xA900`. */
export const StatusText = z
  .string()
  .regex(/^(0x)?[0-9a-f]{4}h?$/i, 'must be a status such as A900')
  .transform((text) => Number.parseInt(text.replace(/^0x/i, ''), 16));

/** A code as `status` shows it, in whatever case. */
export const CodeText = z
  .string()
  .min(1)
  .max(100)
  .transform((text) => text.toUpperCase());

/** Which tasks are meant. At least one field: "everything" has to be said some other way than by saying nothing. */
const SelectionBody = z
  .strictObject({
    entryIds: z.array(z.int().min(1)).min(1).max(10_000).optional(),
    destination: z.string().min(1).optional(),
    kind: z.string().min(1).optional(),
    reasonContains: z.string().min(1).optional(),
    code: CodeText.optional(),
    status: StatusText.optional(),
    states: z
      .array(z.enum(['waiting', 'claimed', 'held']))
      .min(1)
      .optional(),
    since: z.iso.datetime().optional(),
  })
  .refine(({ states: _, ...selection }) => Object.values(selection).some((value) => value !== undefined), {
    message: 'must name entries, a destination, a kind, a reason, a code, a status or a time',
  });

export const TasksBody = z.strictObject({
  selection: SelectionBody,
  /** Kept with the task, for whoever asks later. */
  reason: z.string().trim().min(1).max(500).default('By an operator.'),
  by: z.string().trim().min(1).max(64).default('unknown'),
  preview: z.boolean().default(false),
  /** With `discard`: bytes and headers of what is thereby settled go at once. */
  erase: z.boolean().default(false),
});

/** What was done, or would be. */
export interface ActionResult {
  readonly count: number;
  /** Entries that were erased, or would be; of many, only the first are named. Only of a discard that erases. */
  readonly erased?: { readonly count: number; readonly entryIds: readonly number[] };
  /** Of a preview. */
  readonly groups?: TaskPreview['groups'];
  /** Why nothing can be done about entries that were named, each a sentence. */
  readonly notes?: readonly string[];
}

/**
 * Does it, or says what it would be done to.
 *
 * @throws {RequestError} when something else than a discard is to erase, or there is no such destination
 */
export async function act(
  ports: Pick<ConsolePorts, 'spool' | 'telemetry' | 'lanes'>,
  action: TaskAction,
  { selection: stated, reason, by, preview, erase }: z.infer<typeof TasksBody>,
): Promise<ActionResult> {
  if (erase && action !== 'discard') throw new RequestError('Cannot erase: the action must be discard');
  const { spool, telemetry } = ports;
  const selection = selectionOf(stated);
  if (stated.destination !== undefined) await assertDestination(ports, stated.destination);
  if (preview) {
    const { count: own, groups } = await spool.preview(action, selection);
    // What was made of an entry is erased with it, and counted.
    const { count, erased } = erase
      ? await spool.discard(selection, { reason, by, preview, erase })
      : { count: own, erased: [] };
    const notes = await notesOn(spool, action, selection, count + erased.length);
    return { count, ...(erase && { erased: viewErased(erased) }), groups, ...notes };
  }
  let count: number;
  let erased: readonly number[] = [];
  if (action === 'retry') count = await spool.retry(selection, by);
  else if (action === 'hold') count = await spool.hold(selection, reason, by);
  else ({ count, erased } = await spool.discard(selection, { reason, by, erase }));
  const { destination } = stated;
  operatorActed(telemetry, {
    action,
    count,
    by,
    ...(destination !== undefined && { destination }),
    ...(erase && { erased: erased.length }),
  });
  const notes = await notesOn(spool, action, selection, count + erased.length);
  return { count, ...(erase && { erased: viewErased(erased) }), ...notes };
}

function viewErased(entryIds: readonly number[]): NonNullable<ActionResult['erased']> {
  const sorted = entryIds.toSorted((one, other) => one - other);
  return { count: sorted.length, entryIds: sorted.slice(0, EXPLAINED_MAX) };
}

function selectionOf(stated: z.infer<typeof SelectionBody>): Selection {
  const { since, kind, entryIds, destination, reasonContains, code, status, states } = stated;
  return {
    ...(entryIds && { entryIds }),
    ...(destination !== undefined && { destination }),
    ...(reasonContains !== undefined && { reasonContains }),
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status }),
    ...(kind !== undefined && { kind: kind as TaskKind }),
    ...(states && { states }),
    ...(since !== undefined && { sinceMs: Date.parse(since) }),
  };
}

/** @throws {RequestError} when neither settings nor tasks have a destination of that name */
async function assertDestination(
  { spool, lanes }: Pick<ConsolePorts, 'spool' | 'lanes'>,
  name: string,
): Promise<void> {
  const ofTasks = (await spool.status()).tasks.flatMap(({ kind }) => partsOfKind(kind).destination ?? []);
  const names = [...new Set([...lanes().map(({ destination }) => destination), ...ofTasks])].sort();
  if (names.includes(name)) return;
  const there = names.length > 0 ? `there are: ${names.join(', ')}` : 'there is none';
  throw new RequestError(`There is no destination "${name}"${didYouMean(name, names)}; ${there}`);
}

/** Whoever names entries or a code and sees nothing happen is told why. */
async function notesOn(
  spool: Pick<Spool, 'query' | 'preview'>,
  action: TaskAction,
  { code, ...selection }: Selection,
  done: number,
): Promise<{ notes?: readonly string[] }> {
  if (done > 0) return {};
  const notes = [
    ...(selection.entryIds ? await notesOnEntries(spool, selection.entryIds) : []),
    ...(code !== undefined ? await notesOnCode(spool, action, code, selection) : []),
  ];
  return notes.length > 0 ? { notes } : {};
}

async function notesOnEntries(
  spool: Pick<Spool, 'query'>,
  entryIds: readonly number[],
): Promise<readonly string[]> {
  const asked = entryIds.slice(0, EXPLAINED_MAX);
  const found = new Map(
    (await spool.query({ entryIds: asked, limit: asked.length })).map((entry) => [entry.entryId, entry]),
  );
  return asked.map((entryId) => {
    const entry = found.get(entryId);
    if (entry === undefined) return `There is no entry ${entryId}.`;
    return `Entry ${entryId} is ${entry.state}${describeGone(entry)}: no task of it matches.`;
  });
}

/** Which codes there are among what the action could be done to, the code left aside. */
async function notesOnCode(
  spool: Pick<Spool, 'preview'>,
  action: TaskAction,
  code: string,
  selection: Selection,
): Promise<readonly string[]> {
  const { groups } = await spool.preview(action, selection);
  const codes = [...new Set(groups.flatMap((group) => group.code ?? []))].sort();
  if (codes.includes(code)) return []; // It is something else that does not match.
  const there = codes.length > 0 ? `there are: ${codes.join(', ')}` : 'none has a code';
  return [`No task has the code ${code}${didYouMean(code, codes)}; ${there}.`];
}

function describeGone({ bytes, erased }: EntryRow): string {
  if (erased) return `, and was erased by ${erased.by} at ${new Date(erased.atMs).toISOString()}`;
  return bytes === 'kept' ? '' : ', and its bytes are gone';
}
