/**
 * # The API under /api
 *
 * What the console's page and the command line ask for: read-only views of the spool and the lanes, and the
 * three things that an operator does to tasks. JSON in both directions; times are ISO texts.
 *
 * Deliberately absent: data sets, pixels and whatever names a patient.
 */
import express, { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { EntryQuery, Selection, TaskKind } from '../spool/spool.ts';
import { operatorActed } from '../telemetry/events.ts';
import { RequestError } from './errors.ts';
import { readiness } from './health.ts';
import type { ConsolePorts, ConsoleView } from './ports.ts';
import { isoTime, type StatusAnswer, viewDestinations, viewEntry, viewInput, viewSpool } from './views.ts';

const ENTRIES_MAX = 500;

const EntriesQuery = z.strictObject({
  state: z.enum(['pending', 'held', 'discarded', 'delivered']).optional(),
  study: z.string().max(64).optional(),
  instance: z.string().max(64).optional(),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(ENTRIES_MAX).default(50),
});

/** Which tasks are meant. At least one field: "everything" has to be said some other way than by saying nothing. */
const SelectionBody = z
  .strictObject({
    entryIds: z.array(z.int().min(1)).min(1).max(10_000).optional(),
    destination: z.string().min(1).optional(),
    kind: z.string().min(1).optional(),
    reasonContains: z.string().min(1).optional(),
    since: z.iso.datetime().optional(),
  })
  .refine((selection) => Object.values(selection).some((value) => value !== undefined), {
    message: 'must name entries, a destination, a kind, a reason or a time',
  });

const TasksBody = z.strictObject({
  selection: SelectionBody,
  /** Kept with the task, for whoever asks later. */
  reason: z.string().trim().min(1).max(500).default('By an operator.'),
  by: z.string().trim().min(1).max(64).default('unknown'),
  preview: z.boolean().default(false),
  /** Of a discard: bytes and headers of entries that have nothing left to do leave the disk. */
  erase: z.boolean().default(false),
});

export function api(
  ports: ConsolePorts,
  { settings, version, startedAtMs }: { settings: ConsoleView; version: string; startedAtMs: number },
): Router {
  const { spool } = ports;
  const router = Router();

  router.get('/status', async (_request, response) => {
    const { ready, problems, status } = await readiness(ports, settings);
    const answer: StatusAnswer = {
      version,
      startedAt: isoTime(startedAtMs),
      now: isoTime(Date.now()),
      ready,
      problems,
      inputs: ports.inputs().map(viewInput),
      destinations: viewDestinations(ports.lanes(), status?.tasks ?? []),
      ...(status && viewSpool(status)),
    };
    response.json(answer);
  });

  router.get('/destinations', async (_request, response) => {
    const { tasks } = await spool.status();
    response.json({ destinations: viewDestinations(ports.lanes(), tasks) });
  });

  router.get('/entries', async (request, response) => {
    const { state, study, instance, before, limit } = read(EntriesQuery, request.query);
    const query: EntryQuery = {
      limit,
      ...(state && { state }),
      ...(study && { studyInstanceUid: study }),
      ...(instance && { sopInstanceUid: instance }),
      ...(before && { beforeEntryId: before }),
    };
    const entries = await spool.query(query);
    const last = entries.length === limit ? entries.at(-1) : undefined;
    response.json({ entries: entries.map(viewEntry), ...(last && { nextBefore: last.entryId }) });
  });

  router.get('/entries/:id', async (request, response) => {
    const id = read(z.coerce.number().int().min(1), request.params.id);
    const [entry] = await spool.query({ entryIds: [id], limit: 1 });
    if (entry) response.json(viewEntry(entry));
    else answerError(response, 404, { code: 'CONSOLE_NO_SUCH_ENTRY', message: `There is no entry ${id}` });
  });

  router.post('/tasks/:action', express.json({ limit: '256kb' }), async (request: Request, response) => {
    const action = read(z.enum(['retry', 'hold', 'discard']), request.params.action);
    const body = read(TasksBody, request.body ?? {});
    const count = await act(ports, action, body);
    response.json({ action, count, preview: body.preview });
  });

  return router;
}

/** Does it, or counts what it would be done to. */
async function act(
  { spool, telemetry }: ConsolePorts,
  action: 'retry' | 'hold' | 'discard',
  { selection: stated, reason, by, preview, erase }: z.infer<typeof TasksBody>,
): Promise<number> {
  const { since, kind, entryIds, destination, reasonContains } = stated;
  const selection: Selection = {
    ...(entryIds && { entryIds }),
    ...(destination !== undefined && { destination }),
    ...(reasonContains !== undefined && { reasonContains }),
    ...(kind !== undefined && { kind: kind as TaskKind }),
    ...(since !== undefined && { sinceMs: Date.parse(since) }),
  };
  if (preview) {
    // The spool counts what may be discarded; what may be retried or held is a part of that.
    const states = { retry: ['held'], hold: ['waiting', 'claimed'], discard: undefined } as const;
    const counted = states[action] ? { ...selection, states: states[action] } : selection;
    return spool.discard(counted, { reason, by, preview: true });
  }
  let count: number;
  if (action === 'retry') count = await spool.retry(selection, by);
  else if (action === 'hold') count = await spool.hold(selection, reason, by);
  else count = await spool.discard(selection, { reason, by, erase });
  operatorActed(telemetry, { action, count, by, ...(destination !== undefined && { destination }) });
  return count;
}

/** @throws {RequestError} naming every field that is wrong */
function read<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`);
  throw new RequestError(`Cannot read the request: ${problems.join('; ')}`);
}

export function answerError(
  response: Response,
  status: number,
  error: { code: string; message: string },
): void {
  response.status(status).json({ error });
}
