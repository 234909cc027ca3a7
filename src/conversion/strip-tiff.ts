/** Type numbers of TIFF and BigTIFF. */
const SHORT = 3;
const LONG8 = 16;

const HEADER_BYTES = 16;
const ENTRY_BYTES = 20;
/** Strips of about this length: libtiff reads a strip at once, so they bound its memory. */
const STRIP_BYTES = 1 << 18;

/**
 * What stands in front of 8-bit pixels to make them a file that libvips reads in one pass: a BigTIFF
 * directory whose strips are simply the rows that follow. The pixels begin where the returned bytes end.
 *
 * @param image one sample is brightness, three are red, green and blue, together for each pixel
 */
export function stripTiffHeader(image: {
  readonly columns: number;
  readonly rows: number;
  readonly samplesPerPixel: 1 | 3;
}): Uint8Array {
  const { columns, rows, samplesPerPixel } = image;
  const rowBytes = columns * samplesPerPixel;
  const rowsPerStrip = Math.min(rows, Math.max(1, Math.floor(STRIP_BYTES / rowBytes)));
  const strips = Math.ceil(rows / rowsPerStrip);

  const entryCount = 10;
  const listsAt = HEADER_BYTES + 8 + entryCount * ENTRY_BYTES + 8;
  const listBytes = strips === 1 ? 0 : strips * 8;
  const pixelsAt = Math.ceil((listsAt + 2 * listBytes) / 16) * 16;
  const stripOffset = (strip: number) => pixelsAt + strip * rowsPerStrip * rowBytes;
  const stripBytes = (strip: number) => Math.min(rowsPerStrip, rows - strip * rowsPerStrip) * rowBytes;

  const view = new DataView(new ArrayBuffer(pixelsAt));
  view.setUint32(0, 0x002b4949, true); // "II", 43.
  view.setUint16(4, 8, true); // Bytes of an offset.
  view.setBigUint64(8, BigInt(HEADER_BYTES), true);
  view.setBigUint64(HEADER_BYTES, BigInt(entryCount), true);

  let at = HEADER_BYTES + 8;
  const entry = (tag: number, type: number, values: readonly number[]) => {
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setBigUint64(at + 4, BigInt(values.length), true);
    for (const [index, value] of values.entries()) {
      if (type === SHORT) view.setUint16(at + 12 + 2 * index, value, true);
      else view.setBigUint64(at + 12, BigInt(value), true);
    }
    at += ENTRY_BYTES;
  };
  const list = (tag: number, listAt: number, valueAt: (strip: number) => number) => {
    if (strips === 1) return entry(tag, LONG8, [valueAt(0)]);
    entry(tag, LONG8, [listAt]);
    view.setBigUint64(at - ENTRY_BYTES + 4, BigInt(strips), true);
    for (let strip = 0; strip < strips; strip += 1) {
      view.setBigUint64(listAt + 8 * strip, BigInt(valueAt(strip)), true);
    }
  };

  entry(256, LONG8, [columns]);
  entry(257, LONG8, [rows]);
  entry(
    258,
    SHORT,
    Array.from({ length: samplesPerPixel }, () => 8),
  ); // Bits per sample.
  entry(259, SHORT, [1]); // No compression.
  entry(262, SHORT, [samplesPerPixel === 3 ? 2 : 1]); // RGB, or black is zero.
  list(273, listsAt, stripOffset);
  entry(277, SHORT, [samplesPerPixel]);
  entry(278, LONG8, [rowsPerStrip]);
  list(279, listsAt + listBytes, stripBytes);
  entry(284, SHORT, [1]); // Samples of a pixel together.
  return new Uint8Array(view.buffer);
}
