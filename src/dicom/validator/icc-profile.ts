/** What the header of an ICC profile says, or why it cannot be one. */
export type IccProfile =
  | { readonly isValid: true; readonly deviceClass: string; readonly colorSpace: string }
  | { readonly isValid: false; readonly reason: string };

const HEADER_BYTES = 128;
const TAG_ENTRY_BYTES = 12;

/** ICC.1:2022 7.2.7. */
const DEVICE_CLASSES = ['scnr', 'mntr', 'prtr', 'link', 'abst', 'spac', 'nmcl'];

/** More tags than this in a table are a damaged count: profiles have some ten to forty. */
const TAGS_MAX = 200;

/**
 * Reads the header and the tag table of an ICC profile. ICC.1:2022 7.2 and 7.3.
 *
 * @param head the first bytes of the profile, its tag table included
 * @param lengthBytes of the value that holds it: of even length, so possibly one byte longer
 */
export function readIccProfile(head: Uint8Array, lengthBytes: number): IccProfile {
  if (head.length < HEADER_BYTES + 4) {
    return invalid(
      `it has ${lengthBytes} bytes; the header and the tag count alone take ${HEADER_BYTES + 4}`,
    );
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const sizeBytes = view.getUint32(0);
  if (signatureAt(head, 36) !== 'acsp') return invalid('it lacks the signature "acsp" at byte 36');
  if (sizeBytes !== lengthBytes && sizeBytes !== lengthBytes - 1) {
    return invalid(`its header says ${sizeBytes} bytes, the value has ${lengthBytes}`);
  }
  const tags = view.getUint32(HEADER_BYTES);
  if (tags === 0 || tags > TAGS_MAX) return invalid(`it says that it has ${tags} tags`);
  for (let index = 0; index < tags; index++) {
    const at = HEADER_BYTES + 4 + index * TAG_ENTRY_BYTES;
    if (at + TAG_ENTRY_BYTES > head.length) return invalid('its tag table is cut off');
    if (view.getUint32(at + 4) + view.getUint32(at + 8) > sizeBytes) {
      return invalid(`tag ${index + 1} of its table lies beyond its end`);
    }
  }
  const deviceClass = signatureAt(head, 12);
  const colorSpace = signatureAt(head, 16).trim();
  if (!DEVICE_CLASSES.includes(deviceClass)) return invalid('its device class is none of ICC.1');
  if (!/^[A-Z0-9]{3,4}$/i.test(colorSpace)) return invalid('its color space is none of ICC.1');
  return { isValid: true, deviceClass, colorSpace };
}

function signatureAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function invalid(reason: string): IccProfile {
  return { isValid: false, reason };
}
