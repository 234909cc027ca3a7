import test from 'ava';
import fc from 'fast-check';
import { DataSet } from '../../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../../src/dicom/element-writer.ts';
import { encodeFileMeta } from '../../../src/dicom/file-meta.ts';
import {
  type ByteSource,
  type DecodeFrame,
  validateInstance,
} from '../../../src/dicom/validator/validator.ts';
import { CT, EXPLICIT_LE, rawElement, rawFile, rawItem } from '../../support/raw-file.ts';
import {
  fragments,
  framesFor,
  jpegFrame,
  part10File,
  slideDataSet,
  sourceOf,
} from '../../support/wsi-instance.ts';

const NATIVE = ['1.2.840.10008.1.2', EXPLICIT_LE, '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'];

function nativeSlide(): DataSet {
  const pixels = Buffer.alloc(4 * 16 * 16 * 3);
  return slideDataSet().set('PhotometricInterpretation', 'RGB').set('PixelData', pixels, 'OW');
}

for (const transferSyntaxUid of NATIVE) {
  test(`a good slide in ${transferSyntaxUid} has no finding but for a retired transfer syntax`, async (t) => {
    const { findings } = await validateInstance(sourceOf(part10File(nativeSlide(), transferSyntaxUid)));
    t.deepEqual(
      findings.filter(({ check }) => check !== 'transfer-syntax-retired'),
      [],
    );
  });
}

test('what is found does not depend on how many bytes a read gives', async (t) => {
  const file = part10File(slideDataSet().set('StudyDate', 'today').set('FocusMethod', 'NONE'));
  const whole = await validateInstance(sourceOf(file));

  for (const stride of [1, 7, 1000]) t.deepEqual(await validateInstance(sourceOf(file, stride)), whole);
  t.is(whole.findings.length, 2);
});

test('a file that ends anywhere is a finding, never an exception', async (t) => {
  for (const [name, file] of [
    ['compressed', part10File(slideDataSet())],
    ['deflated', part10File(nativeSlide(), NATIVE[3])],
  ] as const) {
    for (let end = 0; end < file.length - 1; end += 13) {
      const { findings } = await validateInstance(sourceOf(file.subarray(0, end)));
      t.true(
        findings.some(({ severity }) => severity === 'error'),
        `${name} at ${end}`,
      );
    }
  }
});

test('damage is at most a finding, and no message holds a patient', async (t) => {
  const file = part10File(slideDataSet());
  const patientAt = file.indexOf('Slide^Anna');
  const isPatient = (at: number) => at >= patientAt && at < patientAt + 10;
  const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const damaged = Buffer.from(file);
      for (const [at, value] of changes) if (!isPatient(at)) damaged[at] = value;
      const { findings } = await validateInstance(sourceOf(damaged));
      t.false(JSON.stringify(findings).includes('Anna'));
    }),
    { numRuns: 300 },
  );
});

test('noise is at most a finding', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (noise) => {
      const bare = await validateInstance(sourceOf(noise));
      const behindMeta = await validateInstance(sourceOf(rawFile(Buffer.from([0x10, 0, 0x10, 0, ...noise]))));
      t.true(bare.findings.length > 0 && behindMeta.findings.length > 0);
    }),
    { numRuns: 200 },
  );
});

test('sequences nest as deep as can be read, and no deeper', async (t) => {
  const nested = (depth: number): Buffer =>
    depth === 0 ? Buffer.alloc(0) : rawElement(0x0040_0275, 'SQ', rawItem(0xfffe_e000, nested(depth - 1)));
  const deep = await validateInstance(sourceOf(rawFile(nested(32))));
  const deeper = await validateInstance(sourceOf(rawFile(nested(5000))));

  t.deepEqual(deep.findings, []);
  t.like(deeper.findings[0], { check: 'data-set-readable', tag: '(0040,0275)' });
});

// Alone, for what other tests leave behind counts too.
test.serial('memory does not grow with the frames of a file', async (t) => {
  const frames = 2000;
  const source = manyFrames(frames, 600_000);
  const before = process.memoryUsage().rss;

  const { findings, facts } = await validateInstance(source);

  t.deepEqual(
    findings.map(({ check }) => check),
    ['wsi-offset-table'],
  );
  t.is(facts.numberOfFrames, frames);
  t.true(source.sizeBytes > 1e9);
  t.true(process.memoryUsage().rss - before < 60e6, `${process.memoryUsage().rss - before}`);
});

/** A slide of 1 × `frames` tiles, each padded to `frameBytes`; made as it is read. */
function manyFrames(frames: number, frameBytes: number): ByteSource {
  const slide = slideDataSet()
    .set('TotalPixelMatrixColumns', 16)
    .set('TotalPixelMatrixRows', 16 * frames)
    .set('NumberOfFrames', `${frames}`)
    .set('ImagedVolumeWidth', 0.016)
    .set('ImagedVolumeHeight', 0.016 * frames);
  slide
    .items('SharedFunctionalGroupsSequence')[0]
    ?.items('PixelMeasuresSequence')[0]
    ?.set('PixelSpacing', ['0.001', '0.001']);
  const marker = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  const file = part10File(slide.setEncapsulated('PixelData', marker));
  const head = file.subarray(0, -8);
  const jpeg = jpegFrame({ scanBytes: 3 });
  const frame = rawItem(
    0xfffe_e000,
    Buffer.concat([jpeg.subarray(0, -4), Buffer.alloc(frameBytes - jpeg.length, 1), jpeg.subarray(-4)]),
  );
  const sizeBytes = head.length + frames * frame.length + 8;
  return {
    sizeBytes,
    async read(into, position) {
      const body = position - head.length;
      let piece: Uint8Array;
      if (body < 0) piece = head.subarray(position);
      else if (body < frames * frame.length) piece = frame.subarray(body % frame.length);
      else piece = file.subarray(file.length - 8 + (body - frames * frame.length));
      const given = piece.subarray(0, into.length);
      into.set(given);
      return given.length;
    },
  };
}

test('an Extended Offset Table may give lengths with the padding or without', async (t) => {
  const frames = framesFor(slideDataSet());
  const offsets = frames.map((_, index) => BigInt(index * (8 + jpegFrame().length)));
  for (const padding of [0, 1]) {
    const slide = slideDataSet()
      .set('ExtendedOffsetTable', uint64s(offsets))
      .set('ExtendedOffsetTableLengths', uint64s(frames.map(({ length }) => BigInt(length - padding))))
      .setEncapsulated('PixelData', fragments(frames, []));

    t.deepEqual((await validateInstance(sourceOf(part10File(slide)))).findings, []);
  }
});

function uint64s(values: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values).buffer);
}

test('the first, the middle and the last frame are decoded, whole', async (t) => {
  const seen: number[] = [];
  const decodeFrame: DecodeFrame = async (codestream, { rows, columns, transferSyntaxUid }) => {
    seen.push(codestream.length);
    t.is(transferSyntaxUid, '1.2.840.10008.1.2.4.50');
    return { rows, columns };
  };

  const { findings } = await validateInstance(sourceOf(part10File(slideDataSet())), { decodeFrame });

  t.deepEqual(findings, []);
  t.deepEqual(
    seen,
    [1, 2, 4].map(() => jpegFrame().length),
  );
});

test('frame-decodable finds a frame that does not decode, or to another size', async (t) => {
  const file = part10File(slideDataSet());
  const refusing: DecodeFrame = async () => {
    throw new Error('no end of image');
  };
  const refused = await validateInstance(sourceOf(file), { decodeFrame: refusing });
  const small = await validateInstance(sourceOf(file), {
    decodeFrame: async () => ({ rows: 8, columns: 16 }),
  });
  const unknown = await validateInstance(sourceOf(file), { decodeFrame: async () => undefined });

  t.like(refused.findings[0], { check: 'frame-decodable', count: 3 });
  t.regex(refused.findings[0]?.message ?? '', /frame 1 cannot be decoded: no end of image/);
  t.like(small.findings[0], { check: 'frame-decodable', count: 3 });
  t.deepEqual(unknown.findings, []);
});

test('an error of the source passes through, also when it is deflated', async (t) => {
  const file = part10File(nativeSlide(), NATIVE[3]);
  const failing: ByteSource = {
    sizeBytes: file.length,
    async read(into, position) {
      if (position > 300) throw new Error('disk on fire');
      return sourceOf(file, 100).read(into, position);
    },
  };

  await t.throwsAsync(() => validateInstance(failing), { message: 'disk on fire' });
});

test('text is read in the character set of its own item', async (t) => {
  const item = new DataSet().set('SpecificCharacterSet', 'ISO_IR 192').set('PatientName', 'Müller');
  const dataSet = new DataSet()
    .set('SpecificCharacterSet', 'ISO_IR 100')
    .set('SOPClassUID', CT)
    .set('SOPInstanceUID', '1.2.3')
    .set('PatientName', 'Müller^Jörg')
    .set('RequestAttributesSequence', [item]);
  const meta = encodeFileMeta({ sopClassUid: CT, sopInstanceUid: '1.2.3', transferSyntaxUid: EXPLICIT_LE });
  const file = Buffer.concat([meta, encodeDataSet(dataSet, EXPLICIT_LE)]);

  t.deepEqual((await validateInstance(sourceOf(file))).findings, []);
});

test('a finding of many items is one with a count', async (t) => {
  const slide = slideDataSet();
  const [specimen] = slide.items('SpecimenDescriptionSequence');
  specimen?.delete('SpecimenPreparationSequence');
  slide.set('SpecimenDescriptionSequence', [specimen as DataSet, specimen as DataSet]);

  const { findings } = await validateInstance(sourceOf(part10File(slide)));

  t.is(findings.length, 1);
  t.like(findings[0], { check: 'attribute-missing', count: 2, tag: '(0040,0610)' });
});
