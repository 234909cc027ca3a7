/**
 * # TIFF file
 *
 * Directories of a TIFF or BigTIFF file, without decoding a pixel. Values stay in the file until they are
 * asked for: a slide has hundreds of thousands of tile offsets in directories that nobody may look at.
 *
 * Invariants:
 * - Nothing outside the file is believed: every offset and count is checked against its length.
 * - A chain of directories that comes back to itself is refused; so is one longer than `DIRECTORIES_MAX`.
 *
 * Deliberately absent: what any vendor means by a tag.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { SlideFileError } from './errors.ts';
import { decodeNumbers, TYPE_BYTES } from './tiff-values.ts';

const DIRECTORIES_MAX = 1000;
const ENTRIES_MAX = 1000;
/** Offsets of a million tiles in BigTIFF, and the largest ICC profiles and XML descriptions seen. */
const VALUE_BYTES_MAX = 64 << 20;

interface Layout {
  readonly isBig: boolean;
  readonly littleEndian: boolean;
  /** Bytes of an offset; also of the value that fits into an entry. */
  readonly offsetBytes: 4 | 8;
}

interface Entry {
  readonly type: number;
  readonly count: number;
  readonly offset: number;
}

/** An open TIFF file; {@link close} it. */
export interface TiffFile {
  readonly path: string;
  readonly lengthBytes: number;
  readonly isBig: boolean;
  /** In the order of the chain. */
  readonly directories: readonly TiffDirectory[];
  /**
   * Fills `into` from `position`.
   *
   * @throws {SlideFileError} when the file ends before
   */
  read(into: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** One image file directory: the entries of one image of the file. */
export class TiffDirectory {
  readonly offset: number;
  readonly #file: OpenFile;
  readonly #entries: ReadonlyMap<number, Entry>;

  constructor(file: OpenFile, offset: number, entries: ReadonlyMap<number, Entry>) {
    this.#file = file;
    this.offset = offset;
    this.#entries = entries;
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /**
   * All values of a numeric tag; fractions as quotients. Empty when the tag is absent.
   *
   * @throws {SlideFileError} when the type is not numeric, or a value is beyond what a number holds
   */
  async numbers(tag: number): Promise<readonly number[]> {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const bytes = await this.bytes(tag);
    const values = decodeNumbers(bytes!, entry.type, this.#file.layout.littleEndian);
    if (values === undefined) {
      throw new SlideFileError(
        'SLIDE_FILE_DAMAGED',
        `Cannot read TIFF tag ${tag}: it must hold numbers and is of type ${entry.type}, or holds numbers above 2^53`,
        { tag, type: entry.type },
      );
    }
    return values;
  }

  /** First value of a numeric tag. */
  async number(tag: number): Promise<number | undefined> {
    return (await this.numbers(tag))[0];
  }

  /** Text up to its first NUL, as UTF-8; undefined when the tag is absent. */
  async text(tag: number): Promise<string | undefined> {
    const bytes = await this.bytes(tag);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** The value as it lies in the file; undefined when the tag is absent. */
  async bytes(tag: number): Promise<Uint8Array | undefined> {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    const bytes = new Uint8Array(entry.count * (TYPE_BYTES[entry.type] ?? 1));
    await this.#file.read(bytes, entry.offset);
    return bytes;
  }
}

/**
 * Opens a file and reads its chain of directories.
 *
 * @throws {SlideFileError} when the file is no TIFF file or its directories are damaged
 */
export async function openTiffFile(path: string): Promise<TiffFile> {
  const handle = await open(path, 'r');
  try {
    const { size: lengthBytes } = await handle.stat();
    const file = new OpenFile(handle, path, lengthBytes);
    const directories = await file.readDirectories();
    return {
      path,
      lengthBytes,
      isBig: file.layout.isBig,
      directories,
      read: (into, position) => file.read(into, position),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class OpenFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #lengthBytes: number;
  layout: Layout = { isBig: false, littleEndian: true, offsetBytes: 4 };

  constructor(handle: FileHandle, path: string, lengthBytes: number) {
    this.#handle = handle;
    this.#path = path;
    this.#lengthBytes = lengthBytes;
  }

  async read(into: Uint8Array, position: number): Promise<void> {
    if (position + into.byteLength > this.#lengthBytes) {
      throw this.#damaged(
        `${into.byteLength} bytes at ${position} must lie within its ${this.#lengthBytes} bytes`,
        position,
      );
    }
    for (let filled = 0; filled < into.byteLength; ) {
      const { bytesRead } = await this.#handle.read(
        into,
        filled,
        into.byteLength - filled,
        position + filled,
      );
      if (bytesRead === 0) throw this.#damaged('it became shorter while it was read', position);
      filled += bytesRead;
    }
  }

  async readDirectories(): Promise<readonly TiffDirectory[]> {
    let next = await this.#readHeader();
    const directories = new Map<number, TiffDirectory>();
    while (next !== 0) {
      if (directories.has(next)) throw this.#damaged('its chain of directories comes back to itself', next);
      if (directories.size === DIRECTORIES_MAX) {
        throw this.#damaged(`it must have ${DIRECTORIES_MAX} directories or fewer`, next);
      }
      const { entries, following } = await this.#readDirectory(next);
      directories.set(next, new TiffDirectory(this, next, entries));
      next = following;
    }
    if (directories.size === 0) throw this.#damaged('it has no directory', 0);
    return [...directories.values()];
  }

  async #readHeader(): Promise<number> {
    const header = new Uint8Array(Math.min(16, this.#lengthBytes));
    await this.read(header, 0);
    const byteOrder = String.fromCharCode(...header.subarray(0, 2));
    const littleEndian = byteOrder === 'II';
    const view = new DataView(header.buffer);
    const version = header.byteLength >= 8 ? view.getUint16(2, littleEndian) : 0;
    if ((!littleEndian && byteOrder !== 'MM') || (version !== 42 && version !== 43)) {
      throw new SlideFileError(
        'SLIDE_FILE_UNSUPPORTED',
        `Cannot read "${this.#path}" as TIFF: it must start with II or MM and 42 or 43`,
      );
    }
    this.layout = { isBig: version === 43, littleEndian, offsetBytes: version === 43 ? 8 : 4 };
    if (version === 42) return view.getUint32(4, littleEndian);
    if (header.byteLength < 16 || view.getUint16(4, littleEndian) !== 8) {
      throw this.#damaged('offsets of BigTIFF must have 8 bytes', 4);
    }
    return this.#offsetAt(view, 8);
  }

  async #readDirectory(offset: number): Promise<{ entries: Map<number, Entry>; following: number }> {
    const { isBig, littleEndian, offsetBytes } = this.layout;
    const countBytes = isBig ? 8 : 2;
    const head = new DataView(new ArrayBuffer(countBytes));
    await this.read(new Uint8Array(head.buffer), offset);
    const count = isBig ? this.#offsetAt(head, 0) : head.getUint16(0, littleEndian);
    if (count > ENTRIES_MAX) {
      throw this.#damaged(`a directory must have ${ENTRIES_MAX} entries or fewer and has ${count}`, offset);
    }

    const entryBytes = 4 + 2 * offsetBytes;
    const body = new DataView(new ArrayBuffer(count * entryBytes + offsetBytes));
    await this.read(new Uint8Array(body.buffer), offset + countBytes);
    const entries = new Map<number, Entry>();
    for (let at = 0; at < count * entryBytes; at += entryBytes) {
      const type = body.getUint16(at + 2, littleEndian);
      const values = this.#offsetAt(body, at + 4);
      const lengthBytes = values * (TYPE_BYTES[type] ?? 0);
      if (lengthBytes === 0) continue; // A type of a later version: to be skipped (TIFF 6.0, page 16).
      const valueAt = at + 4 + offsetBytes;
      const isInline = lengthBytes <= offsetBytes;
      const valueOffset = isInline ? offset + countBytes + valueAt : this.#offsetAt(body, valueAt);
      this.#checkValue(valueOffset, lengthBytes);
      entries.set(body.getUint16(at, littleEndian), { type, count: values, offset: valueOffset });
    }
    return { entries, following: this.#offsetAt(body, count * entryBytes) };
  }

  #checkValue(offset: number, lengthBytes: number): void {
    if (lengthBytes > VALUE_BYTES_MAX || offset + lengthBytes > this.#lengthBytes) {
      throw this.#damaged(
        `a value of ${lengthBytes} bytes must lie within its ${this.#lengthBytes} bytes and have ${VALUE_BYTES_MAX} or fewer`,
        offset,
      );
    }
  }

  /** An offset or count; what no number holds lies outside any file, and is found out there. */
  #offsetAt(view: DataView, at: number): number {
    const { isBig, littleEndian } = this.layout;
    return isBig ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian);
  }

  #damaged(reason: string, offset: number): SlideFileError {
    return new SlideFileError('SLIDE_FILE_DAMAGED', `Cannot read "${this.#path}" as TIFF: ${reason}`, {
      offset,
    });
  }
}
