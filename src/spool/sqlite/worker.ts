/**
 * Entry of the ledger's thread: takes whatever has arrived as one group, answers, and takes what has arrived
 * meanwhile. The more there is to do, the more shares a sync.
 */
import { readdirSync, statfsSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SteadyClock } from '../clock.ts';
import { SpoolError } from '../errors.ts';
import { makeSpoolFolders, type SpoolFolders, spoolFoldersOf } from '../files/folders.ts';
import { SegmentWriter } from '../files/segment-writer.ts';
import { StagingMemory } from '../staging.ts';
import { loadStepHook } from '../steps.ts';
import { reasonOf, toWireError } from '../wire-error.ts';
import { createContext, type LedgerContext } from './context.ts';
import { type DirectoryLock, lockDirectory, openDatabase } from './database.ts';
import { Ledger } from './ledger.ts';
import type { FromLedger, Recovered, Request, ToLedger, WorkerOptions } from './messages.ts';
import { RESTORED } from './reconcile.ts';
import { recover } from './recovery.ts';
import { LAST_SEGMENT } from './release.ts';
import { lastEpochOnDisk, TOKENS_PER_EPOCH } from './restore.ts';
import { Statements } from './statements.ts';
import { isPatient } from './writing.ts';

/** Beyond this, requests wait for the next group, so that the first of a group does not wait for long. */
const GROUP_REQUESTS_MAX = 512;
const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** How long claims and outcomes wait for a request that cannot: one transaction then does for all. */
const PATIENCE_MS = 2;
/** How often the wall clock is looked at when nothing else happens. */
const IDLE_MS_MAX = 10_000;

if (parentPort === null) throw new Error('Cannot run the ledger: it must be a thread');
const port = parentPort;
const options = workerData as WorkerOptions;
const step = await loadStepHook(options.stepModule);
const memory = new StagingMemory();
const waiting: Request[] = [];
let timer: NodeJS.Timeout | undefined;
/** Since when there is nothing but patient requests. */
let patientSinceMs: number | undefined;

try {
  serve(open());
} catch (error) {
  post({ type: 'unavailable', error: toWireError(asSpoolError(error)) });
  port.close();
}

interface OpenLedger {
  readonly ledger: Ledger;
  readonly context: LedgerContext;
  readonly epoch: number;
  readonly recovered: Recovered;
  close(): void;
}

function open(): OpenLedger {
  const folders = spoolFoldersOf(options.directory);
  makeSpoolFolders(folders);
  const lock = lockDirectory(folders);
  try {
    return openLocked(folders, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openLocked(folders: SpoolFolders, lock: DirectoryLock): OpenLedger {
  const db = openDatabase(folders);
  const statements = new Statements(db);
  const metaOf = (name: string) => statements.get<{ value: number }>('getMeta', name)?.value;
  if (metaOf('epoch') === undefined && hasFiles(folders)) statements.run('setMeta', RESTORED, Date.now());
  const isRestored = metaOf(RESTORED) !== undefined;
  const epoch = Math.max(metaOf('epoch') ?? 0, isRestored ? lastEpochOnDisk(folders) : 0) + 1;
  statements.run('setMeta', 'epoch', epoch);
  const context = createContext({ statements, clock: new SteadyClock(), folders, step, freeBytes });
  const lastSegment = () => statements.get<{ segment_id: number | null }>('lastSegment')?.segment_id ?? 0;
  statements.run('raiseMeta', LAST_SEGMENT, lastSegment()); // Recovery may find nothing left in it.
  const recovered = recover(context);
  const { segmentBytesMax, segmentAgeMsMax, duplicateWindowMs, leaseMs, ageingMs } = options;
  const nowMs = () => performance.now();
  const segments = new SegmentWriter(
    { folder: folders.segments, segmentBytesMax, segmentAgeMsMax, nowMs, step },
    Math.max(metaOf(LAST_SEGMENT) ?? 0, lastSegment()) + 1,
  );
  const firstToken = epoch * TOKENS_PER_EPOCH;
  const ledger = new Ledger(context, segments, memory, { duplicateWindowMs, leaseMs, ageingMs, firstToken });
  const close = () => {
    segments.roll();
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
    lock.release();
  };
  return { ledger, context, epoch, recovered, close };
}

/** A ledger that has never been used, beside files: somebody has lost the rows, and the files must not go, too. */
function hasFiles({ files, segments }: SpoolFolders): boolean {
  return readdirSync(files).length + readdirSync(segments).length > 0;
}

function freeBytes(): number {
  const { bavail, bsize } = statfsSync(options.directory);
  return bavail * bsize;
}

function serve(opened: OpenLedger): void {
  const { epoch, recovered } = opened;
  port.on('message', (message: ToLedger) => {
    receive(message);
    work(opened);
  });
  post({ type: 'ready', epoch, recovered });
  schedule(opened);
}

function receive(message: ToLedger): void {
  if (message.type === 'arena') memory.addArena(message.arena);
  else waiting.push(...message.requests);
}

function receiveAll(): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    receive(next.message as ToLedger);
  }
}

/**
 * Modalities come first: what they wait for is made durable and answered by itself. Claims and outcomes follow
 * at once, while the outside makes its next request, or all together when they have waited long enough.
 */
function work(opened: OpenLedger): void {
  for (receiveAll(); waiting.length > 0; receiveAll()) {
    const urgent = takeUrgent();
    if (urgent.length > 0) {
      run(opened, urgent, { servesClaims: false });
      receiveAll();
      if (isUrgentFirst()) continue;
    } else if (mayWait()) break;
    const group = takeGroup();
    run(opened, group, { servesClaims: true });
    patientSinceMs = undefined;
    const last = group.find(({ type }) => type === 'close');
    if (last !== undefined) {
      close(opened, last.id);
      return;
    }
  }
  schedule(opened);
}

function run(opened: OpenLedger, group: readonly Request[], options: { servesClaims: boolean }): void {
  post(opened.ledger.run(group, options));
  if (group.length > 0) step('replies-posted');
}

/**
 * True while only receptions and patient requests wait, and none of these for too long. Everything else, a read
 * above all, is answered in the order of asking.
 */
function isUrgentFirst(): boolean {
  if (!waiting.some(isReception)) return false;
  if (!waiting.every((request) => isReception(request) || isPatient(request))) return false;
  patientSinceMs ??= performance.now();
  return performance.now() - patientSinceMs < PATIENCE_MS;
}

function isReception({ type }: Request): boolean {
  return type === 'accept-bytes' || type === 'accept-file';
}

function takeUrgent(): Request[] {
  if (!isUrgentFirst()) return [];
  const patient = waiting.filter((request) => !isReception(request));
  const receptions = waiting.filter(isReception);
  waiting.length = 0;
  waiting.push(...receptions);
  const group = takeGroup();
  waiting.unshift(...patient);
  return group;
}

function mayWait(): boolean {
  if (waiting.length >= GROUP_REQUESTS_MAX || !waiting.every(isPatient)) return false;
  patientSinceMs ??= performance.now();
  return performance.now() - patientSinceMs < PATIENCE_MS;
}

function takeGroup(): Request[] {
  let bytes = 0;
  let count = 0;
  for (const request of waiting) {
    if (request.type === 'accept-bytes') bytes += request.bytes.lengthBytes;
    if (count > 0 && (count >= GROUP_REQUESTS_MAX || bytes > GROUP_BYTES_MAX)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

/** Wakes up for tasks that come due, leases that run out, long requests, and a clock that somebody has set. */
function schedule(opened: OpenLedger): void {
  const dueMs = opened.ledger.nextWorkMs - opened.context.clock.nowMs();
  const waitMs = waiting.length > 0 ? Math.min(dueMs, PATIENCE_MS) : dueMs;
  clearTimeout(timer);
  timer = setTimeout(
    () => {
      const isDue = opened.ledger.nextWorkMs <= opened.context.clock.nowMs();
      if (isDue || waiting.length === 0) post(opened.ledger.run([]));
      work(opened);
    },
    Math.min(Math.max(waitMs, 0), IDLE_MS_MAX),
  );
}

function close(opened: OpenLedger, id: number): void {
  clearTimeout(timer);
  const { type, replies, news } = opened.ledger.close();
  opened.close();
  post({ type, replies: [...replies, { id, answer: null }], news });
  port.close();
}

function asSpoolError(error: unknown): SpoolError {
  if (error instanceof SpoolError) return error;
  const reason = `Cannot open the spool in "${options.directory}": ${reasonOf(error)}`;
  return new SpoolError('SPOOL_CLOSED', reason, {}, { cause: error });
}

function post(message: FromLedger): void {
  port.postMessage(message);
}
