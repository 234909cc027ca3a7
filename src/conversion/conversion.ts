/**
 * # Conversion
 *
 * Makes new instances of received ones, in worker processes: an image becomes a slide pyramid.
 *
 * Invariants:
 * - All products of a task and their own tasks enter the spool in one transaction, after they were checked.
 * - The same task makes the same instances, however often it is tried: their UIDs and dates hang on the source,
 *   the options and the time of the decision, not on the attempt.
 * - A worker that ends takes one task with it; a task that ends three workers is held.
 *
 * Deliberately absent: pixels. This process hands paths to workers and gets paths back.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import {
  type Claim,
  type Completion,
  type ConversionPayload,
  type DeliveryPayload,
  type Failure,
  type NewTask,
  PRIORITY,
  type Product,
  type RulesPayload,
  type Spool,
} from '../spool/spool.ts';
import {
  conversionDeferred,
  conversionFailed,
  conversionFinished,
  conversionStalled,
  workerLost,
} from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ConversionSettings } from './config.ts';
import { ConversionError, type ConversionErrorCode } from './errors.ts';
import type { JobResult } from './job-kind.ts';
import { ScratchSpace, scratchBytesOf } from './scratch.ts';
import { TaskHistory } from './task-history.ts';
import { openWorkerPool, type WorkerPool } from './worker-pool.ts';

export type { ConversionSettings } from './config.ts';
export { convertFiles, type FileConversion } from './convert-files.ts';

const LEASE_MS = 60_000;
const WORKER_IDLE_MS = 30_000;
const JOBS_PER_WORKER_MAX = 50;
const LOST_WORKERS_MAX = 3;
/** Pause after the spool failed. */
const STALL_MS = 1_000;
/** A full volume is looked at again this often. */
const SCRATCH_RETRY_MS = 10_000;

export interface Conversion {
  /** Claims nothing more; tasks in hand go back unharmed, and their workers are killed. */
  stop(): Promise<void>;
}

interface Deps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
}

interface Stage extends Deps {
  readonly settings: ConversionSettings;
  readonly pool: WorkerPool;
  readonly scratch: ScratchSpace;
  readonly signal: AbortSignal;
}

/** Starts as many loops as there may be workers; no process starts before there is a task. */
export async function startConversion(
  settings: ConversionSettings,
  { spool, telemetry }: Deps,
): Promise<Conversion> {
  const stopping = new AbortController();
  const pool = openWorkerPool({
    memoryMaxBytes: settings.memory_max_bytes,
    timeLimitMs: settings.timeout,
    idleMs: WORKER_IDLE_MS,
    jobsPerWorkerMax: JOBS_PER_WORKER_MAX,
    onWorkerLost: (event) => workerLost(telemetry, event),
  });
  const scratch = new ScratchSpace(settings.scratch_free_bytes);
  const stage: Stage = { spool, telemetry, settings, pool, scratch, signal: stopping.signal };
  const loops = Array.from({ length: settings.workers }, () => workOffTasks(stage));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      await pool.close();
    },
  };
}

async function workOffTasks(stage: Stage): Promise<void> {
  const { spool, telemetry, scratch, signal } = stage;
  const request = { kind: 'conversion', limit: 1, headerIndex: true, leaseMs: LEASE_MS } as const;
  while (!signal.aborted) {
    try {
      if (scratch.hasRoom((await spool.status()).freeBytes)) {
        for (const claim of await spool.claim(request, signal)) {
          await workOff(claim as Claim<ConversionPayload>, stage);
        }
      } else await wait(SCRATCH_RETRY_MS, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      // The spool could not take the outcome: the claim falls due again, and nothing of it is lost.
      conversionStalled(telemetry, describe(error));
      await wait(STALL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Converts one entry and settles its task. */
async function workOff(claim: Claim<ConversionPayload>, stage: Stage): Promise<void> {
  const { spool, telemetry, settings, signal, scratch } = stage;
  const { job } = claim.payload;
  const task = { job, entryId: claim.entry.entryId, attempt: claim.attempt };
  const startedAt = performance.now();
  const running = telemetry.metrics.conversionTasksRunning;
  const lease = setInterval(() => void spool.renew([claim], LEASE_MS).catch(() => {}), LEASE_MS / 3);
  let release: (() => void) | undefined;
  running.inc({ job });
  try {
    const folder = await spool.workFolder(claim.taskId);
    release = await scratch.reserve(folder, scratchBytesOf(claim));
    if (release === undefined) {
      await spool.defer([claim], { dueAtMs: Date.now() + SCRATCH_RETRY_MS });
      conversionDeferred(telemetry, task);
      return;
    }
    const result = await convert(claim, new TaskHistory(folder), stage);
    await spool.complete([completionOf(claim, result)]);
    const durationMs = performance.now() - startedAt;
    conversionFinished(telemetry, { ...task, ...summaryOf(result), durationMs });
  } catch (error) {
    if (signal.aborted) return await spool.release([claim]);
    const failure = failureOf(claim, error, settings.retry_after);
    await spool.fail([failure]);
    const { disposition } = failure;
    conversionFailed(telemetry, { ...task, ...describe(error), ...checkOf(error), disposition });
  } finally {
    clearInterval(lease);
    release?.();
    running.dec({ job });
  }
}

/** Has a worker do it, unless an earlier attempt already did and could not hand it over. */
async function convert(
  claim: Claim<ConversionPayload>,
  history: TaskHistory,
  stage: Stage,
): Promise<JobResult> {
  const { spool, settings, pool, signal } = stage;
  const { rule, deliverTo, editsAfter, productsMeetRules, editsBefore, priority, ...work } = claim.payload;
  const decided = {
    ...work,
    edits: editsBefore,
    ...(settings.time_zone !== undefined && { timeZone: settings.time_zone }),
  };
  const earlier = await history.earlierResult(decided);
  if (earlier) return earlier;

  const stored = await spool.open(claim.entry.entryId);
  try {
    const source = { kind: 'part10', ...stored.location, sizeBytes: stored.sizeBytes } as const;
    const result = await pool.run({ ...decided, source, folder: await history.startAttempt() }, signal);
    await history.keepResult(decided, result);
    return result;
  } catch (error) {
    throw isWorkerLost(error) ? await afterLostWorker(error, history) : error;
  } finally {
    await stored.close();
  }
}

function isWorkerLost(error: unknown): error is ConversionError {
  return (
    error instanceof ConversionError && ['MEMORY_LIMIT', 'TIME_LIMIT', 'WORKER_DIED'].includes(error.code)
  );
}

async function afterLostWorker(error: ConversionError, history: TaskHistory): Promise<ConversionError> {
  const count = await history.countLostWorker();
  if (count < LOST_WORKERS_MAX) return error;
  return new ConversionError(
    'WORKER_DIED_REPEATEDLY',
    `Cannot convert: ${count} workers ended over it; the last: ${error.message}`,
    { lastCode: error.code },
    { cause: error },
  );
}

function completionOf(claim: Claim<ConversionPayload>, result: JobResult): Completion {
  const tasks = tasksOf(claim.payload);
  return {
    claim,
    outcome: 'converted',
    products: result.products.map((product): Product => {
      const { path, sopClassUid, sopInstanceUid, transferSyntaxUid } = product;
      return { path, sopClassUid, sopInstanceUid, transferSyntaxUid, tasks };
    }),
    detail: `${result.products.length} instances`,
  };
}

/** What is left to do with a product: what its rule said, unless rules for products come first. */
function tasksOf(conversion: ConversionPayload): readonly NewTask[] {
  const { rule, deliverTo, editsAfter, productsMeetRules, priority } = conversion;
  const haste = priority && { priority };
  const rank = priority && { priority: PRIORITY[priority] };
  if (productsMeetRules) {
    const payload: RulesPayload = { inherited: { rule, deliverTo, ...haste, edits: editsAfter } };
    return [{ kind: 'rules', payload, ...rank }];
  }
  const payload: DeliveryPayload = { rule, ...haste, ...(editsAfter.length > 0 && { edits: editsAfter }) };
  return deliverTo.map((destination) => ({ kind: `delivery:${destination}`, payload, ...rank }));
}

/** What is no error of the world is a fault of ours: the task waits for a person. */
function failureOf(claim: Claim, error: unknown, retryAfterMs: number): Failure {
  const { code, reason: message } = describe(error);
  const disposition = error instanceof GatewayError ? error.disposition : 'hold';
  if (disposition === 'hold') return { claim, disposition, code, message };
  const counts = code !== 'SCRATCH_FULL'; // A full volume is not the instance's fault.
  return { claim, disposition, code, message, counts, retryAtMs: Date.now() + retryAfterMs };
}

function describe(error: unknown): { code: string; reason: string } {
  return {
    code: error instanceof GatewayError ? error.code : ('UNEXPECTED' satisfies ConversionErrorCode),
    reason: error instanceof Error ? error.message : String(error),
  };
}

/** The check that held the set, for its metric. */
function checkOf(error: unknown): { check?: string } {
  const check = error instanceof GatewayError ? error.context.check : undefined;
  return typeof check === 'string' ? { check } : {};
}

function summaryOf({ products, generated, inheritedFaults }: JobResult) {
  const sizeBytes = products.reduce((sum, product) => sum + product.sizeBytes, 0);
  return { products: products.length, sizeBytes, generated, inheritedFaults };
}
