/** Live: the process answers. Ready: it may be sent instances. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { SpoolStatus } from '../spool/spool.ts';
import type { ConsolePorts, ConsoleView } from './ports.ts';

const STATUS_LIMIT_MS = 5000;

export interface Readiness {
  readonly ready: boolean;
  /** What is wrong, each a sentence. */
  readonly problems: readonly string[];
  /** Absent when the spool did not answer. */
  readonly status?: SpoolStatus;
}

/** Asks the spool and the inputs; answers within five seconds whatever they do. */
export async function readiness(
  { spool, inputs }: ConsolePorts,
  settings: Pick<ConsoleView, 'inputs'>,
): Promise<Readiness> {
  const status = await withinLimit(spool.status());
  const problems: string[] = [];
  if (status === undefined) problems.push('The spool does not answer.');
  if (status?.healthy === false)
    problems.push('The disk of the spool failed to write: instances are refused.');
  if (status?.refusing) problems.push('Free space is under the watermark: instances are refused.');
  const listening = new Set(inputs().map(({ name }) => name));
  for (const name of Object.keys(settings.inputs)) {
    if (!listening.has(name)) problems.push(`Input "${name}" is not listening.`);
  }
  return { ready: problems.length === 0, problems, ...(status && { status }) };
}

/** The longest pause of the event loop since it was last asked: long ones mean work that blocks. */
export class LoopPauses {
  readonly #histogram = monitorEventLoopDelay({ resolution: 20 });

  constructor() {
    this.#histogram.enable();
  }

  takeLongestMs(): number {
    const longestMs = this.#histogram.max / 1e6;
    this.#histogram.reset();
    return Math.round(longestMs);
  }

  stop(): void {
    this.#histogram.disable();
  }
}

async function withinLimit(asked: Promise<SpoolStatus>): Promise<SpoolStatus | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), STATUS_LIMIT_MS);
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    return undefined; // A spool that throws does not answer either; it has logged why.
  } finally {
    clearTimeout(timer);
  }
}
