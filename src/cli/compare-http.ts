/** Inventories of receivers that answer over HTTP: Orthanc by its own REST, any other by DICOMweb (QIDO-RS). */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readFileMeta } from '../dicom/file-meta.ts';
import type { Inventory, InventoryItem } from './compare-inventory.ts';
import { InventoryUnreadableError } from './errors.ts';

const ANSWER_LIMIT_MS = 120_000;
const PAGE = 1000;
/** Requests at the same time. */
const AT_ONCE = 8;
const FILE_META_BYTES_MAX = 1 << 16;
const UNREADABLE_MAX = 1000;

export interface HttpOptions {
  /** Value of the header Authorization. */
  readonly authorization?: string;
  /** Only UIDs: no request for each instance. */
  readonly quick: boolean;
  /** Reads every instance whole, for its digest; only of Orthanc. */
  readonly fetch: boolean;
}

/**
 * Finds out who answers there.
 *
 * @throws {InventoryUnreadableError} when nobody does
 */
export async function httpInventory(url: URL, options: HttpOptions): Promise<Inventory> {
  const base = new URL(url.href.endsWith('/') ? url.href : `${url.href}/`);
  const http = new Http(base, options);
  const system = await http
    .json('system', z.looseObject({ DatabaseVersion: z.number() }))
    .catch(() => undefined);
  if (system !== undefined) return orthancInventory(http, options);
  await http.json('studies?limit=1', z.array(z.unknown()));
  return dicomwebInventory(http);
}

class Http {
  readonly base: URL;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(base: URL, { authorization }: HttpOptions) {
    this.base = base;
    this.#headers = authorization === undefined ? {} : { authorization };
  }

  async json<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    const response = await this.get(path, 'application/dicom+json, application/json');
    // QIDO-RS says so where nothing matches. PS3.18 10.6.3.
    const value: unknown = response.status === 204 ? [] : await response.json().catch(() => undefined);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new InventoryUnreadableError(
      `Cannot read the answer of ${this.#place(path)}: it is not as it should be`,
    );
  }

  /** @throws {InventoryUnreadableError} when the answer is no success */
  async get(path: string, accept: string): Promise<Response> {
    const url = new URL(path, this.base);
    const response = await fetch(url, {
      headers: { ...this.#headers, accept },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).catch((error: unknown) => {
      const { code, name } = ((error as Error).cause ?? error) as { code?: string; name: string };
      throw new InventoryUnreadableError(
        `Cannot ask ${this.#place(path)}: ${code ?? name}`,
        {},
        { cause: error },
      );
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new InventoryUnreadableError(`Cannot ask ${this.#place(path)}: it answers ${response.status}`);
  }

  /** Without what may be secret: a name and password in the address, a token in the query. */
  #place(path: string): string {
    const { origin, pathname } = new URL(path, this.base);
    return origin + pathname;
  }
}

const Tags = z.looseObject({ MainDicomTags: z.record(z.string(), z.string()), ID: z.string() });
const Study = Tags;
const Series = Tags.extend({ ParentStudy: z.string() });
const Instance = Tags.extend({ ParentSeries: z.string() });
const Metadata = z.looseObject({
  SopClassUid: z.string().optional(),
  TransferSyntax: z.string().optional(),
  ReceptionDate: z.string().optional(),
});

function orthancInventory(http: Http, options: HttpOptions): Inventory {
  const unreadable: string[] = [];
  async function* items(): AsyncGenerator<InventoryItem> {
    const studies = new Map<string, string | undefined>();
    for await (const { ID, MainDicomTags } of pagesOf(http, 'studies', Study)) {
      studies.set(ID, MainDicomTags.StudyInstanceUID);
    }
    const series = new Map<string, Partial<InventoryItem>>();
    for await (const { ID, MainDicomTags, ParentStudy } of pagesOf(http, 'series', Series)) {
      const studyInstanceUid = studies.get(ParentStudy);
      series.set(ID, stated({ ...seriesFacts(MainDicomTags), studyInstanceUid }));
    }
    const instances = pagesOf(http, 'instances', Instance);
    yield* together(instances, async ({ ID, MainDicomTags, ParentSeries }) => {
      const sopInstanceUid = MainDicomTags.SOPInstanceUID;
      if (sopInstanceUid === undefined) return undefined;
      const facts = { ...series.get(ParentSeries), sopInstanceUid };
      if (options.quick) return facts;
      try {
        const digest = options.fetch ? await digestOf(http, ID) : {};
        return { ...facts, ...(await metadataOf(http, ID)), ...digest };
      } catch (error) {
        if (!(error instanceof InventoryUnreadableError)) throw error;
        if (unreadable.length < UNREADABLE_MAX) unreadable.push(error.message);
        return facts;
      }
    });
  }
  return { name: http.base.origin, kind: 'orthanc', unreadable, items };
}

function seriesFacts({
  SeriesInstanceUID,
  Modality,
}: Readonly<Record<string, string>>): Partial<InventoryItem> {
  return stated({ seriesInstanceUid: SeriesInstanceUID, modality: Modality });
}

async function metadataOf(http: Http, id: string): Promise<Partial<InventoryItem>> {
  const { SopClassUid, TransferSyntax, ReceptionDate } = await http.json(
    `instances/${id}/metadata?expand`,
    Metadata,
  );
  return stated({ sopClassUid: SopClassUid, transferSyntaxUid: TransferSyntax, atMs: timeOf(ReceptionDate) });
}

/** `20250301T081530`, UTC. */
function timeOf(text = ''): number | undefined {
  const [, date, time] = /^(\d{8})T(\d{6})/.exec(text) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const day = date.replace(/(....)(..)(..)/, '$1-$2-$3');
  return Date.parse(`${day}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`);
}

async function digestOf(http: Http, id: string): Promise<Partial<InventoryItem>> {
  const { body } = await http.get(`instances/${id}/file`, 'application/dicom');
  const hash = createHash('sha256');
  let head: Buffer | undefined = Buffer.alloc(0);
  let dataSetBytes = 0;
  const take = (bytes: Uint8Array) => {
    hash.update(bytes);
    dataSetBytes += bytes.length;
  };
  const takeHead = (bytes: Buffer) => take(bytes.subarray(readFileMeta(bytes).dataSetOffset));
  for await (const piece of body ?? []) {
    if (head === undefined) take(piece);
    else {
      head = Buffer.concat([head, piece]);
      if (head.length < FILE_META_BYTES_MAX) continue;
      takeHead(head);
      head = undefined;
    }
  }
  if (head !== undefined) takeHead(head);
  return { sha256: hash.digest('hex'), dataSetBytes };
}

async function* pagesOf<S extends z.ZodType>(
  http: Http,
  level: string,
  schema: S,
): AsyncGenerator<z.infer<S>> {
  for (let since = 0; ; since += PAGE) {
    const page = await http.json(`${level}?expand&since=${since}&limit=${PAGE}`, z.array(schema));
    yield* page;
    if (page.length < PAGE) return;
  }
}

/** DICOM JSON: what is asked for of an attribute is its first value. PS3.18 F.2. */
const DicomJson = z.record(z.string(), z.looseObject({ Value: z.array(z.unknown()).optional() }));
type DicomJson = z.infer<typeof DicomJson>;

const QIDO = {
  sopClassUid: '00080016',
  sopInstanceUid: '00080018',
  modality: '00080060',
  studyInstanceUid: '0020000D',
  seriesInstanceUid: '0020000E',
  /** Available Transfer Syntax UID; few servers tell. */
  transferSyntaxUid: '00083002',
} as const;

function dicomwebInventory(http: Http): Inventory {
  const fields = Object.values(QIDO)
    .map((tag) => `includefield=${tag}`)
    .join('&');
  // Study by study: many servers refuse to search all instances at once.
  async function* items(): AsyncGenerator<InventoryItem> {
    for await (const study of searchAll(http, 'studies', 'includefield=0020000D', QIDO.studyInstanceUid)) {
      const studyInstanceUid = textOf(study, QIDO.studyInstanceUid);
      if (studyInstanceUid === undefined) continue;
      const path = `studies/${studyInstanceUid}/instances`;
      for await (const instance of searchAll(http, path, fields, QIDO.sopInstanceUid)) {
        const facts = Object.entries(QIDO).map(([name, tag]) => [name, textOf(instance, tag)]);
        const item: Partial<InventoryItem> = stated({ studyInstanceUid, ...definedOf(facts) });
        if (item.sopInstanceUid !== undefined) yield { ...item, sopInstanceUid: item.sopInstanceUid };
      }
    }
  }
  return { name: http.base.origin + http.base.pathname, kind: 'dicomweb', unreadable: [], items };
}

async function* searchAll(http: Http, path: string, fields: string, key: string): AsyncGenerator<DicomJson> {
  let first: string | undefined;
  for (let offset = 0; ; ) {
    const page = await http.json(`${path}?${fields}&limit=${PAGE}&offset=${offset}`, z.array(DicomJson));
    const begins = page[0] && textOf(page[0], key);
    if (begins === undefined) return;
    if (begins === first) {
      throw new InventoryUnreadableError(
        `Cannot read ${http.base.origin}: it answers every page with the first`,
      );
    }
    first = begins;
    yield* page;
    offset += page.length;
  }
}

function textOf(dataSet: DicomJson, tag: string): string | undefined {
  const value = dataSet[tag]?.Value?.[0];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function definedOf(facts: readonly (readonly (string | undefined)[])[]): Partial<InventoryItem> {
  return Object.fromEntries(facts.filter(([, value]) => value !== undefined)) as Partial<InventoryItem>;
}

type Loosely<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Without what is not known. */
function stated(facts: Loosely<InventoryItem>): Partial<InventoryItem> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** Works on several at a time, and yields in order. */
async function* together<T, U>(
  all: AsyncIterable<T>,
  work: (one: T) => Promise<U | undefined>,
): AsyncGenerator<U> {
  const pending: Promise<U | undefined>[] = [];
  const next = async () => await pending.shift();
  for await (const one of all) {
    pending.push(work(one));
    if (pending.length < AT_ONCE) continue;
    const done = await next();
    if (done !== undefined) yield done;
  }
  while (pending.length > 0) {
    const done = await next();
    if (done !== undefined) yield done;
  }
}
