/** `slidegate bench route`: store-and-forward and reception, beside DCMTK and Orthanc in one run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAssociation } from '../dimse/service-user.ts';
import { benchInstance, writeBenchFiles } from './bench-instances.ts';
import { type Measured, measurePath, type Path, startReceiver } from './bench-paths.ts';
import { isInstalled } from './peer-process.ts';

export interface RouteScenario {
  readonly name: string;
  readonly count: number;
  readonly sizeBytes: number;
  readonly associations: number;
}

const SCENARIOS: readonly RouteScenario[] = [
  { name: '64KB-1', count: 2000, sizeBytes: 65_536, associations: 1 },
  { name: '64KB-4', count: 2000, sizeBytes: 65_536, associations: 4 },
  { name: '3MB-1', count: 100, sizeBytes: 3 << 20, associations: 1 },
  { name: '3MB-4', count: 100, sizeBytes: 3 << 20, associations: 4 },
];
const LATENCY_SAMPLES = 500;

export interface RouteRow {
  readonly scenario: string;
  readonly path: Path;
  readonly instances_per_s: number;
  readonly mb_per_s: number;
  readonly cpu_s: number;
  readonly peak_rss_mb: number;
}

/**
 * Runs every scenario along every path whose peers are installed. The paths take turns within a scenario, and
 * the best of `repeats` counts, so that a noisy neighbour does not decide.
 */
export async function benchRoute(options: { repeats?: number; log?: (line: string) => void } = {}) {
  const log = options.log ?? (() => {});
  const hasDcmtk = await isInstalled('storescu');
  const hasOrthanc = await isInstalled('Orthanc');
  const rows: RouteRow[] = [];
  for (const scenario of hasDcmtk ? SCENARIOS : []) {
    const paths: Path[] = ['direct', 'slidegate', 'receive-storescp', 'receive-slidegate'];
    if (hasOrthanc) paths.push('orthanc');
    rows.push(...(await benchScenario(scenario, paths, options.repeats ?? 2, log)));
  }
  return {
    bench: 'route',
    peers: { dcmtk: hasDcmtk, orthanc: hasOrthanc },
    store_response: await benchLatency(),
    rows,
    ratios: ratiosOf(rows),
  };
}

async function benchScenario(
  scenario: RouteScenario,
  paths: readonly Path[],
  repeats: number,
  log: (line: string) => void,
): Promise<RouteRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-bench-files-'));
  try {
    const folders = await writeBenchFiles(scratch, {
      label: scenario.name,
      count: scenario.count,
      sizeBytes: scenario.sizeBytes,
      folders: scenario.associations,
    });
    const best = new Map<Path, Measured>();
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      for (const path of paths) {
        const measured = await measurePath(path, folders, scenario.count);
        const before = best.get(path);
        if (before === undefined || measured.seconds < before.seconds) best.set(path, measured);
      }
    }
    const rows = [...best].map(([path, measured]) => rowOf(scenario, path, measured));
    for (const row of rows) log(JSON.stringify(row));
    return rows;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function rowOf(scenario: RouteScenario, path: Path, measured: Measured): RouteRow {
  return {
    scenario: scenario.name,
    path,
    instances_per_s: round(scenario.count / measured.seconds),
    mb_per_s: round((scenario.count * scenario.sizeBytes) / measured.seconds / 1e6),
    cpu_s: round(measured.cpuSeconds),
    peak_rss_mb: round(measured.peakRssBytes / 1e6),
  };
}

/** How long one sender waits for the response to each 64 KB instance, in milliseconds. */
async function benchLatency() {
  const receiver = await startReceiver();
  try {
    const first = benchInstance('latency', 0, 65_536);
    const association = await openAssociation(
      {
        host: '127.0.0.1',
        port: receiver.port,
        calledAeTitle: 'SLIDEGATE',
        callingAeTitle: 'BENCH',
        connectTimeoutMs: 5_000,
        associationTimeoutMs: 5_000,
        responseTimeoutMs: 30_000,
        maxPduLengthBytes: 131_072,
      },
      [{ abstractSyntaxUid: first.sopClassUid, transferSyntaxUids: [first.transferSyntaxUid] }],
    );
    const waitsMs: number[] = [];
    for (let index = 0; index < LATENCY_SAMPLES; index += 1) {
      const { dataSet, ...instance } = benchInstance('latency', index, 65_536);
      const read = async (into: Uint8Array, position: number) => {
        const part = dataSet.subarray(position, position + into.byteLength);
        into.set(part);
        return part.byteLength;
      };
      const started = performance.now();
      await association.store(instance, { lengthBytes: dataSet.byteLength, read });
      waitsMs.push(performance.now() - started);
    }
    await association.release();
    waitsMs.sort((one, other) => one - other);
    const at = (share: number) => round(waitsMs[Math.floor(share * (waitsMs.length - 1))] ?? 0);
    return { p50_ms: at(0.5), p99_ms: at(0.99), samples: waitsMs.length };
  } finally {
    await receiver.stop();
  }
}

/** Slidegate's rate over each peer's; for reception also its CPU time over storescp's. */
function ratiosOf(rows: readonly RouteRow[]) {
  const find = (scenario: string, path: Path) =>
    rows.find((row) => row.scenario === scenario && row.path === path);
  return [...new Set(rows.map((row) => row.scenario))].map((scenario) => {
    const over = (ours: Path, peer: Path, field: 'instances_per_s' | 'cpu_s') => {
      const [one, other] = [find(scenario, ours)?.[field], find(scenario, peer)?.[field]];
      return one === undefined || other === undefined ? undefined : round(one / other);
    };
    return {
      scenario,
      route_over_direct: over('slidegate', 'direct', 'instances_per_s'),
      route_over_orthanc: over('slidegate', 'orthanc', 'instances_per_s'),
      receive_over_storescp: over('receive-slidegate', 'receive-storescp', 'instances_per_s'),
      receive_cpu_over_storescp: over('receive-slidegate', 'receive-storescp', 'cpu_s'),
    };
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
