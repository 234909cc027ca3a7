import { readFile } from 'node:fs/promises';
import { NoticeError } from './errors.ts';

/** Where a secret is; settings never hold it. */
export interface SecretPlace {
  readonly file?: string | undefined;
  /** Environment variable. */
  readonly env?: string | undefined;
}

/**
 * Reads a secret; a line feed at its end is the editor's. Read for every use, so that it may be renewed at any time.
 *
 * @param what how messages call it
 * @returns undefined when no place is stated
 * @throws {NoticeError}
 */
export async function readSecret(what: string, { file, env }: SecretPlace): Promise<string | undefined> {
  if (file === undefined && env === undefined) return undefined;
  const text = file === undefined ? process.env[env ?? ''] : await readSecretFile(what, file);
  const secret = text?.replace(/[\r\n]+$/, '');
  if (secret) return secret;
  const place = file === undefined ? `environment variable ${env}` : `file ${file}`;
  throw new NoticeError('NOTICE_SECRET_UNREADABLE', `Cannot read the ${what}: ${place} must hold it`);
}

async function readSecretFile(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    throw new NoticeError('NOTICE_SECRET_UNREADABLE', `Cannot read the ${what}: file ${file}: ${code}`, {
      cause: error,
    });
  }
}
