/**
 * What became of each attempt of a lane: said to the breaker, the spool and the telemetry, and remembered for the
 * status.
 */

import type { Clock } from '../clock.ts';
import { coveredMs } from '../schedule/intervals.ts';
import type { Claim, DeliveryPayload } from '../spool/spool.ts';
import { breakerClosed, breakerOpened, deliveryFailed, deliveryTaken } from '../telemetry/events.ts';
import { deliveryGivenUp, deliveryReported } from '../telemetry/lane-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Breaker, Probe } from './breaker.ts';
import { commitmentTask } from './commitment-tasks.ts';
import type { LaneHours } from './lane-hours.ts';
import type { LaneStatus } from './lane-status.ts';
import { dispositionOf, type NotTaken, type Outcome, statusLabel, type Taken } from './outcome.ts';
import { type Decision, decide, type FailedAttempt, triedForMs } from './retry-policy.ts';
import type { RetrySettings } from './retry-settings.ts';
import type { Settlements } from './settlements.ts';

export interface AttemptsDeps {
  readonly hours: LaneHours;
  readonly breaker: Breaker;
  readonly settlements: Settlements;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  random(): number;
}

export interface AttemptsOptions {
  readonly destination: string;
  readonly retry: RetrySettings;
  /** The destination has to commit to what it has taken. */
  readonly commits: boolean;
  /** How a destination in trouble is asked whether it is well again, unless the trouble was A7xx. */
  readonly probe: Probe;
}

/** How an instance was sent. */
export interface Sent {
  readonly startedAtMs: number;
  readonly alone: boolean;
}

type Remembered = Pick<LaneStatus, 'taken' | 'failed' | 'reported' | 'lastTakenAtMs' | 'lastFailure'>;

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #deps: AttemptsDeps;
  /** Outages before are not known. */
  readonly #knownFromMs: number;
  readonly #startedAtElapsedMs: number;
  #remembered: Remembered = { taken: 0, failed: 0 };

  constructor(options: AttemptsOptions, deps: AttemptsDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#knownFromMs = deps.clock.now();
    this.#startedAtElapsedMs = deps.clock.elapsed();
  }

  get remembered(): Remembered {
    return this.#remembered;
  }

  /** @returns what became of it: `again` when it is still to be delivered */
  settle(claim: Claim, outcome: Outcome, sent: Sent): 'taken' | 'held' | 'again' {
    if (!outcome.taken && outcome.code !== 'STOPPED') return this.#settleFailed(claim, outcome, sent);
    if (outcome.taken) this.#settleTaken(claim, outcome, sent);
    else this.#deps.settlements.release([claim]);
    return outcome.taken ? 'taken' : 'again';
  }

  /** The destination did not answer a probe. */
  probeFailed(failure: { readonly code: string; readonly message: string }): void {
    this.#deps.breaker.probeFailed();
    this.#noteFailure(failure.code, failure.message);
  }

  #settleTaken(claim: Claim, { outcome, status, comment }: Taken, { startedAtMs }: Sent): void {
    const { destination } = this.#options;
    const { entry, attempt } = claim;
    const now = this.#deps.clock.now();
    this.#tellBreaker((breaker) => breaker.taken(entry.entryId));
    if (outcome === 'reported') {
      this.#settleReported(claim);
      return;
    }
    const { taken, failed } = this.#remembered;
    this.#remembered = { taken: taken + 1, failed, lastTakenAtMs: now };
    this.#deps.settlements.complete(
      {
        claim,
        outcome,
        ...(status !== undefined && { status }),
        ...(comment && { detail: comment }),
        ...(this.#options.commits && { tasks: [commitmentTask(destination, claim)] }),
      },
      () =>
        deliveryTaken(this.#deps.telemetry, {
          destination,
          entryId: entry.entryId,
          attempt,
          outcome,
          status: statusLabel(status),
          sizeBytes: entry.sizeBytes,
          durationMs: now - startedAtMs,
          latencyMs: now - entry.receivedAtMs,
        }),
    );
  }

  /** It would have been sent, and is on record as such. */
  #settleReported(claim: Claim): void {
    const { destination } = this.#options;
    const { reported = 0 } = this.#remembered;
    this.#remembered = { ...this.#remembered, reported: reported + 1 };
    const detail = 'Not sent: the destination is only reported on';
    this.#deps.settlements.complete({ claim, outcome: 'reported', detail }, () =>
      deliveryReported(this.#deps.telemetry, { destination, entryId: claim.entry.entryId }),
    );
  }

  #settleFailed(claim: Claim, outcome: NotTaken, sent: Sent): 'held' | 'again' {
    const { destination } = this.#options;
    const { entry, attempt } = claim;
    const now = this.#deps.clock.now();
    const failed = this.#failedAttempt(claim, outcome, sent);
    const decision = decide(failed, this.#options.retry, this.#deps.random());
    const message = explain(decision, attempt) + outcome.message;
    const disposition = decision.type === 'hold' ? 'hold' : dispositionOf(outcome.reason);
    this.#remembered = { ...this.#remembered, failed: this.#remembered.failed + 1 };
    this.#noteFailure(outcome.code, message);
    this.#deps.settlements.fail(
      {
        claim,
        disposition,
        code: outcome.code,
        message: outcome.comment ? `${message}: "${outcome.comment}"` : message,
        ...(outcome.status !== undefined && { status: outcome.status }),
        ...(decision.type === 'retry' && {
          retryAtMs: now + Math.max(decision.delayMs, outcome.retryAfterMs ?? 0),
          counts: decision.counts,
        }),
      },
      () => {
        const { telemetry } = this.#deps;
        const about = { destination, entryId: entry.entryId, attempt, code: outcome.code };
        const status = statusLabel(outcome.status);
        deliveryFailed(telemetry, { ...about, disposition, status, reason: message });
        if (decision.type === 'hold' && decision.why === 'gave-up') deliveryGivenUp(telemetry, about);
      },
    );
    return decision.type === 'hold' ? 'held' : 'again';
  }

  /** What the policy has to know; tells the breaker on the way. */
  #failedAttempt(
    claim: Claim,
    { reason, status, code }: NotTaken,
    { startedAtMs, alone }: Sent,
  ): FailedAttempt {
    const { entryId } = claim.entry;
    const { breaker } = this.#deps;
    const othersPass = breaker.othersPass(entryId, claim.createdAtMs);
    const othersFail = breaker.othersFail(entryId);
    const probe = reason === 'resources' ? 'instance' : this.#options.probe;
    if (reason === 'refused' && status !== undefined) this.#tellBreaker(() => breaker.answered());
    else if (reason !== 'refused' && reason !== 'local') {
      this.#tellBreaker(() => breaker.failed(entryId, probe), code);
    }

    return {
      reason,
      attempt: claim.attempt,
      alone,
      failuresInRow: Math.max(1, breaker.failuresInRow),
      othersPass,
      othersFail,
      triedForMs: this.#triedForMs(claim, claim.firstAttemptAtMs ?? startedAtMs),
    };
  }

  /** Neither outages nor the time outside of the hours count; of outages those before this run are not known. */
  #triedForMs({ attempt, payload }: Claim, firstAtMs: number): number {
    const { breaker, hours, clock } = this.#deps;
    const now = clock.now();
    const { priority } = (payload ?? {}) as Partial<DeliveryPayload>;
    const closed = hours.closedBetween(firstAtMs, now, priority);
    const knownFromMs = Math.max(firstAtMs, this.#knownFromMs);
    const inThisRunMs = now - knownFromMs - coveredMs([...breaker.suspensions, ...closed], knownFromMs);
    const tried = {
      attempt,
      sinceFirstMs: now - firstAtMs - coveredMs(closed, firstAtMs),
      // No longer than this run, should somebody have set the clock.
      inThisRunMs: Math.min(inThisRunMs, clock.elapsed() - this.#startedAtElapsedMs),
    };
    return triedForMs(tried, this.#options.retry);
  }

  /** Reports when sending is suspended, and when it goes on. */
  #tellBreaker(tell: (breaker: Breaker) => void, code = ''): void {
    const { breaker, telemetry } = this.#deps;
    const { destination } = this.#options;
    const before = breaker.state;
    tell(breaker);
    const after = breaker.state;
    if (before === 'closed' && after === 'open') {
      breakerOpened(telemetry, { destination, code, failuresInRow: breaker.failuresInRow });
    } else if (before !== 'closed' && after === 'closed') breakerClosed(telemetry, { destination });
  }

  #noteFailure(code: string, reason: string): void {
    this.#remembered = { ...this.#remembered, lastFailure: { atMs: this.#deps.clock.now(), code, reason } };
  }
}

function explain(decision: Decision, attempt: number): string {
  if (decision.type === 'retry' || decision.why === 'refused') return '';
  return decision.why === 'tries' ? `Held after ${attempt} attempts. ` : 'Held as tried for too long. ';
}
