import { mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { GatewayError } from '../errors.ts';
import type { AttributeEdit } from '../spool/spool.ts';
import type { JobProduct, JobResult, JobSource } from './job-kind.ts';

/** What became of one file. */
export type FileConversion =
  | {
      readonly file: string;
      readonly products: readonly Pick<
        JobProduct,
        'path' | 'sopInstanceUid' | 'seriesInstanceUid' | 'sizeBytes'
      >[];
      readonly generated: readonly string[];
      readonly inheritedFaults: JobResult['inheritedFaults'];
      readonly durationMs: number;
    }
  | { readonly file: string; readonly code: string; readonly message: string };

/** Options of one-off conversions; those of the job as its schema has them. */
export interface FileConversionOptions {
  readonly files: readonly string[];
  /** Made if it is not there; products of all files go there, named after them. */
  readonly outDirectory: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Made to the attributes of every file before it is converted. */
  readonly edits?: readonly AttributeEdit[];
}

/**
 * Converts files one after the other, in this process: Part 10 files, or JPEG, PNG and TIFF images.
 *
 * @returns yields the outcome of each; a file that fails does not keep the next from being converted
 */
export async function* convertFiles(request: FileConversionOptions): AsyncGenerator<FileConversion> {
  // Imported late: the gateway, which comes through the same front door, leaves codecs to its workers.
  const { runJob } = await import('./jobs.ts');
  const names = new FileNames();
  await mkdir(request.outDirectory, { recursive: true });
  for (const file of request.files) {
    const startedAt = performance.now();
    const folder = await mkdtemp(join(request.outDirectory, '.converting-'));
    try {
      const result = await runJob({
        job: 'wsi',
        source: await sourceOf(file),
        options: request.options ?? {},
        edits: request.edits ?? [],
        decidedAtMs: Date.now(),
        folder,
      });
      const products = await moveProducts(result, join(request.outDirectory, names.next(file)));
      const { generated, inheritedFaults } = result;
      yield { file, products, generated, inheritedFaults, durationMs: performance.now() - startedAt };
    } catch (error) {
      yield { file, ...describe(error) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** A Part 10 file says so at its byte 128; everything else is left to libvips. */
async function sourceOf(path: string): Promise<JobSource> {
  await using file = await open(path, 'r');
  const prefix = Buffer.alloc(4);
  await file.read(prefix, 0, 4, 128);
  if (prefix.toString('latin1') !== 'DICM') return { kind: 'image', path };
  return { kind: 'part10', path, offset: 0, sizeBytes: (await stat(path)).size };
}

async function moveProducts(result: JobResult, prefix: string) {
  const moved = [];
  for (const { path: from, name, sopInstanceUid, seriesInstanceUid, sizeBytes } of result.products) {
    const path = `${prefix}-${name}.dcm`;
    await rename(from, path);
    moved.push({ path, sopInstanceUid, seriesInstanceUid, sizeBytes });
  }
  return moved;
}

/** Names products after their file, and files of the same name apart. */
class FileNames {
  readonly #used = new Map<string, number>();

  next(path: string): string {
    const name = basename(path, extname(path));
    const count = (this.#used.get(name) ?? 0) + 1;
    this.#used.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  }
}

/** What the file or the machine is to blame for; a fault of ours gets out. */
function describe(error: unknown): { code: string; message: string } {
  if (error instanceof GatewayError) return { code: error.code, message: error.message };
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) throw error;
  return { code, message: (error as Error).message };
}
