/** A disk that fills up while instances are taken, until none is any more. Fault case 5. */
import { join } from 'node:path';
import anyTest from 'ava';
import { type Spool, SpoolError } from '../../src/spool/spool.ts';
import { eventually } from '../support/eventually.ts';
import { MAY_MOUNT, MIB, mountSmallDisk } from '../support/small-disk.ts';
import { part10Of, type SmallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { newInstance, openTemporarySpool, readInstance, receive } from '../support/temporary-spool.ts';

const test = MAY_MOUNT ? anyTest.serial : anyTest.serial.skip;

/** Receives until it fails. Returns what was accepted, and why no more was. */
async function fill(spool: Spool, pixelBytes: number, kept: Map<number, SmallInstance>): Promise<unknown> {
  for (;;) {
    const instance = newInstance({ pixelBytes });
    try {
      kept.set((await receive(spool, instance)).entryId, instance);
    } catch (error) {
      return error;
    }
  }
}

for (const pixelBytes of [60_000, 2_500_000]) {
  test(`spool survives a disk that fills up with instances of ${pixelBytes} bytes`, async (t) => {
    using disk = mountSmallDisk(40 * MIB);
    disk.take(20 * MIB);
    await using temporary = await openTemporarySpool({
      directory: join(disk.folder, 'spool'),
      settings: { reception_reserve_bytes: 0 },
    });
    const { spool, directory } = temporary;
    const kept = new Map<number, SmallInstance>();

    for (let again = 0; again < 3; again += 1) {
      const error = await fill(spool, pixelBytes, kept);
      t.true(error instanceof SpoolError);
      t.is((error as SpoolError).disposition, 'retry');
    }
    const before = kept.size;
    t.is((await spool.status()).accepted, before);
    disk.free();
    await eventually('the spool is healthy', async () => (await spool.status()).healthy);
    await fill(spool, pixelBytes, kept);

    t.true(kept.size > before);
    for (const [entryId, instance] of kept) {
      t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
    }
    t.is((await spool.status()).accepted, kept.size);
    await spool.close();
    t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
  });
}
