/** Bytes of one value of each field type. TIFF 6.0 page 15; 13 of TIFF Technical Note 1; 16–18 of BigTIFF. */
export const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1, // BYTE
  2: 1, // ASCII
  3: 2, // SHORT
  4: 4, // LONG
  5: 8, // RATIONAL
  6: 1, // SBYTE
  7: 1, // UNDEFINED
  8: 2, // SSHORT
  9: 4, // SLONG
  10: 8, // SRATIONAL
  11: 4, // FLOAT
  12: 8, // DOUBLE
  13: 4, // IFD
  16: 8, // LONG8
  17: 8, // SLONG8
  18: 8, // IFD8
};

type ReadValue = (view: DataView, at: number, littleEndian: boolean) => number;

const READ_VALUE: Readonly<Record<number, ReadValue>> = {
  1: (view, at) => view.getUint8(at),
  3: (view, at, littleEndian) => view.getUint16(at, littleEndian),
  4: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  5: (view, at, littleEndian) => view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian),
  6: (view, at) => view.getInt8(at),
  7: (view, at) => view.getUint8(at),
  8: (view, at, littleEndian) => view.getInt16(at, littleEndian),
  9: (view, at, littleEndian) => view.getInt32(at, littleEndian),
  10: (view, at, littleEndian) => view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian),
  11: (view, at, littleEndian) => view.getFloat32(at, littleEndian),
  12: (view, at, littleEndian) => view.getFloat64(at, littleEndian),
  13: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  16: (view, at, littleEndian) => Number(view.getBigUint64(at, littleEndian)),
  17: (view, at, littleEndian) => Number(view.getBigInt64(at, littleEndian)),
  18: (view, at, littleEndian) => Number(view.getBigUint64(at, littleEndian)),
};

/** Types of whole numbers that may be larger than a number holds exactly. */
const LONG_TYPES = [16, 17, 18];

/** Values of a field; undefined when its type is not numeric or a whole number is beyond 2^53. */
export function decodeNumbers(
  bytes: Uint8Array,
  type: number,
  littleEndian: boolean,
): readonly number[] | undefined {
  const read = READ_VALUE[type];
  const size = TYPE_BYTES[type];
  if (read === undefined || size === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, index) =>
    read(view, index * size, littleEndian),
  );
  const isExact = !LONG_TYPES.includes(type) || values.every(Number.isSafeInteger);
  return isExact ? values : undefined;
}
