import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SteadyClock } from '../../src/spool/clock.ts';
import { makeSpoolFolders, spoolFoldersOf } from '../../src/spool/files/folders.ts';
import { SegmentWriter } from '../../src/spool/files/segment-writer.ts';
import type { OtherContentPolicy } from '../../src/spool/port.ts';
import { createContext, type LedgerContext } from '../../src/spool/sqlite/context.ts';
import { openDatabase } from '../../src/spool/sqlite/database.ts';
import { Ledger } from '../../src/spool/sqlite/ledger.ts';
import type { Answer, Ask, Reply, Request, RequestType } from '../../src/spool/sqlite/messages.ts';
import { recover } from '../../src/spool/sqlite/recovery.ts';
import { Statements } from '../../src/spool/sqlite/statements.ts';
import { BLOCK_BYTES, StagingMemory } from '../../src/spool/staging.ts';
import type { StepHook } from '../../src/spool/steps.ts';
import { part10Of, type SmallInstance } from './small-instance.ts';
import { arrivalOf } from './temporary-spool.ts';

/** A wall clock and a monotonic clock that stand still until told. */
export class TestClocks {
  wallMs = Date.UTC(2026, 0, 1);
  monotonicMs = 5000;

  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }
}

/** A ledger without its thread: what is asked is done before the call returns. */
export class TestLedger implements Disposable {
  readonly directory: string;
  readonly clocks: TestClocks;
  readonly context: LedgerContext;
  readonly ledger: Ledger;
  readonly #db: ReturnType<typeof openDatabase>;
  readonly #memory = new StagingMemory();
  /** Of the volume, as far as the ledger knows. */
  freeBytes = 0;
  /** Told of every file that is removed. */
  onRemoval: (path: string) => void = () => {};
  /** Told of replies to earlier requests: claims that have waited. */
  onLateReply: (reply: Reply) => void = () => {};
  #nextId = 1;
  #isOwner = true;

  constructor(
    options: { directory?: string; clocks?: TestClocks; step?: StepHook; segmentBytesMax?: number } = {},
  ) {
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'slidegate-ledger-'));
    this.#isOwner = options.directory === undefined;
    this.clocks = options.clocks ?? new TestClocks();
    const step = options.step ?? (() => {});
    const folders = spoolFoldersOf(this.directory);
    makeSpoolFolders(folders);
    this.#db = openDatabase(folders);
    const clock = new SteadyClock(
      () => this.clocks.wallMs,
      () => this.clocks.monotonicMs,
    );
    const freeBytes = () => this.freeBytes;
    this.context = createContext({ statements: new Statements(this.#db), clock, folders, step, freeBytes });
    recover(this.context);
    const segments = new SegmentWriter(
      {
        folder: folders.segments,
        segmentBytesMax: options.segmentBytesMax ?? 1e9,
        segmentAgeMsMax: 600_000,
        nowMs: () => this.clocks.monotonicMs,
        step,
      },
      (this.context.statements.get<{ segment_id: number | null }>('lastSegment')?.segment_id ?? 0) + 1,
    );
    this.#memory.addArena(new SharedArrayBuffer(64 * BLOCK_BYTES));
    const firstToken = this.clocks.wallMs;
    this.ledger = new Ledger(this.context, segments, this.#memory, {
      duplicateWindowMs: 3_600_000,
      leaseMs: 600_000,
      ageingMs: 900_000,
      firstToken,
    });
  }

  request<Type extends RequestType>(type: Type, fields: Ask<Type>): Request {
    this.#nextId += 1;
    return { ...fields, id: this.#nextId, type } as unknown as Request;
  }

  /** Asks for a group; the replies are in the order of the requests. */
  run(requests: readonly Request[]): (Reply | undefined)[] {
    const replies = this.#runGroup(requests);
    while (this.ledger.nextWorkMs === 0) replies.push(...this.#runGroup([])); // A page at a time.
    const ids = new Set(requests.map(({ id }) => id));
    for (const reply of replies) if (!ids.has(reply.id)) this.onLateReply(reply);
    return requests.map(({ id }) => replies.find((reply) => reply.id === id));
  }

  #runGroup(requests: readonly Request[]): Reply[] {
    const { replies, news } = this.ledger.run(requests);
    for (const path of news.removals) {
      rmSync(path, { recursive: true, force: true });
      this.onRemoval(path);
    }
    return [...replies];
  }

  /** Asks one thing. Throws what was answered when it failed. */
  ask<Type extends RequestType>(type: Type, fields: Ask<Type>): Answer<Type> {
    const [reply] = this.run([this.request(type, fields)]);
    if (reply === undefined) throw new Error(`${type} was not answered`);
    if ('error' in reply) throw new Error(`${reply.error.code}: ${reply.error.message}`);
    return reply.answer as Answer<Type>;
  }

  /** A request that accepts an instance of up to a block, staged in a block of its own. */
  acceptRequest(
    instance: SmallInstance,
    block = 0,
    onOtherContent: OtherContentPolicy = 'keep-both-and-hold',
  ): Request {
    const bytes = part10Of(instance);
    this.#memory.view(block).set(bytes);
    const { fileMeta, ...arrival } = arrivalOf(instance);
    return this.request('accept-bytes', {
      arrival: { ...arrival, onOtherContent },
      receivedAtMs: this.clocks.wallMs,
      dataSetOffset: fileMeta.byteLength,
      bytes: { blocks: [block], lengthBytes: bytes.length },
    });
  }

  /** What can be claimed now. */
  claim(
    kind: Ask<'claim'>['kind'],
    limit = 100,
    leaseMs: number | null = null,
    order: Partial<Pick<Ask<'claim'>, 'priorityAtLeast' | 'inOrderOf'>> = {},
  ): Answer<'claim'> {
    const { priorityAtLeast = null, inOrderOf = null } = order;
    const ask = { kind, limit, headerIndex: false, leaseMs, priorityAtLeast, inOrderOf };
    const request = this.request('claim', ask);
    const [reply] = this.run([request]);
    if (reply !== undefined && 'answer' in reply) return reply.answer as Answer<'claim'>;
    this.ask('cancel-claim', { request: request.id });
    return [];
  }

  /** Rows of the database, as they are. */
  rows(sql: string): Record<string, unknown>[] {
    return this.#db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  }

  /** A copy of the database as it is. */
  backUp(path: string): void {
    this.#db.prepare('VACUUM INTO ?').run(path);
  }

  /** Lets go of the database without a word, as a crash does. */
  crash(): void {
    this.#db.close();
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
    if (this.#isOwner) rmSync(this.directory, { recursive: true, force: true });
  }
}
