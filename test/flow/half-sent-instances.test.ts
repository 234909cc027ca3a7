/** Instances whose sender goes away in the midst of them. Fault case 3. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ava from 'ava';
import { eventually } from '../support/eventually.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RequestorPeer } from '../support/peer.ts';
import { RELEASE_REQUEST } from '../support/raw-pdu.ts';
import { type SmallInstance, smallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';

const test = ava.serial;
let gateway: TestGateway;

ava.before(async () => {
  gateway = await startTestGateway();
});
ava.after.always(() => gateway[Symbol.asyncDispose]());

/** How a sender goes away. */
const ENDINGS: Readonly<Record<string, (peer: RequestorPeer) => Promise<void>>> = {
  'A-ABORT': (peer) => peer.abort(),
  'a reset of the connection': (peer) => peer.reset(),
  'a close of the connection': (peer) => peer.raw.close(),
  'a close of one half of the connection': async (peer) => {
    await peer.raw.closeAfterOther();
  },
  'A-RELEASE-RQ': async (peer) => {
    await peer.raw.send(RELEASE_REQUEST);
    await peer.raw.close();
  },
  'bytes that are no PDU': async (peer) => {
    await peer.raw.send(Buffer.alloc(64, 0xab));
    await peer.raw.close();
  },
};

/** Gathered in memory, and in a file from its first mebibyte on. */
const SIZES = { small: 40_000, large: 4_000_000 } as const;
let instances = 0;

for (const [how, end] of Object.entries(ENDINGS)) {
  test(`${how} amid an instance leaves no file, no row and nothing temporary`, async (t) => {
    for (const [size, pixelBytes] of Object.entries(SIZES)) {
      for (const share of [0, 0.5, 1]) {
        const instance = newInstance(pixelBytes);
        const peer = await RequestorPeer.associate(gateway.port, [instance]);
        await peer.storePart(instance, share);
        if (size === 'large' && share > 0) {
          await eventually(
            'the file grows under its temporary name',
            () => spoolFiles('incoming').length === 1,
          );
        }

        await end(peer);

        await eventually('nothing temporary is left', () => spoolFiles('incoming').length === 0);
        await eventually('the association has ended', async () => (await activeAssociations()) === 0);
        t.deepEqual(spoolFiles('files'), [], `${size}, ${share}`);
      }
    }
    t.like(await gateway.spool.status(), { accepted: 0, tasks: [] });
    t.deepEqual([...auditLedger(spoolFolder()), ...auditFiles(spoolFolder())], []);
  });
}

test('what was answered before the sender went away stays, and only that', async (t) => {
  const whole = [newInstance(2000), newInstance(2_000_000)];
  const half = newInstance(2_000_000);
  const peer = await RequestorPeer.associate(gateway.port, [half]);
  for (const instance of whole) t.regex(await peer.store(instance), /^8001H of \d: 0000H$/);
  await peer.storePart(half, 0.7);

  await peer.reset();

  await eventually('nothing temporary is left', () => spoolFiles('incoming').length === 0);
  t.is((await gateway.spool.status()).accepted, 2);
  for (const { sopInstanceUid } of whole) {
    t.is((await gateway.spool.query({ sopInstanceUid })).length, 1);
  }
  t.deepEqual(await gateway.spool.query({ sopInstanceUid: half.sopInstanceUid }), []);
});

function newInstance(pixelBytes: number): SmallInstance {
  instances += 1;
  return smallInstance({ sopInstanceUid: `1.2.3.3.${instances}`, pixelBytes });
}

function spoolFolder(): string {
  return join(gateway.folder, 'spool');
}

function spoolFiles(folder: 'incoming' | 'files'): string[] {
  return readdirSync(join(spoolFolder(), folder));
}

async function activeAssociations(): Promise<number> {
  const { values } = await gateway.telemetry.metrics.associationsActive.get();
  return values.filter(({ labels }) => labels.direction === 'in').reduce((sum, { value }) => sum + value, 0);
}
