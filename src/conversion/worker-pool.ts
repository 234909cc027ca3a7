/**
 * # Worker pool
 *
 * Processes that convert, one job each at a time. What a slide or a native codec can do to a process ends with
 * that process.
 *
 * Invariants:
 * - A job ends in exactly one way: a result, an error of the worker, or the worker's end.
 * - A worker over its memory or its time is killed with SIGKILL; nothing it does can prevent that.
 * - Memory is the resident set, polled: limits of the JavaScript heap do not see native memory.
 *
 * Deliberately absent: tasks, and what to do when a job fails.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { ConversionError, type ConversionErrorCode, JobFailedError } from './errors.ts';
import type { JobRequest, JobResult } from './job-kind.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

const MEMORY_POLL_MS = 200;
/** A worker that keeps more than this without a job ends: libvips and the heap give little back by themselves. */
const RESTING_BYTES_MAX = 180e6;
/** The system's out-of-memory killer takes a worker before it takes the gateway. */
const OOM_SCORE_ADJ = '1000';
const STDERR_TAIL_CHARACTERS = 2000;

export interface WorkerPoolOptions {
  readonly memoryMaxBytes: number;
  readonly timeLimitMs: number;
  /** A worker without a job ends after this time. */
  readonly idleMs: number;
  /** A worker ends after so many jobs, or earlier when it has grown. */
  readonly jobsPerWorkerMax: number;
  /** Called when a worker ended with a job in hand. `stderr` is the end of what it said. */
  onWorkerLost?(event: { readonly code: ConversionErrorCode; readonly stderr: string }): void;
}

export interface WorkerPool {
  /**
   * Runs a job in a worker, started when none is idle; how many at once is the caller's business.
   *
   * @throws {JobFailedError} when the job failed
   * @throws {ConversionError} MEMORY_LIMIT, TIME_LIMIT or WORKER_DIED when its worker ended
   * @throws the reason of `signal` when it aborts; the worker is killed
   */
  run(request: JobRequest, signal?: AbortSignal): Promise<JobResult>;
  /** Ends idle workers, kills the others. */
  close(): Promise<void>;
}

/** Opens a pool; no process starts before there is a job. */
export function openWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const workers = new Set<Worker>();
  const idle: Worker[] = [];

  return {
    async run(request, signal) {
      signal?.throwIfAborted();
      const worker = idle.pop() ?? startWorker();
      try {
        return await worker.run(request, signal);
      } finally {
        if (await worker.mayGoOn()) {
          worker.rest(options.idleMs);
          idle.push(worker);
        } else {
          worker.end();
        }
      }
    },
    async close() {
      const all = [...workers];
      for (const worker of all) worker.kill();
      await Promise.all(all.map((worker) => worker.ended));
    },
  };

  function startWorker(): Worker {
    const worker = new Worker(options);
    workers.add(worker);
    void worker.ended.then(() => {
      workers.delete(worker);
      const index = idle.indexOf(worker);
      if (index >= 0) idle.splice(index, 1);
    });
    return worker;
  }
}

/** One process. */
class Worker {
  readonly ended: Promise<void>;
  #jobs = 0;
  readonly #process: ChildProcess;
  readonly #options: WorkerPoolOptions;
  #stderr = '';
  #killedFor: 'MEMORY_LIMIT' | 'TIME_LIMIT' | undefined;
  #restTimer: NodeJS.Timeout | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#process = fork(new URL('./worker.ts', import.meta.url), [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: {
        ...process.env,
        // Without it every worker strips the types of a hundred files anew.
        NODE_COMPILE_CACHE: getCompileCacheDir() ?? '',
        // glibc gives every thread of libvips an arena of its own, and keeps what is freed in each.
        MALLOC_ARENA_MAX: '2',
      },
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_TAIL_CHARACTERS);
    });
    this.ended = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve()); // It never started, or could not be told something.
    });
    // Best effort: only Linux has it.
    writeFile(`/proc/${this.#process.pid}/oom_score_adj`, OOM_SCORE_ADJ).catch(() => {});
  }

  /** A worker that has grown, or has done its share, makes room for a new one. */
  async mayGoOn(): Promise<boolean> {
    if (!this.isAlive || this.#jobs >= this.#options.jobsPerWorkerMax) return false;
    return ((await residentBytes(this.#process.pid)) ?? 0) < RESTING_BYTES_MAX;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.connected;
  }

  run(request: JobRequest, signal: AbortSignal | undefined): Promise<JobResult> {
    this.#jobs += 1;
    clearTimeout(this.#restTimer);
    this.#hold();
    const { promise, resolve, reject } = Promise.withResolvers<JobResult>();
    const take = (message: FromWorker) => {
      switch (message.type) {
        case 'done':
          return resolve(message.result);
        case 'failed':
          return reject(new JobFailedError(message.failure));
        case 'crashed':
          this.#stderr = message.stack.slice(-STDERR_TAIL_CHARACTERS);
          return; // Its end follows.
        default:
          return message satisfies never;
      }
    };
    const abort = () => {
      reject(signal?.reason);
      this.kill();
    };
    const lose = () => reject(this.#lost());

    this.#process.on('message', take);
    this.#process.once('exit', lose);
    this.#process.once('error', lose);
    signal?.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => this.#killFor('TIME_LIMIT'), this.#options.timeLimitMs);
    const poll = setInterval(() => void this.#checkMemory(), MEMORY_POLL_MS);
    if (this.isAlive) this.#process.send({ type: 'run', request } satisfies ToWorker, () => {});
    else lose();

    return promise.finally(() => {
      clearTimeout(timer);
      clearInterval(poll);
      signal?.removeEventListener('abort', abort);
      this.#process.off('message', take);
      this.#process.off('exit', lose);
      this.#process.off('error', lose);
    });
  }

  /** Without a job: does not keep the gateway from ending, and ends itself after a while. */
  rest(idleMs: number): void {
    this.#process.unref();
    this.#process.channel?.unref();
    (this.#process.stderr as { unref?: () => void } | null)?.unref?.();
    this.#restTimer = setTimeout(() => this.end(), idleMs).unref();
  }

  /** Lets the process end by itself: it does when the channel closes. */
  end(): void {
    clearTimeout(this.#restTimer);
    if (this.#process.connected) this.#process.disconnect();
  }

  kill(): void {
    clearTimeout(this.#restTimer);
    this.#process.ref();
    this.#process.kill('SIGKILL');
  }

  #hold(): void {
    this.#process.ref();
    this.#process.channel?.ref();
  }

  #killFor(reason: 'MEMORY_LIMIT' | 'TIME_LIMIT'): void {
    this.#killedFor ??= reason;
    this.kill();
  }

  async #checkMemory(): Promise<void> {
    const bytes = await residentBytes(this.#process.pid);
    if (bytes !== undefined && bytes > this.#options.memoryMaxBytes) this.#killFor('MEMORY_LIMIT');
  }

  #lost(): ConversionError {
    const { memoryMaxBytes, timeLimitMs } = this.#options;
    const code = this.#killedFor ?? 'WORKER_DIED';
    this.#options.onWorkerLost?.({ code, stderr: this.#stderr });
    switch (code) {
      case 'MEMORY_LIMIT':
        return new ConversionError(
          code,
          `Cannot convert: the worker must need ${memoryMaxBytes} bytes or less and took more`,
        );
      case 'TIME_LIMIT':
        return new ConversionError(
          code,
          `Cannot convert: the worker must be done within ${timeLimitMs} ms and was not`,
        );
      case 'WORKER_DIED': {
        const how = this.#process.signalCode ?? `exit code ${this.#process.exitCode ?? 'unknown'}`;
        return new ConversionError(code, `Cannot convert: the worker ended by itself with ${how}`);
      }
      default:
        return code satisfies never;
    }
  }
}

/** Resident set of a process; undefined where the system does not tell. */
async function residentBytes(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
