/** What an image costs that ends its worker: itself, after its tries, and nothing else. */
import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const RULES = `rules:
  - name: microscopy becomes a pyramid (lossy JPEG)
    when: { attribute: Modality, is: GM }
    do: [ { convert: { to: wsi } } ]
    to: [outbox]
otherwise: { to: [outbox] }
`;

function slide(label: string, rows: number) {
  return secondaryCapture({ label, rows, columns: rows, modality: 'GM', pixelSpacing: ['0.001', '0.001'] });
}

async function convertingGateway(t: ExecutionContext, conversion: Record<string, unknown>) {
  const gateway = await startTestGateway({
    rules: RULES,
    settings: { conversion: { workers: 1, retry_after: '20ms', scratch_free_bytes: 0, ...conversion } },
  });
  t.teardown(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

/** Conversion workers: the processes that this one has started. */
async function workers(): Promise<readonly number[]> {
  const text = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

/** Does that to every worker that starts, as soon as it is there, until it has done it so often. */
async function meddle(times: number, signal: NodeJS.Signals): Promise<void> {
  const met = new Set<number>();
  await eventually(
    `${times} workers that got ${signal}`,
    async () => {
      for (const pid of await workers()) {
        if (met.has(pid) || met.size === times) continue;
        met.add(pid);
        process.kill(pid, signal);
      }
      return met.size === times;
    },
    60_000,
  );
}

// Fault case 25.
for (const [how, signal, settings, code] of [
  ['segfaults', 'SIGSEGV', {}, 'WORKER_DIED_REPEATEDLY'],
  ['hangs', 'SIGSTOP', { timeout: '2s' }, 'WORKER_DIED_REPEATEDLY'],
] as const) {
  test.serial(
    `an image whose worker ${how} three times is held; others go, and the pool lives`,
    async (t) => {
      const gateway = await convertingGateway(t, settings);
      const poison = slide(`poison-${how}`, 1500);
      const plain = secondaryCapture({ label: `plain-${how}` });

      t.deepEqual(await sendInstances(gateway.port, [poison, plain]), [0, 0]);
      await meddle(3, signal);
      await spoolReaches(gateway.spool, ({ states }) => states.held === 1 && states.delivered === 1, 60_000);
      const [held] = await gateway.spool.query({ state: 'held' });
      const after = slide(`after-${how}`, 300);
      await sendInstances(gateway.port, [after]);
      const { producedStates } = await spoolReaches(
        gateway.spool,
        ({ states, producedStates: made }) => states.delivered === 2 && made.pending === 0,
        60_000,
      );

      t.is(held?.sopInstanceUid, poison.sopInstanceUid);
      t.like(
        held?.tasks.find(({ kind }) => kind === 'conversion'),
        { state: 'held', code, attempt: 3 },
      );
      t.true(producedStates.delivered > 0);
    },
  );
}
