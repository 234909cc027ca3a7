/**
 * # The API under /api
 *
 * What the console's page and the command line ask for: read-only views of the spool and the lanes, the three things
 * that an operator does to tasks, and reloading. JSON in both directions; times are ISO texts.
 *
 * Deliberately absent: data sets, pixels and whatever names a patient.
 */
import express, { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { EntryQuery } from '../spool/spool.ts';
import { RequestError } from './errors.ts';
import { readiness } from './health.ts';
import { readHeld } from './held.ts';
import type { ConsolePorts, ConsoleView } from './ports.ts';
import { act, CodeText, StatusText, TaskAction, TasksBody } from './task-actions.ts';
import {
  isoTime,
  type StatusAnswer,
  viewDestinations,
  viewEntry,
  viewGroup,
  viewInput,
  viewSpool,
} from './views.ts';

const ENTRIES_MAX = 500;
/** What a reload puts in force, all of it or nothing. */
const RELOADED = ['sources', 'destinations', 'rules', 'certificates'];

const EntriesQuery = z.strictObject({
  state: z.enum(['pending', 'held', 'discarded', 'delivered']).optional(),
  study: z.string().max(64).optional(),
  instance: z.string().max(64).optional(),
  entry: z.coerce.number().int().min(1).optional(),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(ENTRIES_MAX).default(50),
});

const HeldGroupsQuery = z.strictObject({
  destination: z.string().min(1).optional(),
  code: CodeText.optional(),
  status: StatusText.optional(),
  since: z.iso.datetime().optional(),
});

const HeldEntriesQuery = z.strictObject({
  ...HeldGroupsQuery.shape,
  stage: z.enum(['rules', 'conversion', 'delivery', 'commitment']).optional(),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(ENTRIES_MAX).default(50),
});

export function api(
  ports: ConsolePorts,
  { settings, version, startedAtMs }: { settings: ConsoleView; version: string; startedAtMs: number },
): Router {
  const { spool } = ports;
  const router = Router();

  router.get('/status', async (_request, response) => {
    const { ready, problems, status } = await readiness(ports, settings);
    const reloadFailure = ports.reload.failure();
    const answer: StatusAnswer = {
      version,
      startedAt: isoTime(startedAtMs),
      now: isoTime(Date.now()),
      ready,
      problems,
      ...(reloadFailure && {
        reloadFailed: {
          at: isoTime(reloadFailure.atMs),
          code: reloadFailure.code,
          message: reloadFailure.message,
        },
      }),
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
    const { state, study, instance, entry, before, limit } = read(EntriesQuery, request.query);
    const query: EntryQuery = {
      limit,
      ...(state && { state }),
      ...(study && { studyInstanceUid: study }),
      ...(instance && { sopInstanceUid: instance }),
      ...(entry && { entryIds: [entry] }),
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

  router.get('/held', async (request, response) => {
    const { before, since, ...query } = read(HeldEntriesQuery, request.query);
    const page = await readHeld(spool, {
      ...defined(query),
      limit: query.limit,
      ...(before !== undefined && { beforeEntryId: before }),
      ...(since !== undefined && { sinceMs: Date.parse(since) }),
    });
    const { nextBefore } = page;
    response.json({ entries: page.entries.map(viewEntry), ...(nextBefore !== undefined && { nextBefore }) });
  });

  router.get('/held/groups', async (request, response) => {
    const { since, ...selection } = read(HeldGroupsQuery, request.query);
    const { count, groups } = await spool.preview('retry', {
      ...defined(selection),
      ...(since !== undefined && { sinceMs: Date.parse(since) }),
    });
    response.json({ count, groups: groups.map(viewGroup) });
  });

  router.post('/tasks/:action', express.json({ limit: '256kb' }), async (request: Request, response) => {
    const action = read(TaskAction, request.params.action);
    const body = read(TasksBody, request.body ?? {});
    const { groups, ...result } = await act(ports, action, body);
    response.json({
      action,
      preview: body.preview,
      ...result,
      ...(groups && { groups: groups.map(viewGroup) }),
    });
  });

  router.post('/reload', async (_request, response) => {
    const result = await ports.reload.run();
    if ('failed' in result) answerError(response, 422, result.failed);
    else response.json({ reloaded: RELOADED, needRestart: result.needRestart });
  });

  return router;
}

/** Without what was not stated. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const stated = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(stated) as { [K in keyof T]?: Exclude<T[K], undefined> };
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
  { code, message }: { code: string; message: string },
): void {
  response.status(status).json({ error: { code, message } });
}
