import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { drawTissue } from '../../src/cli/demo-image.ts';
import { srgbInputProfile } from '../../src/conversion/icc-profile.ts';
import type { JobRequest } from '../../src/conversion/job-kind.ts';
import { runJob } from '../../src/conversion/jobs.ts';
import { DataSet } from '../../src/dicom/data-set.ts';
import { conversionRequest } from '../support/conversion-request.ts';
import type { ImageOptions } from '../support/image-instance.ts';
import { halve, psnr, readMatrix, readSlideInstance, type SlideInstance } from '../support/pyramid-reader.ts';

const folder = await mkdtemp(join(tmpdir(), 'slidegate-job-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** Converts an instance as a worker does. */
async function convert(image: ImageOptions, request: Partial<JobRequest> = {}) {
  const result = await runJob(await conversionRequest(folder, image, request));
  const instances = await Promise.all(result.products.map(({ path }) => readSlideInstance(path)));
  return { ...result, instances };
}

const size = { rows: 700, columns: 1101 };
const tissue = drawTissue(size);

const flavourOf = ({ dataSet }: SlideInstance) => dataSet.texts('ImageType').slice(2).join(' ');

/** PSNR of the base level against pixels that it should show. */
async function basePsnr(instances: readonly SlideInstance[], pixels: Uint8Array): Promise<number> {
  return psnr((await readMatrix(instances[0]!)).pixels, pixels);
}

test('image becomes a base level, resampled levels down to one tile, and a thumbnail of another size', async (t) => {
  const { instances, products } = await convert({ label: 'levels', ...size, frames: [tissue] });

  t.deepEqual(
    instances.map((instance) => [
      flavourOf(instance),
      instance.dataSet.number('TotalPixelMatrixColumns'),
      instance.dataSet.number('TotalPixelMatrixRows'),
      instance.dataSet.number('NumberOfFrames'),
      instance.dataSet.number('InstanceNumber'),
    ]),
    [
      ['VOLUME NONE', 1101, 700, 6, 1],
      ['VOLUME RESAMPLED', 550, 350, 2, 2],
      ['VOLUME RESAMPLED', 275, 175, 1, 3],
      ['THUMBNAIL RESAMPLED', 206, 131, 1, 4],
    ],
  );
  t.deepEqual(
    products.map(({ name }) => name),
    ['01-volume', '02-volume', '03-volume', '04-thumbnail'],
  );
});

test('every level shows the image the right way round, each the mean of the one before', async (t) => {
  const { instances } = await convert({ label: 'pixels', ...size, frames: [tissue] });

  let expected = { ...size, samples: 3, pixels: tissue };
  for (const instance of instances.slice(0, 3)) {
    const matrix = await readMatrix(instance);
    t.is(matrix.columns, expected.columns);
    t.true(
      psnr(matrix.pixels, expected.pixels) > 32,
      `${matrix.columns}: ${psnr(matrix.pixels, expected.pixels)}`,
    );
    expected = halve(expected);
  }
});

test('last column and row are as good as the rest: what fills the tiles does not bleed in', async (t) => {
  const grey = new Uint8Array(700 * 1101 * 3).fill(200);
  const { instances } = await convert({ label: 'edges', ...size, frames: [grey] });

  const { pixels } = await readMatrix(instances[0]!);

  t.true(pixels.every((value) => Math.abs(value - 200) <= 8));
});

test('offset table is exact, and every frame one fragment of even length', async (t) => {
  const { instances } = await convert({ label: 'offsets', ...size, frames: [tissue] });

  for (const { offsetTable, itemOffsets, frames } of instances) {
    t.deepEqual(offsetTable, itemOffsets);
    t.true(frames.every((frame) => frame.byteLength % 2 === 0 && frame[0] === 0xff && frame[1] === 0xd8));
  }
});

test('spacing of every level times its pixels is the imaged volume', async (t) => {
  const { instances } = await convert({ label: 'spacing', ...size, frames: [tissue] });

  for (const { dataSet } of instances) {
    const measures = dataSet.items('SharedFunctionalGroupsSequence')[0]!.items('PixelMeasuresSequence')[0]!;
    const [rowMm, columnMm] = measures.texts('PixelSpacing').map(Number);
    t.true(Math.abs(rowMm! * dataSet.number('TotalPixelMatrixRows')! - 700 * 0.0005) < 1e-9);
    t.true(Math.abs(columnMm! * dataSet.number('TotalPixelMatrixColumns')! - 1101 * 0.00025) < 1e-9);
    t.is(dataSet.number('ImagedVolumeHeight'), Math.fround(700 * 0.0005));
    t.is(dataSet.number('ImagedVolumeDepth'), 3);
    t.is(measures.text('SliceThickness'), '0.003');
  }
});

test('the same task makes the same instances, another spacing or quality makes others', async (t) => {
  const image = { label: 'uids', ...size, frames: [tissue] };
  const uidsOf = async (request: Partial<JobRequest>) =>
    (await convert(image, request)).products.map(({ sopInstanceUid }) => sopInstanceUid);

  const first = await uidsOf({});
  const others = [
    await uidsOf({ options: { quality: 80 } }),
    await uidsOf({ edits: [{ set: 'PixelSpacing', value: [0.001, 0.001] }] }),
  ];

  t.deepEqual(await uidsOf({}), first);
  t.is(new Set(first).size, 4);
  for (const uids of others) t.true(uids.every((uid) => !first.includes(uid)));
});

test('quality of 90 and more keeps all chrominance, as RGB', async (t) => {
  const { instances } = await convert(
    { label: 'rgb', ...size, frames: [tissue] },
    { options: { quality: 92 } },
  );

  t.is(instances[0]!.dataSet.text('PhotometricInterpretation'), 'RGB');
  t.true((await basePsnr(instances, tissue)) > 40);
});

const ybrOf = (rgb: Uint8Array) => {
  const ybr = new Uint8Array(rgb.byteLength);
  for (let at = 0; at < rgb.byteLength; at += 3) {
    const [red, green, blue] = [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
    ybr[at] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    ybr[at + 1] = Math.min(255, Math.round(128 - 0.168736 * red - 0.331264 * green + 0.5 * blue));
    ybr[at + 2] = Math.min(255, Math.round(128 + 0.5 * red - 0.418688 * green - 0.081312 * blue));
  }
  return ybr;
};
const planesOf = (rgb: Uint8Array) => {
  const pixels = rgb.byteLength / 3;
  return Uint8Array.from(
    { length: rgb.byteLength },
    (_, at) => rgb[(at % pixels) * 3 + Math.floor(at / pixels)]!,
  );
};
const swap = (bytes: Uint8Array) => new Uint8Array(Buffer.from(bytes).swap16());
const even = { rows: 700, columns: 1100 };
const evenTissue = drawTissue(even);
const subsampled = (() => {
  const ybr = ybrOf(evenTissue);
  const pairs = new Uint8Array((ybr.byteLength / 3) * 2);
  for (let pair = 0; pair < ybr.byteLength / 6; pair += 1) {
    pairs.set([ybr[6 * pair]!, ybr[6 * pair + 3]!, ybr[6 * pair + 1]!, ybr[6 * pair + 2]!], 4 * pair);
  }
  return pairs;
})();

const encodings: readonly {
  name: string;
  image: Omit<ImageOptions, 'label'>;
  pixels: Uint8Array;
  dB: number;
}[] = [
  ...['implicit-le', 'explicit-le', 'deflated', 'rle', 'jpeg-baseline'].map((transferSyntax) => ({
    name: transferSyntax,
    image: {
      ...size,
      frames: [tissue],
      transferSyntax,
      // What libvips makes of RGB is YCbCr.
      ...(transferSyntax === 'jpeg-baseline' && {
        attributes: { PhotometricInterpretation: 'YBR_FULL_422' },
      }),
    },
    pixels: tissue,
    dB: 33,
  })),
  {
    name: 'explicit-be with bytes',
    image: { ...even, frames: [evenTissue], transferSyntax: 'explicit-be', pixelDataVr: 'OB' },
    pixels: evenTissue,
    dB: 33,
  },
  {
    name: 'explicit-be with words',
    image: { ...even, frames: [swap(evenTissue)], transferSyntax: 'explicit-be', pixelDataVr: 'OW' },
    pixels: evenTissue,
    dB: 33,
  },
  {
    name: 'one plane after the other',
    image: { ...size, frames: [planesOf(tissue)], attributes: { PlanarConfiguration: 1 } },
    pixels: tissue,
    dB: 33,
  },
  {
    name: 'YBR_FULL',
    image: { ...size, frames: [ybrOf(tissue)], attributes: { PhotometricInterpretation: 'YBR_FULL' } },
    pixels: tissue,
    dB: 32,
  },
  {
    name: 'YBR_FULL in RLE',
    image: {
      ...size,
      frames: [ybrOf(tissue)],
      transferSyntax: 'rle',
      attributes: { PhotometricInterpretation: 'YBR_FULL' },
    },
    pixels: tissue,
    dB: 32,
  },
  {
    name: 'YBR_FULL_422',
    image: { ...even, frames: [subsampled], attributes: { PhotometricInterpretation: 'YBR_FULL_422' } },
    pixels: evenTissue,
    dB: 30,
  },
];

for (const { name, image, pixels, dB } of encodings) {
  test(`colour image in ${name} becomes the same slide`, async (t) => {
    const { instances } = await convert({ label: name, ...image });

    const found = await basePsnr(instances, pixels);
    t.true(found > dB, `${found} dB`);
    t.is(instances[0]!.dataSet.text('PhotometricInterpretation'), 'YBR_FULL_422');
  });
}

const grey = Uint8Array.from({ length: size.rows * size.columns }, (_, at) => tissue[at * 3 + 1]!);
const oneSample = { SamplesPerPixel: 1, PlanarConfiguration: undefined };

for (const [photometric, transferSyntax] of [
  ['MONOCHROME2', 'explicit-le'],
  ['MONOCHROME1', 'explicit-le'],
  ['MONOCHROME1', 'rle'],
  ['MONOCHROME2', 'jpeg-baseline'],
  ['MONOCHROME1', 'jpeg-baseline'],
] as const) {
  test(`${photometric} image in ${transferSyntax} becomes a MONOCHROME2 slide without profile`, async (t) => {
    const stored = photometric === 'MONOCHROME1' ? grey.map((value) => 255 - value) : grey;
    const { instances } = await convert({
      label: `${photometric} ${transferSyntax}`,
      ...size,
      frames: [stored],
      transferSyntax,
      attributes: { ...oneSample, PhotometricInterpretation: photometric },
    });

    const { dataSet } = instances[0]!;
    t.true((await basePsnr(instances, grey)) > 35);
    t.is(dataSet.text('PhotometricInterpretation'), 'MONOCHROME2');
    t.is(dataSet.text('PresentationLUTShape'), 'IDENTITY');
    t.false(dataSet.has('PlanarConfiguration'));
    t.false(dataSet.items('OpticalPathSequence')[0]!.has('ICCProfile'));
  });
}

test('PALETTE COLOR image becomes an RGB slide', async (t) => {
  const words = (values: readonly number[]) => new Uint8Array(Uint16Array.from(values).buffer);
  const ramp = Array.from({ length: 256 }, (_, value) => value);
  const { instances } = await convert({
    label: 'palette',
    ...size,
    frames: [grey],
    attributes: {
      ...oneSample,
      PhotometricInterpretation: 'PALETTE COLOR',
      RedPaletteColorLookupTableDescriptor: [256, 0, 16],
      GreenPaletteColorLookupTableDescriptor: [256, 0, 16],
      BluePaletteColorLookupTableDescriptor: [256, 0, 16],
      RedPaletteColorLookupTableData: words(ramp.map((value) => value * 257)),
      GreenPaletteColorLookupTableData: words(ramp.map((value) => (255 - value) * 257)),
      BluePaletteColorLookupTableData: words(ramp.map(() => 0x8000)),
    },
  });

  const expected = Uint8Array.from(grey).reduce(
    (rgb, value, at) => {
      rgb.set([value, 255 - value, 128], at * 3);
      return rgb;
    },
    new Uint8Array(grey.byteLength * 3),
  );
  t.true((await basePsnr(instances, expected)) > 30);
});

test('every frame becomes a series of its own that names its frame', async (t) => {
  const small = { rows: 120, columns: 200 };
  const [dark, light] = [new Uint8Array(120 * 200 * 3).fill(40), new Uint8Array(120 * 200 * 3).fill(220)];
  const { instances, products } = await convert({
    label: 'frames',
    ...small,
    frames: [dark, light],
    sopClassUid: '1.2.840.10008.5.1.4.1.1.7.4',
    attributes: { PageNumberVector: [1, 2], FrameIncrementPointer: [0x00182001] },
  });

  t.deepEqual(
    products.map(({ name }) => name),
    ['frame-1-01-volume', 'frame-1-02-thumbnail', 'frame-2-01-volume', 'frame-2-02-thumbnail'],
  );
  t.is(new Set(products.map(({ seriesInstanceUid }) => seriesInstanceUid)).size, 2);
  t.deepEqual(
    instances.map(({ dataSet }) =>
      dataSet.items('ConversionSourceAttributesSequence')[0]!.number('ReferencedFrameNumber'),
    ),
    [1, 1, 2, 2],
  );
  for (const [index, value] of [
    [0, 40],
    [2, 220],
  ] as const) {
    const { pixels } = await readMatrix(instances[index]!);
    t.true(pixels.every((pixel) => Math.abs(pixel - value) <= 4));
  }
});

test('lossy steps of the source stay in front of ours, those of the thumbnail behind', async (t) => {
  const stepsOf = ({ dataSet }: SlideInstance) => dataSet.texts('LossyImageCompressionMethod');
  const jpeg = await convert({
    label: 'lossy jpeg',
    ...size,
    frames: [tissue],
    transferSyntax: 'jpeg-baseline',
    attributes: { PhotometricInterpretation: 'YBR_FULL_422' },
  });
  const decoded = await convert({
    label: 'lossy before',
    ...size,
    frames: [tissue],
    attributes: {
      LossyImageCompression: '01',
      LossyImageCompressionRatio: ['12.5'],
      LossyImageCompressionMethod: ['ISO_15444_1'],
    },
  });

  t.deepEqual(stepsOf(jpeg.instances[0]!), ['ISO_10918_1', 'ISO_10918_1']);
  t.deepEqual(stepsOf(decoded.instances[0]!), ['ISO_15444_1', 'ISO_10918_1']);
  t.deepEqual(stepsOf(decoded.instances.at(-1)!), ['ISO_15444_1', 'ISO_10918_1', 'ISO_10918_1']);
  const { dataSet, frames } = decoded.instances[0]!;
  const encodedBytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
  const [before, ours] = dataSet.texts('LossyImageCompressionRatio').map(Number);
  t.is(before, 12.5);
  t.true(Math.abs(ours! / ((frames.length * 512 * 512 * 3) / encodedBytes) - 1) < 0.001);
});

test('slide points back to its source, its levels to the base', async (t) => {
  const { instances } = await convert({ label: 'provenance', ...size, frames: [tissue] });
  const [base, level] = instances.map(({ dataSet }) => dataSet);
  const sourceOf = (dataSet: typeof base) =>
    dataSet!
      .items('SharedFunctionalGroupsSequence')[0]!
      .items('DerivationImageSequence')[0]!
      .items('SourceImageSequence')[0]!
      .text('ReferencedSOPInstanceUID');
  const received = base!.items('ConversionSourceAttributesSequence')[0]!.text('ReferencedSOPInstanceUID');

  t.is(sourceOf(base), received);
  t.is(sourceOf(level), base!.text('SOPInstanceUID'));
  t.is(level!.items('ConversionSourceAttributesSequence')[0]!.text('ReferencedSOPInstanceUID'), received);
  t.deepEqual(
    level!
      .items('ReferencedSeriesSequence')
      .map((item) => item.items('ReferencedInstanceSequence')[0]!.text('ReferencedSOPInstanceUID')),
    [received, base!.text('SOPInstanceUID')],
  );
});

test('what the source lacks is generated, dated by the decision and named in Contributing Equipment', async (t) => {
  const { instances, generated } = await convert({
    label: 'generated',
    ...size,
    frames: [tissue],
    attributes: {
      PatientID: undefined,
      ContentDate: undefined,
      ContentTime: undefined,
      Manufacturer: undefined,
    },
  });

  const { dataSet } = instances[0]!;
  const said = dataSet.items('ContributingEquipmentSequence')[0]!.text('ContributionDescription')!;
  for (const keyword of ['PatientID', 'ContentDate', 'Manufacturer', 'ContainerIdentifier']) {
    t.true(generated.includes(keyword), keyword);
    t.true(said.includes(keyword), keyword);
  }
  t.regex(dataSet.text('PatientID')!, /^GEN-[0-9A-F]{12}$/);
  t.is(dataSet.text('ContentDate'), '20260107'); // 23:30 UTC is the next day in Berlin.
  t.is(dataSet.text('ContentTime'), '003000');
  t.is(dataSet.text('TimezoneOffsetFromUTC'), '+0100');
  t.is(dataSet.text('PatientName'), 'Müller^Ärztin');
});

test('text beyond Latin-1 is written as UTF-8', async (t) => {
  const { instances } = await convert({
    label: 'characters',
    ...size,
    frames: [tissue],
    attributes: { SpecificCharacterSet: 'ISO_IR 192', PatientName: 'Жуков^Пётр' },
  });

  t.is(instances[0]!.dataSet.text('SpecificCharacterSet'), 'ISO_IR 192');
  t.is(instances[0]!.dataSet.text('PatientName'), 'Жуков^Пётр');
});

const refusals: readonly { name: string; image: Partial<ImageOptions>; code: string; says: RegExp }[] = [
  {
    name: 'spacing',
    image: { attributes: { PixelSpacing: undefined, ImagerPixelSpacing: ['0.1', '0.1'] } },
    code: 'SPACING_MISSING',
    says: /ImagerPixelSpacing, for spacing-from/,
  },
  {
    name: 'single spacing value',
    image: { attributes: { PixelSpacing: ['0.0005'] } },
    code: 'SPACING_MISSING',
    says: /must state the spacing and do not/,
  },
  {
    name: 'half damaged spacing',
    image: { attributes: { PixelSpacing: ['1e400', '0.0005'] } },
    code: 'SPACING_MISSING',
    says: /must state the spacing and do not/,
  },
  {
    name: 'bits',
    image: { attributes: { BitsAllocated: 16, BitsStored: 12 } },
    code: 'SOURCE_UNSUPPORTED',
    says: /16 allocated, 12 stored/,
  },
  {
    name: 'class',
    image: { sopClassUid: '1.2.840.10008.5.1.4.1.1.2' },
    code: 'SOURCE_UNSUPPORTED',
    says: /CT Image Storage/,
  },
  {
    name: 'slides',
    image: { sopClassUid: '1.2.840.10008.5.1.4.1.1.77.1.6' },
    code: 'SOURCE_UNSUPPORTED',
    says: /VL Whole Slide/,
  },
  {
    name: 'colour',
    image: { attributes: { PhotometricInterpretation: 'HSV' } },
    code: 'SOURCE_UNSUPPORTED',
    says: /it is "HSV"/,
  },
  {
    name: 'size',
    image: { attributes: { Columns: 65_535 } },
    code: 'SOURCE_TOO_LARGE',
    says: /65500 pixels or fewer/,
  },
  {
    name: 'samples',
    image: { attributes: { SamplesPerPixel: 1 } },
    code: 'SOURCE_DAMAGED',
    says: /must have 3 samples/,
  },
  {
    name: 'length',
    image: { attributes: { Rows: 701 } },
    code: 'ENCAPSULATION_INVALID',
    says: /file ends before/,
  },
];

for (const { name, image, code, says } of refusals) {
  test(`image whose ${name} cannot make a slide is held with the reason (${code})`, async (t) => {
    const error = await t.throwsAsync(
      convert({ label: `refused ${name}`, ...size, frames: [tissue], ...image }),
    );

    t.like(error, { code, disposition: 'hold' });
    t.regex(error?.message ?? '', says);
  });
}

test('spacing comes from Pixel Measures, or from where the rule says', async (t) => {
  const measures = new DataSet().set('PixelSpacing', ['0.002', '0.001']);
  const groups = new DataSet().set('PixelMeasuresSequence', [measures]);
  const image = { label: 'measures', rows: 100, columns: 100 };
  const widthOf = async (...args: Parameters<typeof convert>) =>
    (await convert(...args)).instances[0]!.dataSet.number('ImagedVolumeWidth');

  const without = { PixelSpacing: undefined };
  t.is(
    await widthOf({ ...image, attributes: { ...without, SharedFunctionalGroupsSequence: [groups] } }),
    Math.fround(0.1),
  );
  t.is(
    await widthOf(
      { ...image, attributes: { ...without, ImagerPixelSpacing: ['0.03', '0.02'] } },
      { options: { spacingFrom: 'ImagerPixelSpacing' } },
    ),
    Math.fround(2),
  );
  t.is(
    await widthOf({ ...image, attributes: without }, { options: { spacingMm: [0.004, 0.003] } }),
    Math.fround(0.3),
  );
});

test('options that a job does not know are held before any pixel is read', async (t) => {
  const error = await t.throwsAsync(
    convert({ label: 'options', rows: 10, columns: 10 }, { options: { tile: 100, speed: 9 } }),
  );

  t.like(error, { code: 'OPTIONS_INVALID', disposition: 'hold' });
  t.regex(error?.message ?? '', /tile.*speed/);
});

test('fault that the source brought along is told of, and holds nothing up', async (t) => {
  const { inheritedFaults, instances } = await convert({
    label: 'inherited',
    rows: 100,
    columns: 100,
    attributes: { AccessionNumber: 'SEVENTEEN-LETTERS' }, // SH has 16.
  });

  t.true(inheritedFaults.some(({ tag }) => tag === '(0008,0050)'));
  t.is(instances[0]!.dataSet.text('AccessionNumber'), 'SEVENTEEN-LETTERS');
});

test('colour profile of the source goes along, as one of an input device', async (t) => {
  const profile = srgbInputProfile();
  profile.set(Buffer.from('mntr'), 12);

  const { instances } = await convert({
    label: 'icc',
    rows: 100,
    columns: 100,
    attributes: { ICCProfile: profile },
  });

  const kept = instances[0]!.dataSet.items('OpticalPathSequence')[0]!.bytes('ICCProfile')!;
  t.is(Buffer.from(kept.subarray(12, 16)).toString(), 'scnr');
  t.deepEqual(kept.subarray(128), profile.subarray(128));
  t.false(instances[0]!.dataSet.has('ICCProfile'));
});
