/** Requests for storage commitment, as records of the spool: a head each, its references in parts. */
import { createHash } from 'node:crypto';
import type { CommitmentRequest } from '../dimse/storage-commitment.ts';
import { allRecords, type NewRecord, type Spool } from '../spool/spool.ts';

const HEADS = 'commitment-request';
const PARTS = 'commitment-request-part';
/** A record holds 1 MiB: as many references of the longest UIDs take 600 KB. */
const PART_REFERENCES = 4000;
const PAGE = 500;

/** One request, without its references. */
export interface CommitmentHead {
  readonly transactionUid: string;
  readonly source: string;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly askedAtMs: number;
  readonly references: number;
  /** Of the references: tells a request that is made again from another under the same UID. */
  readonly digest: string;
  /** `waiting` for verdicts; `decided` and to be reported; `done`, and remembered for a while. */
  readonly state: 'waiting' | 'decided' | 'done';
  readonly decidedAtMs?: number;
  /** Reports that did not arrive. */
  readonly tries: number;
  /** Reports that were answered with a failure. */
  readonly refusals: number;
  /** When the next thing is due: a verdict at the latest, the next try, the end of the record. */
  readonly dueAtMs: number;
}

/** A reference and, once it is decided, the reason why it has failed: 0 where it has not. */
export interface CommitmentItem {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  failureReason?: number;
}

/** Item as it is kept: short, as there may be tens of thousands. */
type KeptItem = readonly [sopClassUid: string, sopInstanceUid: string, failureReason?: number];

export function commitmentKey(transactionUid: string, callingAeTitle: string): string {
  return `${transactionUid} ${callingAeTitle}`;
}

export function digestOf({ references }: CommitmentRequest): string {
  const hash = createHash('sha256');
  for (const { sopClassUid, sopInstanceUid } of references) hash.update(`${sopClassUid} ${sopInstanceUid}\n`);
  return hash.digest('base64url');
}

export class CommitmentStore {
  readonly #spool: Spool;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** Durable when it resolves. */
  async keep(head: CommitmentHead, items: readonly CommitmentItem[]): Promise<void> {
    await this.#spool.keep([headRecord(head), ...partRecords(keyOf(head), items)]);
  }

  async update(head: CommitmentHead): Promise<void> {
    await this.#spool.keep([headRecord(head)]);
  }

  async find(key: string): Promise<CommitmentHead | undefined> {
    const [record] = await this.#spool.records({ collection: HEADS, key });
    return record?.value as CommitmentHead | undefined;
  }

  async *all(): AsyncGenerator<CommitmentHead> {
    for await (const { value } of allRecords(this.#spool, HEADS)) yield value as CommitmentHead;
  }

  async items(head: CommitmentHead): Promise<CommitmentItem[]> {
    const items: CommitmentItem[] = [];
    for (const key of partKeys(keyOf(head), head.references)) {
      const [record] = await this.#spool.records({ collection: PARTS, key });
      for (const [sopClassUid, sopInstanceUid, failureReason] of (record?.value ?? []) as KeptItem[]) {
        items.push({ sopClassUid, sopInstanceUid, ...(failureReason !== undefined && { failureReason }) });
      }
    }
    return items;
  }

  /** Requests that are done and need not be remembered any longer. */
  async expired(now: number): Promise<readonly CommitmentHead[]> {
    const records = await this.#spool.records({ collection: HEADS, dueBeforeMs: now, limit: PAGE });
    return records.map(({ value }) => value as CommitmentHead).filter(({ state }) => state === 'done');
  }

  async forget(head: CommitmentHead): Promise<void> {
    const key = keyOf(head);
    await this.#spool.forget(PARTS, partKeys(key, head.references));
    await this.#spool.forget(HEADS, [key]);
  }
}

export function keyOf({ transactionUid, callingAeTitle }: CommitmentHead): string {
  return commitmentKey(transactionUid, callingAeTitle);
}

function headRecord(head: CommitmentHead): NewRecord {
  return { collection: HEADS, key: keyOf(head), value: head, dueAtMs: head.dueAtMs };
}

function partRecords(key: string, items: readonly CommitmentItem[]): NewRecord[] {
  return partKeys(key, items.length).map((partKey, part) => {
    const own = items.slice(part * PART_REFERENCES, (part + 1) * PART_REFERENCES);
    const value = own.map(
      ({ sopClassUid, sopInstanceUid, failureReason }): KeptItem =>
        failureReason === undefined
          ? [sopClassUid, sopInstanceUid]
          : [sopClassUid, sopInstanceUid, failureReason],
    );
    return { collection: PARTS, key: partKey, value };
  });
}

function partKeys(key: string, references: number): string[] {
  const parts = Math.ceil(references / PART_REFERENCES);
  return Array.from({ length: parts }, (_, part) => `${key} ${String(part).padStart(3, '0')}`);
}
