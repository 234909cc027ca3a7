/** Instances for tests, written byte by byte here, so that no test checks an encoder with itself. */

export const EXPLICIT_LE = '1.2.840.10008.1.2.1';
export const IMPLICIT_LE = '1.2.840.10008.1.2';
export const JPEG_2000_LOSSLESS = '1.2.840.10008.1.2.4.90';
export const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
export const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';

type Element = readonly [tag: number, vr: string, value: string | Uint8Array];

export interface InstanceOptions {
  readonly sopClassUid?: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid?: string;
  readonly studyInstanceUid?: string;
  readonly seriesInstanceUid?: string;
  readonly patientId?: string;
  /** As bytes where it is not Latin-1. */
  readonly patientName?: string | Uint8Array;
  readonly pixelBytes?: number;
  /** Added to the usual elements; in any order. */
  readonly elements?: readonly Element[];
}

export interface SmallInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly fileMeta: Buffer;
  readonly dataSet: Buffer;
}

const LONG_FORM = new Set(['OB', 'OW', 'UN', 'UT', 'SQ', 'UC', 'UR', 'OF', 'OD', 'OL', 'OV', 'SV', 'UV']);

/** A Secondary Capture of one row of noise, unless told otherwise. */
export function smallInstance(options: InstanceOptions): SmallInstance {
  const {
    sopClassUid = SECONDARY_CAPTURE,
    sopInstanceUid,
    transferSyntaxUid = EXPLICIT_LE,
    studyInstanceUid = '1.2.3.100',
    seriesInstanceUid = '1.2.3.100.1',
    patientId = 'P-4711',
    patientName = 'DOE^JANE',
    pixelBytes = 64,
    elements = [],
  } = options;
  const pixels = Buffer.alloc(pixelBytes);
  for (let at = 0; at < pixelBytes; at += 1) pixels[at] = (at * 7919 + (at >> 8)) & 0xff;
  const all: readonly Element[] = [
    [0x0008_0016, 'UI', sopClassUid],
    [0x0008_0018, 'UI', sopInstanceUid],
    [0x0008_0060, 'CS', 'OT'],
    [0x0010_0010, 'PN', patientName],
    [0x0010_0020, 'LO', patientId],
    [0x0020_000d, 'UI', studyInstanceUid],
    [0x0020_000e, 'UI', seriesInstanceUid],
    ...elements,
    [0x7fe0_0010, 'OW', pixels],
  ];
  return {
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid,
    studyInstanceUid,
    seriesInstanceUid,
    fileMeta: fileMetaOf(sopClassUid, sopInstanceUid, transferSyntaxUid),
    dataSet: encodeElements(all, transferSyntaxUid === IMPLICIT_LE ? 'implicit' : 'explicit'),
  };
}

/** The Part 10 file. */
export function part10Of({ fileMeta, dataSet }: SmallInstance): Buffer {
  return Buffer.concat([fileMeta, dataSet]);
}

export function encodeElements(elements: readonly Element[], encoding: 'explicit' | 'implicit'): Buffer {
  const sorted = elements.toSorted(([a], [b]) => a - b);
  return Buffer.concat(sorted.map((element) => encodeElement(element, encoding)));
}

function encodeElement([tag, vr, value]: Element, encoding: 'explicit' | 'implicit'): Buffer {
  const bytes = typeof value === 'string' ? padded(value, vr) : Buffer.from(value);
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  if (encoding === 'implicit') {
    head.writeUInt32LE(bytes.length, 4);
    return Buffer.concat([head, bytes]);
  }
  head.write(vr, 4, 'latin1');
  if (!LONG_FORM.has(vr)) {
    head.writeUInt16LE(bytes.length, 6);
    return Buffer.concat([head, bytes]);
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([head, length, bytes]);
}

function padded(text: string, vr: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
}

function fileMetaOf(sopClassUid: string, sopInstanceUid: string, transferSyntaxUid: string): Buffer {
  const group = encodeElements(
    [
      [0x0002_0001, 'OB', Uint8Array.of(0, 1)],
      [0x0002_0002, 'UI', sopClassUid],
      [0x0002_0003, 'UI', sopInstanceUid],
      [0x0002_0010, 'UI', transferSyntaxUid],
      [0x0002_0012, 'UI', '1.2.3.4'],
    ],
    'explicit',
  );
  const length = Buffer.alloc(12);
  length.writeUInt16LE(2, 0);
  length.write('UL', 4, 'latin1');
  length.writeUInt16LE(4, 6);
  length.writeUInt32LE(group.length, 8);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), length, group]);
}
