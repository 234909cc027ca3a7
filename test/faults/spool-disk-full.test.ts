import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { type Spool, SpoolError, SpoolRefusingError } from '../../src/spool/spool.ts';
import { part10Of, type SmallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { newInstance, openTemporarySpool, readInstance, receive } from '../support/temporary-spool.ts';

const MIB = 1024 * 1024;

// Only the superuser may mount a disk that is small enough to fill.
const test = process.getuid?.() === 0 ? anyTest.serial : anyTest.serial.skip;

/** A disk of its own, a part of it taken by somebody else. */
function mountDisk(sizeMib: number, takenMib: number) {
  const disk = mkdtempSync(join(tmpdir(), 'slidegate-disk-'));
  execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', disk]);
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(takenMib * MIB));
  return {
    directory: join(disk, 'spool'),
    free: () => rmSync(filler),
    [Symbol.dispose]() {
      execFileSync('/bin/umount', [disk]);
      rmSync(disk, { recursive: true });
    },
  };
}

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
    using disk = mountDisk(40, 20);
    await using temporary = await openTemporarySpool({
      directory: disk.directory,
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
    while (!(await spool.status()).healthy) await new Promise((resolve) => setTimeout(resolve, 20));
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

test('spool refuses instances before the disk is full, and takes them again when there is space', async (t) => {
  using disk = mountDisk(60, 30);
  await using temporary = await openTemporarySpool({
    directory: disk.directory,
    settings: { watermark_free_bytes: 10 * MIB, reception_reserve_bytes: 2 * MIB },
  });
  const { spool } = temporary;
  const kept = new Map<number, SmallInstance>();

  const error = await fill(spool, 200_000, kept);

  t.true(error instanceof SpoolRefusingError);
  t.like(await spool.status(), { refusing: true, healthy: true });
  disk.free();
  while ((await spool.status()).refusing) await new Promise((resolve) => setTimeout(resolve, 20));
  await receive(spool);
});
