/** Storage commitment across a kill between the request and the report, on either side of the gateway. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { SpoolStatus } from '../../src/spool/spool.ts';
import { createModality } from '../support/asking-modality.ts';
import { reportOf, reportTo, startCommittingPeer } from '../support/committing-peer.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

/** Starts gateways on one spool, each in a process of its own. */
async function starter(t: ExecutionContext, settings: Record<string, unknown>) {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-commitment-kill-'));
  const running = new Set<ChildProcess>();
  t.teardown(async () => {
    for (const gateway of running) await kill(gateway);
    await rm(folder, { recursive: true, force: true });
  });
  await writeFile(join(folder, 'rules.yaml'), 'rules: []\notherwise: { to: [pacs] }\n');
  const all = {
    spool: { directory: join(folder, 'spool'), watermark_free_bytes: 1_000_000 },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
    rules: { path: join(folder, 'rules.yaml') },
    console: { port: 0 },
    log: { level: 'silent' },
    ...settings,
  };
  return async () => {
    const gateway = fork(fileURLToPath(new URL('../support/gateway-process.ts', import.meta.url)), {
      env: { ...process.env, NODE_CONFIG: JSON.stringify(all) },
    });
    running.add(gateway);
    gateway.once('exit', () => running.delete(gateway));
    const { port } = await message<{ port: number }>(gateway, 'listening');
    return { gateway, port };
  };
}

async function message<Message>(gateway: ChildProcess, type: string): Promise<Message> {
  for (;;) {
    const [received] = (await once(gateway, 'message')) as [{ type: string }];
    if (received.type === type) return received as Message;
  }
}

async function kill(gateway: ChildProcess): Promise<void> {
  const gone = once(gateway, 'exit');
  gateway.kill('SIGKILL');
  await gone;
}

async function delivered(gateway: ChildProcess, count: number): Promise<void> {
  for (;;) {
    gateway.send({ type: 'status' });
    const { status } = await message<{ status: SpoolStatus }>(gateway, 'status');
    if (status.states.delivered === count) return;
    await delay(50);
  }
}

function pacsAt(port: number) {
  return {
    kind: 'dimse-scu',
    host: '127.0.0.1',
    port,
    called_ae_title: 'PACS',
    commitment: 'required',
    retry: { first_delay: '50ms', longest_delay: '100ms' },
  };
}

const captures = (label: string) =>
  Array.from({ length: 3 }, (_, index) => secondaryCapture({ label: `${label}-${index}` }));

// Fault case 22.
test('a destination that was asked before the kill may report after it, on what it was asked then', async (t) => {
  t.timeout(60_000);
  const asked = Promise.withResolvers<void>();
  const peer = await startCommittingPeer({ onRequest: () => asked.resolve() });
  t.teardown(() => peer.stop());
  const start = await starter(t, { destinations: { outbox: null, pacs: pacsAt(peer.port) } });
  const before = await start();
  await sendInstances(before.port, captures('scu-kill'));
  await asked.promise;
  await kill(before.gateway);
  const sentBefore = peer.stored.length;

  const after = await start();
  for (const request of peer.requests) t.is(await reportTo(after.port, reportOf(request)), 0);
  // Whether the wait was on record by the kill is open: what was not is asked again, under another UID.
  const answering = (async () => {
    for (let known = peer.requests.length; ; await delay(50)) {
      for (; known < peer.requests.length; known += 1) {
        await reportTo(after.port, reportOf(peer.requests[known]!)).catch(() => {});
      }
      if (after.gateway.exitCode !== null || after.gateway.signalCode !== null) return;
    }
  })();

  await delivered(after.gateway, 3);
  t.is(new Set(peer.stored).size, 3);
  t.true(sentBefore >= 1);
  await kill(after.gateway);
  await answering;
});

test('a request that was answered before the kill is decided and reported after it', async (t) => {
  t.timeout(60_000);
  const modality = createModality('CT1');
  t.teardown(() => modality.close());
  const reportsAt = await modality.listen();
  const peer = await startCommittingPeer();
  t.teardown(() => peer.stop());
  const sources = { ct1: { ae_title: 'CT1', commitment: { host: '127.0.0.1', port: reportsAt } } };
  const pacs = { ...pacsAt(peer.port), commitment: 'none' };
  const start = await starter(t, { destinations: { outbox: null, pacs }, sources });
  const before = await start();
  const sent = captures('scp-kill');
  await sendInstances(before.port, sent);
  t.is(await modality.ask(before.port, '1.2.3.1', sent), 0);
  await kill(before.gateway);

  await start();

  await modality.reported(1);
  const [report] = modality.reports;
  t.is(report?.transactionUid, '1.2.3.1');
  t.is(report?.committed.length, 3);
});
