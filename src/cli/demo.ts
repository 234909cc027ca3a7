import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadSettings } from '../config/config.ts';
import { openAssociation } from '../dimse/service-user.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import type { Command } from './command.ts';
import { demoInstance } from './demo-instance.ts';
import { DemoError } from './errors.ts';
import { validatePaths } from './validate.ts';

const LIMIT_MS = 60_000;
const RULES = `rules:
  - name: microscopy becomes a slide pyramid (lossy JPEG 85)
    when: { attribute: Modality, is: GM }
    do: [ { convert: { to: wsi } } ]
    to: [pacs]
otherwise: { to: [pacs] }
tests:
  - name: a microscopy image is converted
    given: { Modality: GM }
    expect: { rule: microscopy becomes a slide pyramid (lossy JPEG 85), to: [pacs] }
`;

/** `slidegate demo`: a modality, the gateway and a PACS on loopback, with real images over real sockets. */
export const demo: Command = {
  name: 'demo',
  summary: 'Runs the gateway between a simulated modality and a receiving PACS, and says what happened.',
  usage: `Usage: slidegate demo

Everything happens on free ports of loopback and in a temporary folder, of which the PACS's files stay to be
looked at. Exits with 0 when a valid slide pyramid has arrived at the PACS.`,

  async run(args) {
    parseArgs({ args: [...args], options: {} });
    const folder = await mkdtemp(join(tmpdir(), 'slidegate-demo-'));
    try {
      return await play(folder);
    } finally {
      await rm(join(folder, 'spool'), { recursive: true, force: true });
    }
  },
};

async function play(folder: string): Promise<number> {
  const started = performance.now();
  const say = (text: string) =>
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`);
  const inbox = join(folder, 'pacs');
  await mkdir(inbox);
  const pacs = await startPacs(inbox);
  let gateway: Gateway | undefined;
  try {
    say(`A PACS listens on 127.0.0.1:${pacs.port}, in a process of its own.`);
    gateway = await startDemoGateway(folder, pacs.port);
    const scp = gateway.inputs[0]!;
    say(`Slidegate listens on ${scp.place}; its console on port ${gateway.console.port}.`);

    const instance = demoInstance();
    const megabytes = (instance.dataSet.byteLength / 1e6).toFixed(0);
    say(`A modality has made a VL Microscopic image: 4000 × 3000 pixels, ${megabytes} MB.`);
    const storedMs = await sendTo(scp.port!, instance);
    say(`Slidegate took it: C-STORE answered 0000 after ${storedMs.toFixed(0)} ms, the image safe on disk.`);

    await delivered(gateway);
    const { produced } = await gateway.spool.status();
    say(`The rule asked for a slide pyramid: ${produced} instances were made, checked and delivered.`);
    for (const file of pacs.stored)
      say(`  the PACS has ${(file.sizeBytes / 1e6).toFixed(2)} MB: ${file.path}`);

    const report = await validatePaths([inbox]);
    const { errors, instances } = report;
    say(`Checked what arrived: ${instances} instances, ${errors} errors.`);
    if (errors > 0 || instances !== produced) {
      throw new DemoError(
        `Cannot call the demo done: the PACS holds ${instances} instances with ${errors} errors, of ${produced} made`,
        { instances, errors, produced },
      );
    }
    say(`Done. The PACS's files stay in ${inbox}`);
    say('Next: `npm start`, then send it images of your own; README.md says how.');
    return 0;
  } finally {
    await gateway?.stop('demo over');
    pacs.process.kill();
  }
}

interface Pacs {
  readonly process: ChildProcess;
  readonly port: number;
  readonly stored: { path: string; sizeBytes: number }[];
}

type FromPacs =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'stored'; readonly path: string; readonly sizeBytes: number };

async function startPacs(inbox: string): Promise<Pacs> {
  const child = fork(fileURLToPath(new URL('demo-pacs.ts', import.meta.url)), [inbox]);
  const stored: Pacs['stored'] = [];
  child.on('message', (message: FromPacs) => {
    if (message.type === 'stored') stored.push(message);
  });
  const signal = AbortSignal.timeout(LIMIT_MS);
  for (;;) {
    const [message] = (await once(child, 'message', { signal })) as [FromPacs];
    if (message.type === 'listening') return { process: child, port: message.port, stored };
  }
}

async function startDemoGateway(folder: string, pacsPort: number): Promise<Gateway> {
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, RULES);
  const settings = {
    spool: { directory: join(folder, 'spool'), watermark_free_bytes: 100_000_000 },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
    destinations: {
      outbox: null,
      pacs: { kind: 'dimse-scu', host: '127.0.0.1', port: pacsPort, called_ae_title: 'PACS' },
    },
    rules: { path: rules },
    console: { port: 0 },
    log: { level: 'warn' },
  };
  return startGateway(loadSettings({ env: { NODE_CONFIG: JSON.stringify(settings) } }));
}

/** Sends one instance as a modality would; returns how long the response took, in milliseconds. */
async function sendTo(port: number, instance: ReturnType<typeof demoInstance>): Promise<number> {
  const association = await openAssociation(
    {
      host: '127.0.0.1',
      port,
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: 'MICROSCOPE',
      connectTimeoutMs: 5_000,
      associationTimeoutMs: 5_000,
      responseTimeoutMs: LIMIT_MS,
      maxPduLengthBytes: 131_072,
    },
    [{ abstractSyntaxUid: instance.sopClassUid, transferSyntaxUids: [instance.transferSyntaxUid] }],
  );
  const { dataSet } = instance;
  const read = async (into: Uint8Array, position: number): Promise<number> => {
    const part = dataSet.subarray(position, position + into.byteLength);
    into.set(part);
    return part.byteLength;
  };
  const started = performance.now();
  const { status } = await association.store(instance, { lengthBytes: dataSet.byteLength, read });
  const waitedMs = performance.now() - started;
  await association.release();
  if (status !== 0)
    throw new DemoError(`Cannot go on: the gateway answered ${status.toString(16)}, not 0000`, { status });
  return waitedMs;
}

/** Resolves when the received entry counts as delivered: every product has been taken. */
async function delivered(gateway: Gateway): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    const look = async () => {
      const { states } = await gateway.spool.status();
      if (states.held > 0) {
        const [entry] = await gateway.spool.query({ state: 'held', limit: 1 });
        const reason = entry?.tasks.find((task) => task.state === 'held')?.reason ?? 'no reason given';
        reject(new DemoError(`Cannot go on: the gateway holds the image: ${reason}`));
      }
      if (states.delivered > 0) resolve();
    };
    gateway.spool.subscribe(() => look().catch(reject));
    look().catch(reject);
    setTimeout(
      () => reject(new DemoError(`Cannot go on: nothing was delivered within ${LIMIT_MS} ms`)),
      LIMIT_MS,
    ).unref();
  });
  await done;
}
