import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { drawTissue } from '../../src/cli/demo-image.ts';
import { startOrthanc } from '../../src/cli/orthanc-peer.ts';
import { run } from '../../src/cli/peer-process.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';
/** Text of the checkers that wsi output may raise and that is theirs, not ours. None is needed today. */
const RULES = `rules:
  - name: microscopy becomes a pyramid (lossy JPEG)
    when: { attribute: Modality, is: GM }
    do: [ { convert: { to: wsi, tile: 512 } } ]
    to: [pacs]
otherwise: { to: [pacs] }
`;

interface Pyramid {
  readonly Resolutions: readonly number[];
  readonly Sizes: readonly (readonly [number, number])[];
  readonly TilesCount: readonly (readonly [number, number])[];
  readonly TotalWidth: number;
  readonly TotalHeight: number;
}

test('a microscope image sent by storescu is a pyramid in Orthanc, valid for dciodvfy, its tiles ours to the pixel', async (t) => {
  t.timeout(240_000);
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-orthanc-test-'));
  t.teardown(() => rm(scratch, { recursive: true, force: true }));
  const orthanc = await startOrthanc();
  t.teardown(() => orthanc.stop());
  const pacs = { kind: 'dimse-scu', host: '127.0.0.1', port: orthanc.dicomPort, called_ae_title: 'ORTHANC' };
  await using gateway = await startTestGateway({
    rules: RULES,
    settings: { destinations: { outbox: null, pacs } },
  });
  const size = { rows: 2300, columns: 3100 };
  const capture = secondaryCapture({
    label: 'orthanc-pyramid',
    ...size,
    pixels: drawTissue(size, 7),
    sopClassUid: VL_MICROSCOPIC,
    modality: 'GM',
    pixelSpacing: ['0.0005', '0.0005'],
  });
  const source = join(scratch, 'source.dcm');
  await writeCapture(source, capture);

  const sent = await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), source]);

  t.is(sent.code, 0, sent.output);
  const { produced } = await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1, 120_000);
  t.true(produced >= 3);
  const instances = (await orthanc.get('/instances')) as string[];
  t.is(instances.length, produced);

  const paths: string[] = [];
  for (const [index, id] of instances.entries()) {
    const path = join(scratch, `${index}.dcm`);
    await writeFile(path, await orthanc.getBytes(`/instances/${id}/file`));
    paths.push(path);
    const checked = await run('dciodvfy', [path]);
    t.false(/^(Error|Warning)/m.test(checked.output), checked.output);
  }
  const together = await run('dcentvfy', paths);
  t.is(together.output.trim(), '');

  const [series] = (await orthanc.get('/series')) as string[];
  const pyramid = (await orthanc.get(`/wsi/pyramids/${series}`)) as Pyramid;
  t.is(pyramid.TotalWidth, size.columns);
  t.is(pyramid.TotalHeight, size.rows);
  const volumes = produced - 1; // The thumbnail is no level.
  t.is(pyramid.Resolutions.length, volumes);

  const base = pyramid.TilesCount[0]!;
  t.deepEqual([...base], [Math.ceil(size.columns / 512), Math.ceil(size.rows / 512)]);
  for (const [level, [across, down]] of pyramid.TilesCount.entries()) {
    const column = Math.floor(across / 2);
    const row = Math.floor(down / 2);
    const tile = await orthanc.getBytes(`/wsi/tiles/${series}/${level}/${column}/${row}`);
    const theirs = await sharp(tile).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const ours = await ourTile(gateway.spool, level, row * across + column);
    t.deepEqual([theirs.info.width, theirs.info.height], [512, 512]);
    t.true(theirs.data.equals(ours), `level ${level}, tile ${column},${row}`);
  }
});

/** Decodes one frame of the level straight from the spool's stored product. */
async function ourTile(
  spool: Awaited<ReturnType<typeof startTestGateway>>['spool'],
  level: number,
  frameIndex: number,
): Promise<Buffer> {
  const products = (await spool.query({ limit: 50 }))
    .filter((entry) => entry.origin === 'converted')
    .toSorted((one, other) => one.entryId - other.entryId);
  const stored = await spool.open(products[level]!.entryId);
  try {
    const file = Buffer.alloc(stored.sizeBytes);
    await stored.read(file, 0);
    const frames = framesOf(file);
    return await sharp(frames[frameIndex]!).removeAlpha().raw().toBuffer();
  } finally {
    await stored.close();
  }
}

/** Fragments of encapsulated pixel data, without the Basic Offset Table: one frame each. */
function framesOf(file: Buffer): Buffer[] {
  const start = file.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
  let at = start + 12;
  const items: Buffer[] = [];
  while (file.readUInt32LE(at) === 0xe000_fffe) {
    const length = file.readUInt32LE(at + 4);
    items.push(file.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return items.slice(1);
}

test('the source that was converted is not sent, and stays retrievable until retention', async (t) => {
  await using gateway = await startTestGateway({
    rules: RULES.replaceAll('pacs', 'outbox'),
  });
  const capture = secondaryCapture({
    label: 'source-stays',
    rows: 1100,
    columns: 1100,
    sopClassUid: VL_MICROSCOPIC,
    modality: 'GM',
    pixelSpacing: ['0.001', '0.001'],
  });
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-source-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'source.dcm');
  await writeCapture(file, capture);

  await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), file]);

  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1, 60_000);
  const [entry] = await gateway.spool.query({ sopInstanceUid: capture.sopInstanceUid });
  const stored = await gateway.spool.open(entry!.entryId);
  const bytes = Buffer.alloc(stored.sizeBytes);
  await stored.read(bytes, 0);
  await stored.close();
  t.true(bytes.subarray(stored.dataSetOffset).equals(capture.dataSet));
  t.true((await readFile(file)).length > 0);
});
