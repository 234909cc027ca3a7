import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { usageOf } from '../../src/cli/process-usage.ts';
import { openAssociation } from '../../src/dimse/service-user.ts';
import { eventually } from '../support/eventually.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const GIB = 2 ** 30;
const RSS_MAX_BYTES = 250e6;
const RAW_DATA = '1.2.840.10008.5.1.4.1.1.66';
const EXPLICIT_LE = '1.2.840.10008.1.2.1';

// Fault case 12.
test('an instance of 1 GiB goes through a gateway that stays under 250 MB', async (t) => {
  t.timeout(180_000);
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-large-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const peer = await startStoragePeer({ forgetful: true });
  t.teardown(() => peer.stop());
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, 'rules: []\notherwise: { to: [pacs] }\n');
  const settings = {
    spool: { directory: join(folder, 'spool'), watermark_free_bytes: 1_000_000 },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
    destinations: {
      outbox: null,
      pacs: { kind: 'dimse-scu', host: '127.0.0.1', port: peer.port, called_ae_title: 'PACS' },
    },
    rules: { path: rules },
    console: { port: 0 },
    log: { level: 'silent' },
  };
  const serve = () => startServing({ NODE_CONFIG: JSON.stringify(settings), XDG_CACHE_HOME: folder });
  // The first start after an installation strips the types, and keeps the memory of the compiler that does.
  const first = await serve();
  first.process.kill('SIGTERM');
  await once(first.process, 'close');
  const { process: gateway, port } = await serve();
  t.teardown(() => gateway.kill('SIGKILL'));

  const { header, lengthBytes } = largeDataSet('2.25.314159265');
  const association = await openAssociation(
    {
      host: '127.0.0.1',
      port,
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: 'TEST',
      connectTimeoutMs: 5_000,
      associationTimeoutMs: 5_000,
      responseTimeoutMs: 120_000,
      maxPduLengthBytes: 131_072,
    },
    [{ abstractSyntaxUid: RAW_DATA, transferSyntaxUids: [EXPLICIT_LE] }],
  );
  const command = { sopClassUid: RAW_DATA, sopInstanceUid: '2.25.314159265', transferSyntaxUid: EXPLICIT_LE };
  const { status } = await association.store(command, {
    lengthBytes,
    async read(into, position) {
      const size = Math.min(into.byteLength, lengthBytes - position);
      into.fill(0, 0, size);
      if (position < header.byteLength) into.set(header.subarray(position, position + size));
      return size;
    },
  });
  t.is(status, 0);
  await association.release();

  await eventually('it has been forwarded', () => peer.received.length > 0, 300_000);
  const { peakRssBytes } = usageOf(gateway.pid!);
  t.log(`${Math.round(peakRssBytes / 1e6)} MB`);
  t.true(peakRssBytes <= RSS_MAX_BYTES, `${Math.round(peakRssBytes / 1e6)} MB`);
});

/** `slidegate serve`, as soon as it accepts associations. */
async function startServing(
  settings: Record<string, string>,
): Promise<{ readonly process: ChildProcess; readonly port: number }> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const gateway = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH ?? '', ...settings },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(gateway.stdout, 'data')) as [Buffer];
  return { process: gateway, port: Number(/dimse on 127\.0\.0\.1:(\d+)/.exec(String(line))?.[1]) };
}

/** The start of a Raw Data instance whose private bulk of 1 GiB follows. */
function largeDataSet(sopInstanceUid: string): { header: Buffer; lengthBytes: number } {
  const short = (group: number, element: number, vr: string, text: string) => {
    const value = Buffer.from(text.length % 2 === 0 ? text : `${text}\0`, 'latin1');
    const head = Buffer.alloc(8);
    head.writeUInt16LE(group, 0);
    head.writeUInt16LE(element, 2);
    head.write(vr, 4, 'latin1');
    head.writeUInt16LE(value.byteLength, 6);
    return Buffer.concat([head, value]);
  };
  const bulk = Buffer.alloc(12);
  bulk.writeUInt16LE(0x0099, 0);
  bulk.writeUInt16LE(0x1001, 2);
  bulk.write('OB', 4, 'latin1');
  bulk.writeUInt32LE(GIB, 8);
  const header = Buffer.concat([
    short(0x0008, 0x0016, 'UI', RAW_DATA),
    short(0x0008, 0x0018, 'UI', sopInstanceUid),
    short(0x0099, 0x0010, 'LO', 'TEST '),
    bulk,
  ]);
  return { header, lengthBytes: header.byteLength + GIB };
}
