import type { Clock } from '../clock.ts';
import {
  allRecords,
  COMMITMENT_COLLECTION,
  type CommitmentReported,
  type CommitmentSent,
  type Spool,
  type SpoolRecord,
} from '../spool/spool.ts';
import { commitmentReportIdle } from '../telemetry/commitment-events.ts';
import { laneTroubled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { CommitmentLane } from './commitment-lane.ts';

/** Requests forgotten at a time. */
const PAGE = 100;
/** How often is looked whether there are reports, besides being told; and records that have had their time. */
const LOOK_EVERY_MS = 30_000;
/** What is in hand just now is looked at again. */
const LATER_MS = 500;

export interface CommitmentReportsDeps {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** Brings the reports that have reached the spool to the lanes that asked for them, until it is stopped. */
export class CommitmentReports {
  readonly #laneOf: (destination: string) => CommitmentLane | undefined;
  readonly #deps: CommitmentReportsDeps;
  readonly #stopping = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #running: Promise<void>;
  #news = new AbortController();

  constructor(laneOf: (destination: string) => CommitmentLane | undefined, deps: CommitmentReportsDeps) {
    this.#laneOf = laneOf;
    this.#deps = deps;
    this.#unsubscribe = deps.spool.subscribe(
      (event) => {
        if (event.type === 'record' && event.collection === COMMITMENT_COLLECTION.report) this.look();
      },
      ['record'],
    );
    this.#running = this.#run();
  }

  /** There may be reports, or lanes for reports that have waited. */
  look(): void {
    this.#news.abort();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, telemetry } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#news = new AbortController();
      const news = AbortSignal.any([signal, this.#news.signal]);
      let waitMs = LOOK_EVERY_MS;
      try {
        if ((await this.#settleAll()) === 'later') waitMs = LATER_MS;
        await this.#sweep();
      } catch (error) {
        laneTroubled(telemetry, { destination: 'all', error });
      }
      await clock.sleep(waitMs, news);
    }
  }

  async #settleAll(): Promise<'done' | 'later'> {
    let isLater = false;
    for await (const record of allRecords(this.#deps.spool, COMMITMENT_COLLECTION.report)) {
      if (this.#stopping.signal.aborted) return 'done';
      if ((await this.#settle(record)) === 'later') isLater = true;
    }
    return isLater ? 'later' : 'done';
  }

  /** A report is forgotten once it is settled; until then it is there after every restart. */
  async #settle({ key, value }: SpoolRecord): Promise<'done' | 'later' | 'waiting'> {
    const { spool, telemetry } = this.#deps;
    const report = value as CommitmentReported;
    const { transactionUid } = report;
    const sent = await sentOf(spool, transactionUid);
    if (sent === undefined) {
      commitmentReportIdle(telemetry, { transactionUid, why: 'settled' });
    } else {
      const lane = this.#laneOf(sent.destination);
      if (lane === undefined) return 'waiting'; // The configuration may have it again one day.
      if ((await lane.settle(report, sent)) === 'later') return 'later';
      const reported = new Set([...report.committed, ...report.failed.map(([uid]) => uid)]);
      const isWhole = sent.instances.every(([uid]) => reported.has(uid));
      if (isWhole) await spool.forget(COMMITMENT_COLLECTION.sent, [transactionUid]);
    }
    await spool.forget(COMMITMENT_COLLECTION.report, [key]);
    return 'done';
  }

  /** Requests that nobody will report on any more. */
  async #sweep(): Promise<void> {
    const { spool, clock } = this.#deps;
    const collection = COMMITMENT_COLLECTION.sent;
    const old = await spool.records({ collection, dueBeforeMs: clock.now(), limit: PAGE });
    if (old.length > 0)
      await spool.forget(
        collection,
        old.map(({ key }) => key),
      );
  }
}

async function sentOf(spool: Spool, transactionUid: string): Promise<CommitmentSent | undefined> {
  const [record] = await spool.records({ collection: COMMITMENT_COLLECTION.sent, key: transactionUid });
  return record?.value as CommitmentSent | undefined;
}
