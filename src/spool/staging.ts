/**
 * # Staging memory
 *
 * Blocks of shared memory into which the bytes of arriving instances are copied, and from which the threads
 * of the spool write them to disk: no bytes are copied between threads. Blocks are cut from arenas that every
 * thread maps once.
 *
 * Invariants:
 * - A block has one owner: the pool, a reception, or the thread that was sent it and says when it is done.
 * - Over its budget the pool still gives, but says that it is scarce, so that receptions move to disk early.
 */
export const BLOCK_BYTES = 64 * 1024;
const BLOCKS_PER_ARENA = 64;
/** Receptions that are gathered in memory share this much before they are moved to files. */
const BUDGET_BYTES = 64 * 1024 * 1024;

/** Bytes in blocks: every block full but the last. */
export interface StagedBytes {
  readonly blocks: readonly number[];
  readonly lengthBytes: number;
}

/** One thread's view of the arenas. */
export class StagingMemory {
  readonly #views: Uint8Array[] = [];

  addArena(arena: SharedArrayBuffer): void {
    for (let at = 0; at < arena.byteLength; at += BLOCK_BYTES) {
      this.#views.push(new Uint8Array(arena, at, BLOCK_BYTES));
    }
  }

  get blockCount(): number {
    return this.#views.length;
  }

  view(block: number): Uint8Array {
    const view = this.#views[block];
    if (view === undefined) throw new RangeError(`Cannot map block ${block}: there are ${this.blockCount}`);
    return view;
  }

  /** The staged bytes in order, without copying them. */
  slices(staged: StagedBytes): Uint8Array[] {
    const last = staged.blocks.length - 1;
    return staged.blocks.map((block, index) =>
      index < last ? this.view(block) : this.view(block).subarray(0, staged.lengthBytes - last * BLOCK_BYTES),
    );
  }
}

/** Gives out blocks and takes them back. Lives on the main thread. */
export class BlockPool {
  readonly memory = new StagingMemory();
  readonly #free: number[] = [];
  readonly #onArena: (arena: SharedArrayBuffer) => void;
  readonly #budgetBlocks: number;

  /** @param onArena tells the other threads of new memory before any block of it is sent to them */
  constructor(onArena: (arena: SharedArrayBuffer) => void, budgetBytes = BUDGET_BYTES) {
    this.#onArena = onArena;
    this.#budgetBlocks = budgetBytes / BLOCK_BYTES;
  }

  /** True when receptions hold more than the budget. */
  get isScarce(): boolean {
    return this.memory.blockCount - this.#free.length > this.#budgetBlocks;
  }

  get blocksInUse(): number {
    return this.memory.blockCount - this.#free.length;
  }

  take(): number {
    if (this.#free.length === 0) this.#addArena();
    return this.#free.pop() as number;
  }

  give(blocks: readonly number[]): void {
    for (const block of blocks) this.#free.push(block);
  }

  #addArena(): void {
    const first = this.memory.blockCount;
    const arena = new SharedArrayBuffer(BLOCKS_PER_ARENA * BLOCK_BYTES);
    this.memory.addArena(arena);
    this.#onArena(arena);
    // The lowest block is given first, so that little memory is touched while little is in use.
    for (let block = first + BLOCKS_PER_ARENA - 1; block >= first; block -= 1) this.#free.push(block);
  }
}
