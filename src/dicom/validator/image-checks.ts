import { Tag } from '../tags.generated.ts';
import type { TransferSyntax } from '../transfer-syntax.ts';
import { checkTable } from './check.ts';
import { type Problem, problemAt, shown } from './findings.ts';
import { readIccProfile } from './icc-profile.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';
import { allDataSets } from './tree.ts';

/** What holds for every image, whatever its IOD: how its pixels are described against how they are stored. */
export const imageChecks = checkTable({
  'pixel-data-encapsulated': {
    severity: 'error',
    rule: 'Pixel Data is encapsulated when the transfer syntax says so, and only then. PS3.5 A.4.',
    *instance({ pixelData, transferSyntax }) {
      if (pixelData === undefined || transferSyntax === undefined) return;
      if (pixelData.isEncapsulated === transferSyntax.encapsulated) return;
      const is = pixelData.isEncapsulated ? 'encapsulated' : 'not encapsulated';
      yield pixelProblem(
        pixelData.tag,
        `is ${is}; transfer syntax ${transferSyntax.name} asks for the opposite`,
      );
    },
  },
  'pixel-data-vr': {
    severity: 'error',
    rule: 'Pixel Data is OB when encapsulated, OW when a sample has more than 8 bits. PS3.5 A.2, A.4.',
    *instance({ pixelData, dataSet }) {
      if (pixelData === undefined || pixelData.tag !== Tag.PixelData || !dataSet.encoding.explicitVr) return;
      const isDeep = (dataSet.number(Tag.BitsAllocated) ?? 8) > 8;
      const shouldBe = pixelData.isEncapsulated ? ['OB'] : ['OW', ...(isDeep ? [] : ['OB'])];
      if (!shouldBe.includes(pixelData.vr))
        yield pixelProblem(pixelData.tag, `has VR ${pixelData.vr}; it should have ${shouldBe.join(' or ')}`);
    },
  },
  'pixel-data-length': {
    severity: 'error',
    rule: 'Native Pixel Data has as many bytes as its frames take, and one more when that is odd. PS3.5 8.1.1.',
    *instance({ pixelData, dataSet }) {
      if (pixelData === undefined || pixelData.isEncapsulated) return;
      const expected = nativeLengthBytes(dataSet);
      if (expected === undefined || pixelData.lengthBytes === expected + (expected % 2)) return;
      yield pixelProblem(pixelData.tag, `has ${pixelData.lengthBytes} bytes; its frames take ${expected}`);
    },
  },
  'pixel-data-frames': {
    severity: 'error',
    rule: 'Encapsulated Pixel Data holds as many frames as Number of Frames says. PS3.5 A.4.',
    *instance({ pixelData, dataSet, transferSyntax }) {
      if (!pixelData?.isEncapsulated || isVideo(transferSyntax)) return;
      const said = dataSet.number(Tag.NumberOfFrames) ?? 1;
      if (pixelData.frames === said) return;
      yield pixelProblem(
        pixelData.tag,
        `holds ${pixelData.frames} frames in ${pixelData.fragments} fragments; Number of Frames is ${said}`,
      );
    },
  },
  'samples-photometric': {
    severity: 'error',
    rule: 'Samples per Pixel is 1 for monochrome and palette, else 3. PS3.3 C.7.6.3.1.2.',
    *instance({ dataSet }) {
      const samples = dataSet.number(Tag.SamplesPerPixel);
      const photometric = dataSet.text(Tag.PhotometricInterpretation);
      if (samples === undefined || photometric === undefined) return;
      const expected = samplesOf(photometric);
      if (expected === undefined || samples === expected) return;
      yield problemAt(
        dataSet,
        Tag.SamplesPerPixel,
        `is ${samples}; with ${shown(photometric)} it should be ${expected}`,
      );
    },
  },
  'bits-consistent': {
    severity: 'error',
    rule: 'Bits Allocated is 1 or whole bytes, Bits Stored fits it, High Bit is one less. PS3.5 8.1.1.',
    *instance({ dataSet }) {
      const [allocated, stored, high] = [Tag.BitsAllocated, Tag.BitsStored, Tag.HighBit].map((tag) =>
        dataSet.number(tag),
      );
      if (allocated === undefined || stored === undefined || high === undefined) return;
      if (allocated !== 1 && (allocated % 8 !== 0 || allocated > 64))
        yield problemAt(dataSet, Tag.BitsAllocated, `is ${allocated}; it should be 1, 8, 16, 32 or 64`);
      if (stored > allocated)
        yield problemAt(dataSet, Tag.BitsStored, `is ${stored}; Bits Allocated is ${allocated}`);
      if (high !== stored - 1)
        yield problemAt(dataSet, Tag.HighBit, `is ${high}; it should be ${stored - 1}`);
    },
  },
  'image-not-empty': {
    severity: 'error',
    rule: 'Rows, Columns and Number of Frames are above zero. PS3.3 C.7.6.3, C.7.6.6.',
    *instance({ dataSet }) {
      for (const tag of [Tag.Rows, Tag.Columns, Tag.NumberOfFrames]) {
        const value = dataSet.number(tag);
        if (value !== undefined && value <= 0)
          yield problemAt(dataSet, tag, `is ${value}; it should be above 0`);
      }
    },
  },
  'photometric-transfer-syntax': {
    severity: 'error',
    rule: 'Photometric Interpretation is one that the transfer syntax can carry. PS3.5 8.2, PS3.3 C.7.6.3.1.2.',
    *instance({ dataSet, transferSyntax }) {
      const photometric = dataSet.text(Tag.PhotometricInterpretation);
      if (
        photometric === undefined ||
        transferSyntax === undefined ||
        dataSet.number(Tag.SamplesPerPixel) !== 3
      )
        return;
      const possible = colorsOf(transferSyntax.name);
      if (possible === undefined || possible.includes(photometric)) return;
      yield problemAt(
        dataSet,
        Tag.PhotometricInterpretation,
        `is ${shown(photometric)}; with transfer syntax ${transferSyntax.name} it should be ${possible.join(' or ')}`,
      );
    },
  },
  'lossy-flag': {
    severity: 'error',
    rule: 'Lossy Image Compression is 01 once an image has been through a lossy process. PS3.3 C.7.6.1.1.5.',
    *instance({ dataSet, transferSyntax, hasLossyFrame }) {
      if (dataSet.text(Tag.LossyImageCompression) !== '00') return;
      if (transferSyntax?.lossy !== 'always' && !hasLossyFrame) return;
      yield problemAt(
        dataSet,
        Tag.LossyImageCompression,
        'is 00; the frames are compressed by a lossy process, so it should be 01',
      );
    },
  },
  'lossy-counts': {
    severity: 'error',
    rule: 'There is a ratio and a method for each lossy step, in order. PS3.3 C.7.6.1.1.5.',
    *instance({ dataSet }) {
      const ratios = dataSet.texts(Tag.LossyImageCompressionRatio).length;
      const methods = dataSet.texts(Tag.LossyImageCompressionMethod).length;
      if (ratios === methods || ratios === 0 || methods === 0) return; // Absence is the business of the modules.
      yield problemAt(
        dataSet,
        Tag.LossyImageCompressionMethod,
        `has ${methods} values; Lossy Image Compression Ratio has ${ratios}`,
      );
    },
  },
  'lossy-ratio-positive': {
    severity: 'error',
    rule: 'A compression ratio is above zero. PS3.3 C.7.6.1.1.5.2.',
    *instance({ dataSet }) {
      if (dataSet.numbers(Tag.LossyImageCompressionRatio).every((ratio) => ratio > 0)) return;
      yield problemAt(dataSet, Tag.LossyImageCompressionRatio, 'has a value that is not above 0');
    },
  },
  'icc-readable': {
    severity: 'error',
    rule: 'An ICC Profile is one, of the length that it says. ICC.1:2022 7.2, PS3.3 C.11.15.',
    *instance({ dataSet }) {
      for (const { item, profile } of profilesIn(dataSet)) {
        if (!profile.isValid) yield problemAt(item, Tag.ICCProfile, `cannot be read: ${profile.reason}`);
      }
    },
  },
  'icc-class': {
    severity: 'error',
    rule: 'An ICC Profile is of the input device class, scnr, and describes RGB. PS3.3 C.11.15.1.1.',
    *instance({ dataSet }) {
      for (const { item, profile } of profilesIn(dataSet)) {
        if (!profile.isValid || (profile.deviceClass === 'scnr' && profile.colorSpace === 'RGB')) continue;
        const { deviceClass, colorSpace } = profile;
        yield problemAt(
          item,
          Tag.ICCProfile,
          `is of class ${deviceClass} and describes ${colorSpace}; it should be scnr and RGB`,
        );
      }
    },
  },
});

/** Frames of video do not each have a fragment. PS3.5 A.4.5 to A.4.7. */
function isVideo(transferSyntax: TransferSyntax | undefined): boolean {
  return /^(mpeg|hevc)/.test(transferSyntax?.name ?? '');
}

function pixelProblem(tag: number, message: string): Problem {
  return { tag, message };
}

function* profilesIn(dataSet: ParsedDataSet) {
  for (const item of allDataSets(dataSet)) {
    const element = item.get(Tag.ICCProfile);
    if (element === undefined || element.lengthBytes === 0) continue;
    yield { item, profile: readIccProfile(element.value, element.lengthBytes) };
  }
}

function samplesOf(photometric: string): number | undefined {
  if (photometric.startsWith('MONOCHROME') || photometric === 'PALETTE COLOR') return 1;
  return /^(RGB|HSV|XYB|YBR_)/.test(photometric) ? 3 : undefined;
}

/** Of three samples, by the name of the transfer syntax; undefined where anything goes or nobody knows. */
function colorsOf(transferSyntaxName: string): readonly string[] | undefined {
  const native = ['RGB', 'YBR_FULL', 'YBR_FULL_422', 'HSV', 'YBR_PARTIAL_422'];
  const byName: Readonly<Record<string, readonly string[]>> = {
    'implicit-le': native,
    'explicit-le': native,
    'explicit-be': native,
    deflated: native,
    rle: ['RGB', 'YBR_FULL'],
    'jpeg-baseline': ['YBR_FULL_422', 'RGB', 'YBR_FULL'],
    'jpeg-extended': ['YBR_FULL_422', 'RGB', 'YBR_FULL'],
    jpeg2000: ['YBR_ICT', 'YBR_RCT', 'RGB', 'YBR_FULL'],
    'jpeg2000-lossless': ['YBR_RCT', 'RGB', 'YBR_FULL'],
    htj2k: ['YBR_ICT', 'YBR_RCT', 'RGB', 'YBR_FULL'],
    'htj2k-lossless': ['YBR_RCT', 'RGB', 'YBR_FULL'],
    'htj2k-lossless-rpcl': ['YBR_RCT', 'RGB', 'YBR_FULL'],
  };
  return byName[transferSyntaxName];
}

/** Bytes of all frames without padding; undefined when the data set does not say. PS3.5 8.1.1. */
function nativeLengthBytes(dataSet: ParsedDataSet): number | undefined {
  const [rows, columns, samples, bits] = [Tag.Rows, Tag.Columns, Tag.SamplesPerPixel, Tag.BitsAllocated].map(
    (tag) => dataSet.number(tag),
  );
  if (rows === undefined || columns === undefined || samples === undefined || bits === undefined)
    return undefined;
  const isSubsampled = dataSet.text(Tag.PhotometricInterpretation)?.endsWith('_422') ?? false;
  const samplesStored = isSubsampled ? 2 : samples; // Two pixels share their chrominance. PS3.3 C.7.6.3.1.2.
  const frames = dataSet.number(Tag.NumberOfFrames) ?? 1;
  if (Number.isNaN(frames)) return undefined;
  return Math.ceil((rows * columns * samplesStored * bits * frames) / 8);
}
