import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';

const FIXTURE = new URL('../fixtures/spool-v1/', import.meta.url).pathname;

export interface ReceivedByV1 {
  readonly sopInstanceUid: string;
  /** Of the data set; hexadecimal. */
  readonly sha256: string;
}

/** The folder of a spool that version 1 served until it was killed, as a copy; and what it had accepted. */
export function unpackSpoolV1(): { directory: string; received: readonly ReceivedByV1[] } {
  const directory = mkdtempSync(join(tmpdir(), 'slidegate-v1-'));
  const files = join(FIXTURE, 'files');
  for (const entry of readdirSync(files, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const packed = join(entry.parentPath, entry.name);
    const path = join(directory, relative(files, packed)).replace(/\.gz$/, '');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, gunzipSync(readFileSync(packed)));
  }
  const received = JSON.parse(readFileSync(join(directory, 'received.json'), 'utf8'));
  return { directory, received };
}

/** The SQL of version 1, by name. */
export function queriesOfV1(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(FIXTURE, 'queries.json'), 'utf8'));
}
