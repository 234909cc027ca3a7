import { createHash } from 'node:crypto';

/**
 * ICC profiles for Optical Paths. DICOM wants an *input device* profile there (PS3.3 C.11.15.1.1): class
 * `scnr`, where files mostly carry the profile of a display.
 */

const HEADER_BYTES = 128;
const DEVICE_CLASS_AT = 12;
const COLOR_SPACE_AT = 16;
const SIGNATURE_AT = 36;
const RENDERING_INTENT_AT = 64;
const PROFILE_ID_AT = 84;

/** PCS illuminant D50 as s15Fixed16 numbers. ICC.1:2010 7.2.16. */
const D50 = [0.9642, 1, 0.8249] as const;

/**
 * Primaries of sRGB and its adaptation from D65 to D50, by columns. IEC 61966-2-1 through the Bradford matrix
 * of ICC.1:2010 annex E.
 */
const SRGB = {
  red: [0.43607, 0.22249, 0.01392],
  green: [0.38515, 0.71687, 0.09708],
  blue: [0.14307, 0.06061, 0.7141],
  adaptation: [1.04788, 0.02292, -0.0502, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168],
  /** Y = (aX + b)^g above d, cX below. Parametric curve of type 3. */
  curve: [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045],
} as const;

/** sRGB as an input device profile, version 4; a few hundred bytes, the same every time. */
export function srgbInputProfile(): Uint8Array {
  const curve = concat(signature('para'), zeros(4), uint16(3), zeros(2), ...SRGB.curve.map(fixed));
  const elements: readonly (readonly [string, Uint8Array])[] = [
    ['desc', localizedText('sRGB')],
    ['cprt', localizedText('No copyright, use freely')],
    ['wtpt', xyz(D50)],
    ['chad', concat(signature('sf32'), zeros(4), ...SRGB.adaptation.map(fixed))],
    ['rXYZ', xyz(SRGB.red)],
    ['gXYZ', xyz(SRGB.green)],
    ['bXYZ', xyz(SRGB.blue)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ];
  return assemble(elements);
}

/**
 * A source's profile as an input device profile: display profiles hold the same tables (ICC.1:2010 8.3, 8.4),
 * so their class alone is rewritten, and the profile's digest with it.
 *
 * @returns undefined when the bytes are no RGB profile, or one of a class that cannot stand for an input device
 */
export function asInputProfile(profile: Uint8Array): Uint8Array | undefined {
  if (profile.byteLength < HEADER_BYTES || textAt(profile, SIGNATURE_AT) !== 'acsp') return undefined;
  const lengthBytes = new DataView(profile.buffer, profile.byteOffset).getUint32(0);
  const deviceClass = textAt(profile, DEVICE_CLASS_AT);
  if (lengthBytes < HEADER_BYTES || lengthBytes > profile.byteLength) return undefined;
  if (textAt(profile, COLOR_SPACE_AT) !== 'RGB ' || !['scnr', 'mntr', 'spac'].includes(deviceClass))
    return undefined;

  const input = profile.slice(0, lengthBytes);
  if (deviceClass !== 'scnr') {
    input.set(signature('scnr'), DEVICE_CLASS_AT);
    input.fill(0, PROFILE_ID_AT, PROFILE_ID_AT + 16); // Zero says that no digest was computed (7.2.18).
  }
  return input;
}

/** Header, tag table, elements on four-byte boundaries; equal elements are stored once. ICC.1:2010 7. */
function assemble(elements: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const tableBytes = 4 + 12 * elements.length;
  const body: Uint8Array[] = [];
  const placed = new Map<Uint8Array, number>();
  let end = HEADER_BYTES + tableBytes;
  for (const [, element] of elements) {
    if (placed.has(element)) continue;
    placed.set(element, end);
    body.push(element, zeros((4 - (element.byteLength % 4)) % 4));
    end += Math.ceil(element.byteLength / 4) * 4;
  }
  const table = elements.map(([tag, element]) =>
    concat(signature(tag), uint32(placed.get(element)!), uint32(element.byteLength)),
  );

  const header = concat(
    uint32(end),
    zeros(4), // Preferred CMM: none.
    uint32(0x04200000), // Version 4.2.
    signature('scnr'),
    signature('RGB '),
    signature('XYZ '),
    ...[2024, 1, 1, 0, 0, 0].map(uint16), // Date: fixed, so that the bytes are.
    signature('acsp'),
    zeros(28), // Platform, flags, manufacturer, model, attributes, perceptual intent.
    ...D50.map(fixed),
    zeros(48), // Creator, digest, reserved.
  );
  const profile = concat(header, uint32(elements.length), ...table, ...body);
  profile.set(profileId(profile), PROFILE_ID_AT);
  return profile;
}

/** MD5 of the profile with flags, intent and digest as zeros. ICC.1:2010 7.2.18. */
function profileId(profile: Uint8Array): Uint8Array {
  const copy = profile.slice();
  copy.fill(0, 44, 48);
  copy.fill(0, RENDERING_INTENT_AT, RENDERING_INTENT_AT + 4);
  copy.fill(0, PROFILE_ID_AT, PROFILE_ID_AT + 16);
  return createHash('md5').update(copy).digest();
}

function localizedText(text: string): Uint8Array {
  const utf16 = concat(...Array.from(text, (letter) => uint16(letter.charCodeAt(0))));
  return concat(
    signature('mluc'),
    zeros(4),
    uint32(1), // Records.
    uint32(12), // Bytes of a record.
    signature('enUS'),
    uint32(utf16.byteLength),
    uint32(28), // Where the text starts.
    utf16,
  );
}

function xyz(values: readonly number[]): Uint8Array {
  return concat(signature('XYZ '), zeros(4), ...values.map(fixed));
}

/** A number as s15Fixed16. */
function fixed(value: number): Uint8Array {
  return uint32(Math.round(value * 65536) >>> 0);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function signature(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
