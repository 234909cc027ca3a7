/**
 * # Lane
 *
 * Works off the delivery tasks of one destination, most urgent and oldest first, until it is stopped.
 *
 * - One slot sends one instance at a time; while it awaits the answer the next one is made ready.
 * - A failure is the failure of one instance: all others go on, but those of its study where order is asked for.
 * - What is taken is settled behind the sender's back; what was sent and not yet settled when the process dies
 *   is sent again, never lost.
 * - While the breaker is open nothing is claimed to be sent, so that nothing ages; nor is outside the hours.
 * - A destination that comes back gets one probe, then one instance, then more and more.
 *
 * Deliberately absent: how anything is sent, and which failures are worth another try.
 */

import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Spool } from '../spool/spool.ts';
import { laneTroubled } from '../telemetry/events.ts';
import { laneHoursChanged } from '../telemetry/lane-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Attempts } from './attempts.ts';
import { Breaker } from './breaker.ts';
import type { DestinationSession } from './destination-kind.ts';
import { Flow } from './flow.ts';
import { type Hours, LaneHours } from './lane-hours.ts';
import type { LaneSettings } from './lane-settings.ts';
import type { LaneStatus } from './lane-status.ts';
import { probePace } from './retry-policy.ts';
import { Settlements } from './settlements.ts';
import { SlotRamp } from './slot-ramp.ts';
import { WhenDown } from './when-down.ts';

/** A stop waits at least so long for the spool to write down what has been taken. */
const SETTLE_MS = 5000;
/** The hours are looked at again so often, should somebody set the clock. */
const HOURS_MS = 60_000;
const ALWAYS_MS = 24 * 3_600_000;

export interface LaneOptions {
  readonly destination: string;
  readonly session: DestinationSession;
  readonly settings: LaneSettings;
  /** Of the windows of the settings. */
  readonly timeZone: string;
  /** What holds the session back; nothing is held back any more once it is cut off. */
  readonly bandwidth?: { close(): void } | undefined;
}

export interface LaneDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  random(): number;
}

export class Lane {
  readonly destination: string;
  readonly #session: DestinationSession;
  readonly #settings: LaneSettings;
  readonly #bandwidth: LaneOptions['bandwidth'];
  readonly #deps: LaneDeps;
  readonly #hours: LaneHours;
  readonly #breaker: Breaker;
  readonly #settlements: Settlements;
  readonly #attempts: Attempts;
  readonly #ramp: SlotRamp;
  readonly #flow: Flow;
  readonly #whenDown: WhenDown;
  readonly #unsubscribe: () => void;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #wasOpen: boolean | undefined;

  constructor({ destination, session, settings, timeZone, bandwidth }: LaneOptions, deps: LaneDeps) {
    const { telemetry, clock, random } = deps;
    const { retry } = settings;
    this.destination = destination;
    this.#session = session;
    this.#settings = settings;
    this.#bandwidth = bandwidth;
    this.#deps = deps;
    const hours = new LaneHours(settings, timeZone);
    const breaker = new Breaker(retry, {
      now: () => clock.now(),
      elapsed: () => clock.elapsed(),
      random,
    });
    const settlements = new Settlements({
      ...deps,
      onTrouble: (error) => laneTroubled(telemetry, { destination, error }),
    });
    const attempts = new Attempts(
      {
        destination,
        retry,
        commits: session.commitment !== undefined,
        probe: session.echo ? 'echo' : 'instance',
      },
      { hours, breaker, settlements, telemetry, clock, random },
    );
    const ramp = new SlotRamp(session.slots);
    this.#hours = hours;
    this.#breaker = breaker;
    this.#settlements = settlements;
    this.#attempts = attempts;
    this.#ramp = ramp;
    this.#flow = new Flow(
      { destination, session, settings },
      { ...deps, breaker, attempts, settlements, ramp },
    );
    this.#whenDown = new WhenDown({ destination, settings }, { ...deps, breaker, settlements });
    // What is claimed ahead of its turn must not be sent once an operator has held or discarded it.
    this.#unsubscribe = deps.spool.subscribe(
      (event) => {
        if (event.type === 'withdrawn') settlements.lose(event.taskIds);
      },
      ['withdrawn'],
    );
    this.#running = this.#run();
  }

  status(): LaneStatus {
    const { state, probeAtMs } = this.#breaker;
    const opensAtMs = this.#hours.opensAtMs(this.#deps.clock.now());
    const { diverting, divertingTo } = this.#whenDown;
    return {
      destination: this.destination,
      state: this.#stateWord(opensAtMs !== undefined),
      breaker: state,
      ...(state === 'open' && { nextProbeAtMs: probeAtMs }),
      ...(opensAtMs !== undefined && { opensAtMs }),
      ...(diverting && { diverting }),
      ...(divertingTo !== undefined && { divertingTo }),
      sending: this.#flow.sending,
      ...this.#attempts.remembered,
      ...this.#whenDown.diverted,
    };
  }

  /** Claims no more, lets what is being sent finish for that long, cuts off the rest, settles everything. */
  async stop(drainMs: number): Promise<void> {
    const { clock } = this.#deps;
    this.#stopping.abort();
    const drained = new AbortController();
    await Promise.race([this.#running, clock.sleep(drainMs, drained.signal)]);
    drained.abort();
    const closing = this.#session.close();
    this.#bandwidth?.close();
    await closing;
    await this.#running;

    const settled = new AbortController();
    const giveUp = new AbortController();
    const timeUp = clock.sleep(Math.max(drainMs, SETTLE_MS), settled.signal).then(() => giveUp.abort());
    await this.#settlements.close(giveUp.signal);
    settled.abort();
    await timeUp;
    this.#unsubscribe();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#goOn();
      } catch (error) {
        // The spool cannot be asked, or a bug: said, and after a while the lane goes on.
        laneTroubled(this.#deps.telemetry, { destination: this.destination, error });
        await this.#deps.clock.sleep(this.#settings.retry.first_delay, this.#stopping.signal);
      }
    }
  }

  /** Does what the hour and the breaker allow, until one of them changes. */
  async #goOn(): Promise<void> {
    const hours = this.#hours.at(this.#deps.clock.now());
    this.#noteHours(hours);
    const ended = new AbortController();
    const until = AbortSignal.any([this.#stopping.signal, ended.signal]);
    const watching = this.#watch(hours, until).then(() => ended.abort());
    try {
      if (!hours.isOpen) await watching;
      else if (this.#breaker.state === 'open') await this.#suspended(hours, until);
      else await this.#flow.run(hours.priorityAtLeast, until);
    } finally {
      ended.abort();
      await watching;
    }
  }

  /** Resolves when these are no longer the hours, or `signal` aborts. */
  async #watch(hours: Hours, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let now = hours;
    while (!signal.aborted && now.isOpen === hours.isOpen && now.priorityAtLeast === hours.priorityAtLeast) {
      const leftMs = now.untilMs === undefined ? ALWAYS_MS : Math.min(now.untilMs - clock.now(), HOURS_MS);
      await clock.sleep(leftMs, signal);
      now = this.#hours.at(clock.now());
    }
  }

  /** Waits until the destination may be well again, and asks. What has waited too long for it goes past it. */
  async #suspended({ priorityAtLeast }: Hours, until: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    // No longer than any probe is apart from the next, should somebody set the clock.
    const { longest } = probePace(this.#settings.retry);
    const leftMs = Math.min(longest, this.#breaker.probeAtMs - clock.now());
    if (leftMs > 0) {
      const due = new AbortController();
      const signal = AbortSignal.any([until, due.signal]);
      const waiting = clock.sleep(leftMs, signal).then(() => due.abort());
      try {
        await Promise.all([waiting, this.#whenDown.divert(priorityAtLeast, signal)]);
      } finally {
        due.abort();
      }
    }
    if (!until.aborted) await this.#probe();
  }

  async #probe(): Promise<void> {
    try {
      if (this.#breaker.probe === 'echo') await this.#session.echo?.();
      this.#breaker.letOneTry();
      this.#ramp.restart();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#attempts.probeFailed(error);
    }
  }

  #noteHours({ isOpen }: Hours): void {
    if (isOpen === this.#wasOpen) return;
    this.#wasOpen = isOpen;
    laneHoursChanged(this.#deps.telemetry, { destination: this.destination, isOpen });
  }

  #stateWord(isClosed: boolean): LaneStatus['state'] {
    if (this.#stopping.signal.aborted) return 'stopped';
    if (this.#flow.sending > 0) return 'sending';
    if (isClosed) return 'closed';
    return this.#breaker.state === 'closed' ? 'idle' : 'suspended';
  }
}
