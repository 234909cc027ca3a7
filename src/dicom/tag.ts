/** Tags are unsigned 32-bit numbers 0xGGGGEEEE. PS3.5 7.1. */

/** `(0010,0010)`. */
export function formatTag(tag: number): string {
  const hex = (tag >>> 0).toString(16).toUpperCase().padStart(8, '0');
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

/** An odd group is private. PS3.5 7.8. */
export function isPrivateTag(tag: number): boolean {
  return (tag & 0x10000) !== 0;
}

/** (gggg,0010-00FF) of an odd group reserves a block for its creator. PS3.5 7.8.1. */
export function isPrivateCreator(tag: number): boolean {
  return isPrivateTag(tag) && (tag & 0xffff) >= 0x10 && (tag & 0xffff) <= 0xff;
}

/** (gggg,0000), retired but for groups 0 and 2. PS3.5 7.2. */
export function isGroupLength(tag: number): boolean {
  return (tag & 0xffff) === 0;
}
