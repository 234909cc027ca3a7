import { FrameError } from './errors.ts';

/** What stands in front of the first scan of a JPEG stream. ISO 10918-1 Annex B. */
export interface JpegHeader {
  /** 0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3 lossless …; absent in a stream of tables only. */
  readonly process?: number;
  readonly precisionBits: number;
  readonly rows: number;
  readonly columns: number;
  readonly components: readonly {
    readonly id: number;
    readonly horizontal: number;
    readonly vertical: number;
  }[];
  readonly hasJfif: boolean;
  /** Transform of Adobe's APP14: 0 none (RGB), 1 YCbCr, 2 YCCK. */
  readonly adobeTransform?: number;
  /** Where the segments in front of the scan end. */
  readonly headerBytes: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP14 = 0xee;

/**
 * Reads marker segments up to the first scan, or up to the end of a stream of tables.
 *
 * @throws {FrameError} when the segments are damaged, or end before a scan begins
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== 0xff || bytes[1] !== SOI) {
    throw damaged(`it must start with FFD8 and starts with ${hex(bytes.subarray(0, 2))}`, 0);
  }
  let frame: Pick<JpegHeader, 'process' | 'precisionBits' | 'rows' | 'columns' | 'components'> = {
    precisionBits: 0,
    rows: 0,
    columns: 0,
    components: [],
  };
  let hasJfif = false;
  let adobeTransform: number | undefined;

  for (let at = 2; ; ) {
    if (at + 2 > bytes.byteLength) throw damaged('it ends before its first scan', at);
    if (bytes[at] !== 0xff)
      throw damaged(`a marker must start with FF and ${hex(bytes.subarray(at, at + 1))} is there`, at);
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1; // Fill bytes may stand before any marker (B.1.1.2).
      continue;
    }
    if (marker === SOS || marker === EOI) {
      return {
        ...frame,
        hasJfif,
        ...(adobeTransform === undefined ? {} : { adobeTransform }),
        headerBytes: at,
      };
    }
    const length = at + 4 <= bytes.byteLength ? view.getUint16(at + 2) : 0;
    if (length < 2 || at + 2 + length > bytes.byteLength) {
      throw damaged(`segment ${hex(bytes.subarray(at, at + 2))} must end within the frame`, at);
    }
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (isStartOfFrame(marker)) frame = { process: marker, ...readFrameHeader(body, at) };
    else if (marker === APP0 && startsWith(body, 'JFIF')) hasJfif = true;
    else if (marker === APP14 && startsWith(body, 'Adobe') && body.byteLength >= 12)
      adobeTransform = body[11]!;
    at += 2 + length;
  }
}

/** C4 (tables), C8 (reserved) and CC (conditioning) are no frames. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrameHeader(
  body: Uint8Array,
  at: number,
): Omit<JpegHeader, 'process' | 'hasJfif' | 'headerBytes'> {
  const count = body[5] ?? 0;
  if (body.byteLength < 6 + 3 * count) throw damaged('its frame header is too short', at);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    precisionBits: body[0]!,
    rows: view.getUint16(1),
    columns: view.getUint16(3),
    components: Array.from({ length: count }, (_, index) => ({
      id: body[6 + 3 * index]!,
      horizontal: body[7 + 3 * index]! >> 4,
      vertical: body[7 + 3 * index]! & 15,
    })),
  };
}

/**
 * Whether decoders take three components for RGB. They go by JFIF, by Adobe's marker and by the component
 * numbers; DICOM's Photometric Interpretation they do not see.
 */
export function isMarkedRgb(header: JpegHeader): boolean {
  if (header.hasJfif) return false;
  if (header.adobeTransform !== undefined) return header.adobeTransform === 0;
  return header.components.map(({ id }) => String.fromCharCode(id)).join('') === 'RGB';
}

/** Adobe's APP14 with transform 0: the components are RGB, whatever their numbers. */
const RGB_MARKER = Uint8Array.of(
  ...[0xff, APP14, 0, 14],
  ...Array.from('Adobe', (letter) => letter.charCodeAt(0)),
  ...[0, 100, 0, 0, 0, 0, 0],
);

/** The stream in two parts, with the marker between, after SOI. */
export function markRgb(stream: Uint8Array): readonly Uint8Array[] {
  return [stream.subarray(0, 2), RGB_MARKER, stream.subarray(2)];
}

/**
 * Makes a stream of its own from a tile that shares its tables with others, as TIFF keeps them
 * (TIFF Technical Note 2): the segments of the tables go in after SOI.
 *
 * @param tables stream of tables only, SOI … EOI; absent when the tile has its own
 * @param isRgb the components are RGB: marked so, when the tile does not say it itself
 */
export function completeJpegTile(
  tile: Uint8Array,
  tables: Uint8Array | undefined,
  isRgb: boolean,
): readonly Uint8Array[] {
  const header = readJpegHeader(tile);
  const marker = isRgb && !isMarkedRgb(header) ? [RGB_MARKER] : [];
  const segments = tables ? [tables.subarray(2, readJpegHeader(tables).headerBytes)] : [];
  return [tile.subarray(0, 2), ...marker, ...segments, tile.subarray(2)];
}

function damaged(reason: string, at: number): FrameError {
  return new FrameError('FRAME_DAMAGED', `Cannot read JPEG stream: ${reason}, at byte ${at}`, { at });
}

function startsWith(body: Uint8Array, letters: string): boolean {
  return Array.from(letters).every((letter, index) => body[index] === letter.charCodeAt(0));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('') || 'nothing';
}
