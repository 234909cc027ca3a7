import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobRequest, JobResult } from './job-kind.ts';

/** What was asked for, wherever the bytes lie now. */
type Decided = Omit<JobRequest, 'source' | 'folder'>;

/**
 * What a task's work folder remembers between attempts, also across restarts of the gateway: how many workers
 * ended over it, and what an earlier attempt has finished but not handed over.
 */
export class TaskHistory {
  readonly #folder: string;

  constructor(workFolder: string) {
    this.#folder = workFolder;
  }

  /** Notes that a worker ended over this task. Returns how many have. */
  async countLostWorker(): Promise<number> {
    const path = join(this.#folder, 'lost-workers');
    const count = Number(await readFile(path, 'utf8').catch(() => '0')) + 1;
    await writeFile(path, String(count));
    return count;
  }

  /** Makes the folder of a new attempt, without what an earlier one left. */
  async startAttempt(): Promise<string> {
    const folder = join(this.#folder, 'products');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async keepResult(decided: Decided, result: JobResult): Promise<void> {
    await writeFile(this.#resultPath, JSON.stringify({ decided, result }));
  }

  /** The result of an earlier attempt at the same, when all its files are still there. */
  async earlierResult(decided: Decided): Promise<JobResult | undefined> {
    const text = await readFile(this.#resultPath, 'utf8').catch(() => undefined);
    const earlier = text === undefined ? undefined : readJson(text);
    if (earlier === undefined || JSON.stringify(earlier.decided) !== JSON.stringify(decided))
      return undefined;
    for (const { path, sizeBytes } of earlier.result.products) {
      const found = await stat(path).catch(() => undefined);
      if (found?.size !== sizeBytes) return undefined;
    }
    return earlier.result;
  }

  get #resultPath(): string {
    return join(this.#folder, 'result.json');
  }
}

/** Undefined for what a power cut left half written. */
function readJson(text: string): { readonly decided: Decided; readonly result: JobResult } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
