import type { DataSet } from '../../../src/dicom/data-set.ts';
import { encodeFileMeta } from '../../../src/dicom/file-meta.ts';
import type { CheckName } from '../../../src/dicom/validator/checks.ts';
import { CT, EXPLICIT_LE, rawElement, rawFile, rawItem } from '../../support/raw-file.ts';
import { code, fragments, jpegFrame, part10File, slideDataSet } from '../../support/wsi-instance.ts';

/** How to break a good file so that one check, or one and those it cannot do without, finds it. */
export interface Break {
  readonly file: () => Uint8Array;
  /** What cannot but be found too. */
  readonly also?: readonly CheckName[];
}

export type BreakTable = Readonly<Partial<Record<CheckName, Break>>>;

const ITEM = 0xfffe_e000;
const SEQUENCE_END = 0xfffe_e0dd;
const UNDEFINED = 0xffff_ffff;

/** A good slide with something done to it. */
export function slideWith(change: (dataSet: DataSet) => unknown): () => Uint8Array {
  return () => {
    const dataSet = slideDataSet();
    change(dataSet);
    return part10File(dataSet);
  };
}

function raw(...elements: readonly Uint8Array[]): Break {
  return { file: () => rawFile(...elements) };
}

function withMeta(change: (meta: Buffer) => Uint8Array): () => Uint8Array {
  return () => {
    const file = part10File(slideDataSet());
    const metaBytes = 132 + 12 + file.readUInt32LE(140);
    return Buffer.concat([change(Buffer.from(file.subarray(0, metaBytes))), file.subarray(metaBytes)]);
  };
}

/** The same class and instance, another transfer syntax. */
function transferSyntax(uid: string): () => Uint8Array {
  return () =>
    Buffer.concat([encodeFileMeta({ sopClassUid: CT, sopInstanceUid: '1.2', transferSyntaxUid: uid }), ids]);
}

const ids = Buffer.concat([rawElement(0x0008_0016, 'UI', `${CT}\0`), rawElement(0x0008_0018, 'UI', '1.2\0')]);

/** What holds for every file and every element. */
export const fileBreaks = {
  'file-preamble': { file: withMeta((meta) => meta.subarray(132)) },
  'file-meta-attributes': {
    // (0002,0001): 14 bytes behind the group length.
    file: withMeta((meta) => {
      meta.writeUInt32LE(meta.readUInt32LE(140) - 14, 140);
      return Buffer.concat([meta.subarray(0, 144), meta.subarray(158)]);
    }),
  },
  'file-meta-length': {
    file: withMeta((meta) => {
      meta.writeUInt32LE(6, 140);
      return meta;
    }),
  },
  'file-meta-agrees': {
    file: () => {
      const file = part10File(slideDataSet());
      const at = file.indexOf('2.25.');
      file.write('2.26.', at);
      return file;
    },
  },
  'transfer-syntax-known': { file: transferSyntax('1.2.3.4') },
  'transfer-syntax-retired': { file: transferSyntax('1.2.840.10008.1.2.4.52') },
  'sop-class-known': {
    file: () =>
      Buffer.concat([
        encodeFileMeta({ sopClassUid: '1.2.3', sopInstanceUid: '1.2', transferSyntaxUid: EXPLICIT_LE }),
        rawElement(0x0008_0016, 'UI', '1.2.3\0'),
        rawElement(0x0008_0018, 'UI', '1.2\0'),
      ]),
  },
  'data-set-readable': raw(rawElement(0x0008_0060, 'CS', 'CT', 200)),
  'uids-distinct': raw(rawElement(0x0020_000d, 'UI', '1.2.3\0'), rawElement(0x0020_000e, 'UI', '1.2.3\0')),
  'uids-own-root': raw(rawElement(0x0020_000d, 'UI', '1.2.840.10008.9.9\0')),
  'tag-order': raw(rawElement(0x0008_0070, 'LO', 'ab'), rawElement(0x0008_0060, 'CS', 'CT')),
  'vr-unknown': raw(rawElement(0x0009_0010, 'LO', 'ab'), rawElement(0x0009_1001, 'ZZ', 'ab')),
  'delimiter-length': raw(
    rawElement(
      0x0008_1111,
      'SQ',
      Buffer.concat([rawItem(ITEM), rawItem(SEQUENCE_END, undefined, 2)]),
      UNDEFINED,
    ),
  ),
  'too-many-elements': {
    file: () => {
      const item = rawItem(ITEM);
      return rawFile(
        rawElement(0x0008_1111, 'SQ', Buffer.concat(Array.from({ length: 200_001 }, () => item))),
        name,
      );
    },
  },
} as const satisfies BreakTable;

const name = rawElement(0x0010_0010, 'PN', 'A^');

export const elementBreaks = {
  'value-length-even': raw(rawElement(0x0008_0060, 'CS', 'CTX')),
  'value-width': raw(rawElement(0x0018_9306, 'FD', Buffer.alloc(12))),
  'vr-known-attribute': raw(rawElement(0x0008_0060, 'LO', 'CT')),
  'vr-unknown-though-standard': raw(rawElement(0x0008_0060, 'UN', 'CT')),
  'value-multiplicity': raw(rawElement(0x0028_0030, 'DS', '0.50')),
  'value-characters-max': raw(rawElement(0x0008_0050, 'SH', 'A'.repeat(18))),
  'value-syntax': raw(rawElement(0x0008_0020, 'DA', '20261301')),
  'value-padding': raw(rawElement(0x0008_0070, 'LO', 'abc\0')),
  'character-set-known': raw(rawElement(0x0008_0005, 'CS', 'ISO_IR 999')),
  'text-decodable': raw(rawElement(0x0010_0010, 'PN', 'M\xfcller')),
  'group-allowed': raw(rawElement(0x0001_0001, 'LO', 'ab')),
  'private-creator': raw(rawElement(0x0009_1001, 'LO', 'ab')),
  'sequence-vr': raw(
    rawElement(0x0009_0010, 'LO', 'ab'),
    rawElement(0x0009_1001, 'OB', Buffer.concat([rawItem(ITEM), rawItem(SEQUENCE_END)]), UNDEFINED),
  ),
} as const satisfies BreakTable;

/** Values, codes and references, wherever they stand. */
export const valueBreaks = {
  'enumerated-value': { file: slideWith((slide) => slide.set('FocusMethod', 'NONE')) },
  'defined-term': { file: slideWith((slide) => slide.set('LossyImageCompressionMethod', 'OF_OUR_OWN')) },
  'code-one-value': {
    file: slideWith((slide) =>
      slide.set('ContainerTypeCodeSequence', [
        code('1', 'SCT', 'Slide').set('LongCodeValue', '12345678901234567'),
      ]),
    ),
  },
  'code-scheme-current': {
    file: slideWith((slide) => slide.set('ContainerTypeCodeSequence', [code('A-0101B', 'SRT', 'Slide')])),
  },
  'references-listed': { file: slideWith((slide) => slide.delete('ReferencedSeriesSequence')) },
  'references-used': {
    file: slideWith((slide) => {
      slide.delete('ConversionSourceAttributesSequence');
      slide.items('SharedFunctionalGroupsSequence')[0]?.delete('DerivationImageSequence');
    }),
  },
} as const satisfies BreakTable;

/** Compressed frames and the items around them. */
export const frameBreaks = {
  'pixel-data-cut-off': { file: () => part10File(slideDataSet()).subarray(0, -8) },
  'basic-offset-table-exact': { file: slideWithFrames(fourFrames(), offsetsOf(fourFrames()).with(3, 2)) },
  'extended-offset-table-exact': {
    file: () => {
      const slide = slideDataSet();
      slide.set('ExtendedOffsetTable', Buffer.alloc(32)).set('ExtendedOffsetTableLengths', Buffer.alloc(32));
      return part10File(slide.setEncapsulated('PixelData', fragments(fourFrames(), [])));
    },
  },
  'fragment-length-even': {
    // Two of them, for the whole of Pixel Data is written with an even length.
    file: slideWithFrames([...fourFrames().slice(2), ...[4, 4].map(oddFrame)]),
  },
  'fragment-not-empty': {
    file: () => {
      const slide = slideDataSet();
      const items = fragments([...fourFrames(), Buffer.alloc(0)], offsetsOf(fourFrames()));
      return part10File(slide.setEncapsulated('PixelData', items));
    },
    also: ['frame-fragments'],
  },
  'frame-start': { file: slideWithFrame((frame) => frame.fill(0, 0, 2)) },
  'frame-end': { file: slideWithFrame((frame) => frame.fill(7, frame.length - 3)) },
  'frame-padding': {
    file: slideWithFrames([...fourFrames().slice(1), Buffer.concat([jpegFrame(), Buffer.alloc(4)])]),
  },
  'frame-header': { file: slideWithFrame((frame) => frame.fill(7, 2, 6)) },
  'frame-process': { file: slideWithFrames(fourFrames({ process: 0xc2 })) },
  'frame-size': { file: slideWithFrames(fourFrames({ rows: 8 })) },
  'frame-samples': { file: slideWithFrames(fourFrames({ components: 1, transform: undefined })) },
  'frame-precision': { file: slideWithFrames(fourFrames({ precision: 12 })) },
  'frame-color': { file: slideWithFrames(fourFrames({ transform: 0 })) },
  'frame-color-marked': {
    file: () => {
      const slide = slideDataSet().set('PhotometricInterpretation', 'RGB');
      return part10File(slide.setEncapsulated('PixelData', fragments(fourFrames({ transform: undefined }))));
    },
  },
  'frame-fragments': {
    file: () => {
      const halves = fourFrames().flatMap((frame) => [frame.subarray(0, 40), frame.subarray(40)]);
      const starts = offsetsOf(halves).filter((_, index) => index % 2 === 0);
      return part10File(slideDataSet().setEncapsulated('PixelData', fragments(halves, starts)));
    },
  },
} as const satisfies BreakTable;

function fourFrames(options: Parameters<typeof jpegFrame>[0] = {}): Buffer[] {
  return Array.from({ length: 4 }, () => jpegFrame(options));
}

function oddFrame(scanBytes: number): Buffer {
  return jpegFrame({ scanBytes, isPadded: false });
}

function offsetsOf(frames: readonly Uint8Array[]): number[] {
  return frames.map((_, index) => frames.slice(0, index).reduce((sum, frame) => sum + 8 + frame.length, 0));
}

function slideWithFrames(frames: readonly Uint8Array[], offsets?: readonly number[]): () => Uint8Array {
  return () => part10File(slideDataSet().setEncapsulated('PixelData', fragments(frames, offsets)));
}

/** Four frames, something done to the last. */
function slideWithFrame(change: (frame: Buffer) => unknown): () => Uint8Array {
  const frames = fourFrames();
  change(frames[3] as Buffer);
  return slideWithFrames(frames);
}
