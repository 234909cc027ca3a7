import { createHash } from 'node:crypto';
import { readSync, writevSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readHeader } from '../header.ts';
import type { StepHook } from '../steps.ts';
import type { FolderSync } from './folder-sync.ts';
import { FILE_MODE, type SpoolFolders } from './folders.ts';
import type { ExpectedInstance, FiledInstance } from './messages.ts';

/** A file is synced early when this part of it has come since the last time. */
const EARLY_SYNCS = 8;

/**
 * One large instance on its way in: under a temporary name until it is complete and synced, hashed as it
 * passes, never in memory as a whole. Calls may come without waiting; they are done in order.
 */
export class IncomingFile {
  readonly #folders: SpoolFolders;
  readonly #filesSync: FolderSync;
  readonly #step: StepHook;
  readonly #name: string;
  readonly #dataSetOffset: number;
  readonly #digest = createHash('sha256');
  #file: FileHandle | undefined;
  /** The work so far; rejected for good once something has failed. */
  #work: Promise<FileHandle>;
  #sizeBytes = 0;
  #syncedBytes = 0;
  /** A sync that runs while more arrives. */
  #syncing: Promise<void> | undefined;

  /** @param dataSetOffset bytes at the start that are no part of the data set */
  constructor(
    name: string,
    dataSetOffset: number,
    options: { folders: SpoolFolders; filesSync: FolderSync; step: StepHook },
  ) {
    this.#name = name;
    this.#dataSetOffset = dataSetOffset;
    this.#folders = options.folders;
    this.#filesSync = options.filesSync;
    this.#step = options.step;
    this.#work = this.#create();
    this.#work.catch(() => {}); // Reported by the calls that follow.
  }

  write(buffers: readonly Uint8Array[]): Promise<void> {
    return this.#then(async (file) => {
      writeFully(file.fd, buffers);
      const startBytes = this.#sizeBytes;
      for (const buffer of buffers) this.#sizeBytes += buffer.byteLength;
      this.#syncEarly(file);
      let atBytes = startBytes;
      for (const buffer of buffers) {
        const skip = Math.max(0, this.#dataSetOffset - atBytes);
        if (skip < buffer.byteLength) this.#digest.update(buffer.subarray(skip));
        atBytes += buffer.byteLength;
      }
      this.#step('part-written');
    });
  }

  /** Makes it durable under its final name. */
  async finish(expected: ExpectedInstance): Promise<FiledInstance> {
    let filed: FiledInstance | undefined;
    await this.#then(async (file) => {
      await this.#syncing;
      await file.datasync();
      this.#step('part-synced');
      const sizeBytes = this.#sizeBytes;
      const dataSetOffset = this.#dataSetOffset;
      const header = readHeader({
        ...expected,
        dataSetOffset,
        totalBytes: sizeBytes,
        head: (lengthBytes) => readHeadNow(file.fd, Math.min(lengthBytes, sizeBytes)),
      });
      await file.close();
      await rename(this.#partPath, this.#path);
      this.#step('part-renamed');
      await this.#filesSync.sync();
      this.#step('folder-synced');
      filed = {
        ...header,
        fileName: this.#fileName,
        sizeBytes,
        dataSetOffset,
        sha256: this.#digest.digest(),
      };
    });
    return filed as FiledInstance;
  }

  /** Removes it, whatever has become of it. */
  async discard(): Promise<void> {
    await this.#work.catch(() => {}); // Reported before.
    await this.#syncing?.catch(() => {}); // Reported before.
    await this.#file?.close().catch(() => {}); // Closed already when it was finished.
    await rm(this.#partPath, { force: true });
    await rm(this.#path, { force: true });
  }

  /**
   * Lets the disk begin before the last byte is here, so that less is left to wait for at the end. One sync at a
   * time, and only for a fair part of the file, so that a disk that seeks is not kept from writing.
   */
  #syncEarly(file: FileHandle): void {
    if (this.#syncing !== undefined) return;
    const sizeBytes = this.#sizeBytes;
    if ((sizeBytes - this.#syncedBytes) * EARLY_SYNCS < sizeBytes) return;
    const syncing = file.datasync().then(() => {
      this.#syncedBytes = sizeBytes;
      this.#syncing = undefined;
    });
    syncing.catch(() => {}); // Kept, and thus reported by finish(): a file that failed to sync is never synced again.
    this.#syncing = syncing;
  }

  get #fileName(): string {
    return `${this.#name}.dcm`;
  }

  get #partPath(): string {
    return join(this.#folders.incoming, `${this.#name}.part`);
  }

  get #path(): string {
    return join(this.#folders.files, this.#fileName);
  }

  async #create(): Promise<FileHandle> {
    this.#file = await open(this.#partPath, 'wx+', FILE_MODE);
    this.#step('part-created');
    return this.#file;
  }

  async #then(act: (file: FileHandle) => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async (file) => {
      await act(file);
      return file;
    });
    await this.#work;
  }
}

/** A writev may take less than it was given. */
function writeFully(fd: number, buffers: readonly Uint8Array[]): void {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0);
  while (rest.length > 0) {
    let bytesWritten = writevSync(fd, rest);
    while (rest[0] !== undefined && bytesWritten >= rest[0].byteLength) {
      bytesWritten -= rest[0].byteLength;
      rest = rest.slice(1);
    }
    if (rest[0] !== undefined && bytesWritten > 0) rest = [rest[0].subarray(bytesWritten), ...rest.slice(1)];
  }
}

/** The start of a file that has just been written, and thus is in memory. */
export function readHeadNow(fd: number, lengthBytes: number): Uint8Array {
  const head = Buffer.allocUnsafe(lengthBytes);
  let at = 0;
  while (at < lengthBytes) {
    const bytesRead = readSync(fd, head, at, lengthBytes - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return head.subarray(0, at);
}
