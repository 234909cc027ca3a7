/**
 * # Notices
 *
 * Tells people, by mail or through a program, when something needs a person: for sites without Grafana.
 *
 * - Judged by the same facts as the alerts of Grafana; a notice holds names of the settings, closed words and
 *   counts, never anything of an instance.
 * - Nothing waits for a notice: channels have bounded queues of their own, and one in trouble is tried for an hour.
 * - What lasts is told when it begins and when it is over, also when the gateway was started anew in between; what
 *   has not been told yet is told after the next start.
 *
 * Deliberately absent: any knowledge of stages. Spool, metrics and names come in.
 */
import { type Clock, systemClock } from '../clock.ts';
import { allRecords, type NewRecord, type Spool, type SpoolRecord } from '../spool/spool.ts';
import { noticesTroubled } from '../telemetry/notice-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Message } from './channel-kind.ts';
import { openChannel } from './channels.ts';
import type { NoticesSettings } from './config.ts';
import { Digest, type DigestState } from './digest.ts';
import { NoticeError } from './errors.ts';
import { type FactSources, readFacts } from './facts.ts';
import { Judge, type WatchState } from './judge.ts';
import { messageOf } from './message.ts';
import { type Notice, noticeOf, type Occurrence } from './notice.ts';
import { Outbox } from './outbox.ts';
import { type SilenceSettings, watchedSources } from './watched-source.ts';
import { withinLimit } from './within-limit.ts';

/** How often the facts are looked at. */
const LOOK_EVERY_MS = 10_000;
/** How often it is noted that the gateway runs. */
const ALIVE_EVERY_MS = 60_000;
const RECORDS_LIMIT_MS = 5000;
/** What is remembered: the state of the judge under `watch`, of each channel under its name. */
const STATE = 'notices';
/** Notices that no channel has taken yet, by channel and id. */
const UNDELIVERED = 'notices-undelivered';
const WATCH_KEY = 'watch';

export interface Notices {
  /** Puts other sources in force; channels stay as they are. */
  reload(site: Pick<NoticesDeps, 'sources' | 'timeZone'>): void;
  /** Cuts off what is being sent: it is sent after the next start. Safe to call twice. */
  stop(): Promise<void>;
}

export interface NoticesDeps extends Omit<FactSources, 'spool'> {
  readonly spool: Pick<Spool, 'status' | 'keep' | 'records' | 'forget'>;
  readonly telemetry: Telemetry;
  /** Of the settings. */
  readonly sources: Readonly<Record<string, SilenceSettings>>;
  /** In which times are told. */
  readonly timeZone: string;
  readonly clock?: Clock;
}

/** Begins to look, where the settings name a channel. */
export async function startNotices(settings: NoticesSettings, deps: NoticesDeps): Promise<Notices> {
  if (Object.keys(settings).length === 0) return { reload() {}, stop: async () => {} };
  const watch = new Watch(settings, deps);
  await watch.start();
  return watch;
}

/**
 * Sends a notice that only says that notices arrive; tried once.
 *
 * @throws {NoticeError} when the channel does not take it, or there is none of that name
 */
export async function sendTestNotice(
  settings: NoticesSettings,
  name: string,
  timeZone: string,
): Promise<void> {
  const channel = settings[name];
  if (channel === undefined) {
    throw new NoticeError(
      'NOTICE_NO_SUCH_CHANNEL',
      `Cannot send a notice to "${name}": there is no such channel`,
    );
  }
  const nowMs = Date.now();
  const notice = noticeOf({
    reason: 'test',
    subject: name,
    sinceMs: nowMs,
    atMs: nowMs,
    count: 0,
    times: 1,
  });
  await openChannel(channel).send(messageOf(notice, timeZone), new AbortController().signal);
}

interface ChannelAtWork {
  readonly digest: Digest;
  readonly outbox: Outbox;
}

class Watch implements Notices {
  readonly #settings: NoticesSettings;
  readonly #deps: NoticesDeps;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #channels = new Map<string, ChannelAtWork>();
  #judge: Judge | undefined;
  #working: Promise<void> | undefined;
  /** The last that was kept; what was settled is forgotten after it. */
  #keeping: Promise<unknown> = Promise.resolve();
  #isKeeping = false;
  #kept = { text: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(settings: NoticesSettings, deps: NoticesDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
  }

  async start(): Promise<void> {
    const { spool, sources, timeZone, telemetry } = this.#deps;
    const state = new Map<string, unknown>();
    for await (const { key, value } of allRecords(spool, STATE)) state.set(key, value);
    const undelivered: SpoolRecord[] = [];
    for await (const record of allRecords(spool, UNDELIVERED)) undelivered.push(record);
    const saved = state.get(WATCH_KEY) as WatchState | undefined;
    this.#judge = new Judge(watchedSources(sources, timeZone), this.#clock.now(), saved);
    for (const [name, channel] of Object.entries(this.#settings)) {
      const outbox = new Outbox(
        { name, channel: openChannel(channel), messageOf: (notice): Message => messageOf(notice, timeZone) },
        { telemetry, clock: this.#clock, onSettled: (notice) => this.#forget([keyOf(name, notice)]) },
      );
      const digestState = state.get(digestKey(name)) as DigestState | undefined;
      const digest = new Digest({ on: channel.on, atMostEveryMs: channel.at_most_every }, digestState);
      this.#channels.set(name, { digest, outbox });
      outbox.add(
        undelivered.filter(({ key }) => channelOf(key) === name).map(({ value }) => value as Notice),
      );
    }
    this.#forget(undelivered.map(({ key }) => key).filter((key) => !this.#channels.has(channelOf(key))));
    this.#working = this.#work(this.#judge);
  }

  reload({ sources, timeZone }: Pick<NoticesDeps, 'sources' | 'timeZone'>): void {
    this.#judge?.watch(watchedSources(sources, timeZone), this.#clock.now());
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#working;
    await Promise.all([...this.#channels.values()].map(({ outbox }) => outbox.stop()));
    await withinLimit(this.#keeping, RECORDS_LIMIT_MS);
  }

  async #work(judge: Judge): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const facts = await readFacts(this.#deps, () => this.#clock.now());
        if (!signal.aborted) this.#tell(judge, judge.observe(facts), facts.nowMs);
      } catch (error) {
        noticesTroubled(this.#deps.telemetry, { error });
      }
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  #tell(judge: Judge, occurrences: readonly Occurrence[], nowMs: number): void {
    const told: NewRecord[] = [];
    for (const [name, { digest, outbox }] of this.#channels) {
      const notices = digest.take(occurrences, nowMs);
      outbox.add(notices);
      told.push(...notices.map((value) => ({ collection: UNDELIVERED, key: keyOf(name, value), value })));
    }
    this.#remember(judge, told, nowMs);
  }

  /** Writes what has changed, in one transaction: what was judged and what is to be told belong together. */
  #remember(judge: Judge, told: readonly NewRecord[], nowMs: number): void {
    const { aliveAtMs, ...watch } = judge.state;
    const digests = [...this.#channels].map(([name, { digest }]) => ({
      collection: STATE,
      key: digestKey(name),
      value: digest.state,
    }));
    const text = JSON.stringify([watch, digests]);
    const isDue = nowMs - this.#kept.atMs >= ALIVE_EVERY_MS || told.length > 0 || text !== this.#kept.text;
    // While the spool does not answer, nothing is piled up in front of it.
    if (!isDue || (this.#isKeeping && told.length === 0)) return;
    this.#kept = { text, atMs: nowMs };
    const state = { collection: STATE, key: WATCH_KEY, value: { aliveAtMs, ...watch } };
    this.#isKeeping = true;
    void this.#chain(() => this.#deps.spool.keep([...told, state, ...digests])).finally(() => {
      this.#isKeeping = false;
    });
  }

  #forget(keys: readonly string[]): void {
    if (keys.length > 0) void this.#chain(() => this.#deps.spool.forget(UNDELIVERED, keys));
  }

  /** One write after the other. One that fails is no reason to stop: it costs memory over a restart, no more. */
  #chain(write: () => Promise<unknown>): Promise<unknown> {
    this.#keeping = this.#keeping.then(write).catch((error: unknown) => {
      noticesTroubled(this.#deps.telemetry, { error });
    });
    return this.#keeping;
  }
}

function digestKey(channel: string): string {
  return `digest/${channel}`;
}

function keyOf(channel: string, { id }: Notice): string {
  return `${channel}/${id}`;
}

function channelOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}
