/** Colour spaces to the two that libvips is given: one sample of brightness, or red, green and blue. */

/** Maps pieces of pixels; the piece returned is overwritten by the next. */
export type PixelMap = (piece: Uint8Array) => Uint8Array;

/** A palette, resolved: red, green and blue of every stored value from 0 to 255. */
export type Palette = Uint8Array;

/** Photometric Interpretations that {@link pixelMapOf} takes, and the samples per pixel each must have. */
export const mappedSamplesPerPixel = {
  MONOCHROME1: 1,
  MONOCHROME2: 1,
  'PALETTE COLOR': 1,
  RGB: 3,
  YBR_FULL: 3,
  YBR_FULL_422: 3,
} as const satisfies Record<string, 1 | 3>;

export type MappedPhotometric = keyof typeof mappedSamplesPerPixel;

/**
 * The way from a Photometric Interpretation to MONOCHROME2 or RGB, for 8 bits.
 *
 * @param palette for PALETTE COLOR
 */
export function pixelMapOf(photometricInterpretation: MappedPhotometric, palette?: Palette): PixelMap {
  switch (photometricInterpretation) {
    case 'MONOCHROME2':
    case 'RGB':
      return (piece) => piece;
    case 'MONOCHROME1':
      return invert;
    case 'PALETTE COLOR':
      return expandPalette(palette ?? new Uint8Array(768));
    case 'YBR_FULL':
      return fullToRgb();
    case 'YBR_FULL_422':
      return full422ToRgb();
    default:
      return photometricInterpretation satisfies never;
  }
}

function invert(piece: Uint8Array): Uint8Array {
  for (let at = 0; at < piece.byteLength; at += 1) piece[at] = 255 - piece[at]!;
  return piece;
}

function expandPalette(palette: Palette): PixelMap {
  let into = new Uint8Array(0);
  return (piece) => {
    if (into.byteLength < piece.byteLength * 3) into = new Uint8Array(piece.byteLength * 3);
    for (let at = 0, to = 0; at < piece.byteLength; at += 1, to += 3) {
      const entry = piece[at]! * 3;
      into[to] = palette[entry]!;
      into[to + 1] = palette[entry + 1]!;
      into[to + 2] = palette[entry + 2]!;
    }
    return into.subarray(0, piece.byteLength * 3);
  };
}

/** What each chrominance adds, by its stored value. PS3.3 C.7.6.3.1.2, solved for red, green and blue. */
const CHROMINANCE = (() => {
  const table = (factor: number) => Float32Array.from({ length: 256 }, (_, value) => factor * (value - 128));
  return {
    redOfCr: table(1.402),
    greenOfCr: table(-0.714136),
    greenOfCb: table(-0.344136),
    blueOfCb: table(1.772),
  };
})();

function writeRgb(luminance: number, cb: number, cr: number, into: Uint8ClampedArray, to: number): void {
  into[to] = luminance + CHROMINANCE.redOfCr[cr]!;
  into[to + 1] = luminance + CHROMINANCE.greenOfCb[cb]! + CHROMINANCE.greenOfCr[cr]!;
  into[to + 2] = luminance + CHROMINANCE.blueOfCb[cb]!;
}

function fullToRgb(): PixelMap {
  return (piece) => {
    const into = new Uint8ClampedArray(piece.buffer, piece.byteOffset, piece.byteLength); // In place.
    for (let at = 0; at < piece.byteLength; at += 3) {
      writeRgb(piece[at]!, piece[at + 1]!, piece[at + 2]!, into, at);
    }
    return piece;
  };
}

/** Two luminances, then the chrominance that both pixels share. PS3.3 C.7.6.3.1.2. */
function full422ToRgb(): PixelMap {
  let into = new Uint8ClampedArray(0);
  return (piece) => {
    const lengthBytes = (piece.byteLength / 4) * 6;
    if (into.byteLength < lengthBytes) into = new Uint8ClampedArray(lengthBytes);
    for (let at = 0, to = 0; at < piece.byteLength; at += 4, to += 6) {
      writeRgb(piece[at]!, piece[at + 2]!, piece[at + 3]!, into, to);
      writeRgb(piece[at + 1]!, piece[at + 2]!, piece[at + 3]!, into, to + 3);
    }
    return new Uint8Array(into.buffer, 0, lengthBytes);
  };
}
