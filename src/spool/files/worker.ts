/** Entry of the thread that writes what is too big for a segment; see messages.ts. */
import { rm } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { SpoolError } from '../errors.ts';
import { StagingMemory } from '../staging.ts';
import { loadStepHook } from '../steps.ts';
import { reasonOf, toWireError } from '../wire-error.ts';
import { adoptFiles } from './adopt.ts';
import { FolderSync } from './folder-sync.ts';
import { spoolFoldersOf } from './folders.ts';
import { IncomingFile } from './incoming-file.ts';
import type { FilesWorkerOptions, FromFiles, ToFiles } from './messages.ts';

if (parentPort === null) throw new Error('Cannot run the files worker: it must be a thread');
const port = parentPort;
const { directory, stepModule } = workerData as FilesWorkerOptions;
const folders = spoolFoldersOf(directory);
const step = await loadStepHook(stepModule);
const options = { folders, filesSync: new FolderSync(folders.files), step };
const memory = new StagingMemory();
const tidying = new Set<Promise<void>>();
const files = new Map<string, IncomingFile>();

port.on('message', onMessage);

function onMessage(message: ToFiles): void {
  switch (message.type) {
    case 'arena':
      memory.addArena(message.arena);
      break;
    case 'begin':
      files.set(message.name, new IncomingFile(message.name, message.dataSetOffset, options));
      break;
    case 'write':
      answer(message.id, fileOf(message.name).write(memory.slices(message.bytes)));
      break;
    case 'finish':
      answer(message.id, fileOf(message.name).finish(message.expected));
      break;
    case 'forget':
      files.delete(message.name);
      break;
    case 'discard':
      tidy(fileOf(message.name).discard());
      files.delete(message.name);
      break;
    case 'adopt':
      answer(message.id, adoptFiles(message.adoptees, options));
      break;
    case 'remove':
      for (const path of message.paths) {
        step('file-removing');
        tidy(rm(path, { recursive: true, force: true }));
      }
      break;
    case 'settle':
      answer(message.id, Promise.allSettled(tidying));
      break;
    default:
      message satisfies never;
  }
}

/** What cannot be removed now is removed by recovery, at the next start. */
function tidy(work: Promise<void>): void {
  const tidied = work.catch(() => {}).finally(() => tidying.delete(tidied));
  tidying.add(tidied);
}

function fileOf(name: string): IncomingFile {
  return files.get(name) as IncomingFile;
}

function answer(id: number, work: Promise<unknown>): void {
  work.then(
    (result) => post({ type: 'answer', id, answer: result }),
    (error: unknown) => post({ type: 'failed', id, error: toWireError(asWriteError(error)) }),
  );
}

/** Whatever the disk says of a file means the same to the instance: it could not be kept. */
function asWriteError(error: unknown): SpoolError {
  if (error instanceof SpoolError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  return new SpoolError('WRITE_FAILED', `Cannot write an instance: ${reasonOf(error)}`, { errno: code });
}

function post(message: FromFiles): void {
  port.postMessage(message);
}
