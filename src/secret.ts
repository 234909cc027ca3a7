/** Secrets are never written into the settings: these say where they are. */
import { readFile } from 'node:fs/promises';

/** Where a secret is: in a file, or in an environment variable. */
export interface SecretPlace {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
}

/** A secret is not where it should be; the message says where that is, and never holds what was found there. */
export class SecretMissing extends Error {}

/**
 * Reads a secret; a line feed at its end is the editor's.
 *
 * @throws {SecretMissing}
 */
export async function readSecret({ file, env = '' }: SecretPlace): Promise<string> {
  const text = file === undefined ? process.env[env] : await readSecretFile(file);
  const secret = text?.replace(/[\r\n]+$/, '') ?? '';
  if (secret !== '') return secret;
  const place = file === undefined ? `environment variable ${env}` : `file ${file}`;
  throw new SecretMissing(`${place} must hold it, and is ${text === undefined ? 'not there' : 'empty'}`);
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code = 'UNKNOWN' } = cause as NodeJS.ErrnoException;
    throw new SecretMissing(`file ${file} cannot be read: ${code}`, { cause });
  }
}
