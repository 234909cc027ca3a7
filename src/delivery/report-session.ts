/**
 * # Report session
 *
 * Stands in for a destination that nothing is sent to yet: it does everything but the sending, and writes down
 * what would have been sent. Whatever would have been held before the sending is held here, too.
 *
 * Deliberately absent: what only the destination can say, such as which presentation contexts it accepts.
 */
import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { DeliveryItem, DestinationDeps, DestinationSession } from './destination-kind.ts';
import { type Outcome, outcomeOfError, STOPPED } from './outcome.ts';
import { openOutgoing, type PreparedInstance } from './outgoing.ts';
import { dataSetOf, HeadBuffers, type HeadedSource } from './part10-source.ts';
import type { ReportFile, ReportLine } from './report-file.ts';
import { withEvenLength } from './rewriting.ts';

/** Instances read at the same time. */
const READERS = 4;
const CHUNK_BYTES = 1024 * 1024;

export interface ReportSessionOptions {
  /** The destination itself: it is asked whether it is there, and nothing else. */
  readonly destination: DestinationSession;
  readonly instances: DestinationDeps['instances'];
  readonly file: ReportFile;
  /** What becomes of a data set of odd length; absent: it is sent as it is. */
  readonly oddLength?: 'hold' | 'pad';
  now(): number;
}

export class ReportSession implements DestinationSession<PreparedInstance> {
  readonly slots = READERS;
  readonly #options: ReportSessionOptions;
  readonly #buffers = new HeadBuffers();
  readonly #closing = new AbortController();
  readonly echo?: () => Promise<void>;

  constructor(options: ReportSessionOptions) {
    this.#options = options;
    const { destination } = options;
    if (destination.echo) this.echo = () => destination.echo!();
  }

  expect(): void {}

  prepare(item: DeliveryItem): Promise<PreparedInstance> {
    return openOutgoing(item, { instances: this.#options.instances, buffers: this.#buffers });
  }

  async send({ source, item, close }: PreparedInstance): Promise<Outcome> {
    const { oddLength, file } = this.#options;
    try {
      const outgoing = oddLength ? await withEvenLength(source, oddLength) : source;
      await file.append(await this.#describe(item, outgoing));
      return { taken: true, outcome: 'reported' };
    } catch (error) {
      if (this.#closing.signal.aborted) return STOPPED;
      if (!(error instanceof GatewayError)) throw error;
      return outcomeOfError(error, 'local');
    } finally {
      await close();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#options.destination.close();
    await this.#options.file.close();
  }

  async #describe({ entry, payload }: DeliveryItem, source: HeadedSource): Promise<ReportLine> {
    const { entryId, origin, sopClassUid, sopInstanceUid, studyInstanceUid, seriesInstanceUid } = entry;
    return {
      at: new Date(this.#options.now()).toISOString(),
      entryId,
      origin,
      rule: payload.rule,
      sopClassUid,
      sopInstanceUid,
      studyInstanceUid,
      seriesInstanceUid,
      transferSyntaxUid: source.transferSyntaxUid,
      dataSetBytes: source.sizeBytes - source.dataSetOffset,
      sha256: await this.#digest(source),
      ...(payload.edits?.length && { edited: true }),
    };
  }

  async #digest(source: HeadedSource): Promise<string> {
    const hash = createHash('sha256');
    const dataSet = dataSetOf(source);
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, dataSet.lengthBytes));
    for (let position = 0; position < dataSet.lengthBytes; ) {
      this.#closing.signal.throwIfAborted();
      const bytesRead = await dataSet.read(chunk, position);
      hash.update(chunk.subarray(0, bytesRead));
      position += bytesRead;
    }
    return hash.digest('hex');
  }
}
