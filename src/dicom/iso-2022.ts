/** Code extensions: escape sequences choose which set the lower and the upper half of the bytes mean. PS3.5 6.1.2.5. */
import { type Decoder, latin1, singleByteDecoders } from './single-byte-sets.ts';

/** A set that an escape sequence puts in place. */
interface Charset {
  readonly half: 'lower' | 'upper';
  readonly bytesPerCharacter: 1 | 2;
  readonly decode: Decoder;
}

const ESCAPE = 0x1b;
/** Horizontal tab, line feed, form feed, carriage return: like the delimiters, they bring back the first sets. */
const CONTROLS = [0x09, 0x0a, 0x0c, 0x0d];
/** Backslash, caret, equals. The latter two delimit in PN only, but nothing in the lower half changes by a reset. */
const DELIMITERS = [0x5c, 0x5e, 0x3d];

const eucJp = new TextDecoder('euc-jp');
const eucKr = new TextDecoder('euc-kr');
const gbk = new TextDecoder('gbk');

const ascii: Charset = { half: 'lower', bytesPerCharacter: 1, decode: latin1 };

/** What follows the escape byte → the set. PS3.3 Tables C.12-3 and C.12-4. */
const designations: Readonly<Record<string, Charset>> = {
  '(B': ascii,
  '(J': ascii, // JIS X 0201 romaji: a yen sign and an overline in two places of ASCII.
  ')I': upper('13'),
  '-A': upper('100'),
  '-B': upper('101'),
  '-C': upper('109'),
  '-D': upper('110'),
  '-F': upper('126'),
  '-G': upper('127'),
  '-H': upper('138'),
  '-L': upper('144'),
  '-M': upper('148'),
  '-T': upper('166'),
  '-b': upper('203'),
  $B: { half: 'lower', bytesPerCharacter: 2, decode: (bytes) => eucJp.decode(raised(bytes)) },
  '$@': { half: 'lower', bytesPerCharacter: 2, decode: (bytes) => eucJp.decode(raised(bytes)) },
  '$(D': { half: 'lower', bytesPerCharacter: 2, decode: (bytes) => eucJp.decode(asJisX0212(bytes)) },
  '$)C': { half: 'upper', bytesPerCharacter: 2, decode: (bytes) => eucKr.decode(bytes) },
  '$)A': { half: 'upper', bytesPerCharacter: 2, decode: (bytes) => gbk.decode(bytes) },
};

/** Sets that writers name first although they need an escape sequence, and then use without one. */
const FIRST_SETS: Readonly<Record<string, Charset>> = {
  '149': designations['$)C']!,
  '58': designations['$)A']!,
};

/**
 * @param first ISO registration of the first value of (0008,0005): in force at the start and after each delimiter
 * @returns the text; escape sequences that we do not know are left out
 */
export function decodeIso2022(bytes: Uint8Array, first: string): string {
  const firstUpper = FIRST_SETS[first] ?? upper(first);
  let lower = ascii;
  let upperHalf = firstUpper;
  let text = '';
  let position = 0;
  while (position < bytes.length) {
    const byte = bytes[position]!;
    if (byte === ESCAPE) {
      const sequence = designationAt(bytes, position + 1);
      const charset = designations[sequence];
      if (charset?.half === 'lower') lower = charset;
      else if (charset !== undefined) upperHalf = charset;
      position += 1 + sequence.length;
      continue;
    }
    const charset = byte > 0x7f ? upperHalf : lower;
    if (CONTROLS.includes(byte) || (lower === ascii && DELIMITERS.includes(byte))) {
      lower = ascii;
      upperHalf = firstUpper;
    }
    const end = endOfRun(bytes, position, charset);
    const run = bytes.subarray(position, end);
    text += byte <= 0x20 ? latin1(run) : charset.decode(run); // A space may stand within characters of two bytes.
    position = end;
  }
  return text;
}

/** Intermediate bytes 2/0 to 2/15 and one final byte. ISO/IEC 2022 13.2. */
function designationAt(bytes: Uint8Array, start: number): string {
  let end = start;
  while (end < bytes.length && bytes[end]! >= 0x20 && bytes[end]! <= 0x2f) end += 1;
  return latin1(bytes.subarray(start, end + 1));
}

/**
 * The next bytes that mean something in one set: of the same half, and no escape, control or delimiter among them.
 * At least one; a last byte that lacks its second counts.
 */
function endOfRun(bytes: Uint8Array, start: number, charset: Charset): number {
  const first = bytes[start]!;
  if (first <= 0x20 || (charset === ascii && DELIMITERS.includes(first))) return start + 1;
  let end = start + charset.bytesPerCharacter;
  while (end < bytes.length) {
    const byte = bytes[end]!;
    if (byte <= 0x20 || byte > 0x7f !== first > 0x7f) break;
    if (charset === ascii && DELIMITERS.includes(byte)) break;
    end += charset.bytesPerCharacter;
  }
  return Math.min(end, bytes.length);
}

function upper(registration: string): Charset {
  return { half: 'upper', bytesPerCharacter: 1, decode: singleByteDecoders[registration] ?? latin1 };
}

/** Sets of the lower half are those of EUC without the top bits. */
function raised(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte | 0x80);
}

/** EUC-JP marks each character of JIS X 0212. */
function asJisX0212(bytes: Uint8Array): Uint8Array {
  const marked = new Uint8Array(Math.ceil(bytes.length / 2) * 3);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    if (index % 2 === 0) marked[length++] = 0x8f;
    marked[length++] = bytes[index]! | 0x80;
  }
  return marked.subarray(0, length);
}
