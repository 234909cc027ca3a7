import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { openAssociation, type ServiceUser } from '../../src/dimse/service-user.ts';
import { slidegate } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { EXPLICIT_LE, SECONDARY_CAPTURE } from '../support/small-instance.ts';

const folder = mkdtempSync(join(tmpdir(), 'serve-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

interface Served {
  readonly process: ChildProcess;
  /** Resolves with the exit code and the signal that killed it, if any. */
  readonly ended: Promise<[code: number | null, signal: string | null]>;
  stderr(): string;
  /** First line of standard output: everything accepts work. */
  readonly ready: Promise<string>;
}

function serve(name: string, settings: Record<string, unknown> = {}): Served {
  const rules = join(folder, 'rules.yaml');
  writeFileSync(rules, 'rules: []\notherwise: { to: [outbox] }\n');
  const NODE_CONFIG = JSON.stringify({
    spool: { directory: join(folder, name), watermark_free_bytes: 0 },
    inputs: { dimse: { port: 0 } },
    destinations: { outbox: { path: join(folder, name, 'outbox') } },
    rules: { path: rules },
    console: { port: 0 },
    ...settings,
  });
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH ?? '', NODE_CONFIG },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close') as Served['ended'];
  const ready = Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data').then(([text]) => String(text)),
    ended.then(([code]) => Promise.reject(new Error(`The gateway ended with ${code}: ${stderr}`))),
  ]);
  ready.catch(() => {});
  return { process: child, ended, ready, stderr: () => stderr };
}

test.serial('serve says where it listens, answers there, and stops in order on SIGTERM', async (t) => {
  const gateway = serve('first');
  const line = await gateway.ready;
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];

  t.regex(line, /^Slidegate accepts dimse on 127\.0\.0\.1:\d+; console on http:/);
  t.is((await fetch(`${url}/health/ready`)).status, 200);
  gateway.process.kill('SIGTERM');

  t.deepEqual(await gateway.ended, [0, null]);
  t.regex(gateway.stderr(), /"reason":"SIGTERM","msg":"Gateway stopped\."/);
});

test.serial('one Ctrl-C that arrives twice stops in order all the same', async (t) => {
  const gateway = serve('twice');
  await gateway.ready;

  gateway.process.kill('SIGINT');
  gateway.process.kill('SIGINT');

  t.deepEqual(await gateway.ended, [0, null]);
  t.regex(gateway.stderr(), /Gateway stopped/);
});

test.serial('a signal that comes while it starts stops it as soon as it has started', async (t) => {
  const gateway = serve('early');
  await once(gateway.process.stderr!, 'data'); // The spool is open, the rest is not.

  gateway.process.kill('SIGTERM');

  t.deepEqual(await gateway.ended, [0, null]);
  t.regex(gateway.stderr(), /Gateway stopped/);
});

test.serial('SIGHUP that comes while it starts ends nothing, and is heard afterwards', async (t) => {
  const gateway = serve('hung-up');
  await once(gateway.process.stderr!, 'data'); // The spool is open, the rest is not.

  gateway.process.kill('SIGHUP');

  await gateway.ready;
  await eventually('it is heard', () => /Configuration reloaded/.test(gateway.stderr()));
  gateway.process.kill('SIGTERM');
  t.deepEqual(await gateway.ended, [0, null]);
});

test.serial('SIGHUP puts other rules in force, and none that are wrong', async (t) => {
  const gateway = serve('reloaded');
  await gateway.ready;
  const rules = join(folder, 'rules.yaml');

  writeFileSync(rules, 'rules: []\notherwise: { to: [nowhere] }\n');
  gateway.process.kill('SIGHUP');
  await eventually('the wrong rules are refused', () => /could not be reloaded/.test(gateway.stderr()));
  writeFileSync(rules, 'rules: []\notherwise: { to: [outbox], note: other }\n');
  gateway.process.kill('SIGHUP');
  await eventually('the right ones are taken', () => /Configuration reloaded/.test(gateway.stderr()));

  t.regex(gateway.stderr(), /"reason":"[^"]*unknown destination/);
  gateway.process.kill('SIGTERM');
  t.deepEqual(await gateway.ended, [0, null]);
});

test.serial(
  'reload says what is in force, what takes a restart, and what is wrong; status tells until it is mended',
  async (t) => {
    const gateway = serve('asked');
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await gateway.ready)?.[0] ?? '';
    const rules = join(folder, 'rules.yaml');

    const good = await slidegate(['reload', '--url', url]);
    writeFileSync(rules, 'rules: []\notherwise: { to: [nowhere] }\n');
    const bad = await slidegate(['reload', '--url', url]);
    const after = await slidegate(['status', '--url', url]);
    writeFileSync(rules, 'rules: []\notherwise: { to: [outbox] }\n');
    const mended = await slidegate(['reload', '--url', url, '--json']);
    const atLast = await slidegate(['status', '--url', url]);

    t.deepEqual([good.code, good.stdout], [0, 'Reloaded: sources, destinations, rules, certificates\n']);
    t.is(bad.code, 1);
    t.regex(bad.stderr, /rules\.yaml:2:\d+: .*unknown destination "nowhere"/);
    t.is(after.code, 0, 'it is ready all the same');
    t.regex(
      after.stdout,
      /^! The reload at \S+ \d\d:\d\d:\d\dZ failed, and the configuration before is in force: Cannot use/m,
    );
    t.like(JSON.parse(mended.stdout), { needRestart: [] });
    t.notRegex(atLast.stdout, /^!/m);
    t.regex(gateway.stderr(), new RegExp(`"pid":${gateway.process.pid},"msg":"Gateway started`));
    t.is((await fetch(`${url}/api/reload`, { method: 'POST' })).status, 403);
    gateway.process.kill('SIGTERM');
    t.deepEqual(await gateway.ended, [0, null]);
  },
);

test.serial('a second signal ends a stop that waits for a peer', async (t) => {
  const gateway = serve('second', { drain_limit: '60s' });
  const port = Number(/dimse on 127\.0\.0\.1:(\d+)/.exec(await gateway.ready)?.[1]);
  const modality = await sendWithoutEnd(port);
  t.teardown(() => modality.abort());

  gateway.process.kill('SIGTERM');
  await delay(600); // Longer than what counts as the same signal.
  gateway.process.kill('SIGTERM');

  t.deepEqual(await gateway.ended, [1, null]);
  t.notRegex(gateway.stderr(), /Gateway stopped/);
});

/** Begins to store an instance whose second half never comes. */
async function sendWithoutEnd(port: number): Promise<ServiceUser> {
  const timeouts = { connectTimeoutMs: 5000, associationTimeoutMs: 5000, responseTimeoutMs: 60_000 };
  const titles = { calledAeTitle: 'SLIDEGATE', callingAeTitle: 'CT1' };
  const user = await openAssociation(
    { host: '127.0.0.1', port, ...titles, ...timeouts, maxPduLengthBytes: 16_384 },
    [{ abstractSyntaxUid: SECONDARY_CAPTURE, transferSyntaxUids: [EXPLICIT_LE] }],
  );
  const command = { sopClassUid: SECONDARY_CAPTURE, sopInstanceUid: '1.2.3', transferSyntaxUid: EXPLICIT_LE };
  const half = Buffer.alloc(4 << 20);
  const halfSent = Promise.withResolvers<void>();
  const dataSet = {
    lengthBytes: 2 * half.length,
    read: async (into: Uint8Array, position: number) => {
      if (position < half.length) return half.copy(into, 0, position);
      halfSent.resolve();
      return new Promise<number>(() => {});
    },
  };
  user.store(command, dataSet).catch(() => {});
  await halfSent.promise;
  return user;
}

test.serial('settings that are wrong keep it from starting, with every problem', async (t) => {
  const gateway = serve('wrong', { console: { prot: 1 }, log: { level: 'loud' } });

  t.deepEqual(await gateway.ended, [1, null]);
  t.regex(gateway.stderr(), /2 problems\n {2}NODE_CONFIG console\.prot: .*\n {2}NODE_CONFIG log\.level: /);
});

test.serial('a port that is taken keeps it from starting, and nothing is left running', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());

  const gateway = serve('taken', { console: { port: (taken.address() as AddressInfo).port } });

  t.deepEqual(await gateway.ended, [1, null]);
  t.regex(
    gateway.stderr(),
    /slidegate: Cannot listen on 127\.0\.0\.1:\d+ \(console\): the port must be free, and is in use/,
  );
});
