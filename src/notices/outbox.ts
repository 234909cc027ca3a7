import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { noticeDropped, noticeNotSent, noticeSent } from '../telemetry/notice-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Channel, Message } from './channel-kind.ts';
import type { Notice } from './notice.ts';

/** More than a person reads; what is older then is dropped. */
const NOTICES_MAX = 100;
const FIRST_DELAY_MS = 5000;
const LONGEST_DELAY_MS = 5 * 60_000;
const GIVE_UP_AFTER_MS = 3_600_000;

export interface OutboxOptions {
  /** Name of the channel in the settings. */
  readonly name: string;
  readonly channel: Channel;
  messageOf(notice: Notice): Message;
}

export interface OutboxDeps {
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Told once a notice needs to be remembered no longer. */
  onSettled(notice: Notice): void;
}

interface Waiting {
  readonly notice: Notice;
  readonly sinceMs: number;
  tries: number;
}

/** What one channel has still to tell: sent one after the other, tried for an hour, and never waited for. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #deps: OutboxDeps;
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  #working: Promise<void> | undefined;

  constructor(options: OutboxOptions, deps: OutboxDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  add(notices: readonly Notice[]): void {
    if (notices.length === 0) return;
    const sinceMs = this.#deps.clock.now();
    this.#waiting.push(...notices.map((notice) => ({ notice, sinceMs, tries: 0 })));
    while (this.#waiting.length > NOTICES_MAX) {
      const [oldest] = this.#waiting.splice(0, 1);
      noticeDropped(this.#deps.telemetry, { channel: this.#options.name, reason: oldest!.notice.reason });
      this.#deps.onSettled(oldest!.notice);
    }
    if (!this.#closing.signal.aborted) this.#working ??= this.#work();
  }

  /** Cuts off what is being sent; it is sent again after the next start. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; this.#waiting.length > 0 && !signal.aborted; ) {
      const next = this.#waiting[0]!;
      const isSettled = await this.#try(next);
      if (signal.aborted) break;
      const at = this.#waiting.indexOf(next);
      if (at >= 0) this.#waiting.splice(at, 1);
      if (isSettled) {
        failures = 0;
        continue;
      }
      // Behind the others, lest one that is refused keeps them all waiting.
      if (at >= 0) this.#waiting.push(next);
      await this.#deps.clock.sleep(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures), signal);
      failures = Math.min(failures + 1, 20);
    }
    this.#working = undefined;
  }

  /** @returns whether there is no more to do about it */
  async #try(waiting: Waiting): Promise<boolean> {
    const { notice, sinceMs } = waiting;
    const { name, channel, messageOf } = this.#options;
    const { telemetry, clock } = this.#deps;
    const { signal } = this.#closing;
    const about = { channel: name, reason: notice.reason };
    waiting.tries += 1;
    try {
      await channel.send(messageOf(notice), signal);
      noticeSent(telemetry, { ...about, subject: notice.subject, tries: waiting.tries });
    } catch (error) {
      if (signal.aborted) return false;
      const isLast = clock.now() - sinceMs >= GIVE_UP_AFTER_MS;
      noticeNotSent(telemetry, { ...about, ...failureOf(error), tries: waiting.tries, isLast });
      if (!isLast) return false;
    }
    this.#deps.onSettled(notice);
    return true;
  }
}

/** A fault of ours must not end the gateway either: it is logged like any other. */
function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL_ERROR', message: error instanceof Error ? error.name : 'unknown' };
}
