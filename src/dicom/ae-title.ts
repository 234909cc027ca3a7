import { z } from 'zod';

/** PS3.5 6.2, AE: 1 to 16 characters of the default repertoire, no backslash, no controls, not spaces only. */
export const AeTitle = z
  .string()
  .regex(
    /^(?! +$)[\x20-\x5b\x5d-\x7e]{1,16}$/,
    'must be an AE title: 1 to 16 printable ASCII characters without backslash, not only spaces',
  );

/** Spaces before and after mean nothing in an AE title, nor does the NUL that some peers pad with. */
export function trimAeTitle(text: string): string {
  return text.replace(/^ +|[ \0]+$/g, '');
}
