import { FrameError } from './errors.ts';
import type { Palette } from './photometric.ts';

/** One of the three palettes of the Palette Color Lookup Table module. PS3.3 C.7.9. */
export interface PaletteChannel {
  /** Number of entries (0 stands for 65536), first stored value mapped, bits of an entry. C.7.6.3.1.5. */
  readonly descriptor: readonly number[];
  /** Lookup Table Data as it lies in the data set. C.7.6.3.1.6. */
  readonly data?: Uint8Array;
  /** Segmented Lookup Table Data, where the other is absent. C.7.9.2. */
  readonly segmentedData?: Uint8Array;
}

/**
 * Resolves a palette for stored values of 8 bits. Values outside it take its first or its last colour.
 *
 * @throws {FrameError} when descriptor or data are missing or damaged
 */
export function resolvePalette(
  channels: Readonly<Record<'red' | 'green' | 'blue', PaletteChannel>>,
  littleEndian: boolean,
): Palette {
  const palette = new Uint8Array(256 * 3);
  for (const [sample, [name, channel]] of Object.entries(channels).entries()) {
    const [announced, firstMapped = 0, bits = 16] = channel.descriptor;
    if (announced === undefined || (bits !== 8 && bits !== 16)) {
      throw damaged(
        `the descriptor of ${name} must hold three values, the last 8 or 16, and holds [${channel.descriptor}]`,
      );
    }
    const count = announced === 0 ? 65536 : announced;
    const entries = entriesOf(channel, name, { count, bits, littleEndian });
    for (let stored = 0; stored < 256; stored += 1) {
      const index = Math.min(Math.max(stored - firstMapped, 0), count - 1);
      palette[stored * 3 + sample] = bits === 16 ? entries[index]! >> 8 : entries[index]!;
    }
  }
  return palette;
}

interface EntryLayout {
  readonly count: number;
  readonly bits: number;
  readonly littleEndian: boolean;
}

function entriesOf(channel: PaletteChannel, name: string, layout: EntryLayout): Uint16Array {
  const { data, segmentedData } = channel;
  if (data === undefined && segmentedData === undefined)
    throw damaged(`${name} has a descriptor and no data`);
  if (data === undefined)
    return expandSegments(wordsOf(segmentedData!, layout.bits, layout), layout.count, name);

  // Entries of 8 bits come two to a word, and from many writers one to a word: the length tells which.
  const isPacked = layout.bits === 8 && data.byteLength < layout.count * 2;
  const entries = wordsOf(data, isPacked ? 8 : 16, layout);
  if (entries.length < layout.count) {
    throw damaged(`${name} must have ${layout.count} entries and has ${entries.length}`);
  }
  return entries;
}

/** Words in the order of the data set; bytes two to a word, the first in the lower half. */
function wordsOf(data: Uint8Array, bits: number, { littleEndian }: EntryLayout): Uint16Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (bits === 16) {
    return Uint16Array.from({ length: data.byteLength >> 1 }, (_, index) =>
      view.getUint16(2 * index, littleEndian),
    );
  }
  return Uint16Array.from(
    { length: data.byteLength },
    (_, index) => data[littleEndian ? index : index ^ 1] ?? 0,
  );
}

const DISCRETE = 0;
const LINEAR = 1;
const INDIRECT = 2;

/** Segments of a curve: values, straight lines, and repeats of segments before. PS3.3 C.7.9.2. */
function expandSegments(words: Uint16Array, count: number, name: string): Uint16Array {
  const entries = new Uint16Array(count);
  let filled = 0;

  /** Expands `limit` segments from a word on; returns where it came to. */
  const expand = (from: number, limit: number, mayRepeat: boolean): number => {
    let at = from;
    for (let segment = 0; segment < limit && at + 1 < words.length && filled < count; segment += 1) {
      const [kind, length] = [words[at]!, words[at + 1]!];
      at += 2;
      if (kind === DISCRETE) {
        for (let index = 0; index < length && filled < count; index += 1)
          entries[filled++] = words[at + index] ?? 0;
        at += length;
      } else if (kind === LINEAR && filled > 0 && at < words.length) {
        const [start, end] = [entries[filled - 1]!, words[at]!];
        at += 1;
        for (let index = 1; index <= length && filled < count; index += 1) {
          entries[filled++] = Math.round(start + ((end - start) * index) / length);
        }
      } else if (kind === INDIRECT && mayRepeat && at + 1 < words.length) {
        expand(words[at]! + words[at + 1]! * 65536, length, false);
        at += 2;
      } else {
        throw damaged(`segment of kind ${kind} at word ${at - 2} of ${name} is not one of C.7.9.2`);
      }
    }
    return at;
  };
  expand(0, words.length, true);

  if (filled < count) throw damaged(`the segments of ${name} must make ${count} entries and make ${filled}`);
  return entries;
}

function damaged(reason: string): FrameError {
  return new FrameError('FRAME_DAMAGED', `Cannot read palette: ${reason}`);
}
