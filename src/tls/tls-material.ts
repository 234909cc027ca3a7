/**
 * # TLS material
 *
 * The certificate, key and authorities of one input or destination, read again when their files change.
 *
 * Invariants:
 * - What is in force was whole when it was read: files that cannot be used leave the old ones in force, and say so.
 * - Files are read only once they have rested from one look to the next: a certificate and its key are never taken
 *   from two renewals.
 */
import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { certificateRefused, certificatesForgotten, certificateTaken } from '../telemetry/tls-events.ts';
import { TlsFileError } from './errors.ts';
import { readTlsFiles, type TlsFiles, type TlsIdentity } from './tls-files.ts';

export interface TlsMaterialDeps {
  /** Whose it is, for logs and metrics. */
  readonly side: 'input' | 'destination' | 'source';
  /** Name in the configuration. */
  readonly name: string;
  readonly telemetry: Telemetry;
  /** Between two looks at the files. */
  readonly pollMs?: number;
}

const POLL_MS = 5000;

export class TlsMaterial {
  readonly #files: TlsFiles;
  readonly #deps: TlsMaterialDeps;
  readonly #listeners = new Set<(identity: TlsIdentity) => void>();
  readonly #timer: NodeJS.Timeout;
  #current: TlsIdentity;
  /** What the files looked like before they were last read, and when they were last looked at. */
  #readStamp: string;
  #seenStamp: string;
  #isLooking = false;

  /** @throws {TlsFileError} when the files cannot be used */
  constructor(files: TlsFiles, deps: TlsMaterialDeps) {
    this.#files = files;
    this.#deps = deps;
    this.#readStamp = stampNow(files);
    this.#seenStamp = this.#readStamp;
    this.#current = readTlsFiles(files);
    this.#tellTaken();
    this.#timer = setInterval(() => void this.#look(), deps.pollMs ?? POLL_MS);
    this.#timer.unref();
  }

  /** In force now: asked anew for every connection. */
  get current(): TlsIdentity {
    return this.#current;
  }

  /** Calls whenever other files are in force. */
  onChange(listener: (identity: TlsIdentity) => void): void {
    this.#listeners.add(listener);
  }

  /** Reads the files now, whether they have changed or not. Never throws: what cannot be used is told. */
  reload(): void {
    const { side, name, telemetry } = this.#deps;
    this.#readStamp = stampNow(this.#files);
    try {
      this.#current = readTlsFiles(this.#files);
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error;
      certificateRefused(telemetry, { side, name, code: error.code, reason: error.message });
      return;
    }
    this.#tellTaken();
    for (const listener of this.#listeners) listener(this.#current);
  }

  /** Looks at the files no more. */
  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
    certificatesForgotten(this.#deps.telemetry, this.#deps);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return; // On a share that hangs.
    this.#isLooking = true;
    const stamp = await stampOf(this.#files);
    this.#isLooking = false;
    const hasRested = stamp === this.#seenStamp;
    this.#seenStamp = stamp;
    if (hasRested && stamp !== this.#readStamp) this.reload();
  }

  #tellTaken(): void {
    const { side, name, telemetry } = this.#deps;
    const { expiresAtMs } = this.#current;
    certificateTaken(telemetry, { side, name, ...(expiresAtMs !== undefined && { expiresAtMs }) });
  }
}

/** Changes with the content, the owner or the target of a link; the same while nothing does. */
async function stampOf(files: TlsFiles): Promise<string> {
  const stamps = pathsOf(files).map((path) => stat(path).then(describeStats, describeError));
  return (await Promise.all(stamps)).join('|');
}

/** The same, without a moment in between in which they could change. */
function stampNow(files: TlsFiles): string {
  const stamps = pathsOf(files).map((path) => {
    try {
      return describeStats(statSync(path));
    } catch (error) {
      return describeError(error);
    }
  });
  return stamps.join('|');
}

function pathsOf({ certificate, key, ca }: TlsFiles): readonly string[] {
  return [certificate, key, ca].filter((path) => path !== undefined);
}

function describeStats({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

function describeError(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
