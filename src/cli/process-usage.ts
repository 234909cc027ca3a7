import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system time of the process and its ended children, seconds. */
  readonly cpuSeconds: number;
  /** Largest resident set so far, bytes. */
  readonly peakRssBytes: number;
}

/** Linux counts in these; `getconf CLK_TCK` is 100 on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

/** What the kernel says a running process has used. Linux only, as are the peers of the benchmarks. */
export function usageOf(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const peakKb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
  return { cpuSeconds: cpuSecondsOf(pid), peakRssBytes: peakKb * 1024 };
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command name may hold spaces and parentheses: fields are counted after its last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
  return ticks / TICKS_PER_SECOND;
}

/**
 * Follows the children of a process that ignores how they end, for the kernel then forgets what they used:
 * storescp --fork does. What a child uses in its last 10 ms may be missed.
 */
export function watchChildren(pid: number): { stop(): number } {
  const seconds = new Map<string, number>();
  const look = () => {
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
      for (const child of children === '' ? [] : children.split(' ')) {
        seconds.set(child, cpuSecondsOf(Number(child)));
      }
    } catch {
      // A child that ended between the two reads: its last figure stands.
    }
  };
  const timer = setInterval(look, 10);
  return {
    stop() {
      clearInterval(timer);
      look();
      return seconds.values().reduce((sum, one) => sum + one, 0);
    },
  };
}
