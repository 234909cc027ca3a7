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

/** Opens an instance in a file that may hold others. */
export async function openStoredInstance(files: OpenFiles, place: InstancePlace): Promise<StoredInstance> {
  const { file, release } = await files.acquire(place.path);
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
        const { bytesRead } = await file.read(into, filled, wanted - filled, at);
        if (bytesRead === 0) break; // Shorter than its row says: the digest will tell.
        filled += bytesRead;
      }
      return filled;
    },
    close: release,
  };
}
