import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileMeta } from '../../src/dicom/file-meta.ts';

/** What is in a Part 10 file behind its File Meta Information. */
export function dataSetOf(file: Uint8Array): Buffer {
  return Buffer.from(file.subarray(readFileMeta(file).dataSetOffset));
}

/** Every file below a folder, as paths. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** SOP Instance UID → data set bytes and transfer syntax, of every Part 10 file below a folder. */
export async function dataSetsBelow(
  folder: string,
): Promise<Map<string, { transferSyntaxUid: string; dataSet: Buffer }>> {
  const found = new Map<string, { transferSyntaxUid: string; dataSet: Buffer }>();
  for (const path of await filesBelow(folder)) {
    const bytes = await readFile(path);
    const meta = readFileMeta(bytes);
    found.set(meta.sopInstanceUid ?? path, {
      transferSyntaxUid: meta.transferSyntaxUid,
      dataSet: bytes.subarray(meta.dataSetOffset),
    });
  }
  return found;
}
