import { type FileHandle, open } from 'node:fs/promises';

/** Files nobody reads at the moment that stay open: segments are read by many, one after another. */
const IDLE_FILES_MAX = 16;

interface OpenFile {
  readonly file: Promise<FileHandle>;
  readers: number;
}

/** Open files, shared by all who read them. */
export class OpenFiles {
  /** Least recently used first. */
  readonly #files = new Map<string, OpenFile>();

  /** Opens a file for one more reader, who calls `release` once. */
  async acquire(path: string): Promise<{ file: FileHandle; release(): Promise<void> }> {
    const shared = this.#files.get(path) ?? { file: open(path, 'r'), readers: 0 };
    shared.readers += 1;
    this.#files.delete(path);
    this.#files.set(path, shared);
    try {
      const file = await shared.file;
      let isReleased = false;
      const release = async () => {
        if (isReleased) return;
        isReleased = true;
        shared.readers -= 1;
        await this.#closeIdle(path, shared);
      };
      return { file, release };
    } catch (error) {
      if (this.#files.get(path) === shared) this.#files.delete(path);
      throw error;
    }
  }

  /** The files at these paths are being removed: they must not stay open, or their space stays taken. */
  async forget(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const shared = this.#files.get(path);
      if (shared === undefined) continue;
      this.#files.delete(path);
      if (shared.readers === 0) await close(shared);
    }
  }

  async close(): Promise<void> {
    await this.forget([...this.#files.keys()]);
  }

  async #closeIdle(path: string, released: OpenFile): Promise<void> {
    if (released.readers > 0) return;
    if (this.#files.get(path) !== released) {
      await close(released); // Forgotten while it was read.
      return;
    }
    const idle = [...this.#files].filter(([, { readers }]) => readers === 0);
    for (const [idlePath, shared] of idle.slice(0, Math.max(0, idle.length - IDLE_FILES_MAX))) {
      this.#files.delete(idlePath);
      await close(shared);
    }
  }
}

async function close({ file }: OpenFile): Promise<void> {
  await (await file).close();
}
