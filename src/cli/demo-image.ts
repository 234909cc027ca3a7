/**
 * An image that looks like stained tissue, drawn from a seed: no patient, no file, the same every time.
 */

type Colour = readonly [red: number, green: number, blue: number];

const GLASS: Colour = [243, 241, 244];
const STROMA: Colour = [226, 158, 190];
const CYTOPLASM: Colour = [201, 124, 172];
const NUCLEUS: Colour = [84, 52, 128];

/** Small, fast and repeatable; statistical quality does not matter here (mulberry32's recurrence). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Smooth noise in 0..1: random values on a lattice of `cell` pixels, interpolated between. */
function noiseField(columns: number, rows: number, cell: number, random: () => number) {
  const across = Math.ceil(columns / cell) + 2;
  const lattice = Float32Array.from({ length: across * (Math.ceil(rows / cell) + 2) }, random);
  return (x: number, y: number): number => {
    const column = Math.floor(x / cell);
    const row = Math.floor(y / cell);
    const right = x / cell - column;
    const down = y / cell - row;
    const at = row * across + column;
    const top = lattice[at]! * (1 - right) + lattice[at + 1]! * right;
    const bottom = lattice[at + across]! * (1 - right) + lattice[at + across + 1]! * right;
    return top * (1 - down) + bottom * down;
  };
}

/**
 * Draws a section of tissue on glass.
 *
 * @returns `rows * columns * 3` bytes, row-major, interleaved RGB
 */
export function drawTissue(size: { rows: number; columns: number }, seed = 1): Uint8Array {
  const { rows, columns } = size;
  const random = randomFrom(seed);
  const outline = noiseField(columns, rows, 700, random);
  const glands = noiseField(columns, rows, 130, random);
  const fibres = noiseField(columns, rows, 9, random);
  const pixels = new Uint8Array(rows * columns * 3);

  for (let y = 0; y < rows; y += 1) {
    const fromMiddleY = (2 * y) / rows - 1;
    for (let x = 0; x < columns; x += 1) {
      const fromMiddleX = (2 * x) / columns - 1;
      const onTissue = 1.05 - fromMiddleX ** 2 - fromMiddleY ** 2 + 0.7 * (outline(x, y) - 0.5) > 0.35;
      const grain = fibres(x, y);
      const [from, to, share] = onTissue
        ? ([STROMA, CYTOPLASM, Math.min(1, Math.max(0, 3 * glands(x, y) - 1 + 0.4 * (grain - 0.5)))] as const)
        : ([GLASS, GLASS, 0] as const);
      const shade = onTissue ? 24 * (grain - 0.5) : 4 * (grain - 0.5);
      const at = (y * columns + x) * 3;
      for (let sample = 0; sample < 3; sample += 1) {
        const value = from[sample]! * (1 - share) + to[sample]! * share + shade;
        pixels[at + sample] = Math.max(0, Math.min(255, value));
      }
    }
  }
  stampNuclei(pixels, size, random);
  return pixels;
}

/** Nuclei: dark ellipses, dense where the tissue is, absent on glass. */
function stampNuclei(
  pixels: Uint8Array,
  size: { rows: number; columns: number },
  random: () => number,
): void {
  const { rows, columns } = size;
  const count = Math.floor((rows * columns) / 900);
  for (let index = 0; index < count; index += 1) {
    const centreX = Math.floor(random() * columns);
    const centreY = Math.floor(random() * rows);
    const radiusX = 3 + random() * 5;
    const radiusY = 3 + random() * 5;
    const depth = 0.6 + random() * 0.35;
    if (pixels[(centreY * columns + centreX) * 3 + 1]! > 200) continue; // Glass.
    for (let y = Math.max(0, centreY - 8); y < Math.min(rows, centreY + 9); y += 1) {
      for (let x = Math.max(0, centreX - 8); x < Math.min(columns, centreX + 9); x += 1) {
        const inside = 1 - ((x - centreX) / radiusX) ** 2 - ((y - centreY) / radiusY) ** 2;
        if (inside <= 0) continue;
        const share = depth * Math.min(1, inside * 2);
        const at = (y * columns + x) * 3;
        for (let sample = 0; sample < 3; sample += 1) {
          pixels[at + sample] = pixels[at + sample]! * (1 - share) + NUCLEUS[sample]! * share;
        }
      }
    }
  }
}
