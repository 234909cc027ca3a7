import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { drawTissue } from '../../src/cli/demo-image.ts';
import { slidegate } from '../support/command-line.ts';
import { imageInstance } from '../support/image-instance.ts';
import { psnr, readMatrix, readSlideInstance } from '../support/pyramid-reader.ts';

const folder = await mkdtemp(join(tmpdir(), 'slidegate-convert-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

const size = { rows: 400, columns: 700 };
const tissue = drawTissue(size);

test('convert writes the pyramid of a DICOM image and of a PNG beside it, and says so as one JSON object', async (t) => {
  const out = join(folder, 'both');
  const [dicom, png] = [join(folder, 'case.dcm'), join(folder, 'case.png')];
  await writeFile(dicom, await imageInstance({ label: 'cli', ...size, frames: [tissue] }));
  await sharp(tissue, { raw: { width: 700, height: 400, channels: 3 } })
    .png()
    .toFile(png);

  const ran = await slidegate([
    'convert',
    dicom,
    png,
    '--out',
    out,
    '--tile',
    '256',
    '--spacing-mm',
    '0.0005,0.00025',
    '--json',
  ]);

  t.is(ran.code, 0, ran.stderr);
  const { files } = JSON.parse(ran.stdout);
  t.deepEqual(
    files.map((file: { products: object[] }) => file.products.length),
    [4, 4],
  );
  t.deepEqual((await readdir(out)).sort(), [
    'case-01-volume.dcm',
    'case-02-volume.dcm',
    'case-03-volume.dcm',
    'case-04-thumbnail.dcm',
    'case-2-01-volume.dcm',
    'case-2-02-volume.dcm',
    'case-2-03-volume.dcm',
    'case-2-04-thumbnail.dcm',
  ]);
  const fromPng = await readSlideInstance(join(out, 'case-2-01-volume.dcm'));
  t.true(psnr((await readMatrix(fromPng)).pixels, tissue) > 32);
  t.is(fromPng.dataSet.number('ImagedVolumeWidth'), Math.fround(700 * 0.00025));
  t.false(fromPng.dataSet.has('ConversionSourceAttributesSequence')); // A PNG is no SOP instance.
  t.true(files[1].generated.includes('StudyInstanceUID'));
});

test('metadata gives a plain image its attributes, by keyword', async (t) => {
  const [image, metadata, out] = ['turned.jpg', 'metadata.json', 'metadata'].map((name) =>
    join(folder, name),
  );
  await sharp(tissue, { raw: { width: 700, height: 400, channels: 3 } })
    .withMetadata({ orientation: 6 }) // To be turned by a quarter.
    .jpeg()
    .toFile(image!);
  await writeFile(
    metadata!,
    JSON.stringify({ PatientID: '4711', PatientName: 'Жуков^Пётр', PixelSpacing: [0.002, 0.001] }),
  );

  const ran = await slidegate(['convert', image!, '--out', out!, '--metadata', metadata!]);

  t.is(ran.code, 0, ran.stderr);
  const { dataSet } = await readSlideInstance(join(out!, 'turned-01-volume.dcm'));
  t.is(dataSet.text('PatientID'), '4711');
  t.is(dataSet.text('PatientName'), 'Жуков^Пётр');
  t.is(dataSet.text('SpecificCharacterSet'), 'ISO_IR 192');
  t.is(dataSet.number('TotalPixelMatrixColumns'), 400);
  t.deepEqual(dataSet.texts('LossyImageCompressionMethod'), ['ISO_10918_1', 'ISO_10918_1']);
});

test('convert goes on after a file that it cannot convert, and ends with 1', async (t) => {
  const [text, image, out] = ['notes.txt', 'good.png', 'partly'].map((name) => join(folder, name));
  await writeFile(text!, 'no image');
  await sharp(tissue, { raw: { width: 700, height: 400, channels: 3 } })
    .png()
    .toFile(image!);

  const ran = await slidegate([
    'convert',
    text!,
    join(folder, 'absent.dcm'),
    image!,
    '--out',
    out!,
    '--spacing-mm',
    '0.001',
    '--json',
  ]);

  t.is(ran.code, 1);
  const { files } = JSON.parse(ran.stdout);
  t.deepEqual(
    files.map((file: { code?: string }) => file.code),
    ['SOURCE_UNSUPPORTED', 'ENOENT', undefined],
  );
  t.deepEqual(
    (await readdir(out!)).filter((name) => !name.startsWith('good-')),
    [],
  );
});

test('convert without spacing names the option that would help', async (t) => {
  const image = join(folder, 'plain.png');
  await sharp(tissue, { raw: { width: 700, height: 400, channels: 3 } })
    .png()
    .toFile(image);

  const ran = await slidegate(['convert', image, '--out', join(folder, 'nothing')]);

  t.is(ran.code, 1);
  t.regex(ran.stderr, /SPACING_MISSING/);
  t.regex(ran.stderr, /spacing-mm/);
});

for (const [args, says] of [
  [['--out', 'x'], /at least one file/],
  [['a.dcm'], /--out/],
  [['a.dcm', '--out', 'x', '--tile', 'big'], /--tile must be a number/],
  [['a.dcm', '--out', 'x', '--spacing-mm', '0'], /--spacing-mm must be/],
  [['a.dcm', '--out', 'x', '--metadata', '/absent.json'], /--metadata must name a JSON file/],
] as const) {
  test(`convert ${args.join(' ')} is wrong use`, async (t) => {
    const ran = await slidegate(['convert', ...args], { cwd: folder });

    t.is(ran.code, 2);
    t.regex(ran.stderr, says);
  });
}
