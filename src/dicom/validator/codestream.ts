import type { CodestreamHeader } from './codestream-header.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { readJpeg2000Header } from './jpeg2000-header.ts';

/** Which bytes begin a frame, and who reads what follows. */
export interface CodestreamFamily {
  readonly title: string;
  readonly start: readonly number[];
  /** The last bytes of every codestream of the family. */
  readonly end: readonly number[];
  /**
   * @param head the first bytes of a frame, from its start
   * @returns undefined when `head` ends before the header does, or holds something else
   */
  readonly readHeader: (head: Uint8Array) => CodestreamHeader | undefined;
  readonly transferSyntaxes: Readonly<Record<string, readonly CodestreamHeader['process'][]>>;
}

const JPEG_ANY = ['jpeg-baseline', 'jpeg-extended', 'jpeg-progressive'] as const;
const HTJ2K_ANY = ['htj2k', 'htj2k-lossless'] as const;

/** JPEG and JPEG-LS. */
const jpeg: CodestreamFamily = {
  title: 'JPEG',
  start: [0xff, 0xd8],
  end: [0xff, 0xd9],
  readHeader: readJpegHeader,
  transferSyntaxes: {
    '1.2.840.10008.1.2.4.50': ['jpeg-baseline'],
    '1.2.840.10008.1.2.4.51': ['jpeg-baseline', 'jpeg-extended'],
    '1.2.840.10008.1.2.4.53': JPEG_ANY,
    '1.2.840.10008.1.2.4.55': JPEG_ANY,
    '1.2.840.10008.1.2.4.57': ['jpeg-lossless', 'jpeg-lossless-sv1'],
    '1.2.840.10008.1.2.4.70': ['jpeg-lossless-sv1'],
    '1.2.840.10008.1.2.4.80': ['jpeg-ls'],
    '1.2.840.10008.1.2.4.81': ['jpeg-ls', 'jpeg-ls-near'],
  },
};

/** JPEG 2000 and its high-throughput part, as bare codestreams: no JP2 boxes around them. PS3.5 A.4.4, A.4.8. */
const jpeg2000: CodestreamFamily = {
  title: 'JPEG 2000',
  start: [0xff, 0x4f, 0xff, 0x51],
  end: [0xff, 0xd9],
  readHeader: readJpeg2000Header,
  transferSyntaxes: {
    '1.2.840.10008.1.2.4.90': ['jpeg2000-lossless'],
    '1.2.840.10008.1.2.4.91': ['jpeg2000', 'jpeg2000-lossless'],
    '1.2.840.10008.1.2.4.201': ['htj2k-lossless'],
    '1.2.840.10008.1.2.4.202': ['htj2k-lossless'],
    '1.2.840.10008.1.2.4.203': HTJ2K_ANY,
  },
};

const families = [jpeg, jpeg2000];

/** The family of codestreams of a transfer syntax; undefined where frames are not looked into. */
export function codestreamFamilyOf(transferSyntaxUid: string): CodestreamFamily | undefined {
  return families.find((family) => transferSyntaxUid in family.transferSyntaxes);
}
