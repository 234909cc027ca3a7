import { createHash } from 'node:crypto';

/** PS3.5 9.1: at most 64 characters, components of digits without leading zeros. */
export function isUid(text: string): boolean {
  return text.length <= 64 && /^[0-2](\.(0|[1-9][0-9]*))+$/.test(text);
}

/**
 * What is taken from a peer as a UID: digits and dots, at most 64. Devices in the field send components with
 * leading zeros; to refuse their images for it would help nobody, and the characters are harmless everywhere.
 */
export function isTolerableUid(text: string): boolean {
  return /^[0-9][0-9.]{0,63}$/.test(text);
}

/**
 * The same parts make the same UID, on any machine and at any time, so that repeated work makes no second
 * instance.
 *
 * @param parts kept apart: `('a', 'bc')` and `('ab', 'c')` differ
 * @returns `2.25.` and a 128-bit number, that of a version 8 UUID made from SHA-256. PS3.5 B.2, RFC 9562 5.8
 */
export function deterministicUid(...parts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  const uuid = digest.subarray(0, 16);
  uuid[6] = (uuid[6]! & 0x0f) | 0x80; // Version.
  uuid[8] = (uuid[8]! & 0x3f) | 0x80; // Variant.
  return `2.25.${BigInt(`0x${uuid.toString('hex')}`)}`;
}

/** (0002,0012) and the user information of associations. PS3.7 D.3.3.2. */
export const IMPLEMENTATION_CLASS_UID = '2.25.162476850480270111745026186890081282232';

/** (0002,0013), at most 16 characters. */
export const IMPLEMENTATION_VERSION_NAME = 'SLIDEGATE_0_1';
