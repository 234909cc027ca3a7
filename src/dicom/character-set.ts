/** Specific Character Set (0008,0005). PS3.3 C.12.1.1.2, PS3.5 6.1. */
import { ValueError } from './errors.ts';
import { decodeIso2022 } from './iso-2022.ts';
import { latin1, singleByteDecoders, singleByteTable } from './single-byte-sets.ts';

export interface CharacterSet {
  /** The defined terms, as in the data set; none for the default repertoire. */
  readonly terms: readonly string[];
  /** Values of one element together, with the backslashes between them. Never throws: U+FFFD for what has no meaning. */
  decode(bytes: Uint8Array): string;
  /** @throws {ValueError} when the set has no bytes for a character of the text */
  encode(text: string): Uint8Array;
}

/** Defined terms without code extensions that need more than one byte a character → label of the Encoding Standard. */
const MULTI_BYTE: Readonly<Record<string, string>> = {
  '192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

const known = new Map<string, CharacterSet>();
/** Data sets choose the terms: what is remembered must not grow with them. */
const KNOWN_MAX = 256;

/**
 * @param terms the values of (0008,0005); misspellings of known terms pass, unknown ones count as ISO_IR 100,
 *   which loses no byte
 */
export function characterSetOf(terms: readonly string[]): CharacterSet {
  const key = terms.join('\\');
  let set = known.get(key);
  if (set === undefined) {
    set = makeCharacterSet(terms);
    if (known.size < KNOWN_MAX) known.set(key, set);
  }
  return set;
}

/** @param value of (0008,0005), as it stands in the data set */
export function characterSetOfValue(value: Uint8Array): CharacterSet {
  return characterSetOf(
    latin1(value)
      .split('\\')
      .map((term) => term.replace(/^ +|[ \0]+$/g, '')),
  );
}

/** ISO_IR 6, in force where a data set says nothing. */
export const DEFAULT_CHARACTER_SET = characterSetOf([]);

function makeCharacterSet(terms: readonly string[]): CharacterSet {
  const registrations = terms.map(registrationOf);
  const [first = '6'] = registrations;
  const hasExtensions = terms.length > 1 || /2022/.test(terms[0] ?? '');
  const multiByte = MULTI_BYTE[first];
  if (multiByte !== undefined) {
    const decoder = new TextDecoder(multiByte);
    return {
      terms,
      decode: (bytes) => asciiOf(bytes) ?? decoder.decode(bytes),
      encode: (text) =>
        multiByte === 'utf-8' ? new TextEncoder().encode(text) : encodeSingleByte(text, '6', terms),
    };
  }
  const decodePlain = singleByteDecoders[first] ?? latin1;
  return {
    terms,
    decode: (bytes) => asciiOf(bytes) ?? (hasExtensions ? decodeIso2022(bytes, first) : decodePlain(bytes)),
    encode: (text) => encodeSingleByte(text, first, terms),
  };
}

/** `ISO_IR 100`, `ISO 2022 IR 100`, and the ways they are misspelt → `100`. */
function registrationOf(term: string): string {
  const trimmed = term.trim().toUpperCase();
  if (trimmed === '') return '6';
  if (trimmed === 'UTF-8' || trimmed === 'UTF8') return '192';
  return /IR[ _-]*(\d+)$/.exec(trimmed)?.[1] ?? trimmed;
}

/** Nearly every value: no byte above 127, no escape sequence. */
function asciiOf(bytes: Uint8Array): string | undefined {
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!;
    if (byte > 0x7f || byte === 0x1b) return undefined;
  }
  return latin1(bytes);
}

/** For messages, which go to logs: a term that is none of the standard's may be any text, a patient's name too. */
function nameOf(terms: readonly string[]): string {
  if (terms.length === 0) return 'ISO_IR 6';
  const isKnown = terms.every((term) =>
    /^(|ISO[ _](2022[ _])?IR[ _-]?\d{1,3}|GB18030|GBK)$/i.test(term.trim()),
  );
  return isKnown ? terms.join('\\') : 'none that the standard knows';
}

function encodeSingleByte(text: string, registration: string, terms: readonly string[]): Uint8Array {
  const table = singleByteTable(registration);
  return Uint8Array.from(text, (character) => {
    const byte = character < '\x80' ? character.charCodeAt(0) : table.get(character);
    if (byte !== undefined) return byte;
    const name = nameOf(terms);
    throw new ValueError(
      `Cannot write a text in character set "${name}": it holds a character that the set, or our encoder for it, lacks`,
      { characterSet: name },
    );
  });
}
