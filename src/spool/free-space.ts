import { statfs } from 'node:fs/promises';
import { SpoolRefusingError } from './errors.ts';

export interface FreeSpaceOptions {
  readonly directory: string;
  readonly watermarkFreeBytes: number;
  readonly receptionReserveBytes: number;
  /** Less than this is short. */
  readonly keepFreeBytes: number;
  /** Called at every look that finds space short. */
  readonly spaceIsShort: (freeBytes: number) => void;
  /** Called whenever receptions begin or cease to be refused. */
  readonly refusalChanged: (state: { freeBytes: number; isRefusing: boolean }) => void;
  readonly freeBytesOf?: (directory: string) => Promise<number>;
}

const POLL_MS = 1000;
/** After so many bytes the last look is too old, however recent. */
const STALE_BYTES = 64 * 1024 * 1024;

/**
 * How much may still be taken in. Between two looks at the disk, what we have written since is subtracted;
 * every open reception holds a reserve until its bytes are written.
 */
export class FreeSpace {
  readonly #options: FreeSpaceOptions;
  readonly #timer: NodeJS.Timeout;
  #measuredBytes: number;
  #spentBytes = 0;
  #receptions = 0;
  #isRefusing = false;
  #look: Promise<void> | undefined;

  private constructor(options: FreeSpaceOptions, measuredBytes: number) {
    this.#options = options;
    this.#measuredBytes = measuredBytes;
    this.#timer = setInterval(() => void this.look(), POLL_MS).unref();
  }

  static async measure(options: FreeSpaceOptions): Promise<FreeSpace> {
    return new FreeSpace(options, await freeBytesOf(options));
  }

  get freeBytes(): number {
    return Math.max(0, this.#measuredBytes - this.#spentBytes);
  }

  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  /**
   * Sets the reserve of one more reception aside.
   *
   * @throws {SpoolRefusingError} when too little would be left
   */
  reserve(): void {
    const { watermarkFreeBytes, receptionReserveBytes } = this.#options;
    const reservedBytes = (this.#receptions + 1) * receptionReserveBytes;
    const isRefusing = this.freeBytes - reservedBytes < watermarkFreeBytes;
    this.#refuse(isRefusing);
    if (isRefusing) {
      void this.look();
      throw new SpoolRefusingError({ freeBytes: this.freeBytes, reservedBytes, watermarkFreeBytes });
    }
    this.#receptions += 1;
  }

  /** One reception is over. */
  release(): void {
    this.#receptions -= 1;
  }

  /** Bytes have been sent to the disk. */
  spend(bytes: number): void {
    this.#spentBytes += bytes;
    if (this.#spentBytes >= STALE_BYTES) void this.look();
  }

  /** Looks at the disk now. */
  look(): Promise<void> {
    this.#look ??= this.#measure().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #measure(): Promise<void> {
    const spentBefore = this.#spentBytes;
    try {
      this.#measuredBytes = await freeBytesOf(this.#options);
      this.#spentBytes -= spentBefore;
    } catch {
      return; // The disk is away for a moment; the next look tells.
    }
    const { watermarkFreeBytes, receptionReserveBytes, keepFreeBytes } = this.#options;
    if (this.freeBytes < keepFreeBytes) this.#options.spaceIsShort(this.freeBytes);
    const isEnough = this.freeBytes - (this.#receptions + 1) * receptionReserveBytes >= watermarkFreeBytes;
    this.#refuse(!isEnough);
  }

  #refuse(isRefusing: boolean): void {
    if (isRefusing === this.#isRefusing) return;
    this.#isRefusing = isRefusing;
    this.#options.refusalChanged({ freeBytes: this.freeBytes, isRefusing });
  }
}

async function freeBytesOf(options: FreeSpaceOptions): Promise<number> {
  if (options.freeBytesOf !== undefined) return options.freeBytesOf(options.directory);
  const { bavail, bsize } = await statfs(options.directory);
  return bavail * bsize;
}
