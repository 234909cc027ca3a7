import { createHash, hash } from 'node:crypto';
import { join } from 'node:path';
import { CANONICAL_BYTES_MAX } from '../canonical-digest.ts';
import { SpoolError } from '../errors.ts';
import { readRange } from '../files/read-range.ts';
import type { SegmentWriter } from '../files/segment-writer.ts';
import { type HeaderReading, readHeader } from '../header.ts';
import type { StagingMemory } from '../staging.ts';
import { reasonOf } from '../wire-error.ts';
import type { LedgerContext } from './context.ts';
import { insertEntry, type Place } from './entries.ts';
import type { Accepted, RequestOf, WireArrival } from './messages.ts';
import { auditContent, heldForContent, kindOf, replaceEarlier, type Verdict, weigh } from './versions.ts';

type AcceptBytes = RequestOf<'accept-bytes'>;

/** A small instance on its way: digest and header are known; `place` is too, once its segment is synced. */
interface Draft {
  readonly request: AcceptBytes;
  readonly slices: readonly Uint8Array[];
  readonly sha256: Uint8Array;
  readonly header: HeaderReading;
  /** An equal instance, earlier in the same group, with no other of its UID in between. */
  readonly twin: Draft | undefined;
  /** Its bytes are wanted on disk, or may be when its row is inserted. */
  readonly isFresh: boolean;
  readonly verdict: Verdict;
  place?: Place;
  entryId?: number;
}

/** A durable instance without a row. */
interface Received {
  readonly receivedAtMs: number;
  readonly sizeBytes: number;
  readonly dataSetOffset: number;
  readonly sha256: Uint8Array;
  readonly place: Place;
  readonly header: HeaderReading;
}

/** The small instances of one group: first their bytes, all with one sync, then their rows. */
export class AcceptGroup {
  readonly #context: LedgerContext;
  readonly #duplicateWindowMs: number;
  /** By request. */
  readonly #drafts = new Map<number, Draft>();
  /** By SOP Instance UID: the last of the group so far, and what makes others equal to it; undefined for a file. */
  readonly #lastOfUid = new Map<string, { readonly kind: string; readonly draft: Draft } | undefined>();
  /** SOP Instance UIDs of which the running transaction has inserted an entry. */
  readonly #inserted = new Set<string>();
  #segment: { segmentId: number; sizeBytes: number } | undefined;
  #bytes = 0;

  constructor(context: LedgerContext, duplicateWindowMs: number) {
    this.#context = context;
    this.#duplicateWindowMs = duplicateWindowMs;
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
    const verdict = this.#weigh(arrival, sha256, header, () => dataSetOf(slices, dataSetOffset));
    const kind = kindOf(arrival, sha256);
    const uid = arrival.sopInstanceUid;
    const last = this.#lastOfUid.get(uid);
    const twin = last?.kind === kind ? last.draft : undefined;
    // What it is equal to may be replaced by one before it in the group.
    const isKnown = verdict.type === 'duplicate' || verdict.type === 'reject';
    const isFresh = twin === undefined && (!isKnown || this.#lastOfUid.has(uid));
    const draft = { request, slices, sha256, header, twin, isFresh, verdict };
    if (twin === undefined) this.#lastOfUid.set(uid, { kind, draft });
    this.#drafts.set(request.id, draft);
    this.#bytes += bytes.lengthBytes;
  }

  /** A large instance comes next in the group: it may replace what was equal to those behind it. */
  foresee({ arrival }: RequestOf<'accept-file'>): void {
    this.#lastOfUid.set(arrival.sopInstanceUid, undefined);
  }

  /**
   * Makes the bytes of all drafts durable.
   *
   * @throws {SpoolError} when the disk failed; then nothing of any of them is left
   */
  write(segments: SegmentWriter): void {
    const fresh = [...this.#drafts.values()].filter(({ isFresh }) => isFresh);
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
    const twinId = draft.twin?.entryId;
    if (twinId !== undefined) return { entryId: twinId, duplicateOf: twinId };
    const { arrival, bytes, dataSetOffset, receivedAtMs } = request;
    const { sha256, header, place } = draft;
    const accepted = this.#insert(
      arrival,
      () => {
        if (place === undefined) {
          throw new SpoolError(
            'COMMIT_FAILED',
            'Cannot keep the instance: its equal in the same group failed',
          );
        }
        return { receivedAtMs, sizeBytes: bytes.lengthBytes, dataSetOffset, sha256, place, header };
      },
      this.#inserted.has(arrival.sopInstanceUid)
        ? this.#weigh(arrival, sha256, header, () => dataSetOf(draft.slices, dataSetOffset))
        : draft.verdict,
    );
    if (!('rejectedFor' in accepted) && accepted.duplicateOf === undefined) draft.entryId = accepted.entryId;
    return accepted;
  }

  /** Takes an instance whose file is durable already. */
  insertFile({ arrival, file, receivedAtMs }: RequestOf<'accept-file'>): Accepted {
    const { sizeBytes, dataSetOffset, sha256, fileName } = file;
    return this.#insert(
      arrival,
      () => ({ receivedAtMs, sizeBytes, dataSetOffset, sha256, place: { fileName }, header: file }),
      this.#weigh(arrival, sha256, file, () =>
        sizeBytes > CANONICAL_BYTES_MAX
          ? undefined
          : readRange(join(this.#context.folders.files, fileName), dataSetOffset, sizeBytes - dataSetOffset),
      ),
    );
  }

  #weigh(
    arrival: WireArrival,
    sha256: Uint8Array,
    { held }: HeaderReading,
    dataSet: () => Uint8Array | undefined,
  ): Verdict {
    const windowMs = this.#duplicateWindowMs;
    return weigh(this.#context, arrival, sha256, { isDamaged: held !== undefined, windowMs, dataSet });
  }

  #insert(arrival: WireArrival, received: () => Received, verdict: Verdict): Accepted {
    const context = this.#context;
    switch (verdict.type) {
      case 'duplicate':
        return { entryId: verdict.duplicateOf, duplicateOf: verdict.duplicateOf };
      case 'reject':
        auditContent(context, 'reject', { earlierId: verdict.earlierId, entryId: undefined, tasks: 0 });
        return { rejectedFor: verdict.earlierId };
      case 'fresh': {
        const { held } = received().header;
        const entryId = insertReceived(context, arrival, received(), held);
        this.#inserted.add(arrival.sopInstanceUid);
        return { entryId, ...(held && { held: held.code }) };
      }
      case 'replace': {
        const entryId = insertReceived(context, arrival, received(), undefined);
        const tasks = replaceEarlier(context, arrival.sopInstanceUid, entryId);
        auditContent(context, 'replace', { earlierId: verdict.earlierId, entryId, tasks });
        this.#inserted.add(arrival.sopInstanceUid);
        return { entryId, replaced: verdict.earlierId };
      }
      case 'keep-both-and-hold': {
        const held = heldForContent(verdict.earlierId);
        const entryId = insertReceived(context, arrival, received(), held);
        auditContent(context, 'keep-both-and-hold', { earlierId: verdict.earlierId, entryId, tasks: 1 });
        this.#inserted.add(arrival.sopInstanceUid);
        return { entryId, held: held.code };
      }
      default:
        return verdict satisfies never;
    }
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

function insertReceived(
  context: LedgerContext,
  arrival: WireArrival,
  { header, ...facts }: Received,
  held: HeaderReading['held'],
): number {
  const { onOtherContent: _, ...known } = arrival;
  const { entryId } = insertEntry(context, {
    ...known,
    ...facts,
    origin: 'received',
    studyInstanceUid: header.studyInstanceUid,
    seriesInstanceUid: header.seriesInstanceUid,
    headerIndex: header.headerIndex,
    tasks: [{ kind: 'rules', payload: null, ...(held && { held }) }],
  });
  context.step('entry-inserted');
  return entryId;
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

function dataSetOf(slices: readonly Uint8Array[], offset: number): Uint8Array {
  return Buffer.concat(slices).subarray(offset);
}

function headOf(slices: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const first = slices[0] as Uint8Array;
  if (slices.length === 1 || first.byteLength >= lengthBytes) return first.subarray(0, lengthBytes);
  const whole = Buffer.concat(slices);
  return whole.subarray(0, lengthBytes);
}
