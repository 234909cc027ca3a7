import test from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { dimseScu } from '../../src/delivery/dimse-scu.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { IMPLICIT_LE, smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

test('a damaged copy is held also where what stands behind the pixel data is rewritten', async (t) => {
  const peer = await startStoragePeer({ transferSyntaxUids: [IMPLICIT_LE] });
  t.teardown(() => peer.stop());
  const instances = new MemoryInstances();
  const settings = { kind: 'dimse-scu', host: '127.0.0.1', port: peer.port, called_ae_title: 'PACS' };
  const session = dimseScu.open(dimseScu.settings.parse(settings), {
    name: 'pacs',
    instances,
    telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
  });
  t.teardown(() => session.close());
  const large = smallInstance({
    sopInstanceUid: '1.2.1',
    pixelBytes: 5_000_000,
    elements: [[0xfffc_fffc, 'OB', Buffer.alloc(64)]],
  });
  const send = async (item: ReturnType<typeof instances.add>) =>
    session.send(await session.prepare(item), { slot: 0, alone: false });

  for (const fromEnd of [1_000_000, 10]) {
    const item = instances.add(large);
    instances.damage(item, item.entry.sizeBytes - fromEnd);
    t.like(await send(item), { taken: false, code: 'DIGEST_MISMATCH' });
  }
  t.is(peer.received.length, 0);

  t.true((await send(instances.add(large))).taken);
  const dataSet = peer.kept[0]!.dataSet;
  t.deepEqual(dataSet.subarray(-72), Buffer.from(`fcfffcff40000000${'00'.repeat(64)}`, 'hex'));
});
