/** What is wrong with the lanes of destinations that are right one by one. */
import { didYouMean } from '../did-you-mean.ts';
import { everOpenTogether } from '../schedule/schedule.ts';
import type { DestinationsSettings } from './config.ts';

export interface LaneProblem {
  readonly severity: 'error' | 'warning';
  readonly path: readonly string[];
  readonly message: string;
}

/** Checks where deliveries go when a destination is down, and when its lane is ever open. */
export function checkLanes(destinations: DestinationsSettings): readonly LaneProblem[] {
  return Object.keys(destinations).flatMap((name) => [
    ...failoverProblems(name, destinations),
    ...hourProblems(name, destinations),
  ]);
}

function failoverProblems(name: string, destinations: DestinationsSettings): readonly LaneProblem[] {
  const { when_down, failover_to } = destinations[name]!;
  const error = (setting: string, message: string): LaneProblem[] => [
    { severity: 'error', path: ['destinations', name, setting], message },
  ];
  if (when_down === 'failover' && failover_to === undefined) {
    return error('when_down', 'needs failover_to beside it: the destination that takes over');
  }
  if (failover_to === undefined) return [];
  if (!Object.hasOwn(destinations, failover_to)) {
    const names = Object.keys(destinations);
    const hint = didYouMean(failover_to, names) || `; there are: ${names.join(', ')}`;
    return error('failover_to', `must name a destination: there is no "${failover_to}"${hint}`);
  }
  const chain = chainFrom(name, destinations);
  if (chain.at(-1) === name) {
    return error('failover_to', `must not lead back to where it began: ${chain.join(' → ')}`);
  }
  if (destinations[failover_to]?.report_only && !destinations[name]?.report_only) {
    return error('failover_to', `must name a destination that is sent to: "${failover_to}" is report_only`);
  }
  if (when_down === 'failover') return [];
  const message = 'is of no use while when_down is not failover';
  return [{ severity: 'warning', path: ['destinations', name, 'failover_to'], message }];
}

/** The destinations that take over one after the other; ends with the first that comes a second time, if any. */
function chainFrom(name: string, destinations: DestinationsSettings): readonly string[] {
  const chain = [name];
  for (
    let next = destinations[name]?.failover_to;
    next !== undefined;
    next = destinations[next]?.failover_to
  ) {
    const isCycle = chain.includes(next);
    chain.push(next);
    if (isCycle) break;
  }
  return chain;
}

function hourProblems(name: string, destinations: DestinationsSettings): readonly LaneProblem[] {
  const { send_windows, off_peak } = destinations[name]!;
  if (everOpenTogether(send_windows, off_peak)) return [];
  const message = 'must be open at some time within send_windows: off-peak deliveries would never be sent';
  return [{ severity: 'error', path: ['destinations', name, 'off_peak'], message }];
}
