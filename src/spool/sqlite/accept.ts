import { createHash, hash } from 'node:crypto';
import { SpoolError } from '../errors.ts';
import type { SegmentWriter } from '../files/segment-writer.ts';
import { type HeaderReading, readHeader } from '../header.ts';
import type { EntryState } from '../port.ts';
import type { StagingMemory } from '../staging.ts';
import { isSettled } from '../task.ts';
import { reasonOf } from '../wire-error.ts';
import type { LedgerContext } from './context.ts';
import { insertEntry, type Place } from './entries.ts';
import type { Answer, RequestOf, WireArrival } from './messages.ts';

type AcceptBytes = RequestOf<'accept-bytes'>;
type Accepted = Answer<'accept-bytes'>;

/** A small instance on its way: digest and header are known; `place` is too, once its segment is synced. */
interface Draft {
  readonly request: AcceptBytes;
  readonly slices: readonly Uint8Array[];
  readonly sha256: Uint8Array;
  readonly header: HeaderReading;
  /** An equal instance, earlier in the same group. */
  readonly twin: Draft | undefined;
  readonly duplicateOf: number | undefined;
  place?: Place;
  entryId?: number;
}

/** The small instances of one group: first their bytes, all with one sync, then their rows. */
export class AcceptGroup {
  readonly #context: LedgerContext;
  readonly duplicateWindowMs: number;
  /** By request. */
  readonly #drafts = new Map<number, Draft>();
  /** By what makes instances equal. */
  readonly #firstOfKind = new Map<string, Draft>();
  #segment: { segmentId: number; sizeBytes: number } | undefined;
  #bytes = 0;

  constructor(context: LedgerContext, duplicateWindowMs: number) {
    this.#context = context;
    this.duplicateWindowMs = duplicateWindowMs;
  }

  get instances(): number {
    return this.#drafts.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Reads an instance: digest, header, and whether it is here already. */
  draft(request: AcceptBytes, memory: StagingMemory): void {
    const { arrival, bytes, dataSetOffset } = request;
    const slices = memory.slices(bytes);
    const sha256 = digestFrom(slices, dataSetOffset);
    const header = readHeader({
      ...arrival,
      dataSetOffset,
      totalBytes: bytes.lengthBytes,
      head: (lengthBytes) => headOf(slices, lengthBytes),
    });
    const duplicateOf = findDuplicate(this.#context, arrival, sha256, this.duplicateWindowMs);
    const key = JSON.stringify(kindOf(arrival, sha256));
    const twin = this.#firstOfKind.get(key);
    const draft = { request, slices, sha256, header, twin, duplicateOf };
    if (twin === undefined) this.#firstOfKind.set(key, draft);
    this.#drafts.set(request.id, draft);
    this.#bytes += bytes.lengthBytes;
  }

  /**
   * Makes the bytes of all drafts durable.
   *
   * @throws {SpoolError} when the disk failed; then nothing of any of them is left
   */
  write(segments: SegmentWriter): void {
    const fresh = [...this.#drafts.values()].filter((draft) => isFresh(draft));
    if (fresh.length === 0) return;
    try {
      const { segmentId, offsets, sizeBytes } = segments.append(fresh.map((draft) => draft.slices));
      for (const [index, draft] of fresh.entries()) {
        draft.place = { segmentId, offset: offsets[index] as number };
      }
      this.#segment = { segmentId, sizeBytes };
    } catch (error) {
      this.#drafts.clear();
      throw new SpoolError(
        'WRITE_FAILED',
        `Cannot keep ${fresh.length} instances: ${reasonOf(error)}`,
        {},
        {
          cause: error,
        },
      );
    }
  }

  /** The row of one request; in the transaction, after `write`. */
  insert(request: AcceptBytes): Accepted {
    const draft = this.#drafts.get(request.id) as Draft;
    if (draft.duplicateOf !== undefined)
      return { entryId: draft.duplicateOf, duplicateOf: draft.duplicateOf };
    const twinId = draft.twin?.entryId;
    if (twinId !== undefined) return { entryId: twinId, duplicateOf: twinId };
    if (draft.place === undefined) {
      throw new SpoolError('COMMIT_FAILED', 'Cannot keep the instance: its equal in the same group failed');
    }
    const { arrival, bytes, dataSetOffset, receivedAtMs } = request;
    draft.entryId = insertReceived(this.#context, arrival, {
      receivedAtMs,
      sizeBytes: bytes.lengthBytes,
      dataSetOffset,
      sha256: draft.sha256,
      place: draft.place,
      header: draft.header,
    });
    return { entryId: draft.entryId, ...heldOf(draft.header) };
  }

  /** Counts what the segment got; once, at the end of the transaction. */
  countSegment(): void {
    const inserted = [...this.#drafts.values()].filter((draft) => draft.entryId !== undefined);
    if (this.#segment === undefined || inserted.length === 0) return;
    const ids = inserted.map((draft) => draft.entryId as number);
    this.#context.statements.run(
      'growSegment',
      this.#segment.segmentId,
      this.#segment.sizeBytes,
      inserted.length,
      inserted.reduce((sum, draft) => sum + draft.request.bytes.lengthBytes, 0),
      Math.min(...ids),
      Math.max(...ids),
    );
  }
}

/** Takes an instance whose file is durable already. */
export function acceptFile(
  context: LedgerContext,
  request: RequestOf<'accept-file'>,
  duplicateWindowMs: number,
): Accepted {
  const { arrival, file, receivedAtMs } = request;
  const duplicateOf = findDuplicate(context, arrival, file.sha256, duplicateWindowMs);
  if (duplicateOf !== undefined) return { entryId: duplicateOf, duplicateOf };
  const { sizeBytes, dataSetOffset, sha256, fileName } = file;
  const entryId = insertReceived(context, arrival, {
    receivedAtMs,
    sizeBytes,
    dataSetOffset,
    sha256,
    place: { fileName },
    header: file,
  });
  return { entryId, ...heldOf(file) };
}

function heldOf({ held }: HeaderReading): { held?: string } {
  return held === undefined ? {} : { held: held.code };
}

function insertReceived(
  context: LedgerContext,
  arrival: WireArrival,
  received: {
    receivedAtMs: number;
    sizeBytes: number;
    dataSetOffset: number;
    sha256: Uint8Array;
    place: Place;
    header: HeaderReading;
  },
): number {
  const { header, ...facts } = received;
  const { entryId } = insertEntry(context, {
    ...arrival,
    ...facts,
    origin: 'received',
    studyInstanceUid: header.studyInstanceUid,
    seriesInstanceUid: header.seriesInstanceUid,
    headerIndex: header.headerIndex,
    tasks: [{ kind: 'rules', payload: null, ...(header.held && { held: header.held }) }],
  });
  context.step('entry-inserted');
  return entryId;
}

/** An equal instance that is still being worked on, or came within the window. A discarded one is no excuse. */
function findDuplicate(
  context: LedgerContext,
  arrival: WireArrival,
  sha256: Uint8Array,
  windowMs: number,
): number | undefined {
  const equal = context.statements.get<{ entry_id: number; state: EntryState; received_at_ms: number }>(
    'findEqual',
    arrival.sopInstanceUid,
    sha256,
    ...wayOf(arrival),
  );
  if (equal === undefined || equal.state === 'discarded') return undefined;
  const isRecent = context.clock.wallMs() - equal.received_at_ms < windowMs;
  return isRecent || !isSettled(equal.state) ? equal.entry_id : undefined;
}

function kindOf(arrival: WireArrival, sha256: Uint8Array): readonly string[] {
  return [arrival.sopInstanceUid, Buffer.from(sha256).toString('base64'), ...wayOf(arrival)];
}

/**
 * What rules may decide by beside the data set. Equal bytes that came another way may have other destinations;
 * and of two that say to be of different kinds, the first may be held for it.
 */
function wayOf(arrival: WireArrival): readonly string[] {
  const { sopClassUid, transferSyntaxUid, source, callingAeTitle, calledAeTitle } = arrival;
  return [sopClassUid, transferSyntaxUid, source, callingAeTitle, calledAeTitle];
}

function isFresh(draft: Draft): boolean {
  return draft.duplicateOf === undefined && draft.twin === undefined;
}

/** SHA-256 of everything from `offset` on. */
function digestFrom(slices: readonly Uint8Array[], offset: number): Uint8Array {
  let skip = offset;
  const parts: Uint8Array[] = [];
  for (const slice of slices) {
    if (skip < slice.byteLength) parts.push(slice.subarray(skip));
    skip = Math.max(0, skip - slice.byteLength);
  }
  if (parts.length === 1) return hash('sha256', parts[0] as Uint8Array, 'buffer');
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function headOf(slices: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const first = slices[0] as Uint8Array;
  if (slices.length === 1 || first.byteLength >= lengthBytes) return first.subarray(0, lengthBytes);
  const whole = Buffer.concat(slices);
  return whole.subarray(0, lengthBytes);
}
