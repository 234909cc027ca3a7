import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/config/config.ts';
import { type Gateway, startGateway } from '../../src/gateway.ts';
import type { Spool, SpoolStatus } from '../../src/spool/spool.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';

export interface TestGateway extends Gateway {
  readonly folder: string;
  /** Where the default destination writes. */
  readonly outbox: string;
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Sends everything to the folder destination. */
export const FORWARD_ALL = 'rules: []\notherwise: { to: [outbox] }\n';

/**
 * A whole gateway in this process, on free ports and a temporary spool.
 *
 * @param options settings on top of the test's own; `rules` is the text of a rule file
 */
export async function startTestGateway(
  options: {
    rules?: string;
    settings?: Record<string, unknown>;
    folder?: string;
    stepModule?: URL;
    telemetry?: Telemetry;
  } = {},
): Promise<TestGateway> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'slidegate-test-')));
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, options.rules ?? FORWARD_ALL);
  const outbox = join(folder, 'outbox');
  const settings = {
    spool: { directory: join(folder, 'spool'), watermark_free_bytes: 1_000_000 },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
    destinations: { outbox: { kind: 'folder', path: outbox } },
    rules: { path: rules },
    console: { port: 0 },
    log: { level: 'silent' },
    drain_limit: '5s',
    ...options.settings,
  };
  const gateway = await startGateway(loadSettings({ env: { NODE_CONFIG: JSON.stringify(settings) } }), {
    ...(options.stepModule && { stepModule: options.stepModule }),
    ...(options.telemetry && { telemetry: options.telemetry }),
  });
  const [input] = gateway.inputs;
  if (input?.port === undefined) throw new Error('The first input of the gateway listens nowhere');
  return {
    ...gateway,
    folder,
    outbox,
    port: input.port,
    async [Symbol.asyncDispose]() {
      await gateway.stop('test over');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Waits until the spool's counts satisfy the condition; looks again whenever the spool says that it changed.
 *
 * @throws {Error} with the counts when that takes longer than `limitMs`
 */
export async function spoolReaches(
  spool: Spool,
  condition: (status: SpoolStatus) => boolean,
  limitMs = 30_000,
): Promise<SpoolStatus> {
  const until = Date.now() + limitMs;
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      const timer = setTimeout(done, 250);
      const unsubscribe = spool.subscribe(done);
      function done() {
        clearTimeout(timer);
        unsubscribe();
        resolve();
      }
    });
    const status = await spool.status();
    if (condition(status)) return status;
    if (Date.now() > until) {
      const held = await spool.query({ state: 'held', limit: 3 });
      const reasons = held.flatMap((entry) => entry.tasks.map((task) => task.reason)).join('; ');
      throw new Error(`Not reached in ${limitMs} ms: ${JSON.stringify(status)} ${reasons}`);
    }
    await changed;
  }
}
