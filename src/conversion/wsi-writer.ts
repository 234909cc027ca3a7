import { open } from 'node:fs/promises';
import type { DataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import {
  encodeBasicOffsetTable,
  encodeExtendedOffsetTable,
  itemHeader,
  sequenceDelimiter,
} from '../dicom/encapsulation.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { ConversionError, isOutOfSpace } from './errors.ts';

/** JPEG Baseline (Process 1). PS3.5 A.4.1. */
export const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

/** Frames that are encoded already, in the order of the instance. */
export interface EncodedFrames {
  /** Bytes of each, without padding. */
  readonly lengths: readonly number[];
  /** Parts of one, to be written one after the other; overwritten by the next. */
  read(index: number): Promise<readonly Uint8Array[]>;
}

/**
 * Writes a Part 10 file frame by frame: one fragment each, of even length, and an exact offset table. What is
 * written is on disk when this returns.
 *
 * @param dataSet all but Pixel Data
 * @returns bytes of the file
 * @throws {ConversionError} SCRATCH_FULL
 * @see PS3.5 A.4, PS3.3 C.7.6.3.1.8
 */
export async function writeWsiInstance(
  path: string,
  dataSet: DataSet,
  frames: EncodedFrames,
): Promise<number> {
  const basicOffsetTable = encodeBasicOffsetTable(frames.lengths.map(evened));
  if (basicOffsetTable === undefined) {
    const { offsets, lengths } = encodeExtendedOffsetTable(frames.lengths);
    dataSet.set('ExtendedOffsetTable', offsets).set('ExtendedOffsetTableLengths', lengths);
  }
  const meta = encodeFileMeta({
    sopClassUid: dataSet.text('SOPClassUID') ?? '',
    sopInstanceUid: dataSet.text('SOPInstanceUID') ?? '',
    transferSyntaxUid: JPEG_BASELINE,
  });
  const head = [meta, encodeDataSet(dataSet, JPEG_BASELINE), PIXEL_DATA, basicOffsetTable ?? itemHeader(0)];

  try {
    await using file = await open(path, 'w', 0o600);
    const write = async (parts: readonly Uint8Array[]) => {
      const lengthBytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
      const { bytesWritten } = await file.writev(parts);
      // The system may take less than all of it, and says so only here.
      if (bytesWritten < lengthBytes) await file.writeFile(Buffer.concat(parts).subarray(bytesWritten));
      return lengthBytes;
    };
    let sizeBytes = await write(head);
    for (const [index, length] of frames.lengths.entries()) {
      const padding = new Uint8Array(length % 2);
      sizeBytes += await write([itemHeader(evened(length)), ...(await frames.read(index)), padding]);
    }
    sizeBytes += await write([sequenceDelimiter()]);
    await file.datasync();
    return sizeBytes;
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
    throw new ConversionError(
      'SCRATCH_FULL',
      'Cannot write the instance: the volume of the work folder is full',
      {},
      { cause: error },
    );
  }
}

/** (7FE0,0010) OB of undefined length, in explicit VR little endian. */
const PIXEL_DATA = Uint8Array.of(0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff);
function evened(length: number): number {
  return length + (length % 2);
}
