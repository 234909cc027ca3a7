import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { STATUS, statusDigits } from '../dimse/status.ts';
import { fileNotRemoved, fileNotTaken, fileRejected, fileTaken } from '../telemetry/input-events.ts';
import { instanceReceived, receptionFailed } from '../telemetry/intake-events.ts';
import type { FileWaits } from './file-waits.ts';
import { deleteFile, moveFile, type ReadFile, readIntoSpool } from './folder-file.ts';
import { type FoundFile, pathOf } from './folder-scan.ts';
import type { FolderInputSettings } from './folder-settings.ts';
import type { InputDeps } from './input-kind.ts';
import type { Part10Outcome } from './part10-reception.ts';
import type { TakenFiles } from './taken-files.ts';

export interface FileTakerDeps extends InputDeps {
  readonly taken: TakenFiles;
  readonly waits: FileWaits;
  /** What is being read is given up. */
  readonly signal: AbortSignal;
}

/** How long nothing is tried when the spool has no room. */
const NO_ROOM_MS = 5000;
/** Files are of this machine, or seem so. */
const PEER_ADDRESS = '127.0.0.1';

/** Takes files one by one: into the spool, then out of the way. */
export class FileTaker {
  readonly #folder: string;
  readonly #settings: FolderInputSettings;
  readonly #deps: FileTakerDeps;
  #waitUntilMs = 0;

  /** @param folder an absolute path */
  constructor(folder: string, settings: FolderInputSettings, deps: FileTakerDeps) {
    this.#folder = folder;
    this.#settings = settings;
    this.#deps = deps;
  }

  /** The spool has no room: no file need be tried. */
  get mustWait(): boolean {
    return performance.now() < this.#waitUntilMs;
  }

  /** Takes a file as far as it can be, and says what became of it. Never throws for what files and disks do. */
  async take(found: FoundFile): Promise<void> {
    const { taken, waits } = this.#deps;
    try {
      if (taken.has(found)) {
        // Taken before, and still there: only the last step is left.
        const { dev, ino } = await lstat(pathOf(this.#folder, found.name), { bigint: true });
        await this.#putAway({ ...found, identity: `${dev}-${ino}` });
        return;
      }
      const read = await readIntoSpool(this.#folder, found, this.#options());
      if (read === 'changed') waits.done(found);
      else if (read !== 'stopped') await this.#settle(read.file, read.outcome);
    } catch (error) {
      this.#putOff(found, error);
    }
  }

  #options(): Parameters<typeof readIntoSpool>[2] {
    const { spool, admission, signal } = this.#deps;
    const { source, calling_ae_title, called_ae_title } = this.#settings;
    return {
      spool,
      signal,
      source,
      callingAeTitle: calling_ae_title.trim(),
      calledAeTitle: called_ae_title.trim(),
      peerAddress: PEER_ADDRESS,
      acceptUnknownSopClasses: admission.acceptsUnknownSopClasses,
      ...admission.otherContentOf(source),
    };
  }

  async #settle(file: ReadFile, outcome: Part10Outcome): Promise<void> {
    const { telemetry, waits, name: input } = this.#deps;
    const { source, after } = this.#settings;
    const { answer, committed, dataSetBytes, error } = outcome;
    if (committed !== undefined) {
      instanceReceived(telemetry, { source, dataSetBytes, ...committed });
      fileTaken(telemetry, { input, source, entryId: committed.entryId });
      if (after === 'keep') await this.#remember(file);
      // Perhaps its writer has stalled: what it writes yet must not go to a file that is deleted.
      else if (committed.held !== undefined) {
        await this.#setAside(file, whyHeld(committed.entryId, committed.held));
      } else await this.#putAway(file);
      return;
    }
    // That there is no room is told once by the spool, not with every file.
    if (error !== undefined && (error as { code?: unknown }).code !== 'SPOOL_REFUSING') {
      receptionFailed(telemetry, { source, error });
    }
    if (answer.status === STATUS.outOfResources) this.#waitUntilMs = performance.now() + NO_ROOM_MS;
    else if (answer.status === STATUS.processingFailure) waits.failed(file, performance.now());
    else await this.#reject(file, answer.errorComment ?? 'It cannot be taken', answer.status);
  }

  async #reject(file: ReadFile, reason: string, status: number): Promise<void> {
    const { telemetry, name: input } = this.#deps;
    const { source, after } = this.#settings;
    const { sizeBytes, stamp } = file;
    // Its name may be a patient's: size and time of change find it.
    const modifiedAt = new Date(Number(BigInt(stamp.split('-')[1] ?? 0) / 1_000_000n)).toISOString();
    fileRejected(telemetry, { input, source, status: statusDigits(status), reason, sizeBytes, modifiedAt });
    if (after === 'keep') return this.#remember(file);
    await this.#setAside(file, `${reason} (${statusDigits(status)})`);
  }

  /** Where people look at it, with a word why. */
  async #setAside(file: ReadFile, why: string): Promise<void> {
    await moveFile(this.#folder, file, resolve(this.#folder, this.#settings.rejected_folder), `${why}.`);
    this.#deps.waits.done(file);
  }

  async #remember(file: ReadFile): Promise<void> {
    await this.#deps.taken.add(file);
    this.#deps.waits.done(file);
  }

  /** A file that was taken. Where it cannot be put away it is remembered, so that it is not taken again. */
  async #putAway(file: ReadFile): Promise<void> {
    const { taken, waits, telemetry, name: input } = this.#deps;
    const { after, taken_folder } = this.#settings;
    try {
      if (after === 'delete') await deleteFile(this.#folder, file);
      else await moveFile(this.#folder, file, resolve(this.#folder, taken_folder));
    } catch (error) {
      await taken.add(file);
      const tries = waits.failed(file, performance.now());
      if (tries === 1) fileNotRemoved(telemetry, { input, code: codeOf(error) });
      return;
    }
    await taken.remove(file);
    waits.done(file);
  }

  /** A file that is locked, or not ours to read, may be readable later. */
  #putOff(found: FoundFile, error: unknown): void {
    const { waits, telemetry, name: input } = this.#deps;
    if (codeOf(error) === 'ENOENT') {
      waits.done(found); // Somebody else has taken it away.
      return;
    }
    const tries = waits.failed(found, performance.now());
    if (tries === 1) fileNotTaken(telemetry, { input, code: codeOf(error), sizeBytes: found.sizeBytes });
  }
}

/** For whoever finds the file: it has been taken, and a person decides at the gateway what becomes of it. */
function whyHeld(entryId: number, code: string): string {
  return [
    `Kept as entry ${entryId}, and held: ${code}.`,
    'The gateway has a copy, and sends it nowhere until somebody decides:',
    '  slidegate status --held    says why, and what there is to do',
    `  slidegate retry ${entryId}    has it go on as it is`,
    `  slidegate discard ${entryId} --yes    gives it up`,
    'This file is needed for none of it, and may be deleted then',
  ].join('\n');
}

/** The code alone: messages of the file system hold names. */
export function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? (error as Error).name);
}
