import { readSecret, SecretMissing, type SecretPlace } from '../secret.ts';
import { NoticeError } from './errors.ts';

/**
 * Reads a secret of a channel; for every use, so that it may be renewed at any time.
 *
 * @param what how messages call it
 * @returns undefined when no place is stated
 * @throws {NoticeError}
 */
export async function readSecretOf(what: string, place: SecretPlace): Promise<string | undefined> {
  if (place.file === undefined && place.env === undefined) return undefined;
  try {
    return await readSecret(place);
  } catch (cause) {
    if (!(cause instanceof SecretMissing)) throw cause;
    const message = `Cannot read the ${what}: ${cause.message}`;
    throw new NoticeError('NOTICE_SECRET_UNREADABLE', message, { cause });
  }
}
