/** How the gateway signs in to an HTTP server. */
import { z } from 'zod';
import { readSecret, SecretMissing, type SecretPlace } from '../secret.ts';
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
    const { token_file: file, token_env: env } = settings;
    return `Bearer ${await readKey('token', { file, env })}`;
  }
  const { username, password_file: file, password_env: env } = settings;
  const password = await readKey('password', { file, env });
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/**
 * Reads what signs us in.
 *
 * @param what how messages call it
 * @throws {DeliveryError}
 */
export async function readKey(what: string, place: SecretPlace): Promise<string> {
  const secret = await readSecret(place).catch((error: unknown) => {
    if (!(error instanceof SecretMissing)) throw error;
    throw unreadable(what, error.message, { cause: error });
  });
  // What a header cannot hold would be a bug further down.
  if (!/[^\x20-\x7e\u0080-\u{10ffff}]/u.test(secret)) return secret;
  throw unreadable(what, 'where it is there must be one line of text');
}

function unreadable(what: string, why: string, options?: ErrorOptions): DeliveryError {
  return new DeliveryError('SECRET_UNREADABLE', `Cannot sign in as there is no ${what}: ${why}`, {}, options);
}
