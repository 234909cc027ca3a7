/** How the gateway signs in to an HTTP server. Secrets are never written into the settings: these say where they are. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { DeliveryError } from './errors.ts';

const EITHER = 'must say where it is: a file, or an environment variable, not both';

export const HttpAuthSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none').describe('Nobody asks who we are, or the certificate tells.') }),
  z
    .strictObject({
      kind: z.literal('basic').describe('A name and a password.'),
      username: z.string().min(1).describe('The name to sign in with.'),
      password_file: z
        .string()
        .min(1)
        .optional()
        .describe('File that holds the password, read again as it changes.'),
      password_env: z.string().min(1).optional().describe('Environment variable that holds the password.'),
    })
    .refine((auth) => (auth.password_file === undefined) !== (auth.password_env === undefined), {
      message: EITHER,
      path: ['password_file'],
    }),
  z
    .strictObject({
      kind: z.literal('bearer').describe('A token.'),
      token_file: z
        .string()
        .min(1)
        .optional()
        .describe('File that holds the token, read again as it changes: whoever renews tokens writes it.'),
      token_env: z.string().min(1).optional().describe('Environment variable that holds the token.'),
    })
    .refine((auth) => (auth.token_file === undefined) !== (auth.token_env === undefined), {
      message: EITHER,
      path: ['token_file'],
    }),
]);
export type HttpAuthSettings = z.infer<typeof HttpAuthSettings>;

/** Secrets of files are remembered so long. */
const FRESH_MS = 5000;

export class HttpAuth {
  readonly #settings: HttpAuthSettings;
  #remembered: { readonly header: string; readonly atMs: number } | undefined;

  constructor(settings: HttpAuthSettings) {
    this.#settings = settings;
  }

  /**
   * The value of the header Authorization, if there should be one.
   *
   * @param anew reads the secret even if it was read just now: the server did not take what it was
   * @throws {DeliveryError} when the secret cannot be read
   */
  async header({ anew = false } = {}): Promise<string | undefined> {
    if (this.#settings.kind === 'none') return undefined;
    const remembered = this.#remembered;
    if (remembered && !anew && performance.now() - remembered.atMs < FRESH_MS) return remembered.header;
    const header = await readHeader(this.#settings);
    this.#remembered = { header, atMs: performance.now() };
    return header;
  }
}

async function readHeader(settings: Exclude<HttpAuthSettings, { kind: 'none' }>): Promise<string> {
  if (settings.kind === 'bearer') {
    return `Bearer ${await readSecret('token', settings.token_file, settings.token_env)}`;
  }
  const password = await readSecret('password', settings.password_file, settings.password_env);
  return `Basic ${Buffer.from(`${settings.username}:${password}`, 'utf8').toString('base64')}`;
}

/**
 * Reads a secret. A line feed at its end is the editor's.
 *
 * @param what how messages call it
 * @throws {DeliveryError}
 */
export async function readSecret(
  what: string,
  file: string | undefined,
  variable: string | undefined,
): Promise<string> {
  const secret = file === undefined ? process.env[variable ?? ''] : await readSecretFile(what, file);
  const text = secret?.replace(/[\r\n]+$/, '') ?? '';
  const place = file === undefined ? `environment variable ${variable}` : `file ${file}`;
  if (text === '')
    throw unreadable(what, `${place} must hold it, and is ${secret === undefined ? 'not there' : 'empty'}`);
  // What a header cannot hold would be a bug further down.
  if (/[^\x20-\x7e\u0080-\u{10ffff}]/u.test(text))
    throw unreadable(what, `${place} must hold one line of text`);
  return text;
}

async function readSecretFile(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    throw unreadable(what, `file ${file} cannot be read: ${code}`, { cause: error });
  }
}

function unreadable(what: string, why: string, options?: ErrorOptions): DeliveryError {
  return new DeliveryError('SECRET_UNREADABLE', `Cannot sign in as there is no ${what}: ${why}`, {}, options);
}
