import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { ConversionSettings } from '../../src/conversion/config.ts';
import { startConversion } from '../../src/conversion/conversion.ts';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import type { ConversionPayload, EntryRow, Spool } from '../../src/spool/spool.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { type ImageOptions, imageInstance } from '../support/image-instance.ts';
import { claim, openTemporarySpool, readInstance, writeAll } from '../support/temporary-spool.ts';

const telemetry = createTelemetry({ level: 'silent' });
const SETTINGS = ConversionSettings.parse({
  workers: 1,
  retry_after: '1ms',
  scratch_free_bytes: 0,
  time_zone: 'UTC',
});

const PAYLOAD: ConversionPayload = {
  rule: 'slides',
  job: 'wsi',
  options: {},
  editsBefore: [],
  editsAfter: [],
  deliverTo: ['archive', 'viewer'],
  productsMeetRules: false,
  decidedAtMs: Date.UTC(2026, 0, 6),
};

const image: ImageOptions = { label: 'stage', rows: 600, columns: 800 };

/** Receives an image, and decides as rules would that it is to be converted. */
async function receiveForConversion(
  spool: Spool,
  options: ImageOptions,
  payload: Partial<ConversionPayload> = {},
) {
  const file = await imageInstance(options);
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, dataSetOffset } = readFileMeta(file);
  const reception = spool.receive({
    sopClassUid: sopClassUid!,
    sopInstanceUid: sopInstanceUid!,
    transferSyntaxUid,
    source: 'scope',
    callingAeTitle: 'SCOPE',
    calledAeTitle: 'SLIDEGATE',
    peerAddress: '127.0.0.1',
    fileMeta: file.subarray(0, dataSetOffset),
  });
  await writeAll(reception, file.subarray(dataSetOffset));
  const { entryId } = await reception.commit();
  const [rules] = await claim(spool, 'rules');
  await spool.complete([
    {
      claim: rules!,
      outcome: 'planned',
      tasks: [{ kind: 'conversion', payload: { ...PAYLOAD, ...payload } }],
    },
  ]);
  return entryId;
}

/** Waits until the entry is as it should be, however long the conversion takes. */
async function entryWhen(
  spool: Spool,
  entryId: number,
  isRight: (entry: EntryRow) => boolean,
): Promise<EntryRow> {
  const { promise, resolve } = Promise.withResolvers<EntryRow>();
  const look = async () => {
    const [entry] = await spool.query({ entryIds: [entryId] });
    if (entry && isRight(entry)) resolve(entry);
  };
  const unsubscribe = spool.subscribe(() => void look());
  // Not every change is told of: a task that waits again is not.
  const timer = setInterval(look, 50);
  await look();
  return promise.finally(() => {
    unsubscribe();
    clearInterval(timer);
  });
}

async function open(t: ExecutionContext, settings: Partial<ConversionSettings> = {}) {
  const temporary = await openTemporarySpool();
  const conversion = await startConversion(
    { ...SETTINGS, ...settings },
    { spool: temporary.spool, telemetry },
  );
  t.teardown(async () => {
    await conversion.stop();
    await temporary[Symbol.asyncDispose]();
  });
  return { spool: temporary.spool, conversion };
}

const isSettled = ({ tasks }: EntryRow) =>
  tasks.some(({ kind, state }) => kind === 'conversion' && (state === 'done' || state === 'held'));
const productsOf = async (spool: Spool) =>
  (await spool.query({}))
    .filter(({ origin }) => origin === 'converted')
    .sort((a, b) => a.entryId - b.entryId);

test('received image becomes products, each with a task for every destination of its rule', async (t) => {
  const { spool } = await open(t);

  const entryId = await receiveForConversion(spool, image, {
    editsAfter: [{ set: 'StudyID', value: ['S2'] }],
  });
  await entryWhen(spool, entryId, isSettled);

  const products = await productsOf(spool);
  t.is(products.length, 3);
  t.is((await spool.status()).produced, 3);
  for (const { tasks, parentEntryId } of products) {
    t.is(parentEntryId, entryId);
    t.deepEqual(tasks.map(({ kind }) => kind).sort(), ['delivery:archive', 'delivery:viewer']);
  }
  const [delivery] = await claim(spool, 'delivery:archive');
  t.deepEqual(delivery?.payload, { rule: 'slides', edits: [{ set: 'StudyID', value: ['S2'] }] });
});

test('products meet the rules first where there are rules for them', async (t) => {
  const { spool } = await open(t);

  const entryId = await receiveForConversion(spool, image, {
    productsMeetRules: true,
    priority: 'urgent',
  });
  await entryWhen(spool, entryId, isSettled);

  const claims = await claim(spool, 'rules', 10);
  t.is(claims.length, 3);
  t.deepEqual(claims[0]?.payload, {
    inherited: { rule: 'slides', deliverTo: ['archive', 'viewer'], priority: 'urgent', edits: [] },
  });
});

test('the same decision makes the same bytes in another spool', async (t) => {
  const digests = await Promise.all(
    [1, 2].map(async () => {
      const { spool } = await open(t);
      await entryWhen(spool, await receiveForConversion(spool, image), isSettled);
      const files = await Promise.all(
        (await productsOf(spool)).map(({ entryId }) => readInstance(spool, entryId)),
      );
      return files.map((file) => createHash('sha256').update(file).digest('hex'));
    }),
  );

  t.is(digests[0]?.length, 3);
  t.deepEqual(digests[0], digests[1]);
});

test('image without spacing is held with its reason and makes no product', async (t) => {
  const { spool } = await open(t);

  const entryId = await receiveForConversion(spool, { ...image, attributes: { PixelSpacing: undefined } });
  const { state, tasks } = await entryWhen(spool, entryId, isSettled);

  t.is(state, 'held');
  const task = tasks.find(({ kind }) => kind === 'conversion');
  t.is(task?.code, 'SPACING_MISSING');
  t.regex(task?.reason ?? '', /spacing-mm/);
  t.is((await spool.status()).produced, 0);
});

// Fault case 25.
test('task that ends three workers is held', async (t) => {
  const { spool } = await open(t, { memory_max_bytes: 20_000_000 });

  const entryId = await receiveForConversion(spool, image);
  const { tasks } = await entryWhen(spool, entryId, isSettled);

  const task = tasks.find(({ kind }) => kind === 'conversion');
  t.like(task, { state: 'held', code: 'WORKER_DIED_REPEATEDLY', attempt: 3 });
  t.regex(task?.reason ?? '', /3 workers ended over it; the last: .*must need 20000000 bytes or less/);
});

test('stopping gives the task back unharmed, and a restart converts it', async (t) => {
  const { spool, conversion } = await open(t);

  const big = { label: 'stopped', rows: 4000, columns: 6000, frames: [new Uint8Array(4000 * 6000 * 3)] };
  const entryId = await receiveForConversion(spool, big);
  await entryWhen(spool, entryId, ({ tasks }) =>
    tasks.some(({ kind, state }) => kind === 'conversion' && state === 'claimed'),
  );
  await conversion.stop();

  const [entry] = await spool.query({ entryIds: [entryId] });
  t.like(
    entry?.tasks.find(({ kind }) => kind === 'conversion'),
    { state: 'waiting' },
  );

  const again = await startConversion(SETTINGS, { spool, telemetry });
  t.teardown(() => again.stop());
  await entryWhen(spool, entryId, isSettled);
  t.is((await spool.status()).produced, 6);
});

test('job that this version does not know is held', async (t) => {
  const { spool } = await open(t);

  const entryId = await receiveForConversion(spool, image, { job: 'hologram' as 'wsi' });
  const { tasks } = await entryWhen(spool, entryId, isSettled);

  t.like(
    tasks.find(({ kind }) => kind === 'conversion'),
    { state: 'held', code: 'JOB_UNKNOWN' },
  );
});
