import type { CodestreamColor, CodestreamHeader } from './codestream-header.ts';

const MARKER = { siz: 0xff51, cod: 0xff52, cap: 0xff50, sot: 0xff90 };

/**
 * Reads the main header of a JPEG 2000 codestream: SIZ, CAP and COD. ITU-T T.800 Annex A, T.814.
 *
 * @param head the first bytes of a frame, from SOC
 * @returns undefined when no tile-part starts within `head`, or it is not such a codestream
 */
export function readJpeg2000Header(head: Uint8Array): CodestreamHeader | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let size: { rows: number; columns: number; components: number; precision: number } | undefined;
  let coding: { transformsComponents: boolean; isReversible: boolean } | undefined;
  let isHighThroughput = false;
  for (let at = 2; at + 4 <= head.length; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    const lengthBytes = view.getUint16(at + 2);
    const body = at + 4;
    if (marker === MARKER.sot) break;
    if (marker < 0xff00 || lengthBytes < 2 || at + 2 + lengthBytes > head.length) return undefined;
    if (marker === MARKER.cap) isHighThroughput = true;
    if (marker === MARKER.siz && lengthBytes >= 41) size = readSize(view, body, lengthBytes);
    if (marker === MARKER.cod && lengthBytes >= 12) {
      coding = {
        transformsComponents: view.getUint8(body + 4) === 1,
        isReversible: view.getUint8(body + 9) === 1,
      };
    }
  }
  if (size === undefined || coding === undefined) return undefined;
  const name = isHighThroughput ? 'htj2k' : 'jpeg2000';
  return {
    ...size,
    process: coding.isReversible ? `${name}-lossless` : name,
    color: colorOf(coding, size.components),
  };
}

function readSize(view: DataView, body: number, lengthBytes: number) {
  const components = Math.min(view.getUint16(body + 34), (lengthBytes - 38) / 3);
  let precision = 0;
  for (let index = 0; index < components; index++) {
    precision = Math.max(precision, (view.getUint8(body + 36 + index * 3) & 0x7f) + 1); // Bit 7: signed.
  }
  return {
    columns: view.getUint32(body + 2) - view.getUint32(body + 10),
    rows: view.getUint32(body + 6) - view.getUint32(body + 14),
    components,
    precision,
  };
}

function colorOf(
  coding: { transformsComponents: boolean; isReversible: boolean },
  components: number,
): CodestreamColor {
  if (components !== 3) return 'unmarked';
  if (!coding.transformsComponents) return 'rgb';
  return coding.isReversible ? 'rct' : 'ict';
}
