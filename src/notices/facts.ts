/** What notices are judged by: the same facts that the alerts of Grafana go by, read in one go. */
import { partsOfKind, type Spool, type SpoolStatus, type TaskKind } from '../spool/spool.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { withinLimit } from './within-limit.ts';

const STATUS_LIMIT_MS = 5000;

export interface Facts {
  readonly nowMs: number;
  /** Absent while the spool does not answer. */
  readonly spool?: {
    readonly refusing: boolean;
    readonly healthy: boolean;
    readonly held: Readonly<Partial<Record<TaskKind, number>>>;
    /** Deliveries that wait or are being made, by destination. */
    readonly waiting: Readonly<Record<string, number>>;
  };
  /** Since the start of the process. */
  readonly heldByCode: readonly { readonly stage: string; readonly code: string; readonly count: number }[];
  /** Deliveries since the start of the process, by destination. */
  readonly gaveUp: Readonly<Record<string, number>>;
  /** `resting`: outside of its send windows; then nothing is known of it. */
  readonly destinations: Readonly<Record<string, 'up' | 'down' | 'resting' | 'unknown'>>;
  /** Inputs of the settings, and whether each is at work. */
  readonly inputs: Readonly<Record<string, boolean>>;
  /** By source, since the start of the process. */
  readonly lastReceivedMs: Readonly<Record<string, number>>;
  readonly certificates: readonly { readonly name: string; readonly endsAtMs: number }[];
}

export interface FactSources {
  readonly spool: Pick<Spool, 'status'>;
  readonly telemetry: Telemetry;
  /** Destinations of the settings in force. */
  destinations(): readonly string[];
  /** Inputs of the settings, and those at work. */
  inputs(): { readonly expected: readonly string[]; readonly working: readonly string[] };
}

/** Reads all facts; within five seconds, whatever the spool does. */
export async function readFacts(sources: FactSources, nowMs: () => number): Promise<Facts> {
  const status = await withinLimit(sources.spool.status(), STATUS_LIMIT_MS);
  // After the status, so that whatever the status counts has been counted here as well.
  const { metrics } = sources.telemetry;
  const up = await byLabel(metrics.destinationUp, 'destination');
  const suspended = await byLabel(metrics.breakerOpen, 'destination');
  const closed = await byLabel(metrics.laneClosed, 'destination');
  const { expected, working } = sources.inputs();
  return {
    nowMs: nowMs(),
    ...(status && { spool: spoolFacts(status) }),
    heldByCode: (await metrics.heldTotal.get()).values.map(({ labels, value }) => ({
      stage: String(labels.stage),
      code: String(labels.code),
      count: value,
    })),
    gaveUp: await byLabel(metrics.gaveUpTotal, 'destination'),
    destinations: Object.fromEntries(
      sources.destinations().map((name) => [name, contactOf(up[name], suspended[name], closed[name])]),
    ),
    inputs: Object.fromEntries(expected.map((name) => [name, working.includes(name)])),
    lastReceivedMs: Object.fromEntries(
      Object.entries(await byLabel(metrics.sourceLastReceived, 'source')).map(([name, seconds]) => [
        name,
        seconds * 1000,
      ]),
    ),
    certificates: await certificateFacts(metrics),
  };
}

function spoolFacts({ refusing, healthy, tasks }: SpoolStatus): NonNullable<Facts['spool']> {
  const held: Partial<Record<TaskKind, number>> = {};
  const waiting: Record<string, number> = {};
  for (const { kind, state, count } of tasks) {
    if (state === 'held') held[kind] = (held[kind] ?? 0) + count;
    else {
      const { stage, destination } = partsOfKind(kind);
      if (stage === 'delivery' && destination) waiting[destination] = (waiting[destination] ?? 0) + count;
    }
  }
  return { refusing, healthy, held, waiting };
}

function contactOf(
  up: number | undefined,
  suspended: number | undefined,
  closed: number | undefined,
): Facts['destinations'][string] {
  if (closed === 1) return 'resting';
  if (suspended === 1 || up === 0) return 'down';
  return up === 1 ? 'up' : 'unknown'; // Nothing has been sent since the start.
}

async function certificateFacts({ certificateExpiry }: Metrics): Promise<Facts['certificates']> {
  const { values } = await certificateExpiry.get();
  // Exactly one label is set: it says whose certificate it is.
  return values.map(({ labels, value }) => ({
    name: Object.entries(labels).flat().join(' '),
    endsAtMs: value * 1000,
  }));
}

interface Series {
  get(): Promise<{ values: { labels: Partial<Record<string, string | number>>; value: number }[] }>;
}

/** Values of a metric by one of its labels, summed up over the others. */
async function byLabel(metric: Series, label: string): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of (await metric.get()).values) {
    const name = String(labels[label]);
    sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}
