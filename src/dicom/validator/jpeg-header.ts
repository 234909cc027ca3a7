import type { CodestreamColor, CodestreamHeader } from './codestream-header.ts';

/** Frame headers of ITU-T T.81 Table B.1, and SOF55 of ITU-T T.87. */
const PROCESSES: Readonly<Record<number, CodestreamHeader['process']>> = {
  192: 'jpeg-baseline',
  193: 'jpeg-extended',
  194: 'jpeg-progressive',
  195: 'jpeg-lossless',
  247: 'jpeg-ls',
};

const MARKER = { app0: 0xe0, app14: 0xee, eoi: 0xd9, sos: 0xda, dht: 0xc4, jpg: 0xc8, dac: 0xcc };

/** What the segments before the first scan have told so far. */
interface Progress {
  frame?: {
    process: CodestreamHeader['process'];
    precision: number;
    rows: number;
    columns: number;
    ids: number[];
  };
  hasJfif: boolean;
  adobeTransform?: number;
}

/**
 * Reads the segments of a JPEG or JPEG-LS image up to its first scan. ITU-T T.81 Annex B.
 *
 * @param head the first bytes of a frame, from SOI
 * @returns undefined when no scan starts within `head`, or it is not such an image
 */
export function readJpegHeader(head: Uint8Array): CodestreamHeader | undefined {
  const progress: Progress = { hasJfif: false };
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let at = 2;
  while (at + 4 <= head.length) {
    if (head[at] !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // Fill bytes before a marker are legal.
      continue;
    }
    const lengthBytes = view.getUint16(at + 2);
    const segment = head.subarray(at + 4, at + 2 + lengthBytes);
    if (lengthBytes < 2 || segment.length < lengthBytes - 2 || marker === MARKER.eoi) return undefined;
    if (marker === MARKER.sos) return headerOf(progress, segment);
    readSegment(progress, marker, segment);
    at += 2 + lengthBytes;
  }
  return undefined;
}

function readSegment(progress: Progress, marker: number, segment: Uint8Array): void {
  if (marker === MARKER.app0 && startsWith(segment, 'JFIF')) progress.hasJfif = true;
  if (marker === MARKER.app14 && startsWith(segment, 'Adobe') && segment.length >= 12) {
    progress.adobeTransform = segment[11] as number;
  }
  if (isFrameHeader(marker) && segment.length >= 6) {
    const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
    const ids: number[] = [];
    for (let index = 0; index < view.getUint8(5) && 6 + index * 3 < segment.length; index++) {
      ids.push(view.getUint8(6 + index * 3));
    }
    progress.frame = {
      process: PROCESSES[marker] ?? 'jpeg-other',
      precision: view.getUint8(0),
      rows: view.getUint16(1),
      columns: view.getUint16(3),
      ids,
    };
  }
}

function isFrameHeader(marker: number): boolean {
  if (marker === 0xf7) return true;
  const { dht, jpg, dac } = MARKER;
  return marker >= 0xc0 && marker <= 0xcf && marker !== dht && marker !== jpg && marker !== dac;
}

/** @param scan the segment of the first scan: what a lossless process predicts from stands in it */
function headerOf(progress: Progress, scan: Uint8Array): CodestreamHeader | undefined {
  const { frame } = progress;
  if (frame === undefined) return undefined;
  const { rows, columns, precision, ids } = frame;
  const predictor = scan[1 + (scan[0] ?? 0) * 2]; // Ss of T.81, NEAR of T.87.
  let { process } = frame;
  if (process === 'jpeg-lossless' && predictor === 1) process = 'jpeg-lossless-sv1';
  if (process === 'jpeg-ls' && predictor !== 0) process = 'jpeg-ls-near';
  return {
    process,
    rows,
    columns,
    precision,
    components: ids.length,
    color: colorOf(progress, process, ids),
  };
}

/** The order of evidence that decoders follow: Adobe's segment, JFIF, the component identifiers. */
function colorOf(
  progress: Progress,
  process: CodestreamHeader['process'],
  ids: readonly number[],
): CodestreamColor {
  // What lossless processes code is never transformed, whatever the segments say.
  const isTransformable = ['jpeg-baseline', 'jpeg-extended', 'jpeg-progressive'].includes(process);
  if (ids.length !== 3 || !isTransformable) return 'unmarked';
  if (progress.adobeTransform !== undefined) return progress.adobeTransform === 0 ? 'rgb' : 'ybr';
  if (progress.hasJfif) return 'ybr';
  return ids.join() === '82,71,66' ? 'rgb' : 'unmarked';
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return bytes.length >= text.length && [...text].every((char, index) => bytes[index] === char.charCodeAt(0));
}
