/** Files that are complete or not there, also after a power cut. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;
/** Folders remembered as synced; beyond, all are forgotten and synced again. */
const FOLDERS_MAX = 10_000;

export class DurableFolder {
  readonly root: string;
  #rootMade: boolean;
  /** Folders whose names are known to be on disk. */
  readonly #durable = new Set<string>();
  readonly #syncs = new FolderSyncs();
  /** Last user of each name, so that looking and replacing are one step. */
  readonly #names = new Map<string, Promise<void>>();

  /** @param options `create` makes the root the first time it is needed, and never again */
  constructor(root: string, options: { readonly create: boolean }) {
    this.root = root;
    this.#rootMade = !options.create;
  }

  /** Makes the root if it should be made. */
  async ready(): Promise<void> {
    if (this.#rootMade) return;
    const firstMade = await mkdir(this.root, { recursive: true });
    if (firstMade !== undefined) {
      for (let path = this.root; path.length >= firstMade.length; path = dirname(path)) {
        await this.#syncs.sync(dirname(path));
      }
    }
    this.#rootMade = true;
  }

  /**
   * Writes one file under a temporary name, syncs it, gives it its name, syncs the folder.
   *
   * @param path relative to the root; folders on the way are made, the root is not
   * @param mayReplace asked just before the file gets its name, when there is one of that name
   */
  async write(
    path: string,
    content: { readonly sizeBytes: number; read(into: Uint8Array, position: number): Promise<number> },
    options: {
      readonly temporaryName: string;
      readonly mayReplace: (existing: string) => Promise<void>;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const folder = dirname(join(this.root, path));
    const finalPath = join(folder, basename(path));
    const temporaryPath = join(folder, options.temporaryName);
    await this.ready();
    await this.#ensureFolder(folder);
    try {
      await this.#writeContent(temporaryPath, folder, content, options.signal);
      await this.#alone(finalPath, async () => {
        await options.mayReplace(finalPath);
        await rename(temporaryPath, finalPath);
      });
    } catch (error) {
      await rm(temporaryPath, { force: true }).catch(() => {}); // It is overwritten by the next attempt.
      throw error;
    }
    await this.#syncs.sync(folder); // A rename is data too: without this, a power cut can undo it.
  }

  async #writeContent(
    path: string,
    folder: string,
    content: { readonly sizeBytes: number; read(into: Uint8Array, position: number): Promise<number> },
    signal: AbortSignal,
  ): Promise<void> {
    await using file = await this.#create(path, folder);
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, content.sizeBytes));
    for (let position = 0; position < content.sizeBytes; ) {
      signal.throwIfAborted();
      const bytesRead = await content.read(chunk, position);
      if (bytesRead === 0) throw new RangeError(`Cannot write the file whole: it ends at byte ${position}`);
      await file.writeFile(chunk.subarray(0, bytesRead));
      position += bytesRead;
    }
    await file.datasync();
  }

  /** Somebody may have tidied the folder away since it was made. */
  async #create(path: string, folder: string) {
    try {
      return await open(path, 'w');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#durable.delete(folder);
      await this.#ensureFolder(folder);
      return await open(path, 'w');
    }
  }

  /** Makes the folders below the root one by one; that of a mount point must not be made under it. */
  async #ensureFolder(folder: string): Promise<void> {
    if (this.#durable.has(folder) || folder === this.root) return;
    let path = this.root;
    for (const name of relative(this.root, folder).split(sep)) {
      const parent = path;
      path = join(parent, name);
      try {
        await mkdir(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      // Also where it was there: whoever made it may not have come to this.
      if (!this.#durable.has(path)) await this.#syncs.sync(parent);
    }
    if (this.#durable.size >= FOLDERS_MAX) this.#durable.clear();
    this.#durable.add(folder);
  }

  async #alone(path: string, work: () => Promise<void>): Promise<void> {
    const before = this.#names.get(path);
    const mine = (before ?? Promise.resolve()).then(work);
    const settled = mine.catch(() => {});
    this.#names.set(path, settled);
    await mine.finally(() => {
      if (this.#names.get(path) === settled) this.#names.delete(path);
    });
  }
}

/** Syncs folders; whoever asks while a sync of the same folder runs shares the next one. */
class FolderSyncs {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Resolves when the folder has been synced from after this moment. */
  sync(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (!running) return this.#start(path);
    const next =
      this.#next.get(path) ??
      running
        .catch(() => {}) // Said to those who asked for it.
        .then(() => {
          this.#next.delete(path);
          return this.#start(path);
        });
    this.#next.set(path, next);
    return next;
  }

  #start(path: string): Promise<void> {
    const sync = syncFolder(path).finally(() => {
      if (this.#running.get(path) === sync) this.#running.delete(path);
    });
    this.#running.set(path, sync);
    return sync;
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
