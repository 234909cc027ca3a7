import { Tag } from '../tags.generated.ts';
import { checkTable } from './check.ts';
import type { CodestreamFamily } from './codestream.ts';
import { shown } from './findings.ts';

/** What holds for every compressed frame: what its codestream says of itself against what the data set says. */
export const frameChecks = checkTable({
  'frame-start': {
    severity: 'error',
    rule: 'A frame starts with the first marker of its codestream: FFD8 for JPEG, FF4F for JPEG 2000. PS3.5 A.4.',
    frame({ head, number }, { family }) {
      if (family.start.every((byte, index) => head[index] === byte)) return undefined;
      const found = [...head.subarray(0, family.start.length)].map(hex).join('');
      return `frame ${number} starts with ${found || 'nothing'}; a ${family.title} codestream starts with ${family.start.map(hex).join('')}`;
    },
  },
  'frame-end': {
    severity: 'error',
    rule: 'A frame ends with the last marker of its codestream, FFD9. PS3.5 A.4.',
    frame({ tail, number }, { family }) {
      if (bytesBehindEnd(tail, family) !== undefined) return undefined;
      return `frame ${number} does not end with ${family.end.map(hex).join('')}; it may be cut off`;
    },
  },
  'frame-padding': {
    severity: 'warning',
    rule: 'A frame of odd length is padded with one NUL. PS3.5 A.4.',
    frame({ tail, number }, { family }) {
      const padding = bytesBehindEnd(tail, family) ?? [];
      if (padding.length === 0 || (padding.length === 1 && padding[0] === 0)) return undefined;
      return `frame ${number} has ${[...padding].map(hex).join('')} behind its last marker; it should have one NUL at most`;
    },
  },
  'frame-header': {
    severity: 'error',
    rule: 'The header of a codestream can be read.',
    frame({ head, lengthBytes, number }, { family, header }) {
      if (header !== undefined || head.length < lengthBytes) return undefined; // It may end further on.
      const starts = family.start.every((byte, index) => head[index] === byte);
      return starts ? `frame ${number} has a ${family.title} header that cannot be read` : undefined;
    },
  },
  'frame-process': {
    severity: 'error',
    rule: 'A codestream is of the process that the transfer syntax names. PS3.5 A.4.',
    frame({ number }, { family, header, transferSyntaxUid }) {
      const processes = family.transferSyntaxes[transferSyntaxUid] ?? [];
      if (header === undefined || processes.includes(header.process)) return undefined;
      return `frame ${number} is ${header.process}; the transfer syntax asks for ${processes.join(' or ')}`;
    },
  },
  'frame-size': {
    severity: 'error',
    rule: 'A codestream has Rows × Columns pixels. PS3.5 8.2.',
    frame({ number }, { dataSet, header }) {
      const rows = dataSet.number(Tag.Rows);
      const columns = dataSet.number(Tag.Columns);
      if (header === undefined || rows === undefined || columns === undefined) return undefined;
      if (header.rows === rows && header.columns === columns) return undefined;
      return `frame ${number} has ${header.rows}×${header.columns} pixels; Rows × Columns are ${rows}×${columns}`;
    },
  },
  'frame-samples': {
    severity: 'error',
    rule: 'A codestream has as many components as Samples per Pixel says. PS3.5 8.2.',
    frame({ number }, { dataSet, header }) {
      const samples = dataSet.number(Tag.SamplesPerPixel);
      if (header === undefined || samples === undefined || header.components === samples) return undefined;
      return `frame ${number} has ${header.components} components; Samples per Pixel is ${samples}`;
    },
  },
  'frame-precision': {
    severity: 'error',
    rule: 'The samples of a codestream fit Bits Allocated and hold Bits Stored. PS3.5 8.2.',
    frame({ number }, { dataSet, header }) {
      const allocated = dataSet.number(Tag.BitsAllocated);
      const stored = dataSet.number(Tag.BitsStored);
      if (header === undefined || allocated === undefined || stored === undefined) return undefined;
      if (header.precision <= allocated && header.precision >= stored) return undefined;
      return `frame ${number} has ${header.precision} bits a sample; Bits Stored is ${stored}, Bits Allocated ${allocated}`;
    },
  },
  'frame-color': {
    severity: 'error',
    rule: 'A codestream puts its colors together as Photometric Interpretation says. PS3.5 8.2.1, 8.2.4.',
    frame({ number }, { dataSet, header }) {
      const interpretation = dataSet.text(Tag.PhotometricInterpretation) ?? '';
      if (header === undefined || isInColor(header.color, interpretation)) return undefined;
      return `frame ${number} is coded as ${header.color}; Photometric Interpretation says ${shown(interpretation)}`;
    },
  },
  'frame-color-marked': {
    severity: 'warning',
    rule: 'JPEG in RGB says so in an Adobe segment, for decoders take YCbCr for granted. ITU-T T.871.',
    frame({ number }, { dataSet, header }) {
      if (header?.color !== 'unmarked' || header.components !== 3 || !isLossyJpeg(header.process))
        return undefined;
      if (dataSet.text(Tag.PhotometricInterpretation) !== 'RGB') return undefined;
      return `frame ${number} does not say that it is RGB; decoders will take it for YCbCr`;
    },
  },
  'frame-fragments': {
    severity: 'warning',
    rule: 'A frame of a slide is one fragment, for strict readers take it so.',
    frame({ number, fragments }, { iod }) {
      if (fragments === 1 || iod?.uid !== '1.2.840.10008.5.1.4.1.1.77.1.6') return undefined;
      return `frame ${number} has ${fragments} fragments; it should be one`;
    },
  },
});

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0').toUpperCase();
}

function isLossyJpeg(process: string): boolean {
  return ['jpeg-baseline', 'jpeg-extended', 'jpeg-progressive'].includes(process);
}

/** An RGB image may be transformed by JPEG 2000 only if its interpretation says so; YBR_FULL stays untransformed. */
function isInColor(color: string, interpretation: string): boolean {
  switch (color) {
    case 'ybr':
      return interpretation.startsWith('YBR_FULL');
    case 'rgb':
      return interpretation === 'RGB' || interpretation === 'YBR_FULL';
    case 'rct':
      return interpretation === 'YBR_RCT';
    case 'ict':
      return interpretation === 'YBR_ICT';
    default:
      return true;
  }
}

/** What stands behind the last marker of a codestream; undefined when there is none near the end. */
function bytesBehindEnd(tail: Uint8Array, family: CodestreamFamily): Uint8Array | undefined {
  for (let at = tail.length - family.end.length; at >= 0; at--) {
    if (family.end.every((byte, index) => tail[at + index] === byte))
      return tail.subarray(at + family.end.length);
  }
  return undefined;
}
