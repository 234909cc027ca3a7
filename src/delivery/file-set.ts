/**
 * A folder as a DICOM File-set: names that every medium and reader takes, and a DICOMDIR that lists the images.
 * The files are what counts: the DICOMDIR follows them, and is made anew from them at every start. PS3.10 8.
 */
import type { Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { parseTagPath } from '../dicom/dictionary.ts';
import { readFileMeta } from '../dicom/file-meta.ts';
import { attributeValues, type HeaderIndex, indexHeader } from '../dicom/header-index.ts';
import { deterministicUid } from '../dicom/uid.ts';
import { GatewayError } from '../errors.ts';
import { fileSetTroubled } from '../telemetry/file-set-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { DICOMDIR_KEYS, type DirectoryImage, encodeDicomdir, fileIdComponent } from './dicomdir.ts';
import type { DurableFolder } from './durable-file.ts';
import { DeliveryError } from './errors.ts';

/** The folder of the files: a reader of media looks for nothing else. */
const FILES = 'IMAGES';
/** Of each file that a start finds: its header. */
const HEADER_BYTES = 256 * 1024;
/** All are in memory, and in one file: media are small. */
const IMAGES_MAX = 100_000;
/** After a change; the longer writing takes, the longer the wait. */
const QUIET_MS = 2000;
const QUIET_TIMES = 10;

const KEY_PATHS = DICOMDIR_KEYS.map((keyword) => parseTagPath(keyword));
const ROWS = parseTagPath('Rows');

export interface FileSetDeps {
  /** Of the destination. */
  readonly name: string;
  readonly telemetry: Telemetry;
}

interface Identity {
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
}

export class FileSet {
  /** Two of one folder may overlap while destinations are reloaded: they take turns. */
  static #turn = 0;
  readonly #temporaryName = `.DICOMDIR.${FileSet.#nextTurn()}.part`;
  readonly #folder: DurableFolder;
  readonly #deps: FileSetDeps;
  readonly #images = new Map<string, DirectoryImage>();
  #isScanned = false;
  #hasAdded = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #quietMs = QUIET_MS;
  #isStale = false;

  constructor(folder: DurableFolder, deps: FileSetDeps) {
    this.#folder = folder;
    this.#deps = deps;
    this.#changed(); // What the last run did not come to.
  }

  /** The path of an instance: eight characters for study, series and instance. */
  pathOf(uids: {
    readonly studyInstanceUid: string;
    readonly seriesInstanceUid: string;
    readonly sopInstanceUid: string;
  }): string {
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = uids;
    return [FILES, ...[studyInstanceUid, seriesInstanceUid, sopInstanceUid].map(fileIdComponent)].join('/');
  }

  /** @throws {DeliveryError} when the file-set has as many instances as one should have */
  assertRoomFor(path: string): void {
    if (this.#images.size < IMAGES_MAX || this.#images.has(path)) return;
    throw new DeliveryError(
      'FILE_SET_FULL',
      `Cannot add to the file-set as it lists ${IMAGES_MAX} images: it must be moved away, or another folder be set`,
    );
  }

  /** A file has been written. What is no image is not listed. */
  add(path: string, index: HeaderIndex, { sopInstanceUid, sopClassUid }: Identity): void {
    // Only now is the lane before this one over: what it wrote last is to be found, too.
    if (!this.#hasAdded) this.#isScanned = false;
    this.#hasAdded = true;
    if (this.#note(path, index, { sopInstanceUid, sopClassUid })) this.#changed();
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    if (this.#isStale) await this.#write();
  }

  static #nextTurn(): number {
    FileSet.#turn = 1 - FileSet.#turn;
    return FileSet.#turn;
  }

  #note(path: string, index: HeaderIndex, identity: Identity): boolean {
    if (!attributeValues(index, ROWS)?.length) return false;
    const keys = KEY_PATHS.map((key) => {
      const values = attributeValues(index, key);
      return Array.isArray(values) ? (values[0] ?? '') : '';
    });
    const { transferSyntaxUid } = index;
    this.#images.set(path, { ...identity, transferSyntaxUid, fileId: path.split('/'), keys });
    return true;
  }

  #changed(): void {
    this.#isStale = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#write());
    }, this.#quietMs).unref();
  }

  async #write(): Promise<void> {
    const startedAt = performance.now();
    this.#isStale = false;
    try {
      await this.#folder.ready();
      const isScanned = this.#isScanned;
      this.#isScanned = true;
      if (!isScanned) await this.#scan();
      if (this.#images.size > 0) await this.#writeDicomdir();
    } catch (error) {
      const { code = 'INTERNAL_ERROR' } = error as NodeJS.ErrnoException;
      fileSetTroubled(this.#deps.telemetry, { destination: this.#deps.name, code });
      this.#isScanned = false;
      this.#isStale = true; // With the next instance, or at the end.
    }
    this.#quietMs = Math.max(QUIET_MS, QUIET_TIMES * (performance.now() - startedAt));
  }

  async #writeDicomdir(): Promise<void> {
    const bytes = encodeDicomdir([...this.#images.values()], deterministicUid('file-set', this.#folder.root));
    const content = {
      sizeBytes: bytes.byteLength,
      async read(into: Uint8Array, position: number) {
        const piece = bytes.subarray(position, position + into.byteLength);
        into.set(piece);
        return piece.byteLength;
      },
    };
    await this.#folder.write('DICOMDIR', content, {
      temporaryName: this.#temporaryName,
      mayReplace: async () => {},
      signal: new AbortController().signal,
    });
  }

  /** What lies there from before. */
  async #scan(): Promise<void> {
    const { root } = this.#folder;
    let found: Dirent[];
    try {
      found = await readdir(join(root, FILES), { recursive: true, withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const header = Buffer.alloc(HEADER_BYTES);
    for (const entry of found) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      const full = join(entry.parentPath, entry.name);
      const path = relative(root, full).split(sep).join('/');
      if (!this.#images.has(path)) await this.#noteFile(full, path, header);
    }
  }

  async #noteFile(full: string, path: string, header: Buffer): Promise<void> {
    await using file = await open(full, 'r');
    const { bytesRead } = await file.read(header, 0, header.byteLength, 0);
    const { size } = await file.stat();
    const head = header.subarray(0, bytesRead);
    try {
      const { transferSyntaxUid, dataSetOffset, sopInstanceUid, sopClassUid } = readFileMeta(head);
      if (sopInstanceUid === undefined || sopClassUid === undefined) return;
      const index = indexHeader(head, { transferSyntaxUid, dataSetOffset, totalBytes: size });
      this.#note(path, index, { sopInstanceUid, sopClassUid });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error; // Whatever it is, it is no image.
    }
  }
}
