/**
 * # Watched folder
 *
 * DICOM files that others put in a folder, on this machine or on a NAS, become spool entries.
 *
 * Invariants:
 * - A file is deleted or moved only after the instance is durable. What a crash leaves in between is taken again
 *   after the restart, and absorbed as an equal instance of the same source.
 * - A file that changes while it is read is not taken, nor one that may still be written.
 * - Names of files may be names of patients: they appear in no log, metric or record.
 *
 * Deliberately absent: reliance on events of the file system, which do not come over NFS and SMB. They only wake.
 */
import { type FSWatcher, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { folderBack, folderUnreadable } from '../telemetry/input-events.ts';
import { inputFailed } from '../telemetry/intake-events.ts';
import { codeOf, FileTaker } from './file-taker.ts';
import { FileWaits } from './file-waits.ts';
import { type FoundFile, findFiles } from './folder-scan.ts';
import { FolderInputSettings } from './folder-settings.ts';
import type { InputDeps, InputKind } from './input-kind.ts';
import { TakenFiles } from './taken-files.ts';

/** Settings of 0 must not make it spin. */
const PAUSE_MIN_MS = 20;
/** Events of the file system may come by the thousand: the folder is looked into once for many. */
const GATHER_EVENTS_MS = 200;

export const folderInput: InputKind<typeof FolderInputSettings> = {
  settings: FolderInputSettings,
  async start(settings, deps) {
    const folder = resolve(settings.path);
    const taken = await TakenFiles.load(deps.spool, deps.name, folder);
    const watching = new FolderWatch(folder, settings, deps, taken);
    const ended = watching.run();
    return {
      place: folder,
      async stop(drainMs) {
        watching.stop();
        const limit = setTimeout(() => watching.cutOff(), drainMs);
        await ended;
        clearTimeout(limit);
      },
    };
  },
};

class FolderWatch {
  readonly #folder: string;
  readonly #settings: FolderInputSettings;
  readonly #deps: InputDeps;
  readonly #taken: TakenFiles;
  readonly #waits: FileWaits;
  readonly #taker: FileTaker;
  readonly #stopping = new AbortController();
  readonly #cutOff = new AbortController();
  /** Shortens the pause, if there is one. */
  #wake: (soonMs: number) => void = () => {};
  #watcher: FSWatcher | undefined;
  #trouble: string | undefined;

  constructor(folder: string, settings: FolderInputSettings, deps: InputDeps, taken: TakenFiles) {
    this.#folder = folder;
    this.#settings = settings;
    this.#deps = deps;
    this.#taken = taken;
    this.#waits = new FileWaits(settings.settle_for);
    this.#taker = new FileTaker(folder, settings, {
      ...deps,
      taken,
      waits: this.#waits,
      signal: this.#cutOff.signal,
    });
  }

  /** Takes nothing new. */
  stop(): void {
    this.#stopping.abort();
    this.#wake(0);
  }

  /** Gives up what is being read. */
  cutOff(): void {
    this.#cutOff.abort();
  }

  /** Resolves after `stop`, when nothing is in hand. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#tell(await this.#scan());
        this.#watcher ??= this.#watch();
      } catch (error) {
        // A bug, or a spool that is gone: it is told, and the folder is looked into again.
        if ((error as NodeJS.ErrnoException).syscall === undefined) {
          inputFailed(this.#deps.telemetry, { input: this.#deps.name, error });
        } else this.#tell(codeOf(error));
      }
      await this.#pause();
    }
    this.#watcher?.close();
  }

  /** @returns why a part of the folder could not be read, if one could not */
  async #scan(): Promise<string | undefined> {
    const { recursive, suffixes, taken_folder, rejected_folder, files_max } = this.#settings;
    await mkdir(this.#folder, { recursive: true });
    const except = [taken_folder, rejected_folder].map((path) => resolve(this.#folder, path));
    const inHand = new Set<Promise<void>>();
    let isWhole = true;
    let trouble: string | undefined;
    const onUnreadable = (code: string) => {
      trouble ??= code;
    };
    try {
      for await (const file of findFiles(this.#folder, { recursive, suffixes, except, onUnreadable })) {
        if (this.#stopping.signal.aborted || this.#taker.mustWait) {
          isWhole = false;
          break;
        }
        if (!this.#isWanted(file)) continue;
        const work = this.#taker.take(file).finally(() => inHand.delete(work));
        inHand.add(work);
        if (inHand.size >= files_max) await Promise.race(inHand);
      }
    } finally {
      await Promise.all(inHand);
    }
    if (isWhole && trouble === undefined) {
      this.#waits.scanned();
      await this.#taken.scanned();
    }
    return trouble;
  }

  #isWanted(file: FoundFile): boolean {
    if (this.#settings.after === 'keep' && this.#taken.has(file)) return false;
    return this.#waits.isReady(file, performance.now());
  }

  /** Until it is time to look again: sooner when the folder says that something has happened. */
  #pause(): Promise<void> {
    const { poll_every, settle_for } = this.#settings;
    const pauseMs = this.#waits.size > 0 ? Math.min(poll_every, settle_for) : poll_every;
    return new Promise((resolve) => {
      let timer = setTimeout(resolve, Math.max(pauseMs, PAUSE_MIN_MS));
      this.#wake = (soonMs) => {
        this.#wake = () => {};
        clearTimeout(timer);
        timer = setTimeout(resolve, Math.min(pauseMs, soonMs));
      };
      if (this.#stopping.signal.aborted) this.#wake(0);
    });
  }

  /** Not every file system can; then the clock alone wakes. */
  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#folder, { persistent: false }, () => this.#wake(GATHER_EVENTS_MS));
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return undefined;
    }
  }

  /** Tells once that the folder cannot be read, and once that it can again. */
  #tell(trouble: string | undefined): void {
    if (trouble === this.#trouble) return;
    const { telemetry, name: input } = this.#deps;
    if (trouble === undefined) folderBack(telemetry, { input });
    else folderUnreadable(telemetry, { input, code: trouble });
    this.#trouble = trouble;
  }
}
