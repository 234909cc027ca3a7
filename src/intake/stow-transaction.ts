/**
 * # Store Transaction
 *
 * The instances of one STOW-RS request become entries, one after the other while they arrive. PS3.18 10.5.
 *
 * Invariants:
 * - Resolves only when every part is durable, or is known not to be: then the request may be answered.
 * - A part that fails costs the others nothing.
 * - Of a part whose end has not come nothing is kept, whatever ends the request.
 */
import { setTimeout } from 'node:timers/promises';
import { STATUS } from '../dimse/status.ts';
import { RequestError } from './errors.ts';
import { parseMediaType } from './media-type.ts';
import { MultipartReader } from './multipart.ts';
import { type Part10Options, type Part10Outcome, Part10Reception } from './part10-reception.ts';

/** How the body of a request is laid out. */
export type BodyForm =
  | { readonly form: 'multipart'; readonly boundary: string; readonly rootType: string | undefined }
  /** One instance, without a multipart around it. */
  | { readonly form: 'single' };

export interface StoreOptions extends Part10Options {
  readonly partsMax: number;
  /** Asked for each part: how long to wait before it is read. */
  paceMs(): number;
  /** Called once for each part, when it is clear what became of it. */
  onPart(outcome: Part10Outcome, durationMs: number): void;
}

export const DICOM_MEDIA_TYPE = 'application/dicom';

/** Parts that become durable while the next ones arrive: small ones would wait for the disk one by one. */
const COMMITS_MAX = 16;

const OTHER_MEDIA_TYPE: Part10Outcome = {
  answer: { status: STATUS.cannotUnderstand, errorComment: 'Part is not application/dicom' },
  dataSetBytes: 0,
};
const TRANSFER_ENCODED: Part10Outcome = {
  answer: { status: STATUS.cannotUnderstand, errorComment: 'Part has a transfer encoding' },
  dataSetBytes: 0,
};

/**
 * Stores what a body holds.
 *
 * @returns one outcome for each part, in their order
 * @throws {RequestError} when the body cannot be read to its end; parts that had come before it have been settled
 */
export async function storeInstances(
  body: AsyncIterable<Uint8Array>,
  layout: BodyForm,
  options: StoreOptions,
): Promise<readonly Part10Outcome[]> {
  const parts = new PartsInHand(options);
  try {
    if (layout.form === 'single') await storeSingle(body, parts);
    else await storeMultipart(body, layout, parts);
  } finally {
    parts.abandon();
    await parts.settled();
  }
  return parts.settled();
}

async function storeSingle(body: AsyncIterable<Uint8Array>, parts: PartsInHand): Promise<void> {
  await parts.begin();
  for await (const chunk of body) await parts.write(chunk);
  await parts.end();
}

async function storeMultipart(
  body: AsyncIterable<Uint8Array>,
  { boundary, rootType }: Extract<BodyForm, { form: 'multipart' }>,
  parts: PartsInHand,
): Promise<void> {
  const reader = new MultipartReader(boundary);
  for await (const chunk of body) {
    for (const event of reader.read(chunk)) {
      if (event.type === 'part') await parts.begin(refusalOf(event.headers, rootType));
      else if (event.type === 'part-end') await parts.end();
      else {
        const mayGoOn = parts.write(event.bytes);
        if (mayGoOn !== undefined) await mayGoOn;
      }
    }
  }
  if (reader.isClosed) return;
  throw new RequestError(
    'MULTIPART_MALFORMED',
    'Cannot read the multipart body to its end: it must end with the boundary and two dashes',
  );
}

/** Why a part is not looked into; its bytes are read and dropped. */
function refusalOf(
  headers: ReadonlyMap<string, string>,
  rootType: string | undefined,
): Part10Outcome | undefined {
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase() ?? 'binary';
  if (!['binary', '8bit', '7bit'].includes(encoding)) return TRANSFER_ENCODED;
  const stated = headers.get('content-type');
  const type = stated === undefined ? (rootType ?? DICOM_MEDIA_TYPE) : parseMediaType(stated)?.essence;
  return type === DICOM_MEDIA_TYPE ? undefined : OTHER_MEDIA_TYPE;
}

/** The part that arrives, and those that become durable. */
class PartsInHand {
  readonly #options: StoreOptions;
  readonly #outcomes: Promise<Part10Outcome>[] = [];
  readonly #committing = new Set<Promise<Part10Outcome>>();
  #open: Part10Reception | undefined;
  #refused: Part10Outcome | undefined;
  #begunAtMs = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  async begin(refused?: Part10Outcome): Promise<void> {
    if (this.#outcomes.length === this.#options.partsMax) {
      throw new RequestError(
        'REQUEST_TOO_LARGE',
        `Cannot take the request as it must have <= ${this.#options.partsMax} parts`,
      );
    }
    const waitMs = this.#options.paceMs();
    if (waitMs > 0) await setTimeout(waitMs);
    this.#begunAtMs = performance.now();
    this.#refused = refused;
    if (refused === undefined) this.#open = new Part10Reception(this.#options);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#open?.write(bytes);
  }

  async end(): Promise<void> {
    const begunAtMs = this.#begunAtMs;
    const outcome = this.#open?.end() ?? Promise.resolve(this.#refused as Part10Outcome);
    this.#open = undefined;
    this.#outcomes.push(outcome);
    this.#committing.add(outcome);
    const done = outcome.then((result) => {
      this.#committing.delete(outcome);
      this.#options.onPart(result, performance.now() - begunAtMs);
    });
    done.catch(() => {}); // Whoever awaits the outcomes hears of it.
    if (this.#committing.size >= COMMITS_MAX) await Promise.race(this.#committing);
  }

  /** Nothing is kept of a part whose end has not come. */
  abandon(): void {
    this.#open?.discard('request ended early');
    this.#open = undefined;
  }

  settled(): Promise<readonly Part10Outcome[]> {
    return Promise.all(this.#outcomes);
  }
}
