import { isUid } from '../dicom/uid.ts';
import type { AttributeName } from './attributes.ts';

/** What a value of each VR looks like, and how to say so. PS3.5 6.2. */
const FORMS: Readonly<Record<string, readonly [fits: (text: string) => boolean, says: string]>> = {
  AE: [(text) => /^[\x20-\x5b\x5d-\x7e]{1,16}$/.test(text), 'an AE title of 1 to 16 characters'],
  AS: [(text) => /^\d{3}[DWMY]$/.test(text), 'an age such as 045Y'],
  CS: [
    (text) => /^[A-Z0-9 _]{1,16}$/.test(text),
    'a code of 1 to 16 capitals, digits, spaces and underscores',
  ],
  DA: [(text) => /^\d{8}$/.test(text), 'a date such as 20260131'],
  DS: [
    (text) => /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) && text.length <= 16,
    'a number of at most 16 characters',
  ],
  DT: [
    (text) => /^\d{4}(\d{2}){0,5}(\.\d{1,6})?([-+]\d{4})?$/.test(text),
    'a date and time such as 20260131173059',
  ],
  FD: [isNumber, 'a number'],
  FL: [isNumber, 'a number'],
  IS: [isInteger(-(2n ** 31n), 2n ** 31n - 1n), 'a whole number'],
  LO: [upTo(64), 'a text of at most 64 characters'],
  LT: [upTo(10240), 'a text of at most 10240 characters'],
  PN: [
    (text) => text.split('=').length <= 3 && text.split('=').every(upTo(64)),
    'a name such as Doe^Jane, of at most 64 characters',
  ],
  SH: [upTo(16), 'a text of at most 16 characters'],
  SL: [isInteger(-(2n ** 31n), 2n ** 31n - 1n), 'a whole number of 32 bits'],
  SS: [isInteger(-(2n ** 15n), 2n ** 15n - 1n), 'a whole number from -32768 to 32767'],
  ST: [upTo(1024), 'a text of at most 1024 characters'],
  SV: [isInteger(-(2n ** 63n), 2n ** 63n - 1n), 'a whole number of 64 bits'],
  TM: [(text) => /^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/.test(text), 'a time such as 173059'],
  UC: [upTo(65536), 'a text'],
  UI: [isUid, 'a UID: numbers and dots, at most 64 characters'],
  UL: [isInteger(0n, 2n ** 32n - 1n), 'a whole number from 0 to 4294967295'],
  UR: [upTo(65536), 'an address'],
  US: [isInteger(0n, 2n ** 16n - 1n), 'a whole number from 0 to 65535'],
  'US or SS': [isInteger(-(2n ** 15n), 2n ** 16n - 1n), 'a whole number of 16 bits'],
  UT: [upTo(65536), 'a text'],
  UV: [isInteger(0n, 2n ** 64n - 1n), 'a whole number of 64 bits, from 0'],
};

/** VRs of one value, in which a backslash is a letter like others. */
const SINGLE = ['LT', 'ST', 'UR', 'UT'];

/** Why this text cannot be a value of the attribute, or undefined. */
export function valueProblem({ name, vr }: AttributeName, text: string): string | undefined {
  const [form, says] = FORMS[vr] ?? [];
  if (vr === 'SQ') return `${name} is a sequence: name an attribute in one of its items`;
  if (form === undefined || says === undefined)
    return `${name} holds bytes (${vr}), which a rule cannot write`;
  if (!SINGLE.includes(vr) && text.includes('\\')) {
    return `${name}: a backslash separates values; write a list instead: [${text.split('\\').join(', ')}]`;
  }
  return form(text) ? undefined : `${name} (${vr}) must be ${says}, not "${text.slice(0, 80)}"`;
}

/** VRs that hold numbers in binary: text that is no number cannot even be encoded. */
const BINARY_NUMBERS = ['FD', 'FL', 'SL', 'SS', 'SV', 'UL', 'US', 'UV', 'US or SS'];

/** VRs that a test can give, whatever the text: what arrives is not always as the standard has it. */
const TEXTS = ['UN', ...Object.keys(FORMS).filter((vr) => !BINARY_NUMBERS.includes(vr))];

/** Why a test cannot give the attribute this text, or undefined. */
export function givenProblem(attribute: AttributeName, text: string): string | undefined {
  return TEXTS.includes(attribute.vr) ? undefined : valueProblem(attribute, text);
}

/** Why the attribute cannot have so many values, or undefined. None is always allowed. @see PS3.5 6.4 */
export function countProblem({ name, vm }: AttributeName, count: number): string | undefined {
  const [, least = '1', most = least] = /^(\d+)(?:-(\d*n|\d+))?$/.exec(vm) ?? [];
  const max = most.endsWith('n') ? Number.POSITIVE_INFINITY : Number(most);
  if (count === 0 || (count >= Number(least) && count <= max)) return undefined;
  return `${name} takes ${vm} ${vm === '1' ? 'value' : 'values'}, not ${count}`;
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}

function isInteger(min: bigint, max: bigint) {
  return (text: string): boolean =>
    /^[-+]?\d{1,20}$/.test(text) &&
    BigInt(text.replace('+', '')) >= min &&
    BigInt(text.replace('+', '')) <= max;
}

function upTo(length: number) {
  return (text: string): boolean => [...text].length <= length && !hasControl(text);
}

/** Line breaks are for long texts; other control characters for none. */
function hasControl(text: string): boolean {
  return [...text].some((character) => character < ' ' && !'\t\n\f\r'.includes(character));
}
