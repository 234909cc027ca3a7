/**
 * # A gateway under treatment
 *
 * A whole gateway in a process of its own, a modality that sends to it, and three destinations that behave or not, for
 * tests that do anything to it in any order. Keeps the books of what was promised and of what really arrived, and says
 * what does not fit: read from the database and the files, not asked of the gateway.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Selection, SpoolStatus } from '../../src/spool/spool.ts';
import type { GatewayQuestion } from './gateway-process.ts';
import { dataSetOf } from './part10.ts';
import {
  type AcceptorPeer,
  type Ending,
  REJECTED_FOR_NOW,
  RequestorPeer,
  type StoreAnswering,
  type StoreSeen,
  startAcceptorPeer,
} from './peer.ts';
import { type SmallInstance, smallInstance } from './small-instance.ts';
import { auditFiles, auditLedger } from './spool-audit.ts';

const ENTRY = fileURLToPath(new URL('gateway-process.ts', import.meta.url));
export const PACS_NAMES = ['a', 'b'] as const;
export type PacsName = (typeof PACS_NAMES)[number];

/** How a destination behaves. */
export const MOODS = ['takes', 'busy', 'refuses', 'aborts', 'resets', 'mute', 'rejects', 'away'] as const;
export type Mood = (typeof MOODS)[number];

/** Which destinations there are, and where the rules send. */
export const PLANS = {
  'a and files': { destinations: ['a', 'b', 'files'], to: 'a, files' },
  'b alone': { destinations: ['a', 'b', 'files'], to: 'b' },
  'without b': { destinations: ['a', 'files'], to: 'a' },
  'a and b': { destinations: ['a', 'b', 'files'], to: 'a, b' },
} as const;
export type PlanName = keyof typeof PLANS;

export type Oddity = 'plain' | 'large' | 'again' | 'other content' | 'damaged';

export class TreatedGateway implements AsyncDisposable {
  readonly #folder: string;
  readonly #pacs: Readonly<Record<PacsName, AcceptorPeer>>;
  readonly #moods: Record<PacsName, Mood>;
  /** UID and digest of what each destination said to have taken. */
  readonly #arrived: Readonly<Record<PacsName, Set<string>>>;
  /** UID and digest of all that was answered with 0000, and of all that was ever sent whole. */
  readonly #acknowledged = new Set<string>();
  readonly #sent: SmallInstance[] = [];
  readonly #damaged = new Set<string>();
  #plan: PlanName = 'a and files';
  #process: ChildProcess | undefined;
  #port = 0;
  #sender: RequestorPeer | undefined;
  #instances = 0;

  private constructor(
    folder: string,
    pacs: Readonly<Record<PacsName, AcceptorPeer>>,
    state: { moods: Record<PacsName, Mood>; arrived: Readonly<Record<PacsName, Set<string>>> },
  ) {
    this.#folder = folder;
    this.#pacs = pacs;
    this.#moods = state.moods;
    this.#arrived = state.arrived;
  }

  static async start(): Promise<TreatedGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'slidegate-treated-'));
    const moods: Record<PacsName, Mood> = { a: 'takes', b: 'takes' };
    const arrived = { a: new Set<string>(), b: new Set<string>() };
    const start = (name: PacsName) =>
      startAcceptorPeer({
        associate: () => ASSOCIATING[moods[name]] ?? 'accept',
        store: (seen) => answerOf(moods[name], seen, arrived[name]),
      });
    const pacs = { a: await start('a'), b: await start('b') };
    const treated = new TreatedGateway(folder, pacs, { moods, arrived });
    await treated.begin();
    return treated;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** @param killAt `step:n`, where the process dies by itself */
  async begin(killAt = 'none:1'): Promise<void> {
    await this.#writeRules();
    const child = fork(ENTRY, {
      env: {
        ...process.env,
        NODE_CONFIG: JSON.stringify(this.#settings()),
        SLIDEGATE_TEST_KILL_AT: killAt,
      },
    });
    this.#process = child;
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined;
      this.#sender = undefined;
    });
    const listening = await this.#answer<{ port: number }>(child, 'listening');
    if (listening !== undefined) this.#port = listening.port;
  }

  /** As when a supervisor finds it dead. */
  async beginAgainIfDead(): Promise<void> {
    while (!this.isRunning) await this.begin();
  }

  /** SIGKILL. */
  async crash(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** In good order. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    await this.#sender?.raw.close();
    await this.#ask({ type: 'stop' });
    await gone;
  }

  /** Other destinations and rules, while it runs. */
  async reload(plan: PlanName): Promise<string | undefined> {
    this.#plan = plan;
    await this.#writeRules();
    const answer = await this.#ask<{ error?: string }>({ type: 'reload', settings: this.#settings() });
    return answer?.error;
  }

  setMood(name: PacsName, mood: Mood): void {
    this.#moods[name] = mood;
  }

  /** Held, discarded or tried again, as an operator would. */
  async operate(type: 'retry' | 'hold' | 'discard', selection: Selection): Promise<void> {
    await this.#ask({ type, selection });
  }

  /** Over an association that stays open from one call to the next. Returns the answer in words. */
  async send(oddity: Oddity): Promise<string> {
    const instance = this.#make(oddity);
    try {
      this.#sender ??= await RequestorPeer.associate(this.#port, [instance]);
      this.#sent.push(instance);
      const answer = await this.#sender.store(instance);
      if (/: 0000H$/.test(answer)) this.#acknowledged.add(keyOf(instance));
      if (!/^8001H/.test(answer)) this.#sender = undefined;
      return answer;
    } catch {
      this.#sender = undefined; // It has died: nothing was promised.
      return 'closed';
    }
  }

  /** Half an instance, and then an abort. */
  async sendHalf(): Promise<void> {
    try {
      const instance = this.#make('large');
      const sender = await RequestorPeer.associate(this.#port, [instance]);
      await sender.storePart(instance, 0.6);
      await sender.abort();
    } catch {
      // It has died.
    }
  }

  /**
   * What is not as it must be at every moment: the invariant, counted anew from the rows; that whatever was
   * acknowledged has its row; and that what is called delivered has arrived where it was sent.
   */
  faults(): string[] {
    const directory = join(this.#folder, 'spool');
    const rows = entriesOf(directory);
    const here = new Set(rows.map(({ key }) => key));
    const lost = [...this.#acknowledged].filter((key) => !here.has(key)).map((key) => `lost: ${key}`);
    const sent = new Set(this.#sent.map(keyOf));
    const invented = rows.filter(({ key }) => !sent.has(key)).map(({ key }) => `invented: ${key}`);
    const undelivered = rows.flatMap((row) =>
      row.takenBy
        .filter((name) => !this.#hasArrived(row, name))
        .map((name) => `delivered, and never arrived at ${name}: ${row.key}`),
    );
    return [...auditLedger(directory), ...lost, ...invented, ...undelivered];
  }

  /** Everybody behaves; whatever is held is tried again, until nothing is left to do. */
  async comeToRest(): Promise<SpoolStatus> {
    for (const name of PACS_NAMES) this.setMood(name, 'takes');
    await this.crash();
    this.#plan = 'a and files'; // With all destinations, so that nothing is blocked.
    await this.begin();
    await this.operate('retry', {});
    for (const until = Date.now() + 30_000; Date.now() < until; await delay(30)) {
      const { status } = (await this.#ask<{ status: SpoolStatus }>({ type: 'status' })) ?? {};
      if (status !== undefined && status.states.pending === 0) return status;
    }
    throw new Error('It does not come to rest');
  }

  /** What was acknowledged, is sound, and is in none of these states, with its state. */
  unsettled(settled: readonly string[]): string[] {
    return entriesOf(join(this.#folder, 'spool'))
      .filter(({ state, key }) => !settled.includes(state) && this.#acknowledged.has(key))
      .filter(({ key }) => !this.#damaged.has(key))
      .map(({ key, state, reason }) => `${key} is ${state}: ${reason}`);
  }

  /** Reads every byte that the spool says to have. */
  auditFiles(): string[] {
    return auditFiles(join(this.#folder, 'spool'));
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    for (const name of PACS_NAMES) this.#pacs[name].stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #hasArrived({ key, uid, study, series }: EntryOnDisk, destination: string): boolean {
    if (destination !== 'files') return this.#arrived[destination as PacsName].has(key);
    if (study === '') return true; // Of a damaged header: its path is another.
    const path = join(this.#folder, 'files', study, series, `${uid}.dcm`);
    // Another content of the same UID may have taken its place.
    const contents = this.#sent.filter((one) => one.sopInstanceUid === uid).map(({ dataSet }) => dataSet);
    return existsSync(path) && contents.some((dataSet) => dataSetOf(readFileSync(path)).equals(dataSet));
  }

  #make(oddity: Oddity): SmallInstance {
    this.#instances += 1;
    const earlier = this.#sent[(this.#instances * 7) % Math.max(1, this.#sent.length)];
    if (oddity === 'again' && earlier !== undefined) return earlier;
    const sopInstanceUid = oddity === 'other content' ? earlier?.sopInstanceUid : undefined;
    const instance = smallInstance({
      sopInstanceUid: sopInstanceUid ?? `1.2.3.36.${this.#instances}`,
      pixelBytes: oddity === 'large' ? 1_100_000 : 1000 + 2 * this.#instances,
    });
    if (oddity !== 'damaged') return instance;
    const damaged = { ...instance, dataSet: instance.dataSet.subarray(0, 150) };
    this.#damaged.add(keyOf(damaged));
    return damaged;
  }

  #settings(): object {
    const { destinations } = PLANS[this.#plan];
    const all = {
      a: pacsAt(this.#pacs.a.port),
      b: pacsAt(this.#pacs.b.port),
      files: { kind: 'folder', path: join(this.#folder, 'files'), retry: RETRY },
    };
    return {
      spool: { directory: join(this.#folder, 'spool'), watermark_free_bytes: 1_000_000 },
      inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
      destinations: { outbox: null, ...Object.fromEntries(destinations.map((name) => [name, all[name]])) },
      rules: { path: join(this.#folder, 'rules.yaml') },
      console: { port: 0 },
      log: { level: 'silent' },
      drain_limit: '1s',
    };
  }

  #writeRules(): Promise<void> {
    const { to } = PLANS[this.#plan];
    return writeFile(join(this.#folder, 'rules.yaml'), `rules: []\notherwise: { to: [${to}] }\n`);
  }

  /** Undefined when the process dies before it answers. */
  async #ask<Answer>(question: GatewayQuestion): Promise<Answer | undefined> {
    const child = this.#process;
    if (child === undefined || !child.connected) return undefined;
    const answer = this.#answer<Answer>(child, question.type);
    child.send(question, () => {}); // When it has just died, its exit is the answer.
    return answer;
  }

  async #answer<Answer>(child: ChildProcess, type: string): Promise<Answer | undefined> {
    const over = new AbortController();
    const { signal } = over;
    const gone = once(child, 'exit', { signal }).then(() => undefined);
    gone.catch(() => {});
    try {
      for (;;) {
        const message = once(child, 'message', { signal });
        message.catch(() => {});
        const got = await Promise.race([message, gone]);
        if (got === undefined) return undefined;
        if ((got[0] as { type: string }).type === type) return got[0] as Answer;
      }
    } finally {
      over.abort();
    }
  }
}

const RETRY = {
  first_delay: '30ms',
  longest_delay: '150ms',
  resources_first_delay: '30ms',
  resources_longest_delay: '150ms',
  breaker_longest_delay: '100ms',
};

function pacsAt(port: number): object {
  const timeouts = { connect_timeout: '1s', association_timeout: '1s', response_timeout: '300ms' };
  return { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS', ...timeouts, retry: RETRY };
}

const ASSOCIATING: Partial<Record<Mood, typeof REJECTED_FOR_NOW | Ending>> = {
  rejects: REJECTED_FOR_NOW,
  away: 'reset',
};

function answerOf(mood: Mood, seen: StoreSeen, arrived: Set<string>): number | StoreAnswering | Ending {
  switch (mood) {
    case 'busy':
      return 0xa700;
    case 'refuses':
      return 0xc000;
    case 'aborts':
      return 'abort';
    case 'mute':
      return 'silence';
    default:
      // Noted before the answer leaves: it may be all that the gateway ever hears.
      arrived.add(`${seen.sopInstanceUid} ${seen.sha256}`);
      return mood === 'resets' ? { status: 0, ending: 'reset' } : 0;
  }
}

function keyOf({ sopInstanceUid, dataSet }: Pick<SmallInstance, 'sopInstanceUid' | 'dataSet'>): string {
  return `${sopInstanceUid} ${createHash('sha256').update(dataSet).digest('hex')}`;
}

interface EntryOnDisk {
  /** UID and digest. */
  readonly key: string;
  readonly uid: string;
  readonly study: string;
  readonly series: string;
  readonly state: string;
  readonly reason: string | null;
  /** Destinations to which its delivery is on record. */
  readonly takenBy: readonly string[];
}

function entriesOf(directory: string): EntryOnDisk[] {
  using db = new DatabaseSync(join(directory, 'ledger.sqlite'), { readOnly: true });
  const rows = db
    .prepare(
      `SELECT e.sop_instance_uid AS uid, e.study_instance_uid AS study, e.series_instance_uid AS series, e.state,
         e.sop_instance_uid || ' ' || lower(hex(e.sha256)) AS key,
         (SELECT group_concat(reason, '; ') FROM task WHERE entry_id = e.entry_id AND state <> 'done') AS reason,
         (SELECT group_concat(substr(kind, 10)) FROM task
          WHERE entry_id = e.entry_id AND kind LIKE 'delivery:%' AND state = 'done') AS taken_by
       FROM entry e`,
    )
    .all() as unknown as (Omit<EntryOnDisk, 'takenBy'> & { taken_by: string | null })[];
  return rows.map(({ taken_by, ...row }) => ({ ...row, takenBy: taken_by?.split(',') ?? [] }));
}
