/** Who an HTTP caller is. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { readSecret, SecretMissing, type SecretPlace } from '../secret.ts';
import { signInSecretMissing } from '../telemetry/input-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { InputUnavailableError } from './errors.ts';

const EITHER = 'must say where it is: a file, or an environment variable, not both';
const Source = z
  .string()
  .min(1)
  .optional()
  .describe('Name of the source that whoever signs in so is: rules say `from: name`.');

export const SignInSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none').describe('Nobody signs in.') }),
  z.strictObject({
    kind: z.literal('basic').describe('Callers have a name and a password.'),
    users: z
      .record(
        z.string().regex(/^[^:\p{Cc}]+$/u, 'must be a name without colon'),
        z
          .strictObject({
            password_file: z.string().min(1).optional().describe('File that holds the password.'),
            password_env: z
              .string()
              .min(1)
              .optional()
              .describe('Environment variable that holds the password.'),
            source: Source,
          })
          .refine((user) => (user.password_file === undefined) !== (user.password_env === undefined), {
            message: EITHER,
            path: ['password_file'],
          }),
      )
      .describe('Those who may sign in, by the names that they give.'),
  }),
  z.strictObject({
    kind: z.literal('bearer').describe('Callers have a token.'),
    tokens: z
      .record(
        z.string(),
        z
          .strictObject({
            token_file: z.string().min(1).optional().describe('File that holds the token.'),
            token_env: z.string().min(1).optional().describe('Environment variable that holds the token.'),
            source: Source,
          })
          .refine((token) => (token.token_file === undefined) !== (token.token_env === undefined), {
            message: EITHER,
            path: ['token_file'],
          }),
      )
      .describe('Tokens that are taken, by names of your choice.'),
  }),
]);
export type SignInSettings = z.infer<typeof SignInSettings>;

/** One who may sign in. */
interface Account {
  readonly source: string | undefined;
  readonly place: SecretPlace;
  /** What the Authorization header says with this secret, without its scheme. */
  credentials(secret: string): string;
}

interface Known {
  readonly source: string | undefined;
  readonly digest: Buffer;
}

/** The input that is signed in to. */
export interface SignInDeps {
  readonly name: string;
  readonly telemetry: Telemetry;
}

/** Secrets of files are remembered so long. */
const FRESH_MS = 5000;

export class SignIn {
  readonly #kind: SignInSettings['kind'];
  readonly #accounts: readonly Account[];
  readonly #deps: SignInDeps;
  #known: readonly Known[] = [];
  #readAtMs = 0;
  #isStale = false;

  private constructor(settings: SignInSettings, deps: SignInDeps) {
    this.#kind = settings.kind;
    this.#accounts = accountsOf(settings);
    this.#deps = deps;
  }

  /** @throws {InputUnavailableError} when a secret cannot be read */
  static async open(settings: SignInSettings, deps: SignInDeps): Promise<SignIn> {
    const signIn = new SignIn(settings, deps);
    try {
      await signIn.#read();
    } catch (cause) {
      if (!(cause instanceof SecretMissing)) throw cause;
      const { name: input } = deps;
      const message = `Cannot start input "${input}" as a secret of its auth is missing: ${cause.message}`;
      throw new InputUnavailableError(message, { input }, { cause });
    }
    return signIn;
  }

  /** For the header WWW-Authenticate of a refusal. */
  get challenge(): string | undefined {
    if (this.#kind === 'none') return undefined;
    return this.#kind === 'basic' ? 'Basic realm="slidegate", charset="UTF-8"' : 'Bearer realm="slidegate"';
  }

  /**
   * Whether a caller may come in, and as whom. Takes the same time whatever of the secret is right.
   *
   * @param authorization the header of that name
   * @returns undefined when the caller is nobody who may
   */
  async check(
    authorization: string | undefined,
  ): Promise<{ readonly source: string | undefined } | undefined> {
    if (this.#kind === 'none') return { source: undefined };
    const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
    if (scheme.toLowerCase() !== this.#kind) return undefined;
    if (performance.now() - this.#readAtMs > FRESH_MS) await this.#readAgain();
    const digest = digestOf(credentials);
    const matches = this.#known.filter((one) => timingSafeEqual(one.digest, digest));
    return matches[0] && { source: matches[0].source };
  }

  /** Where a secret cannot be read any more, those before hold; told once. */
  async #readAgain(): Promise<void> {
    try {
      await this.#read();
      this.#isStale = false;
    } catch (error) {
      if (!(error instanceof SecretMissing)) throw error;
      const { telemetry, name: input } = this.#deps;
      if (!this.#isStale) signInSecretMissing(telemetry, { input, reason: error.message });
      this.#isStale = true;
    }
  }

  async #read(): Promise<void> {
    this.#readAtMs = performance.now();
    this.#known = await Promise.all(
      this.#accounts.map(async (account) => {
        const secret = await readSecret(account.place);
        return { source: account.source, digest: digestOf(account.credentials(secret)) };
      }),
    );
  }
}

function accountsOf(settings: SignInSettings): readonly Account[] {
  if (settings.kind === 'none') return [];
  if (settings.kind === 'bearer') {
    return Object.values(settings.tokens).map(({ token_file, token_env, source }) => ({
      source,
      place: { file: token_file, env: token_env },
      credentials: (secret) => secret,
    }));
  }
  return Object.entries(settings.users).map(([name, { password_file, password_env, source }]) => ({
    source,
    place: { file: password_file, env: password_env },
    credentials: (secret) => Buffer.from(`${name}:${secret}`, 'utf8').toString('base64'),
  }));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
