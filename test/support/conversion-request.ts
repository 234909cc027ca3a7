import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobRequest } from '../../src/conversion/job-kind.ts';
import { type ImageOptions, imageInstance } from './image-instance.ts';

let requests = 0;

/** Writes an image into a folder and asks for its conversion there. */
export async function conversionRequest(
  folder: string,
  image: ImageOptions,
  request: Partial<JobRequest> = {},
): Promise<JobRequest> {
  requests += 1;
  const path = join(folder, `${requests}.dcm`);
  const work = await mkdtemp(join(folder, `${requests}-`));
  const bytes = await imageInstance(image);
  await writeFile(path, bytes);
  return {
    job: 'wsi',
    source: { kind: 'part10', path, offset: 0, sizeBytes: bytes.byteLength },
    options: {},
    edits: [],
    decidedAtMs: Date.UTC(2026, 0, 6, 23, 30),
    timeZone: 'Europe/Berlin',
    folder: work,
    ...request,
  };
}
