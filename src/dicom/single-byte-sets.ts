/** Character sets of one byte a character, by the number of their ISO registration. PS3.3 Table C.12-2. */

export type Decoder = (bytes: Uint8Array) => string;

/** ISO registration → label of the Encoding Standard. Latin alphabet No. 1 is not its `iso-8859-1`. */
const LABELS: Readonly<Record<string, string>> = {
  '13': 'shift_jis', // Its single bytes are JIS X 0201.
  '101': 'iso-8859-2',
  '109': 'iso-8859-3',
  '110': 'iso-8859-4',
  '126': 'iso-8859-7',
  '127': 'iso-8859-6',
  '138': 'iso-8859-8',
  '144': 'iso-8859-5',
  '148': 'iso-8859-9',
  '166': 'tis-620',
  '203': 'iso-8859-15',
};

/** By registration. Each byte is one character; those without meaning become U+FFFD. */
export const singleByteDecoders: Readonly<Record<string, Decoder>> = {
  // Bytes above 127 have no meaning in the default repertoire; as Latin-1 they are at least not lost.
  '6': latin1,
  '100': latin1,
  ...Object.fromEntries(
    Object.entries(LABELS).map(([registration, label]) => [registration, decoderOf(label)]),
  ),
};

const tables = new Map<string, ReadonlyMap<string, number>>();

/** Character → byte for those above 127; empty for the default repertoire and for sets that are not single-byte. */
export function singleByteTable(registration: string): ReadonlyMap<string, number> {
  let table = tables.get(registration);
  if (table === undefined) {
    const decode = registration === '6' ? undefined : singleByteDecoders[registration];
    table = decode === undefined ? new Map() : invert(decode);
    tables.set(registration, table);
  }
  return table;
}

/** Each byte is the code point of its character. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function decoderOf(label: string): Decoder {
  const decoder = new TextDecoder(label);
  return (bytes) => decoder.decode(bytes);
}

function invert(decode: Decoder): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  for (let byte = 0xa0; byte < 0x100; byte++) {
    const character = decode(Uint8Array.of(byte));
    if (character !== '\ufffd' && !table.has(character)) table.set(character, byte);
  }
  return table;
}
