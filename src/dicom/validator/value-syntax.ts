/** How the values of a VR are written. PS3.5 Table 6.2-1. */
interface ValueSyntax {
  /** Of one value, in characters; of a component group for PN. */
  readonly charactersMax?: number;
  readonly pattern?: RegExp;
  /** What the pattern asks, for people. */
  readonly form?: string;
  /** What no pattern can say. */
  readonly isValid?: (value: string) => boolean;
  /** The backslash separates values. */
  readonly isMultiple: boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the rule is about.
const NO_CONTROLS = /^[^\x00-\x1a\x1c-\x1f\x7f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, but for those that lay out text.
const LAYOUT_CONTROLS = /^[^\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]*$/;
const NO_CONTROLS_FORM = 'no control characters';

export const valueSyntax: Readonly<Record<string, ValueSyntax>> = {
  AE: { charactersMax: 16, pattern: NO_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: true },
  AS: { pattern: /^(\d{3}[DWMY])?$/, form: 'nnnD, nnnW, nnnM or nnnY', isMultiple: true },
  CS: {
    charactersMax: 16,
    pattern: /^[A-Z0-9 _]*$/,
    form: 'capitals, digits, space and underscore',
    isMultiple: true,
  },
  DA: { pattern: /^(\d{8})?$/, form: 'a date YYYYMMDD', isValid: isDate, isMultiple: true },
  DS: {
    charactersMax: 16,
    pattern: /^ *([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)? *$/,
    form: 'a decimal number',
    isMultiple: true,
  },
  DT: {
    charactersMax: 26,
    pattern: /^(\d{4}(\d\d(\d\d(\d\d(\d\d(\d\d(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?)?$/,
    form: 'a time YYYYMMDDHHMMSS.FFFFFF&ZZXX or a beginning of one',
    isValid: isDateTime,
    isMultiple: true,
  },
  IS: {
    charactersMax: 12,
    pattern: /^ *([+-]?\d+)? *$/,
    form: 'an integer of 32 bits',
    isValid: isInt32,
    isMultiple: true,
  },
  LO: { charactersMax: 64, pattern: NO_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: true },
  LT: { charactersMax: 10240, pattern: LAYOUT_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: false },
  PN: {
    pattern: NO_CONTROLS,
    form: 'at most 3 groups of 5 components, 64 characters each group',
    isValid: isName,
    isMultiple: true,
  },
  SH: { charactersMax: 16, pattern: NO_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: true },
  ST: { charactersMax: 1024, pattern: LAYOUT_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: false },
  TM: {
    charactersMax: 16,
    pattern: /^(\d\d(\d\d(\d\d(\.\d{1,6})?)?)?)?$/,
    form: 'a time HHMMSS.FFFFFF or a beginning of one',
    isValid: isTime,
    isMultiple: true,
  },
  UC: { pattern: NO_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: true },
  UI: {
    charactersMax: 64,
    pattern: /^([0-2](\.(0|[1-9]\d*))+)?$/,
    form: 'numbers from 0, 1 or 2 on, without leading zeros, dots between them',
    isMultiple: true,
  },
  UR: { pattern: /^[\x21-\x7e]*$/, form: 'a URI', isMultiple: false },
  UT: { pattern: LAYOUT_CONTROLS, form: NO_CONTROLS_FORM, isMultiple: false },
};

/** Bytes of one value of each binary VR. */
export const binaryWidths: Readonly<Record<string, number>> = {
  AT: 4,
  FL: 4,
  FD: 8,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  OW: 2,
  SL: 4,
  SS: 2,
  SV: 8,
  UL: 4,
  US: 2,
  UV: 8,
};

/** VRs whose text is in the Specific Character Set. PS3.5 6.1.2.2. */
export const characterSetVrs: ReadonlySet<string> = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);

function isDate(value: string): boolean {
  if (value === '') return true;
  const month = Number(value.slice(4, 6));
  const day = Number(value.slice(6, 8));
  return (
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= new Date(Date.UTC(Number(value.slice(0, 4)), month, 0)).getUTCDate()
  );
}

function isTime(value: string): boolean {
  const [hours = '0', minutes = '0', seconds = '0'] = value.match(/\d\d/g) ?? [];
  return Number(hours) <= 23 && Number(minutes) <= 59 && Number(seconds) <= 60; // 60: a leap second.
}

function isDateTime(value: string): boolean {
  const [, date = '', time = '', zone = ''] = /^(\d{0,8})([\d.]*)([+-]\d{4})?$/.exec(value) ?? [];
  const whole = date + '00000101'.slice(date.length);
  return (date === '' || isDate(whole)) && isTime(time) && (zone === '' || Math.abs(Number(zone)) <= 1400);
}

function isInt32(value: string): boolean {
  const number = Number(value);
  return number >= -(2 ** 31) && number < 2 ** 31;
}

function isName(value: string): boolean {
  const groups = value.split('=');
  return (
    groups.length <= 3 && groups.every((group) => [...group].length <= 64 && group.split('^').length <= 5)
  );
}
