import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Only the superuser may mount a disk that is small enough to fill. */
export const MAY_MOUNT = process.getuid?.() === 0;
export const MIB = 1024 * 1024;

export interface SmallDisk extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
  /** Bytes of a block: less cannot be free. */
  readonly blockBytes: number;
  /** Bytes in use, those of others too. */
  readonly usedBytes: number;
  /** Has somebody else take all but so many blocks. */
  leave(blocks: number): void;
  /** Has somebody else take so many bytes. */
  take(bytes: number): void;
  /** Nobody else takes anything any more. */
  free(): void;
}

/** A disk of its own, in memory, which others fill as well. */
export function mountSmallDisk(sizeBytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'slidegate-disk-'));
  execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder]);
  const others = join(folder, 'others');
  const blockBytes = statfsSync(folder).bsize;
  const fill = (bytesMax: number) => {
    const file = openSync(others, 'w');
    const piece = Buffer.alloc(blockBytes * 64);
    let taken = 0;
    try {
      while (taken < bytesMax) taken += writeSync(file, piece, 0, Math.min(piece.length, bytesMax - taken));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
    return taken;
  };
  const free = () => truncateSync(others, 0);
  writeFileSync(others, '');
  return {
    folder,
    blockBytes,
    free,
    get usedBytes() {
      const { blocks, bfree } = statfsSync(folder);
      return (blocks - bfree) * blockBytes;
    },
    take(bytes) {
      if (fill(bytes) < bytes) throw new RangeError(`Cannot take ${bytes} bytes: they are not free`);
    },
    leave(blocks) {
      const taken = fill(Number.POSITIVE_INFINITY);
      truncateSync(others, Math.max(0, taken - blocks * blockBytes));
    },
    [Symbol.dispose]() {
      execFileSync('/bin/umount', [folder]);
      rmSync(folder, { recursive: true });
    },
  };
}
