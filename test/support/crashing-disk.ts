/**
 * # A disk whose power can be cut
 *
 * Replays the system calls of a process on a model of a file system, and writes down what may be left of it after a
 * power cut at any of them. The model promises no more than POSIX does:
 *
 * - Bytes written to a file are durable when an fsync or fdatasync of that file, entered after the write had
 *   returned, has returned.
 * - A name (made, renamed, linked or removed) is durable when an fsync of its folder, entered after, has returned.
 *   A rename is two names, each durable by the sync of its own folder. An fsync of a file does not keep its name.
 * - What is not durable may be there, not be there, or be there in part, whatever became of the rest; names of one
 *   folder come in their order.
 *
 * Not modelled: disks that lie about a sync, bits that rot, and `-shm` of SQLite, which is memory.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { bytesOf, descriptorOf, lastNumberOf, pathsOf, type SystemCall } from './syscall-trace.ts';

/**
 * What becomes of all that is not durable.
 * `lost`: nothing of it is there. `kept`: all of it is, as when only the process dies. `zeroed`: names and lengths are
 * there, the bytes are zeros. `random`: any of it, each piece for itself.
 */
export type Fate = 'lost' | 'kept' | 'zeroed' | 'random';

interface Change {
  /** Its call has returned. */
  isDone: boolean;
}

interface Write extends Change {
  readonly at: number;
  readonly bytes: Buffer;
}

interface Truncation extends Change {
  readonly sizeBytes: number;
}

interface File {
  readonly durable: Content;
  pending: (Write | Truncation)[];
}

interface Naming extends Change {
  readonly name: string;
  /** Undefined removes the name. */
  readonly node: File | Folder | undefined;
}

interface Folder {
  /** As the process sees it. */
  readonly names: Map<string, File | Folder>;
  readonly durable: Map<string, File | Folder>;
  pending: Naming[];
}

interface OpenFile {
  readonly node: File | Folder;
  position: number;
}

export class CrashingDisk {
  readonly #root: string;
  readonly #top: Folder = emptyFolder();
  /** By process and descriptor. */
  readonly #open = new Map<string, OpenFile>();
  /** What each call under way has changed, and what it will make durable when it returns. */
  readonly #underWay = new Map<SystemCall, { readonly changes: Change[]; readonly returned: () => void }>();

  /** @param root folder that is there and empty at the start; what lies outside is not looked at */
  constructor(root: string) {
    this.#root = root;
  }

  /** The call begins: what it does may be on the disk from now on. */
  enter(call: SystemCall): void {
    if (call.result < 0) return;
    const changes: Change[] = [];
    const returned = this.#begin(call, changes);
    this.#underWay.set(call, { changes, returned: returned ?? (() => {}) });
  }

  /** The call has returned. */
  leave(call: SystemCall): void {
    const underWay = this.#underWay.get(call);
    this.#underWay.delete(call);
    for (const change of underWay?.changes ?? []) change.isDone = true;
    underWay?.returned();
  }

  /** Writes what is left after a power cut now into an empty folder. */
  materialise(folder: string, fate: Fate, random: () => number): void {
    writeFolder(this.#top, folder, fate, random);
  }

  #begin(call: SystemCall, changes: Change[]): (() => void) | undefined {
    switch (call.name) {
      case 'open':
      case 'openat':
      case 'creat':
        return this.#openFile(call, changes);
      case 'close':
        this.#open.delete(keyOf(call, descriptorOf(call)));
        return undefined;
      case 'write':
      case 'writev':
      case 'pwrite64':
      case 'pwritev':
        this.#write(call, changes);
        return undefined;
      case 'fsync':
      case 'fdatasync':
        return this.#sync(call);
      case 'ftruncate': {
        const file = this.#fileOf(call);
        if (file !== undefined) note(file.pending, { sizeBytes: lastNumberOf(call), isDone: false }, changes);
        return undefined;
      }
      case 'mkdir':
        this.#name(pathsOf(call)[0], emptyFolder(), changes);
        return undefined;
      case 'unlink':
      case 'rmdir':
        this.#name(pathsOf(call)[0], undefined, changes);
        return undefined;
      case 'link':
      case 'rename': {
        const [from, to] = pathsOf(call);
        const node = this.#lookUp(from);
        if (node === undefined) return undefined;
        this.#name(to, node, changes);
        if (call.name === 'rename') this.#name(from, undefined, changes);
        return undefined;
      }
      default:
        this.#refuse(call);
        return undefined;
    }
  }

  /** A call that the model does not know must not concern its files: silence would make the test worthless. */
  #refuse(call: SystemCall): void {
    const isOurs =
      pathsOf(call).some((path) => this.#within(path) !== undefined) ||
      this.#open.has(keyOf(call, descriptorOf(call)));
    if (isOurs) throw new Error(`The model knows no ${call.name}(${call.args.slice(0, 200)})`);
  }

  #openFile(call: SystemCall, changes: Change[]): (() => void) | undefined {
    const [path] = pathsOf(call);
    if (this.#within(path) === undefined) return undefined;
    let node = this.#lookUp(path);
    if (node === undefined && call.args.includes('O_CREAT')) {
      node = { durable: new Content(), pending: [] };
      this.#name(path, node, changes);
    } else if (
      node !== undefined &&
      'durable' in node &&
      call.args.includes('O_TRUNC') &&
      !('names' in node)
    ) {
      note(node.pending, { sizeBytes: 0, isDone: false }, changes);
    }
    if (node === undefined) throw new Error(`The model has no ${path}`);
    const opened = { node, position: 0 };
    return () => this.#open.set(keyOf(call, call.result), opened);
  }

  #write(call: SystemCall, changes: Change[]): void {
    const opened = this.#open.get(keyOf(call, descriptorOf(call)));
    if (opened === undefined || 'names' in opened.node) return;
    const bytes = Buffer.concat(bytesOf(call)).subarray(0, call.result);
    const isPositioned = call.name.startsWith('p');
    const at = isPositioned ? lastNumberOf(call) : opened.position;
    if (!isPositioned) opened.position += bytes.length;
    note(opened.node.pending, { at, bytes, isDone: false }, changes);
  }

  #sync(call: SystemCall): (() => void) | undefined {
    const node = this.#open.get(keyOf(call, descriptorOf(call)))?.node;
    if (node === undefined) return undefined;
    if ('names' in node) {
      const covered = new Set(node.pending.filter(({ isDone }) => isDone));
      return () => {
        for (const naming of node.pending) if (covered.has(naming)) applyNaming(node.durable, naming);
        node.pending = node.pending.filter((naming) => !covered.has(naming));
      };
    }
    const covered = new Set(node.pending.filter(({ isDone }) => isDone));
    return () => {
      for (const change of node.pending) if (covered.has(change)) node.durable.apply(change);
      node.pending = node.pending.filter((change) => !covered.has(change));
    };
  }

  #fileOf(call: SystemCall): File | undefined {
    const node = this.#open.get(keyOf(call, descriptorOf(call)))?.node;
    return node === undefined || 'names' in node ? undefined : node;
  }

  #name(path: string | undefined, node: File | Folder | undefined, changes: Change[]): void {
    if (path === undefined || this.#within(path) === undefined) return;
    const folder = this.#lookUp(dirname(path));
    if (folder === undefined || !('names' in folder)) throw new Error(`The model has no folder of ${path}`);
    const naming: Naming = { name: basename(path), node, isDone: false };
    applyNaming(folder.names, naming);
    note(folder.pending, naming, changes);
  }

  #lookUp(path: string | undefined): File | Folder | undefined {
    const inside = this.#within(path);
    if (inside === undefined) return undefined;
    let node: File | Folder | undefined = this.#top;
    for (const name of inside.split('/').filter((part) => part !== '')) {
      node = node !== undefined && 'names' in node ? node.names.get(name) : undefined;
    }
    return node;
  }

  #within(path: string | undefined): string | undefined {
    if (path === undefined || !path.startsWith('/')) return undefined;
    const inside = relative(this.#root, path);
    return inside.startsWith('..') ? undefined : inside;
  }
}

/** The bytes of a file. */
class Content {
  #bytes = Buffer.alloc(0);
  #sizeBytes = 0;

  static copyOf(other: Content): Content {
    const copy = new Content();
    copy.#bytes = Buffer.from(other.bytes);
    copy.#sizeBytes = other.#sizeBytes;
    return copy;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#sizeBytes);
  }

  apply(change: Write | Truncation): void {
    if ('bytes' in change) this.write(change.at, change.bytes);
    else this.resize(change.sizeBytes);
  }

  write(at: number, bytes: Uint8Array): void {
    this.#grow(at + bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Longer: by zeros. */
  resize(sizeBytes: number): void {
    this.#grow(sizeBytes);
    this.#bytes.fill(0, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  #grow(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(sizeBytes, 2 * this.#bytes.length));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, sizeBytes);
  }
}

const SECTOR_BYTES = 512;

function writeFolder(folder: Folder, path: string, fate: Fate, random: () => number): void {
  mkdirSync(path, { recursive: true });
  const names = new Map(folder.durable);
  const kept = keptOf(folder.pending.length, fate, random);
  for (const naming of folder.pending.slice(0, kept)) applyNaming(names, naming);
  for (const [name, node] of names) {
    if (name.endsWith('-shm')) continue;
    if ('names' in node) writeFolder(node, join(path, name), fate, random);
    else writeFileSync(join(path, name), contentOf(node, fate, random), { mode: 0o600 });
  }
}

function keptOf(pending: number, fate: Fate, random: () => number): number {
  if (fate === 'lost') return 0;
  return fate === 'random' ? Math.floor(random() * (pending + 1)) : pending;
}

function contentOf(file: File, fate: Fate, random: () => number): Buffer {
  if (fate === 'lost' || file.pending.length === 0) return file.durable.bytes;
  const content = Content.copyOf(file.durable);
  for (const change of file.pending) {
    const chance = fate === 'random' ? random() : { kept: 0, zeroed: 0.5 }[fate];
    if (chance < 0.4) content.apply(change);
    else if (chance < 0.6 && 'bytes' in change) {
      // The length is on the disk, the bytes are not.
      const sizeBytes = Math.max(content.bytes.length, change.at + change.bytes.length);
      content.resize(sizeBytes);
    } else if (chance < 0.8 && 'bytes' in change) {
      const sectors = Math.floor(random() * (change.bytes.length / SECTOR_BYTES + 1));
      content.write(change.at, change.bytes.subarray(0, sectors * SECTOR_BYTES));
    }
  }
  return content.bytes;
}

function applyNaming(names: Map<string, File | Folder>, { name, node }: Naming): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

function emptyFolder(): Folder {
  return { names: new Map(), durable: new Map(), pending: [] };
}

function note<One extends Change>(pending: One[], change: One, changes: Change[]): void {
  pending.push(change);
  changes.push(change);
}

function keyOf({ process }: SystemCall, descriptor: number): string {
  return `${process} ${descriptor}`;
}
