import { SpoolError } from '../errors.ts';
import type { StoredInstance } from '../port.ts';
import type { OpenFiles } from './open-files.ts';

/** Where a Part 10 file lies, and what is known of it. */
export interface InstancePlace {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly dataSetOffset: number;
  readonly transferSyntaxUid: string;
  readonly sha256: Uint8Array;
}

/** An instance that can be taken out of the hands of its readers. */
export interface RevocableInstance extends StoredInstance {
  /** From now on reading fails; resolves when no read is under way. */
  revoke(): Promise<void>;
}

/** Opens an instance in a file that may hold others. */
export async function openStoredInstance(
  files: OpenFiles,
  place: InstancePlace,
  closed: () => void = () => {},
): Promise<RevocableInstance> {
  const { file, release } = await files.acquire(place.path);
  const reading = new Set<Promise<unknown>>();
  let isRevoked = false;
  const readAt = (into: Uint8Array, offset: number, length: number, at: number) => {
    if (isRevoked) throw new SpoolError('BYTES_PURGED', 'Cannot read an instance: it has been erased');
    const read = file.read(into, offset, length, at);
    reading.add(read);
    return read.finally(() => reading.delete(read));
  };
  return {
    sizeBytes: place.sizeBytes,
    dataSetOffset: place.dataSetOffset,
    transferSyntaxUid: place.transferSyntaxUid,
    sha256: place.sha256,
    location: { path: place.path, offset: place.offset },
    async read(into, position) {
      const wanted = Math.max(0, Math.min(into.byteLength, place.sizeBytes - position));
      let filled = 0;
      while (filled < wanted) {
        const at = place.offset + position + filled;
        const { bytesRead } = await readAt(into, filled, wanted - filled, at);
        if (bytesRead === 0) break; // Shorter than its row says: the digest will tell.
        filled += bytesRead;
      }
      return filled;
    },
    async revoke() {
      isRevoked = true;
      await Promise.allSettled(reading);
    },
    close() {
      closed();
      return release();
    },
  };
}
