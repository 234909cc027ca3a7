import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { drawTissue } from '../../src/cli/demo-image.ts';
import { run } from '../../src/cli/peer-process.ts';
import { runJob } from '../../src/conversion/jobs.ts';
import { GatewayError } from '../../src/errors.ts';
import { type ImageOptions, imageInstance } from '../support/image-instance.ts';
import { psnr, readMatrix, readSlideInstance } from '../support/pyramid-reader.ts';

const folder = await mkdtemp(join(tmpdir(), 'slidegate-conversion-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));
sharp.cache(false);

const size = { rows: 1201, columns: 1700 };
const tissue = drawTissue(size);
const grey = Uint8Array.from({ length: size.rows * size.columns }, (_, at) => tissue[at * 3 + 1]!);
const oneSample = { SamplesPerPixel: 1, PlanarConfiguration: undefined };
const words = (values: readonly number[]) => new Uint8Array(Uint16Array.from(values).buffer);
const ramp = Array.from({ length: 256 }, (_, value) => value * 257);

/** Sources as peers would send them; `encode` has DCMTK make the transfer syntax. */
const sources: readonly {
  name: string;
  image: Omit<ImageOptions, 'label'>;
  encode?: readonly string[];
  options?: Record<string, unknown>;
  /** Red, green and blue of each pixel, or brightness. */
  pixels: Uint8Array;
  dB: number;
}[] = [
  { name: 'VL Microscopic, RGB', image: { frames: [tissue], ...size }, pixels: tissue, dB: 33 },
  {
    name: 'Secondary Capture, RGB, quality 95',
    image: {
      frames: [tissue],
      ...size,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.7',
      attributes: { ConversionType: 'DI', Modality: 'OT' },
    },
    options: { quality: 95 },
    pixels: tissue,
    dB: 40,
  },
  {
    name: 'VL Photographic, RGB in explicit-be, with the least that Type 2 allows',
    image: {
      frames: [tissue],
      ...size,
      transferSyntax: 'explicit-be',
      pixelDataVr: 'OB',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.77.1.4',
      attributes: {
        PatientName: '',
        PatientID: '',
        StudyDate: '',
        StudyTime: '',
        StudyID: '',
        AccessionNumber: '',
        SeriesNumber: '',
        Manufacturer: '',
      },
    },
    pixels: tissue,
    dB: 33,
  },
  { name: 'RLE by DCMTK', image: { frames: [tissue], ...size }, encode: ['dcmcrle'], pixels: tissue, dB: 33 },
  {
    name: 'JPEG 4:2:2 by DCMTK',
    image: { frames: [tissue], ...size },
    encode: ['dcmcjpeg', '+eb', '+q', '95'],
    pixels: tissue,
    dB: 31,
  },
  {
    name: 'JPEG in RGB by DCMTK',
    image: { frames: [tissue], ...size },
    encode: ['dcmcjpeg', '+eb', '+cr', '+q', '95'],
    pixels: tissue,
    dB: 31,
  },
  {
    name: 'MONOCHROME1',
    image: {
      frames: [grey.map((value) => 255 - value)],
      ...size,
      attributes: { ...oneSample, PhotometricInterpretation: 'MONOCHROME1' },
    },
    pixels: grey,
    dB: 35,
  },
  {
    name: 'PALETTE COLOR',
    image: {
      frames: [grey],
      ...size,
      attributes: {
        ...oneSample,
        PhotometricInterpretation: 'PALETTE COLOR',
        ...Object.fromEntries(
          ['Red', 'Green', 'Blue'].flatMap((colour) => [
            [`${colour}PaletteColorLookupTableDescriptor`, [256, 0, 16]],
            [`${colour}PaletteColorLookupTableData`, words(ramp)],
          ]),
        ),
      },
    },
    pixels: Uint8Array.from({ length: grey.byteLength * 3 }, (_, at) => grey[Math.floor(at / 3)]!),
    dB: 35,
  },
];

async function convert(
  name: string,
  image: Omit<ImageOptions, 'label'>,
  options = {},
  encode: readonly string[] = [],
) {
  const work = await mkdtemp(join(folder, 'work-'));
  let path = join(work, 'source');
  await writeFile(path, await imageInstance({ label: name, ...image } as ImageOptions));
  const [encoder, ...flags] = encode;
  if (encoder) {
    const { code, output } = await run(encoder, [...flags, path, `${path}-encoded`]);
    if (code !== 0) throw new Error(output);
    path = `${path}-encoded`;
  }
  const { size: sizeBytes } = await stat(path);
  const source = { kind: 'part10', path, offset: 0, sizeBytes } as const;
  const common = { job: 'wsi', edits: [], decidedAtMs: 1.77e12, timeZone: 'Europe/Berlin', folder: work };
  return (await runJob({ ...common, source, options })).products;
}

/** dicom3tools: no word but the name of the IOD for an instance, none at all for a series. */
async function checkWithDicom3tools(t: ExecutionContext, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const { code, output } = await run('dciodvfy', [path]);
    t.deepEqual([code, output.trim()], [0, 'VLWholeSlideMicroscopyImage'], path);
  }
  const { output } = await run('dcentvfy', paths);
  t.is(output.trim(), '');
}

/** One frame as DCMTK decodes it. */
async function decodeWithDcmtk(path: string, frameNumber: number, samples: number): Promise<Uint8Array> {
  const png = `${path}-${frameNumber}.png`;
  const { code, output } = await run('dcmj2pnm', ['-W', '+F', `${frameNumber}`, '--write-png', path, png]);
  if (code !== 0) throw new Error(output);
  return new Uint8Array(
    await sharp(png)
      .toColourspace(samples === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer(),
  );
}

/** A tile of the whole image, and how much of it is there. */
function cut(pixels: Uint8Array, samples: number, column: number, row: number) {
  const columns = Math.min(512, size.columns - column * 512);
  const rows = Math.min(512, size.rows - row * 512);
  const tile = new Uint8Array(columns * rows * samples);
  for (let y = 0; y < rows; y += 1) {
    const from = ((row * 512 + y) * size.columns + column * 512) * samples;
    tile.set(pixels.subarray(from, from + columns * samples), y * columns * samples);
  }
  return { tile, columns, rows };
}

for (const { name, image, encode, options, pixels, dB } of sources) {
  test.serial(
    `${name}: dicom3tools have nothing to say, and DCMTK decodes the first and the last tile`,
    async (t) => {
      const products = await convert(name, image, options, encode);
      const paths = products.map(({ path }) => path);

      await checkWithDicom3tools(t, paths);

      const samples = pixels.byteLength / grey.byteLength;
      for (const [frameNumber, column, row] of [
        [1, 0, 0],
        [12, 3, 2],
      ] as const) {
        const { tile, columns, rows } = cut(pixels, samples, column, row);
        const decoded = await decodeWithDcmtk(paths[0]!, frameNumber, samples);
        const part = new Uint8Array(tile.byteLength);
        for (let y = 0; y < rows; y += 1) {
          part.set(decoded.subarray(y * 512 * samples, (y * 512 + columns) * samples), y * columns * samples);
        }
        const found = psnr(part, tile);
        t.true(found > dB, `frame ${frameNumber}: ${found} dB`);
      }
    },
  );
}

test.serial('Multi-frame True Color: every series of its own is silent for dcentvfy', async (t) => {
  const products = await convert('frames', {
    ...size,
    frames: [tissue, tissue.map((value) => 255 - value)],
    sopClassUid: '1.2.840.10008.5.1.4.1.1.7.4',
    attributes: {
      ConversionType: 'DI',
      BurnedInAnnotation: 'NO',
      PageNumberVector: [1, 2],
      FrameIncrementPointer: [0x0018_2001],
    },
  });

  const series = Map.groupBy(products, ({ seriesInstanceUid }) => seriesInstanceUid);
  t.is(series.size, 2);
  for (const members of series.values()) {
    await checkWithDicom3tools(
      t,
      members.map(({ path }) => path),
    );
  }
});

test.serial('dcmdump reads every element, frame by frame, to the end', async (t) => {
  const [base] = await convert('dump', { ...size, frames: [tissue] });

  const { code, output } = await run('dcmdump', ['-q', '+L', '+P', '7fe0,0010', base!.path]);

  t.is(code, 0);
  t.is(output.match(/\(fffe,e000\) pi/g)?.length, 13); // The offset table and twelve frames.
});

/** Images of other people's software, where there are any. */
async function sampleFiles(): Promise<readonly string[]> {
  const samples = process.env.SLIDEGATE_SAMPLES;
  if (samples === undefined) return [];
  const entries = await readdir(join(samples, 'dicom'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.dcm'))
    .map((entry) => join(entry.parentPath, entry.name));
}

test.serial(
  'samples that become slides show what DCMTK shows, and dciodvfy finds no error of ours',
  async (t) => {
    t.timeout(240_000);
    const files = await sampleFiles();
    let converted = 0;
    for (const path of files) {
      const { size: sizeBytes } = await stat(path);
      if (sizeBytes > 20e6) continue;
      const work = await mkdtemp(join(folder, 'sample-'));
      const source = { kind: 'part10', path, offset: 0, sizeBytes } as const;
      const options = { spacingMm: [0.001, 0.001], quality: 95 };
      const request = { job: 'wsi', source, options, edits: [], decidedAtMs: 1.77e12, folder: work };
      const result = await runJob(request).catch((error: unknown) => {
        t.true(error instanceof GatewayError, `${path}: ${error}`);
      });
      if (!result) continue;
      converted += 1;
      const [base] = result.products;
      t.notRegex((await run('dciodvfy', [base!.path])).output, /^Error/m, path);
      const png = join(work, 'shown.png');
      const { code } = await run('dcmj2pnm', ['-W', '--write-png', path, png]);
      if (code !== 0) continue;
      const shown = await readMatrix(await readSlideInstance(base!.path));
      const pixels = await sharp(png)
        .toColourspace(shown.samples === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer();
      const found = psnr(shown.pixels, pixels);
      t.true(found > 40, `${path}: ${found} dB`);
    }
    t.is(converted > 0, files.length > 0);
  },
);
