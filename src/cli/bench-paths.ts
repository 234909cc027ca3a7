/** The ways an instance can take in `slidegate bench route`: through us, straight, or through Orthanc. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { startOrthanc } from './orthanc-peer.ts';
import { run, startPeer } from './peer-process.ts';
import { usageOf, watchChildren } from './process-usage.ts';

export type Path = 'direct' | 'slidegate' | 'orthanc' | 'receive-slidegate' | 'receive-storescp';

export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

interface Router {
  readonly port: number;
  readonly calledAeTitle: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const RECEIVER = fileURLToPath(new URL('bench-receiver.ts', import.meta.url));
const SEND_LIMIT_MS = 300_000;

/**
 * Sends every file of `folders`, one DCMTK storescu each, along one path; waits until the last has arrived.
 *
 * @throws {Error} when a peer is missing, a sender fails, or not everything arrives within five minutes
 */
export async function measurePath(path: Path, folders: readonly string[], count: number): Promise<Measured> {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-bench-'));
  const stops: (() => Promise<void>)[] = [() => rm(scratch, { recursive: true, force: true })];
  try {
    const sinkFolder = join(scratch, 'sink');
    await mkdir(sinkFolder);
    const isReceiveOnly = path === 'receive-slidegate';
    const sink = isReceiveOnly ? undefined : await startSink(sinkFolder);
    if (sink) stops.push(sink.stop);
    const router = await startRouter(path, scratch, sink);
    if (router !== sink) stops.push(router.stop);

    const children = watchChildren(router.pid);
    const before = usageOf(router.pid);
    const started = performance.now();
    await Promise.all(folders.map((folder) => sendFolder(folder, router)));
    if (!isReceiveOnly) await arrived(sinkFolder, count);
    const seconds = (performance.now() - started) / 1000;
    const after = usageOf(router.pid);
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds + children.stop();
    return { seconds, cpuSeconds, peakRssBytes: after.peakRssBytes };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function startSink(folder: string): Promise<Router> {
  const port = await freePort();
  const peer = await startPeer(
    'storescp',
    ['+B', '--fork', '+xa', '-pdu', '131072', '-aet', 'SINK', '-od', folder, String(port)],
    { port },
  );
  return { port, calledAeTitle: 'SINK', pid: peer.process.pid ?? 0, stop: peer.stop };
}

async function startRouter(path: Path, scratch: string, sink: Router | undefined): Promise<Router> {
  switch (path) {
    case 'direct':
    case 'receive-storescp':
      if (sink === undefined) throw new Error('Cannot measure without a sink');
      return sink;
    case 'orthanc':
      return startRoutingOrthanc(scratch, sink?.port ?? 0);
    case 'receive-slidegate':
      return startOurs([RECEIVER], scratch, undefined);
    case 'slidegate':
      return startOurs([MAIN, 'serve'], scratch, sink?.port);
    default:
      return path satisfies never;
  }
}

async function startOurs(script: string[], scratch: string, sinkPort: number | undefined): Promise<Router> {
  const port = await freePort();
  const rules = join(scratch, 'rules.yaml');
  await writeFile(rules, 'rules: []\notherwise: { to: [sink] }\n');
  const settings = {
    spool: { directory: join(scratch, 'spool') },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port, ae_titles: ['SLIDEGATE'] } },
    destinations: {
      outbox: null,
      sink: { kind: 'dimse-scu', host: '127.0.0.1', port: sinkPort, called_ae_title: 'SINK' },
    },
    rules: { path: rules },
    console: { port: await freePort() },
    log: { level: 'error' },
  };
  const args = sinkPort === undefined ? [String(port), scratch] : [];
  const peer = await startPeer(process.execPath, [...script, ...args], {
    port,
    env: { NODE_CONFIG: JSON.stringify(settings) },
  });
  return { port, calledAeTitle: 'SLIDEGATE', pid: peer.process.pid ?? 0, stop: peer.stop };
}

async function startRoutingOrthanc(scratch: string, sinkPort: number): Promise<Router> {
  const script = join(scratch, 'route.lua');
  await writeFile(
    script,
    "function OnStoredInstance(instanceId, tags, metadata)\n  SendToModality(instanceId, 'sink')\nend\n",
  );
  const orthanc = await startOrthanc({
    LuaScripts: [script],
    DicomModalities: { sink: ['SINK', '127.0.0.1', sinkPort] },
    Plugins: [],
  });
  return { port: orthanc.dicomPort, calledAeTitle: 'ORTHANC', pid: orthanc.pid, stop: orthanc.stop };
}

async function sendFolder(folder: string, to: Router): Promise<void> {
  const args = ['-pdu', '131072', '-aec', to.calledAeTitle, '127.0.0.1', String(to.port), '+sd', folder];
  const sent = await run('storescu', args, { timeoutMs: SEND_LIMIT_MS });
  if (sent.code !== 0) throw new Error(`Cannot send the files of ${folder}: storescu ends with ${sent.code}`);
}

/** Waits until the folder holds `count` files that are no longer being written. */
async function arrived(folder: string, count: number): Promise<void> {
  const until = performance.now() + SEND_LIMIT_MS;
  while ((await readdir(folder)).length < count) {
    if (performance.now() > until) throw new Error(`Cannot finish: fewer than ${count} instances arrived`);
    await sleep(20);
  }
}

/** Reception alone, in a process of its own. */
export async function startReceiver(): Promise<{ port: number; stop(): Promise<void> }> {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-bench-'));
  const router = await startOurs([RECEIVER], scratch, undefined);
  return {
    port: router.port,
    async stop() {
      await router.stop();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
