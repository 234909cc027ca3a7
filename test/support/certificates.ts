import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly subject?: string;
  /** `DNS:localhost,IP:127.0.0.1` when absent. */
  readonly names?: string;
  /** Negative: it has expired. */
  readonly days?: number;
}

/**
 * An authority of a test, made with `openssl`, and what it issues. RSA with 2048 bits: what every peer takes.
 */
export class TestAuthority {
  readonly folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(name = 'Test Authority'): Promise<TestAuthority> {
    const authority = new TestAuthority(await mkdtemp(join(tmpdir(), 'slidegate-ca-')));
    const { certificate, key } = authority.#paths('ca');
    await openssl('req', '-x509', ...NEW_KEY, '-keyout', key, '-out', certificate, '-subj', `/CN=${name}`);
    return authority;
  }

  /** PEM file of the authority's own certificate. */
  get ca(): string {
    return this.#paths('ca').certificate;
  }

  async issue({ subject = '/CN=test', names = LOOPBACK, days = 30 }: CertificateOptions = {}) {
    this.#count += 1;
    const number = this.#count;
    const { certificate, key } = this.#paths(`issued-${number}`);
    const request = `${certificate}.request`;
    const extensions = `${certificate}.extensions`;
    await writeFile(extensions, `subjectAltName=${names}\n`);
    await openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject);
    const serial = ['-set_serial', String(number)];
    const signer = ['-CA', this.ca, '-CAkey', this.#paths('ca').key, ...serial];
    const validity = ['-days', String(days), '-extfile', extensions];
    await openssl('x509', '-req', '-in', request, ...signer, ...validity, '-out', certificate);
    return { certificate, key } satisfies CertificateFiles;
  }

  /** A certificate that no authority has issued. */
  async selfSigned(subject = '/CN=self'): Promise<CertificateFiles> {
    this.#count += 1;
    const { certificate, key } = this.#paths(`self-${this.#count}`);
    await openssl('req', '-x509', ...NEW_KEY, '-keyout', key, '-out', certificate, '-subj', subject);
    return { certificate, key };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  #paths(name: string): CertificateFiles {
    return { certificate: join(this.folder, `${name}.pem`), key: join(this.folder, `${name}.key`) };
  }
}

/** Puts other files in the place of those that are used, as a renewal does: each in one step. */
export async function renew(used: CertificateFiles, by: CertificateFiles): Promise<void> {
  for (const which of ['certificate', 'key'] as const) {
    await copyFile(by[which], `${used[which]}.new`);
    await rename(`${used[which]}.new`, used[which]);
  }
}

/** @returns the path of the same key with a passphrase */
export async function encryptKey(key: string, passphrase: string): Promise<string> {
  await openssl('pkcs8', '-topk8', '-in', key, '-out', `${key}.encrypted`, '-passout', `pass:${passphrase}`);
  return `${key}.encrypted`;
}

export async function readCertificate(path: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(path));
}

const LOOPBACK = 'DNS:localhost,IP:127.0.0.1';
const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes'];

async function openssl(...args: readonly string[]): Promise<void> {
  await run('openssl', [...args]);
}
