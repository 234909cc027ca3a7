import { rmSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import type { OtherContentPolicy, TaskKind } from '../../../src/spool/port.ts';
import type {
  Accepted,
  Ask,
  Reply,
  Request,
  WireClaimed,
  WireCompletion,
  WireTask,
} from '../../../src/spool/sqlite/messages.ts';
import type { SmallInstance } from '../../support/small-instance.ts';
import { auditLedger } from '../../support/spool-audit.ts';
import { newInstance } from '../../support/temporary-spool.ts';
import { TestLedger } from '../../support/test-ledger.ts';

const KINDS: TaskKind[] = ['rules', 'conversion', 'delivery:a', 'delivery:b'];

const kind = fc.constantFrom(...KINDS);
const pick = fc.nat(1000);
const newTask = fc.record({
  kind,
  priority: fc.integer({ min: -1, max: 1 }),
  delayMs: fc.constantFrom(undefined, 0, 500),
  isHeld: fc.boolean(),
});
const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('accept'),
      repeats: fc.option(pick),
      onOtherContent: fc.constantFrom(undefined, 'replace', 'reject', 'keep-both-and-hold'),
      studyInstanceUid: fc.constantFrom('1.2.3', '1.2.4'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('claim'),
      kind,
      limit: fc.integer({ min: 1, max: 4 }),
      priorityAtLeast: fc.constantFrom(null, null, 0),
      inOrderOf: fc.constantFrom(null, 'study'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('complete'),
      pick,
      tasks: fc.array(newTask, { maxLength: 3 }),
      products: fc.array(fc.array(newTask, { maxLength: 2 }), { maxLength: 2 }),
      isDiscard: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('fail'), pick, delayMs: fc.constantFrom(null, 0, 700) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('release', 'defer', 'renew'), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('retry', 'hold', 'discard'),
      kind: fc.option(kind, { nil: undefined }),
      pick: fc.option(pick, { nil: undefined }),
      isErasing: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('purge'), isShort: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wipe') }) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** What happens to a group: nothing special, a commit that fails, a crash after it; and how much time goes by. */
const group = fc.record({
  actions: fc.array(action, { maxLength: 6 }),
  fate: fc.constantFrom('done', 'done', 'done', 'done', 'commit fails', 'crash'),
  passMs: fc.constantFrom(0, 0, 600, 700_000),
});

/** A spool under random treatment, and what it has promised so far. */
class Treated implements Disposable {
  #failing = false;
  #ledger = this.#open();
  readonly #instances: SmallInstance[] = [];
  readonly #entryIds = new Set<number>();
  readonly #settled = new Set<number>();
  /** Every claim ever given, also those that were lost since. */
  readonly #claims: WireClaimed[] = [];
  /** The latest claim of each task. */
  readonly #tokens = new Map<number, number>();
  /** Tasks that an earlier holder has settled. */
  readonly #usurped: number[] = [];
  #products = 0;

  treat({ actions, fate, passMs }: typeof group extends fc.Arbitrary<infer Value> ? Value : never): void {
    const requests = actions.map((one, index) => this.#requestOf(one as Action, index));
    this.#failing = fate === 'commit fails';
    const replies = this.#ledger.run(requests);
    this.#failing = false;
    for (const [index, request] of requests.entries()) this.#note(request, replies[index]);
    this.#ledger.clocks.pass(passMs);
    if (fate !== 'crash') return;
    const { directory, clocks } = this.#ledger;
    this.#ledger.crash();
    clocks.pass(1);
    this.#ledger = this.#open({ directory, clocks });
  }

  /** What is not as it was promised. */
  faults(): string[] {
    const entries = new Set(this.#ledger.rows('SELECT entry_id FROM entry').map(({ entry_id }) => entry_id));
    const lost = [...this.#entryIds].filter((entryId) => !entries.has(entryId));
    const open = new Set(
      this.#ledger.rows('SELECT task_id FROM task WHERE settled_at_ms IS NULL').map(({ task_id }) => task_id),
    );
    const undone = [...this.#settled].filter((taskId) => open.has(taskId));
    const { accepted } = this.#ledger.ask('status', {});
    return [
      ...auditLedger(this.#ledger.directory),
      ...lost.map((entryId) => `accepted and lost: ${entryId}`),
      ...undone.map((taskId) => `settled and open again: ${taskId}`),
      ...this.#usurped.map((taskId) => `settled by a holder who had lost it: ${taskId}`),
      ...(accepted === this.#entryIds.size ? [] : [`accepted ${accepted}, told of ${this.#entryIds.size}`]),
    ];
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
    rmSync(this.#ledger.directory, { recursive: true, force: true }); // After a crash, nobody else does.
  }

  #open(options: { directory?: string; clocks?: TestLedger['clocks'] } = {}): TestLedger {
    const step = (name: string) => {
      if (this.#failing && name === 'transaction-filled') throw new Error('disk full');
    };
    const ledger = new TestLedger({ ...options, step, segmentBytesMax: 1500 });
    // Only claims are ever answered late.
    ledger.onLateReply = (reply) =>
      'answer' in reply && this.#noteClaims(reply.answer as readonly WireClaimed[]);
    return ledger;
  }

  #requestOf(one: Action, block: number): Request {
    const ledger = this.#ledger;
    const nowMs = ledger.clocks.wallMs;
    const claimed = (index: number) => this.#claims[index % Math.max(1, this.#claims.length)];
    switch (one.type) {
      case 'accept': {
        const { repeats, onOtherContent, studyInstanceUid } = one as AcceptSketch;
        const known =
          repeats === null ? undefined : this.#instances[repeats % Math.max(1, this.#instances.length)];
        const version = {
          studyInstanceUid,
          ...(known && {
            sopInstanceUid: known.sopInstanceUid,
            patientId: `P-${this.#instances.length % 3}`,
          }),
        };
        const isAgain = known !== undefined && onOtherContent === undefined;
        const instance = isAgain ? known : newInstance(version);
        this.#instances.push(instance);
        return ledger.acceptRequest(instance, block, onOtherContent);
      }
      case 'claim': {
        const { type: _, ...ask } = one as Pick<
          Ask<'claim'>,
          'kind' | 'limit' | 'priorityAtLeast' | 'inOrderOf'
        > & {
          type: 'claim';
        };
        return ledger.request('claim', { ...ask, headerIndex: false, leaseMs: null });
      }
      case 'complete':
        return ledger.request('complete', { completions: this.#completions(one as never, claimed) });
      case 'fail': {
        const { pick: index, delayMs } = one as { pick: number; delayMs: number | null };
        const claim = claimed(index);
        const failure = { disposition: 'retry' as const, code: 'DOWN', message: 'Down.', status: null };
        const retryAtMs = delayMs === null ? null : nowMs + delayMs;
        const failures = claim ? [{ ...failure, claim: wire(claim), retryAtMs, counts: true }] : [];
        return ledger.request('fail', { failures });
      }
      case 'release':
      case 'defer':
      case 'renew': {
        const claim = claimed((one as { pick: number }).pick);
        const claims = claim ? [wire(claim)] : [];
        if (one.type === 'release') return ledger.request('release', { claims });
        if (one.type === 'renew') return ledger.request('renew', { claims, leaseMs: 800_000 });
        return ledger.request('defer', { claims, dueAtMs: nowMs + 300 });
      }
      case 'retry':
      case 'hold':
      case 'discard': {
        const { kind: wanted, pick: index, isErasing } = one as OperatorSketch;
        const entryIds = index === undefined ? undefined : [(index % Math.max(1, this.#entryIds.size)) + 1];
        const selection = { ...(wanted && { kind: wanted }), ...(entryIds && { entryIds }) };
        const why = { selection, reason: 'random', by: 'ann' };
        return ledger.request(
          one.type,
          one.type === 'discard' ? { ...why, preview: false, erase: isErasing } : why,
        );
      }
      case 'wipe':
        return ledger.request('wipe', {});
      default: {
        const { isShort } = one as { isShort: boolean };
        const policy = {
          settledBeforeMs: nowMs - 1000,
          limit: 50,
          ...(isShort && { freeBytesWanted: 1e12 }),
        };
        return ledger.request('purge', { policy });
      }
    }
  }

  #completions(
    one: { pick: number; tasks: TaskSketch[]; products: TaskSketch[][]; isDiscard: boolean },
    claimed: (index: number) => WireClaimed | undefined,
  ): WireCompletion[] {
    const claim = claimed(one.pick);
    if (claim === undefined) return [];
    const isEnd = one.isDiscard;
    return [
      {
        claim: wire(claim),
        tasks: isEnd ? [] : one.tasks.map((task) => this.#task(task)),
        products: isEnd ? [] : one.products.map((tasks) => this.#product(tasks)),
        discardReason: isEnd ? 'rule' : null,
        outcome: 'planned',
        status: null,
        detail: null,
        explanation: null,
      },
    ];
  }

  #task({ kind: wanted, priority, delayMs, isHeld }: TaskSketch): WireTask {
    return {
      kind: wanted,
      payload: null,
      priority,
      ...(delayMs !== undefined && { dueAtMs: this.#ledger.clocks.wallMs + delayMs }),
      ...(isHeld && { held: { code: 'X', reason: 'held' } }),
    };
  }

  #product(tasks: TaskSketch[]) {
    this.#products += 1;
    return {
      fileName: `product-${this.#products}.dcm`,
      sizeBytes: 1000,
      dataSetOffset: 300,
      sha256: Buffer.alloc(32, this.#products),
      headerIndex: Buffer.alloc(4),
      studyInstanceUid: '1.2.3',
      seriesInstanceUid: '1.2.3.4',
      sopClassUid: '1.2',
      sopInstanceUid: `1.2.9.${this.#products}`,
      transferSyntaxUid: '1.2.840.10008.1.2.1',
      tasks: tasks.map((task) => this.#task(task)),
    };
  }

  /** Takes note of what has been promised by a reply. */
  #note(request: Request, reply: Reply | undefined): void {
    if (reply === undefined || 'error' in reply) return;
    if (request.type === 'accept-bytes') {
      const accepted = reply.answer as Accepted;
      if ('rejectedFor' in accepted) return;
      const { entryId, duplicateOf } = accepted;
      if (duplicateOf === undefined) this.#entryIds.add(entryId);
    }
    if (request.type === 'claim') {
      this.#noteClaims(reply.answer as readonly WireClaimed[]);
    }
    if (request.type === 'complete') {
      const { lost } = reply.answer as { lost: readonly number[] };
      const settled = request.completions
        .map(({ claim }) => claim)
        .filter(({ taskId }) => !lost.includes(taskId));
      for (const { taskId, token } of settled) {
        if (this.#tokens.get(taskId) !== token) this.#usurped.push(taskId);
        this.#settled.add(taskId);
      }
    }
  }

  #noteClaims(claims: readonly WireClaimed[]): void {
    this.#claims.push(...claims);
    for (const { taskId, token } of claims) this.#tokens.set(taskId, token);
  }
}

interface AcceptSketch {
  readonly repeats: number | null;
  readonly onOtherContent: OtherContentPolicy | undefined;
  readonly studyInstanceUid: string;
}

interface OperatorSketch {
  readonly kind?: TaskKind;
  readonly pick?: number;
  readonly isErasing: boolean;
}

interface TaskSketch {
  readonly kind: TaskKind;
  readonly priority: number;
  readonly delayMs: number | undefined;
  readonly isHeld: boolean;
}

function wire({ taskId, token, kind: claimedKind, entry }: WireClaimed) {
  return { taskId, token, kind: claimedKind, entryId: entry.entryId };
}

// Fault case 36.
test('accepted is delivered + pending + held + discarded at every moment, whatever happens in whatever order', (t) => {
  fc.assert(
    fc.property(fc.array(group, { minLength: 5, maxLength: 25 }), (groups) => {
      using treated = new Treated();
      for (const one of groups) {
        treated.treat(one);
        t.deepEqual(treated.faults(), []);
      }
    }),
    { numRuns: Number(process.env.SLIDEGATE_TEST_RUNS ?? 40) },
  );
});
