import { resolve, sep } from 'node:path';
import { SpoolError } from '../errors.ts';
import type { SpoolFolders } from '../files/folders.ts';
import type { Adoptee, FiledInstance } from '../files/messages.ts';
import type { Claim, Completion, EntryRow, Failure, NewRecord, NewTask, SpoolRecord } from '../port.ts';
import type {
  WireClaim,
  WireClaimed,
  WireCompletion,
  WireEntryRow,
  WireFailure,
  WireRecord,
  WireTask,
} from './messages.ts';

const RECORD_CHARS_MAX = 1024 * 1024;

export function toWireClaim({ taskId, token, kind, entry }: Claim): WireClaim {
  return { taskId, token, kind, entryId: entry.entryId };
}

export function fromWireClaimed({ payload, place: _, ...claim }: WireClaimed): Claim {
  return { ...claim, payload: payload === null ? undefined : JSON.parse(payload) };
}

export function fromWireEntryRow({ explanation, ...row }: WireEntryRow): EntryRow {
  return { ...row, ...(explanation !== null && { explanation: JSON.parse(explanation) }) };
}

/** @param filed of each product, where its file lies by now */
export function toWireCompletion(completion: Completion, filed: readonly FiledInstance[]): WireCompletion {
  const { claim, tasks = [], products = [], discard, outcome, status, detail, explanation } = completion;
  return {
    claim: toWireClaim(claim),
    tasks: tasks.map(toWireTask),
    products: products.map(({ sopClassUid, sopInstanceUid, transferSyntaxUid, tasks: own }, index) => ({
      ...(filed[index] as FiledInstance),
      sopClassUid,
      sopInstanceUid,
      transferSyntaxUid,
      tasks: own.map(toWireTask),
    })),
    discardReason: discard?.reason ?? null,
    outcome,
    status: status ?? null,
    detail: detail ?? null,
    explanation: toJson(explanation),
  };
}

export function toWireFailure(failure: Failure): WireFailure {
  const { claim, disposition, code, message, status, retryAtMs, counts = true } = failure;
  return {
    claim: toWireClaim(claim),
    disposition,
    code,
    message,
    status: status ?? null,
    retryAtMs: retryAtMs ?? null,
    counts,
  };
}

/** @throws {SpoolError} when it is too large to be a record */
export function toWireRecord(record: NewRecord): Omit<WireRecord, 'keptAtMs'> {
  const { collection, key, dueAtMs = null } = record;
  const value = JSON.stringify(record.value ?? null);
  if (value.length > RECORD_CHARS_MAX) {
    throw new SpoolError(
      'REQUEST_REJECTED',
      `Cannot keep a record of "${collection}": its JSON must be <= ${RECORD_CHARS_MAX}: it is ${value.length}`,
    );
  }
  return { collection, key, value, dueAtMs };
}

export function fromWireRecord({ collection, key, value, dueAtMs, keptAtMs }: WireRecord): SpoolRecord {
  return { collection, key, value: JSON.parse(value), ...(dueAtMs !== null && { dueAtMs }), keptAtMs };
}

/**
 * The files that a completion brings, each with a name that no other completion gives.
 *
 * @throws {SpoolError} when a product lies outside of the task's work folder
 */
export function adopteesOf({ claim, products = [] }: Completion, folders: SpoolFolders): Adoptee[] {
  const workFolder = resolve(folders.work, String(claim.taskId)) + sep;
  return products.map(({ path, sopClassUid, sopInstanceUid, transferSyntaxUid }) => {
    const fullPath = resolve(path);
    if (!fullPath.startsWith(workFolder)) {
      throw new SpoolError(
        'PRODUCT_REJECTED',
        `Cannot take product ${sopInstanceUid} as it must lie in the work folder of its task`,
        { taskId: claim.taskId },
      );
    }
    const fileName = `${claim.token}-${sopInstanceUid.replaceAll(/[^0-9.]/g, '_')}.dcm`;
    return { path: fullPath, fileName, sopClassUid, sopInstanceUid, transferSyntaxUid };
  });
}

function toWireTask({ payload, ...task }: NewTask): WireTask {
  return { ...task, payload: toJson(payload) };
}

function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
