/** A file that has the name which an instance is about to get. */
import { open } from 'node:fs/promises';
import { readFileMeta } from '../dicom/file-meta.ts';
import { GatewayError } from '../errors.ts';
import { DeliveryError } from './errors.ts';
import { type Part10Source, readFully } from './part10-source.ts';

/** What the longest File Meta Information in the field leaves plenty of. */
const COMPARED_BYTES = 64 * 1024;

/**
 * Looks at the file that would be replaced.
 *
 * @returns whether it is what the source is, as far as length, beginning and end tell; undefined when there is none
 * @throws {DeliveryError} when it is anything but the same SOP Instance: a name that is taken stays taken
 */
export async function compareExisting(
  path: string,
  source: Part10Source,
  sopInstanceUid: string,
): Promise<'same' | 'other-content' | undefined> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size === 0) throw taken();
    const length = Math.min(size, COMPARED_BYTES);
    const [start, end] = [Buffer.alloc(length), Buffer.alloc(length)];
    await file.read(start, 0, length, 0);
    await file.read(end, 0, length, size - length);
    if (sopInstanceUidOf(start) !== sopInstanceUid) throw taken();
    if (size !== source.sizeBytes) return 'other-content';
    const [ownStart, ownEnd] = [Buffer.alloc(length), Buffer.alloc(length)];
    await readFully(source, ownStart, 0);
    await readFully(source, ownEnd, size - length);
    return start.equals(ownStart) && end.equals(ownEnd) ? 'same' : 'other-content';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Of the beginning of a file; undefined where it is no instance. */
export function sopInstanceUidOf(start: Uint8Array): string | undefined {
  try {
    return readFileMeta(start).sopInstanceUid;
  } catch (error) {
    if (error instanceof GatewayError) return undefined; // Whatever it is, it is not ours.
    throw error;
  }
}

function taken(): DeliveryError {
  return new DeliveryError(
    'PATH_TAKEN',
    'Cannot write the file as its name belongs to another instance: the template must make a name of its own ' +
      'for each, such as by {SOPInstanceUID}',
  );
}
