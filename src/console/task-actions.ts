/** What an operator does to tasks, and what it would do. */
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { Selection, Spool, TaskKind, TaskPreview } from '../spool/spool.ts';
import { operatorActed } from '../telemetry/events.ts';
import { RequestError } from './errors.ts';
import type { ConsolePorts } from './ports.ts';

/** Entries of which it is said one by one why nothing could be done. */
const EXPLAINED_MAX = 20;

export const TaskAction = z.enum(['retry', 'hold', 'discard']);
export type TaskAction = z.infer<typeof TaskAction>;

/** A DIMSE status as people write it: `A900`, `A900H`, `0xA900`. */
export const StatusText = z
  .string()
  .regex(/^(0x)?[0-9a-f]{4}h?$/i, 'must be a status such as A900')
  .transform((text) => Number.parseInt(text.replace(/^0x/i, ''), 16));

/** Which tasks are meant. At least one field: "everything" has to be said some other way than by saying nothing. */
const SelectionBody = z
  .strictObject({
    entryIds: z.array(z.int().min(1)).min(1).max(10_000).optional(),
    destination: z.string().min(1).optional(),
    kind: z.string().min(1).optional(),
    reasonContains: z.string().min(1).optional(),
    code: z.string().min(1).max(100).optional(),
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
  /** Of a preview. */
  readonly groups?: TaskPreview['groups'];
  /** Why nothing can be done about entries that were named, each a sentence. */
  readonly notes?: readonly string[];
}

/**
 * Does it, or says what it would be done to.
 *
 * @throws {RequestError} when something else than a discard is to erase
 */
export async function act(
  { spool, telemetry }: ConsolePorts,
  action: TaskAction,
  { selection: stated, reason, by, preview, erase }: z.infer<typeof TasksBody>,
): Promise<ActionResult> {
  if (erase && action !== 'discard') throw new RequestError('Cannot erase: the action must be discard');
  const selection = selectionOf(stated);
  if (preview) {
    const { count: own, groups } = await spool.preview(action, selection);
    // What was made of an entry is erased with it, and counted.
    const count = erase ? await spool.discard(selection, { reason, by, preview, erase }) : own;
    return { count, groups, ...(await notesOn(spool, stated.entryIds, count)) };
  }
  let count: number;
  if (action === 'retry') count = await spool.retry(selection, by);
  else if (action === 'hold') count = await spool.hold(selection, reason, by);
  else count = await spool.discard(selection, { reason, by, erase });
  const { destination } = stated;
  operatorActed(telemetry, { action, count, by, ...(destination !== undefined && { destination }) });
  return { count, ...(!erase && (await notesOn(spool, stated.entryIds, count))) };
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

/** Whoever names entries and sees nothing happen is told why. */
async function notesOn(
  spool: Pick<Spool, 'query' | 'open'>,
  entryIds: readonly number[] | undefined,
  count: number,
): Promise<{ notes?: readonly string[] }> {
  if (entryIds === undefined || count > 0) return {};
  const asked = entryIds.slice(0, EXPLAINED_MAX);
  const found = new Map(
    (await spool.query({ entryIds: asked, limit: asked.length })).map((entry) => [entry.entryId, entry]),
  );
  const notes = await Promise.all(
    asked.map(async (entryId) => {
      const entry = found.get(entryId);
      if (entry === undefined) return `There is no entry ${entryId}.`;
      const gone = (await areBytesGone(spool, entryId)) ? ', and its bytes are gone' : '';
      return `Entry ${entryId} is ${entry.state}${gone}: no task of it matches.`;
    }),
  );
  return { notes };
}

async function areBytesGone(spool: Pick<Spool, 'open'>, entryId: number): Promise<boolean> {
  try {
    const stored = await spool.open(entryId);
    await stored.close();
    return false;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'BYTES_PURGED') return true;
    throw error;
  }
}
