/**
 * When a delivery that failed is tried again, and when it is held. Pure: no clock, no I/O.
 *
 * An attempt counts only where it says something about the instance: while the destination takes others.
 * What an outage costs is neither counted nor timed, so that no outage, however long, holds anything.
 */
import type { FailureReason } from './outcome.ts';
import type { RetrySettings } from './retry-settings.ts';

/** What is known when an attempt has failed. */
export interface FailedAttempt {
  readonly reason: FailureReason;
  /** Counted from 1, this one included. */
  readonly attempt: number;
  /** It had an association of its own. */
  readonly alone: boolean;
  /** Failures of the lane since the destination last took something, this one included. */
  readonly failuresInRow: number;
  /** The destination took another instance since this one was queued, and failed none since. */
  readonly othersPass: boolean;
  /** Another instance failed since the destination last took something, or sending is suspended. */
  readonly othersFail: boolean;
  /** How long the delivery has been tried, outages left out. */
  readonly triedForMs: number;
}

export type Decision =
  | { readonly type: 'retry'; readonly delayMs: number; readonly counts: boolean }
  | { readonly type: 'hold'; readonly why: 'refused' | 'tries' | 'gave-up' };

/**
 * Decides what happens to a delivery that failed.
 *
 * @param random in [0, 1): the part of the wait that is left to chance
 */
export function decide(failed: FailedAttempt, settings: RetrySettings, random: number): Decision {
  if (failed.reason === 'refused') return { type: 'hold', why: 'refused' };
  const counts = countsAsAttempt(failed);
  if (counts && triesAreSpent(failed, settings)) return { type: 'hold', why: 'tries' };
  if (failed.triedForMs >= settings.give_up_after) return { type: 'hold', why: 'gave-up' };
  return { type: 'retry', delayMs: delayMs(failed, settings, random), counts };
}

/** Whether the next attempt should have an association of its own: the instance may be what ends them. */
export function goesAlone(attempt: number, settings: RetrySettings): boolean {
  return attempt > settings.unclear_tries;
}

/**
 * How long a delivery has been tried, outages left out.
 *
 * Only outages of this process are known: what lies before its start counts no more than the attempts that
 * counted prove.
 *
 * @param known since the lane runs: time from the first attempt on, less the time suspended
 */
export function triedForMs(
  known: { readonly attempt: number; readonly sinceFirstMs: number; readonly inThisRunMs: number },
  settings: RetrySettings,
): number {
  const proven = provenMs(known.attempt, settings);
  return Math.max(known.inThisRunMs, Math.min(known.sinceFirstMs, proven));
}

function countsAsAttempt({ reason, othersPass, othersFail }: FailedAttempt): boolean {
  switch (reason) {
    case 'unreachable':
      return false;
    case 'processing':
    case 'local':
      return !othersFail;
    case 'resources':
    case 'unclear':
      return othersPass;
    case 'refused':
      return true;
    default:
      return reason satisfies never;
  }
}

function triesAreSpent({ reason, attempt, alone }: FailedAttempt, settings: RetrySettings): boolean {
  if (reason === 'processing') return attempt >= settings.processing_tries;
  return reason === 'unclear' && alone && goesAlone(attempt, settings);
}

function delayMs(failed: FailedAttempt, settings: RetrySettings, random: number): number {
  // Attempts that do not count must not come ever faster than those that do.
  const exponent = Math.max(failed.attempt, failed.failuresInRow) - 1;
  return backOffMs({ ...paceOf(failed.reason, settings), jitter: settings.jitter }, exponent, random);
}

function paceOf(reason: FailureReason, settings: RetrySettings): { first: number; longest: number } {
  if (reason === 'resources') {
    return { first: settings.resources_first_delay, longest: settings.resources_longest_delay };
  }
  // To find nobody there costs nothing: no longer waits than between two probes.
  if (reason === 'unreachable') return probePace(settings);
  return { first: settings.first_delay, longest: settings.longest_delay };
}

/** How often a destination is asked whether it is there. */
export function probePace(settings: RetrySettings): { readonly first: number; readonly longest: number } {
  const longest = Math.min(settings.longest_delay, settings.breaker_longest_delay);
  return { first: settings.first_delay, longest };
}

/**
 * Exponential back-off: `first`, doubled `exponent` times, at most `longest`, less a share left to chance.
 *
 * @param random in [0, 1)
 */
export function backOffMs(
  pace: { readonly first: number; readonly longest: number; readonly jitter: number },
  exponent: number,
  random: number,
): number {
  const full = Math.min(pace.longest, pace.first * 2 ** Math.min(exponent, 40));
  return Math.round(full * (1 - pace.jitter * random));
}

/** The shortest time in which that many counted attempts can have been made. */
function provenMs(attempt: number, settings: RetrySettings): number {
  let sum = 0;
  for (let exponent = 0; exponent < attempt - 1; exponent += 1) {
    const wait = Math.min(settings.longest_delay, settings.first_delay * 2 ** Math.min(exponent, 40));
    if (wait === settings.longest_delay) return sum + wait * (attempt - 1 - exponent);
    sum += wait;
  }
  return sum;
}
