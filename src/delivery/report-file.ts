/**
 * What would have been sent to a destination, as lines of JSON in one file per day. `docs/going-live.md` says what
 * stands in them; `slidegate compare` reads them.
 */
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WallClock } from '../schedule/wall-clock.ts';
import { DeliveryError } from './errors.ts';

/** One instance that would have been sent. */
export interface ReportLine {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly entryId: number;
  readonly origin: 'received' | 'converted';
  readonly rule: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly dataSetBytes: number;
  /** Of the data set as it would have been sent; lower-case hex. */
  readonly sha256: string;
  readonly edited?: true;
}

export interface ReportFileOptions {
  readonly folder: string;
  readonly destination: string;
  /** Of the days. */
  readonly timeZone: string;
}

interface Waiting {
  readonly line: ReportLine;
  readonly done: PromiseWithResolvers<void>;
}

const NEWLINE = 0x0a;

export class ReportFile {
  readonly #options: ReportFileOptions;
  readonly #wallClock: WallClock;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #open: { readonly path: string; readonly file: FileHandle } | undefined;

  constructor(options: ReportFileOptions) {
    this.#options = options;
    this.#wallClock = new WallClock(options.timeZone);
  }

  /**
   * Resolves when the line is on disk. Lines that come together are synced together.
   *
   * @throws {DeliveryError} `REPORT_UNWRITABLE`
   */
  append(line: ReportLine): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ line, done });
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return done.promise;
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#closeFile();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const path = this.#pathOf(this.#waiting[0]!.line);
      const count = this.#waiting.findIndex(({ line }) => this.#pathOf(line) !== path);
      const together = this.#waiting.splice(0, count < 0 ? this.#waiting.length : count);
      try {
        const file = await this.#fileAt(path);
        await file.appendFile(together.map(({ line }) => `${JSON.stringify(line)}\n`).join(''));
        await file.datasync();
        for (const { done } of together) done.resolve();
      } catch (error) {
        // What is torn now ends where the next begins.
        await this.#closeFile().catch(() => undefined);
        for (const { done } of together) done.reject(asReportError(error));
      }
    }
  }

  async #fileAt(path: string): Promise<FileHandle> {
    if (this.#open?.path === path && (await isAt(this.#open.file, path))) return this.#open.file;
    await this.#closeFile();
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'a+', 0o600);
    this.#open = { path, file };
    if (await endsTorn(file)) await file.appendFile('\n');
    await syncFolder(dirname(path)); // The name of a new file must last as long as its lines.
    await syncFolder(dirname(dirname(path)));
    return file;
  }

  async #closeFile(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    await file?.close();
  }

  #pathOf({ at }: ReportLine): string {
    const { folder, destination } = this.#options;
    return join(folder, `${destination}-${this.#wallClock.at(Date.parse(at)).date}.jsonl`);
  }
}

/** Somebody may have taken it away: then what is written to it is lost. */
async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const [{ dev, ino }, found] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return found?.dev === dev && found.ino === ino;
}

/** A crash has cut its last line short. */
async function endsTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== NEWLINE;
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

function asReportError(error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error as Error;
  return new DeliveryError(
    'REPORT_UNWRITABLE',
    `Cannot report what would be sent: the file answered ${code}`,
    {
      code,
    },
  );
}
