/** Files sent as a lane sends them, without a spool: each once, and each with its own outcome. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeliveryItem, DestinationSession, OpenInstance } from '../delivery/destination-kind.ts';
import { type DestinationSettings, openDestination } from '../delivery/destinations.ts';
import { type Outcome, outcomeOfError } from '../delivery/outcome.ts';
import { HEAD_BYTES_MAX } from '../delivery/part10-source.ts';
import { type FileMeta, readFileMeta } from '../dicom/file-meta.ts';
import { identityOf, indexHeader } from '../dicom/header-index.ts';
import { formatStatus } from '../dimse/status.ts';
import { GatewayError } from '../errors.ts';
import type { Entry } from '../spool/spool.ts';
import { createTelemetry } from '../telemetry/telemetry.ts';
import { FileUnreadableError } from './errors.ts';

export interface FileReport {
  readonly file: string;
  readonly taken: boolean;
  readonly outcome: string;
  readonly status?: string;
  readonly message: string;
}

/** A file found by name, or below a folder that was named. */
export interface FoundFile {
  readonly path: string;
  readonly named: boolean;
}

/** @throws {FileUnreadableError} when something named is not there */
export async function findFiles(names: readonly string[]): Promise<readonly FoundFile[]> {
  const found = await Promise.all(
    names.map(async (name): Promise<readonly FoundFile[]> => {
      try {
        if (!(await stat(name)).isDirectory()) return [{ path: name, named: true }];
        const below = await readdir(name, { recursive: true, withFileTypes: true });
        const files = below.filter((entry) => entry.isFile());
        return files.map(({ parentPath, name: base }) => ({ path: join(parentPath, base), named: false }));
      } catch (error) {
        throw unreadable(name, error);
      }
    }),
  );
  return found.flat();
}

/** Sends each file once. What lies below a folder and is no DICOM file is passed over. */
export async function sendFiles(
  files: readonly FoundFile[],
  settings: DestinationSettings,
): Promise<readonly FileReport[]> {
  const session = await openDestination(settings, {
    name: 'command-line',
    instances: { open: openFile },
    telemetry: createTelemetry({ level: 'silent' }),
  });
  const reports: (FileReport | undefined)[] = [];
  const paths = new Map<number, string>();
  const waiting = files.map((file, index) => ({ ...file, index }));

  async function openFile(entryId: number): Promise<OpenInstance> {
    const path = paths.get(entryId) as string;
    const handle = await open(path);
    const { size } = await handle.stat();
    const { dataSetOffset, transferSyntaxUid } = await readMeta(handle);
    return {
      sizeBytes: size,
      dataSetOffset,
      transferSyntaxUid,
      read: async (into, position) => (await handle.read(into, 0, into.byteLength, position)).bytesRead,
      close: () => handle.close(),
    };
  }

  const work = async (slot: number) => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const { path, index, named } = file;
      paths.set(index, path);
      const item = await itemOf(path, index).catch((error: unknown) => asProblem(error));
      if ('entry' in item) reports[index] = report(path, await sendOne(session, item, slot));
      else if (named) reports[index] = report(path, item);
    }
  };
  await Promise.all(Array.from({ length: session.slots }, (_, slot) => work(slot)));
  await session.close();
  return reports.filter((one) => one !== undefined);
}

async function sendOne(session: DestinationSession, item: DeliveryItem, slot: number): Promise<Outcome> {
  try {
    return await session.send(await session.prepare(item), { slot, alone: false });
  } catch (error) {
    return asProblem(error);
  }
}

/** Whatever is no bug is the outcome of this file. */
function asProblem(error: unknown): Outcome {
  if (!(error instanceof GatewayError)) throw error;
  return outcomeOfError(error, 'local');
}

async function itemOf(path: string, index: number): Promise<DeliveryItem> {
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES_MAX));
    await handle.read(head, 0, head.byteLength, 0);
    const { transferSyntaxUid, dataSetOffset, ...meta } = readFileMeta(head);
    const header = indexHeader(head, { transferSyntaxUid, dataSetOffset, totalBytes: size });
    const { sopClassUid, sopInstanceUid, ...of } = { ...identityOf(header), ...stated(meta) };
    if (sopClassUid === undefined || sopInstanceUid === undefined) {
      const message = `Cannot send "${path}": its SOP Class UID and SOP Instance UID must be there`;
      throw new FileUnreadableError(message, { path });
    }
    const entry: Entry = {
      entryId: index,
      origin: 'received',
      sopClassUid,
      sopInstanceUid,
      transferSyntaxUid,
      studyInstanceUid: of.studyInstanceUid ?? '',
      seriesInstanceUid: of.seriesInstanceUid ?? '',
      source: 'unknown',
      callingAeTitle: '',
      calledAeTitle: '',
      peerAddress: '',
      receivedAtMs: Date.now(),
      sizeBytes: size,
      dataSetOffset,
    };
    return { entry, payload: { rule: 'command line' }, taskId: index };
  } finally {
    await handle.close();
  }
}

async function readMeta(handle: FileHandle): Promise<FileMeta> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8192), 0, 8192, 0);
  return readFileMeta(buffer.subarray(0, bytesRead));
}

/** What the File Meta Information says, where it does. */
function stated({ sopClassUid, sopInstanceUid }: Pick<FileMeta, 'sopClassUid' | 'sopInstanceUid'>) {
  return {
    ...(sopClassUid !== undefined && { sopClassUid }),
    ...(sopInstanceUid !== undefined && { sopInstanceUid }),
  };
}

function report(file: string, outcome: Outcome): FileReport {
  const { status, comment } = outcome;
  const said = comment ? `: "${comment}"` : '';
  const about = { file, taken: outcome.taken, ...(status !== undefined && { status: formatStatus(status) }) };
  return outcome.taken
    ? { ...about, outcome: outcome.outcome, message: `${outcome.outcome}${said}` }
    : { ...about, outcome: outcome.code, message: `${outcome.message}${said}` };
}

function unreadable(path: string, error: unknown): FileUnreadableError {
  const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
  return new FileUnreadableError(`Cannot read "${path}": ${code}`, { path, code }, { cause: error });
}
