import { duplicateAbsorbed, otherContentArrived } from '../../telemetry/spool-events.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { SpoolError } from '../errors.ts';
import type { FilesThread } from '../files/files-thread.ts';
import type { FiledInstance } from '../files/messages.ts';
import type { FreeSpace } from '../free-space.ts';
import type { Arrival, Committed, OtherContentPolicy } from '../port.ts';
import type { Custody, FileInTheMaking } from '../reception.ts';
import type { BlockPool, StagedBytes } from '../staging.ts';
import type { StepHook } from '../steps.ts';
import { SQLITE_IOERR } from './disk-error.ts';
import type { LedgerThread } from './ledger-thread.ts';
import type { Accepted, WireArrival } from './messages.ts';

const DISK_CODES: readonly string[] = ['WRITE_FAILED', 'COMMIT_FAILED'];

/** Where receptions end: small instances in the ledger's thread, large ones in that of the files first. */
export class SqliteCustody implements Custody<FiledInstance> {
  readonly blocks: BlockPool;
  readonly #ledger: LedgerThread;
  readonly #files: FilesThread;
  readonly #space: FreeSpace;
  readonly #step: StepHook;
  readonly #diskFailed: () => void;
  readonly #onOtherContent: OtherContentPolicy;
  readonly #telemetry: Telemetry;
  readonly #namePrefix: string;
  #nextName = 1;

  /** @param epoch differs for every process that has served the directory */
  constructor(
    parts: { blocks: BlockPool; ledger: LedgerThread; files: FilesThread; space: FreeSpace; step: StepHook },
    options: {
      epoch: number;
      onOtherContent: OtherContentPolicy;
      telemetry: Telemetry;
      diskFailed: () => void;
    },
  ) {
    this.blocks = parts.blocks;
    this.#ledger = parts.ledger;
    this.#files = parts.files;
    this.#space = parts.space;
    this.#step = parts.step;
    this.#diskFailed = options.diskFailed;
    this.#onOtherContent = options.onOtherContent;
    this.#telemetry = options.telemetry;
    this.#namePrefix = `${options.epoch}-`;
  }

  beginFile(arrival: Arrival): FileInTheMaking<FiledInstance> {
    const name = `${this.#namePrefix}${this.#nextName}`;
    this.#nextName += 1;
    const file = this.#files.begin(name, arrival, this.blocks);
    return { ...file, finish: () => this.#watch(file.finish()) };
  }

  async commitBytes(arrival: Arrival, bytes: StagedBytes): Promise<Committed> {
    this.#step('commit-requested');
    try {
      const accepted = await this.#watch(
        this.#ledger.ask('accept-bytes', {
          arrival: this.#factsOf(arrival),
          receivedAtMs: Date.now(),
          dataSetOffset: arrival.fileMeta.byteLength,
          bytes,
        }).answer,
      );
      this.#step('commit-answered');
      return this.#committed(arrival, accepted);
    } finally {
      this.blocks.give(bytes.blocks);
    }
  }

  async commitFile(
    arrival: Arrival,
    finished: FiledInstance,
    file: FileInTheMaking<FiledInstance>,
  ): Promise<Committed> {
    this.#step('part-answered');
    try {
      const accepted = await this.#watch(
        this.#ledger.ask('accept-file', {
          arrival: this.#factsOf(arrival),
          receivedAtMs: Date.now(),
          file: finished,
        }).answer,
      );
      this.#step('commit-answered');
      const committed = this.#committed(arrival, accepted);
      if (committed.duplicateOf === undefined) file.forget();
      else file.discard();
      return committed;
    } catch (error) {
      // A file without a row goes at the next start; a row without a file would be a lost instance.
      if (isInDoubt(error)) file.forget();
      else file.discard();
      throw error;
    }
  }

  spent(bytes: number): void {
    this.#space.spend(bytes);
  }

  ended(): void {
    this.#space.release();
  }

  /** @throws {SpoolError} when another data set of the SOP Instance is here and this one was not wanted */
  #committed({ source }: Arrival, accepted: Accepted): Committed {
    if ('rejectedFor' in accepted) {
      const earlierEntryId = accepted.rejectedFor;
      otherContentArrived(this.#telemetry, { source, outcome: 'rejected', earlierEntryId });
      throw new SpoolError(
        'OTHER_CONTENT',
        `Cannot keep the instance as entry ${earlierEntryId} has its SOP Instance UID and another data set`,
        { earlierEntryId },
      );
    }
    const { replaced, ...committed } = accepted;
    const { entryId, duplicateOf, held } = committed;
    if (duplicateOf !== undefined) duplicateAbsorbed(this.#telemetry, { source, entryId });
    if (replaced !== undefined) {
      otherContentArrived(this.#telemetry, {
        source,
        outcome: 'replaced',
        earlierEntryId: replaced,
        entryId,
      });
    }
    if (held === 'OTHER_CONTENT') otherContentArrived(this.#telemetry, { source, outcome: 'held', entryId });
    return committed;
  }

  /** The facts of an arrival alone: whatever else the caller's object holds does not travel. */
  #factsOf(arrival: Arrival): WireArrival {
    const { sopClassUid, sopInstanceUid, transferSyntaxUid } = arrival;
    const { source, callingAeTitle, calledAeTitle, peerAddress } = arrival;
    return {
      sopClassUid,
      sopInstanceUid,
      transferSyntaxUid,
      source,
      callingAeTitle,
      calledAeTitle,
      peerAddress,
      onOtherContent: arrival.onOtherContent ?? this.#onOtherContent,
    };
  }

  async #watch<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof SpoolError && DISK_CODES.includes(error.code)) this.#diskFailed();
      throw error;
    }
  }
}

function isInDoubt(error: unknown): boolean {
  if (!(error instanceof SpoolError)) return true;
  return error.code === 'SPOOL_CLOSED' || error.context.sqliteCode === SQLITE_IOERR;
}
