/** Reads the files that TLS needs, and says what is wrong with them before a peer does. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { TlsFileError } from './errors.ts';
import { TLS_PROFILE } from './profile.ts';

/** Paths of PEM files. A certificate comes with its key, or neither is there. */
export interface TlsFiles {
  /** Our own certificate, then those between it and its authority. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Environment variable that holds the passphrase of the key. */
  readonly keyPassphraseEnv?: string | undefined;
  /** Certificates that peers are trusted by. */
  readonly ca?: string | undefined;
}

/** Ready for use. */
export interface TlsIdentity {
  /** For `tls.createServer`, `setSecureContext`, `tls.connect` and `https.Agent`. */
  readonly options: tls.SecureContextOptions;
  /** Made once, for connections of our own: its list of authorities is costly to read. */
  readonly context: tls.SecureContext;
  /** When our own certificate ends; absent where we have none. */
  readonly expiresAtMs?: number;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Reads and checks all files.
 *
 * @throws {TlsFileError}
 */
export function readTlsFiles(files: TlsFiles): TlsIdentity {
  const own = files.certificate === undefined ? undefined : readOwn(files, files.certificate);
  const ca = files.ca === undefined ? undefined : readCertificates(files.ca).pem;
  const options: tls.SecureContextOptions = {
    ...TLS_PROFILE,
    ...(own && { cert: own.pem, key: own.key }),
    ...(ca !== undefined && { ca }),
  };
  try {
    const context = tls.createSecureContext(options);
    return { options, context, ...(own && { expiresAtMs: own.expiresAtMs }) };
  } catch (cause) {
    const message = `Cannot use certificate "${files.certificate}" and its key: ${(cause as Error).message}`;
    throw new TlsFileError('TLS_FILE_INVALID', message, { cause });
  }
}

function readOwn(
  files: TlsFiles,
  path: string,
): { readonly pem: string; readonly key: string; readonly expiresAtMs: number } {
  const { pem, certificates } = readCertificates(path);
  const [own] = certificates;
  const keyPath = files.key ?? path;
  const key = readKey(keyPath, files.keyPassphraseEnv);
  if (!own.checkPrivateKey(key)) {
    const message = `Cannot use key "${keyPath}": it must be the private key of the first certificate in "${path}", it is another`;
    throw new TlsFileError('TLS_KEY_MISMATCH', message);
  }
  // Decrypted: whoever uses it needs no passphrase.
  return {
    pem,
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    expiresAtMs: own.validToDate.getTime(),
  };
}

function readCertificates(path: string): {
  readonly pem: string;
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
} {
  const blocks = read(path).match(PEM_CERTIFICATE) ?? [];
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return { pem: blocks.join('\n'), certificates: [first, ...others] };
  } catch (cause) {
    const message = `Cannot use certificates of "${path}": one of them is damaged`;
    throw new TlsFileError('TLS_FILE_INVALID', message, { cause });
  }
  const message = `Cannot use certificates of "${path}": it must hold PEM blocks that begin with "-----BEGIN CERTIFICATE-----", it has none`;
  throw new TlsFileError('TLS_FILE_INVALID', message);
}

function readKey(path: string, passphraseEnv: string | undefined): KeyObject {
  const passphrase = passphraseEnv === undefined ? undefined : process.env[passphraseEnv];
  const pem = read(path);
  if (passphrase === undefined && pem.includes('ENCRYPTED')) {
    const variable = passphraseEnv ?? 'that key_passphrase_env names';
    const message = `Cannot use key "${path}": it has a passphrase, which the environment variable ${variable} must hold`;
    throw new TlsFileError('TLS_FILE_INVALID', message);
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    const message = `Cannot use key "${path}": it must be a private key in PEM, and its passphrase right`;
    throw new TlsFileError('TLS_FILE_INVALID', message, { cause });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `Cannot read "${path}" for TLS: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`;
    throw new TlsFileError('TLS_FILE_UNREADABLE', message, { cause });
  }
}
