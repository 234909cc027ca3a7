/** Value representations. PS3.5 6.2. */

/** How a value is written. */
export type VrForm =
  | 'text' // Characters, padded with spaces, or NUL for UI.
  | 'number' // Binary numbers of `widthBytes`.
  | 'tag' // Pairs of 16-bit numbers.
  | 'bytes' // A run of bytes or words, never split into values.
  | 'items'; // A sequence.

export interface VrFacts {
  readonly form: VrForm;
  /** Explicit VR: two reserved bytes and a 32-bit length follow the VR. PS3.5 7.1.2. */
  readonly longHeader: boolean;
  /** What makes an odd length even. */
  readonly padding: number;
  /** Size of a number or word; what byte order acts on. 1 where byte order does not matter. */
  readonly widthBytes: number;
  /** A backslash separates values. */
  readonly multiple: boolean;
  /** Specific Character Set (0008,0005) applies. PS3.5 6.1.2.2. */
  readonly characterSet: boolean;
  /** Spaces in front mean nothing either. */
  readonly leadingSpaces: 'kept' | 'padding';
}

const SPACE = 0x20;
const NUL = 0;

function text(
  facts: Partial<Pick<VrFacts, 'longHeader' | 'padding' | 'multiple' | 'characterSet' | 'leadingSpaces'>>,
): VrFacts {
  return {
    form: 'text',
    longHeader: false,
    padding: SPACE,
    widthBytes: 1,
    multiple: true,
    characterSet: false,
    leadingSpaces: 'kept',
    ...facts,
  };
}

function binary(form: VrForm, widthBytes: number, longHeader: boolean): VrFacts {
  return {
    form,
    longHeader,
    padding: NUL,
    widthBytes,
    multiple: form === 'number' || form === 'tag',
    characterSet: false,
    leadingSpaces: 'kept',
  };
}

/** PS3.5 Table 6.2-1 and 7.1.2. */
export const vrTable = {
  AE: text({ leadingSpaces: 'padding' }),
  AS: text({}),
  AT: binary('tag', 2, false),
  CS: text({ leadingSpaces: 'padding' }),
  DA: text({}),
  DS: text({ leadingSpaces: 'padding' }),
  DT: text({}),
  FD: binary('number', 8, false),
  FL: binary('number', 4, false),
  IS: text({ leadingSpaces: 'padding' }),
  LO: text({ characterSet: true, leadingSpaces: 'padding' }),
  LT: text({ characterSet: true, multiple: false }),
  OB: binary('bytes', 1, true),
  OD: binary('bytes', 8, true),
  OF: binary('bytes', 4, true),
  OL: binary('bytes', 4, true),
  OV: binary('bytes', 8, true),
  OW: binary('bytes', 2, true),
  PN: text({ characterSet: true }),
  SH: text({ characterSet: true, leadingSpaces: 'padding' }),
  SL: binary('number', 4, false),
  SQ: binary('items', 1, true),
  SS: binary('number', 2, false),
  ST: text({ characterSet: true, multiple: false }),
  SV: binary('number', 8, true),
  TM: text({}),
  UC: text({ longHeader: true, characterSet: true }),
  UI: text({ padding: NUL }),
  UL: binary('number', 4, false),
  UN: binary('bytes', 1, true),
  UR: text({ longHeader: true, multiple: false }),
  US: binary('number', 2, false),
  UT: text({ longHeader: true, characterSet: true, multiple: false }),
  UV: binary('number', 8, true),
} as const satisfies Record<string, VrFacts>;

export type Vr = keyof typeof vrTable;

/** What PS3.6 leaves to other attributes of the data set: PS3.5 Annex A, PS3.3 C.7.6.3. */
export type ContextVr = 'US or SS' | 'OB or OW' | 'US or OW';

export function isVr(text: string): text is Vr {
  return Object.hasOwn(vrTable, text);
}

/** The facts of a VR, widened, so that callers need not narrow. */
export function vrFacts(vr: Vr): VrFacts {
  return vrTable[vr];
}

/** [first letter, second letter] as one number → VR, so that readers compare no strings. */
const vrByCode: readonly (Vr | undefined)[] = (() => {
  const table: (Vr | undefined)[] = new Array(0x10000).fill(undefined);
  for (const vr of Object.keys(vrTable) as Vr[]) table[codeOfVr(vr)] = vr;
  return table;
})();

/** The two letters as they stand in the file: the first one in the high byte. */
export function codeOfVr(vr: Vr): number {
  return (vr.charCodeAt(0) << 8) | vr.charCodeAt(1);
}

/** @param code two bytes of an explicit VR header, the first one in the high byte */
export function vrOfCode(code: number): Vr | undefined {
  return vrByCode[code];
}
