/** Transfer syntaxes. PS3.5 Annex A, PS3.6 Table A-1. */

export interface TransferSyntax {
  readonly uid: string;
  /** What settings, rules and the command line call it. */
  readonly name: string;
  /** Name of the standard. */
  readonly title: string;
  readonly explicitVr: boolean;
  readonly littleEndian: boolean;
  readonly deflated: boolean;
  /** Pixel Data is a sequence of fragments. */
  readonly encapsulated: boolean;
  /** Whether pixels that went through it differ from those before. */
  readonly lossy: 'never' | 'possible' | 'always';
  readonly retired: boolean;
}

type Row = readonly [
  uid: string,
  name: string,
  title: string,
  lossy: TransferSyntax['lossy'],
  retired?: 'retired',
];

/** Pixel Data as it is. */
const native: readonly TransferSyntax[] = [
  nativeSyntax('1.2.840.10008.1.2', 'implicit-le', 'Implicit VR Little Endian', { explicitVr: false }),
  nativeSyntax('1.2.840.10008.1.2.1', 'explicit-le', 'Explicit VR Little Endian', {}),
  nativeSyntax('1.2.840.10008.1.2.2', 'explicit-be', 'Explicit VR Big Endian', {
    littleEndian: false,
    retired: true,
  }),
  nativeSyntax('1.2.840.10008.1.2.1.99', 'deflated', 'Deflated Explicit VR Little Endian', {
    deflated: true,
  }),
];

/** Encapsulated: explicit VR little endian, all of them. PS3.5 A.4. UIDs below 1.2.840.10008.1.2. */
const encapsulated: readonly Row[] = [
  ['5', 'rle', 'RLE Lossless', 'never'],
  ['4.50', 'jpeg-baseline', 'JPEG Baseline (Process 1)', 'always'],
  ['4.51', 'jpeg-extended', 'JPEG Extended (Process 2 and 4)', 'always'],
  ['4.52', 'jpeg-extended-3-5', 'JPEG Extended (Process 3 and 5)', 'always', 'retired'],
  [
    '4.53',
    'jpeg-spectral-6-8',
    'JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)',
    'always',
    'retired',
  ],
  [
    '4.54',
    'jpeg-spectral-7-9',
    'JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)',
    'always',
    'retired',
  ],
  [
    '4.55',
    'jpeg-progressive-10-12',
    'JPEG Full Progression, Non-Hierarchical (Process 10 and 12)',
    'always',
    'retired',
  ],
  [
    '4.56',
    'jpeg-progressive-11-13',
    'JPEG Full Progression, Non-Hierarchical (Process 11 and 13)',
    'always',
    'retired',
  ],
  ['4.57', 'jpeg-lossless', 'JPEG Lossless, Non-Hierarchical (Process 14)', 'never'],
  ['4.58', 'jpeg-lossless-15', 'JPEG Lossless, Non-Hierarchical (Process 15)', 'never', 'retired'],
  ['4.59', 'jpeg-hierarchical-16-18', 'JPEG Extended, Hierarchical (Process 16 and 18)', 'always', 'retired'],
  ['4.60', 'jpeg-hierarchical-17-19', 'JPEG Extended, Hierarchical (Process 17 and 19)', 'always', 'retired'],
  [
    '4.61',
    'jpeg-hierarchical-20-22',
    'JPEG Spectral Selection, Hierarchical (Process 20 and 22)',
    'always',
    'retired',
  ],
  [
    '4.62',
    'jpeg-hierarchical-21-23',
    'JPEG Spectral Selection, Hierarchical (Process 21 and 23)',
    'always',
    'retired',
  ],
  [
    '4.63',
    'jpeg-hierarchical-24-26',
    'JPEG Full Progression, Hierarchical (Process 24 and 26)',
    'always',
    'retired',
  ],
  [
    '4.64',
    'jpeg-hierarchical-25-27',
    'JPEG Full Progression, Hierarchical (Process 25 and 27)',
    'always',
    'retired',
  ],
  ['4.65', 'jpeg-lossless-28', 'JPEG Lossless, Hierarchical (Process 28)', 'never', 'retired'],
  ['4.66', 'jpeg-lossless-29', 'JPEG Lossless, Hierarchical (Process 29)', 'never', 'retired'],
  [
    '4.70',
    'jpeg-lossless-sv1',
    'JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])',
    'never',
  ],
  ['4.80', 'jpeg-ls', 'JPEG-LS Lossless Image Compression', 'never'],
  ['4.81', 'jpeg-ls-near', 'JPEG-LS Lossy (Near-Lossless) Image Compression', 'possible'],
  ['4.90', 'jpeg2000-lossless', 'JPEG 2000 Image Compression (Lossless Only)', 'never'],
  ['4.91', 'jpeg2000', 'JPEG 2000 Image Compression', 'possible'],
  [
    '4.92',
    'jpeg2000-multicomponent-lossless',
    'JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)',
    'never',
  ],
  ['4.93', 'jpeg2000-multicomponent', 'JPEG 2000 Part 2 Multi-component Image Compression', 'possible'],
  ['4.100', 'mpeg2-main', 'MPEG2 Main Profile / Main Level', 'always'],
  ['4.100.1', 'mpeg2-main-fragmentable', 'Fragmentable MPEG2 Main Profile / Main Level', 'always'],
  ['4.101', 'mpeg2-high', 'MPEG2 Main Profile / High Level', 'always'],
  ['4.101.1', 'mpeg2-high-fragmentable', 'Fragmentable MPEG2 Main Profile / High Level', 'always'],
  ['4.102', 'mpeg4-4.1', 'MPEG-4 AVC/H.264 High Profile / Level 4.1', 'always'],
  ['4.102.1', 'mpeg4-4.1-fragmentable', 'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1', 'always'],
  ['4.103', 'mpeg4-4.1-bd', 'MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1', 'always'],
  [
    '4.103.1',
    'mpeg4-4.1-bd-fragmentable',
    'Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1',
    'always',
  ],
  ['4.104', 'mpeg4-4.2-2d', 'MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video', 'always'],
  [
    '4.104.1',
    'mpeg4-4.2-2d-fragmentable',
    'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video',
    'always',
  ],
  ['4.105', 'mpeg4-4.2-3d', 'MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video', 'always'],
  [
    '4.105.1',
    'mpeg4-4.2-3d-fragmentable',
    'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video',
    'always',
  ],
  ['4.106', 'mpeg4-4.2-stereo', 'MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2', 'always'],
  [
    '4.106.1',
    'mpeg4-4.2-stereo-fragmentable',
    'Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2',
    'always',
  ],
  ['4.107', 'hevc-main', 'HEVC/H.265 Main Profile / Level 5.1', 'always'],
  ['4.108', 'hevc-main-10', 'HEVC/H.265 Main 10 Profile / Level 5.1', 'always'],
  ['4.110', 'jpeg-xl-lossless', 'JPEG XL Lossless', 'never'],
  ['4.111', 'jpeg-xl-recompression', 'JPEG XL JPEG Recompression', 'always'],
  ['4.112', 'jpeg-xl', 'JPEG XL', 'possible'],
  ['4.201', 'htj2k-lossless', 'High-Throughput JPEG 2000 Image Compression (Lossless Only)', 'never'],
  [
    '4.202',
    'htj2k-lossless-rpcl',
    'High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)',
    'never',
  ],
  ['4.203', 'htj2k', 'High-Throughput JPEG 2000 Image Compression', 'possible'],
];

/** Every transfer syntax that is accepted and forwarded; native ones first. */
export const transferSyntaxes: readonly TransferSyntax[] = [
  ...native,
  ...encapsulated.map(([suffix, name, title, lossy, retired]) => ({
    uid: `1.2.840.10008.1.2.${suffix}`,
    name,
    title,
    explicitVr: true,
    littleEndian: true,
    deflated: false,
    encapsulated: true,
    lossy,
    retired: retired !== undefined,
  })),
];

export const IMPLICIT_LE = '1.2.840.10008.1.2';
export const EXPLICIT_LE = '1.2.840.10008.1.2.1';
export const EXPLICIT_BE = '1.2.840.10008.1.2.2';
export const DEFLATED_LE = '1.2.840.10008.1.2.1.99';

const byUid = new Map(transferSyntaxes.map((syntax) => [syntax.uid, syntax]));
const byName = new Map(transferSyntaxes.map((syntax) => [syntax.name, syntax]));

export function transferSyntaxOf(uid: string): TransferSyntax | undefined {
  return byUid.get(uid);
}

/** @param nameOrUid as in settings and on the command line: `explicit-le`, or a UID */
export function transferSyntaxNamed(nameOrUid: string): TransferSyntax | undefined {
  return byName.get(nameOrUid) ?? byUid.get(nameOrUid);
}

function nativeSyntax(
  uid: string,
  name: string,
  title: string,
  differing: Partial<Pick<TransferSyntax, 'explicitVr' | 'littleEndian' | 'deflated' | 'retired'>>,
): TransferSyntax {
  return {
    uid,
    name,
    title,
    explicitVr: true,
    littleEndian: true,
    deflated: false,
    encapsulated: false,
    lossy: 'never',
    retired: false,
    ...differing,
  };
}
