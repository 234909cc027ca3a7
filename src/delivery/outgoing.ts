/**
 * One instance on its way out: the Part 10 file of the spool, seen through what has to change for one
 * destination. Nothing is written to disk for it, and no more than its header is held in memory.
 */
import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { DeliveryItem, DestinationDeps, OpenInstance, PreparedItem } from './destination-kind.ts';
import { DeliveryError } from './errors.ts';
import {
  type HeadBuffers,
  type HeadedSource,
  headBytesOf,
  type Part10Source,
  readAhead,
} from './part10-source.ts';
import { withEdits } from './rewriting.ts';

/** An instance made ready: opened, its beginning in memory, the edits of its rule made. */
export interface PreparedInstance extends PreparedItem {
  readonly source: HeadedSource;
}

/**
 * Opens an instance for delivery.
 *
 * @throws {GatewayError} when our copy cannot be read, is damaged, or cannot be edited as the rule says
 */
export async function openOutgoing(
  item: DeliveryItem,
  { instances, buffers }: { readonly instances: DestinationDeps['instances']; readonly buffers: HeadBuffers },
): Promise<PreparedInstance> {
  const stored = await instances.open(item.entry.entryId);
  const checked = verified(stored);
  const buffer = buffers.take(headBytesOf(checked));
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    buffers.giveBack(buffer);
    await stored.close();
  };
  try {
    const source = await readAhead(checked, buffer);
    return { item, source: await withEdits(source, item.payload?.edits ?? []), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The stored instance, whose last bytes are only given out when all bytes are those that were accepted.
 * Checked as they are read in order, as every delivery reads them.
 */
function verified(stored: OpenInstance): Part10Source {
  const { sizeBytes, dataSetOffset, transferSyntaxUid, sha256 } = stored;
  const hash = sha256 && createHash('sha256');
  let hashedUpTo = dataSetOffset;

  const check = (bytes: Uint8Array, position: number) => {
    const end = position + bytes.byteLength;
    if (!hash || position > hashedUpTo || end <= hashedUpTo) return;
    hash.update(bytes.subarray(hashedUpTo - position));
    hashedUpTo = end;
    if (end < sizeBytes || hash.digest().equals(sha256)) return;
    throw new DeliveryError(
      'DIGEST_MISMATCH',
      'Cannot send the instance as its bytes are no longer those that were accepted: the copy in the spool is damaged',
    );
  };

  return {
    sizeBytes,
    dataSetOffset,
    transferSyntaxUid,
    async read(into, position) {
      const bytesRead = await readStored(stored, into, position);
      check(into.subarray(0, bytesRead), position);
      return bytesRead;
    },
  };
}

async function readStored(stored: OpenInstance, into: Uint8Array, position: number): Promise<number> {
  let bytesRead: number;
  try {
    bytesRead = await stored.read(into, position);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    throw new DeliveryError(
      'INSTANCE_UNREADABLE',
      `Cannot read the copy in the spool: ${code}`,
      { code },
      {
        cause: error,
      },
    );
  }
  if (bytesRead > 0 || into.byteLength === 0) return bytesRead;
  throw new DeliveryError(
    'INSTANCE_UNREADABLE',
    `Cannot read the copy in the spool: it ends at byte ${position} and should have ${stored.sizeBytes}`,
  );
}
