import { closeSync, fdatasyncSync, ftruncateSync, openSync, unlinkSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import type { StepHook } from '../steps.ts';
import { FILE_MODE, syncFolderNow } from './folders.ts';

/** Starts every segment, so that opening one proves that the disk takes bytes. */
const SEGMENT_MAGIC = new TextEncoder().encode('slidegate segment 1\n');
/** Linux takes this many buffers in one writev. */
const BUFFERS_PER_WRITE_MAX = 1024;

export interface SegmentOptions {
  readonly folder: string;
  readonly segmentBytesMax: number;
  readonly segmentAgeMsMax: number;
  readonly nowMs: () => number;
  readonly step: StepHook;
}

/** Where a group of instances has been made durable. */
export interface Appended {
  readonly segmentId: number;
  /** Of each instance, in the order given. */
  readonly offsets: readonly number[];
  /** Bytes of the segment so far. */
  readonly sizeBytes: number;
}

interface Segment {
  readonly segmentId: number;
  readonly path: string;
  readonly fd: number;
  readonly openedAtMs: number;
  /** Everything before has been synced. */
  sizeBytes: number;
}

export function segmentFileName(segmentId: number): string {
  return `${String(segmentId).padStart(10, '0')}.segment`;
}

/**
 * Appends groups of small instances to segment files, one fdatasync per group.
 *
 * A segment whose write or sync failed is never written or synced again: after a failed fdatasync the kernel
 * may have dropped the bytes and would report success the next time. The group fails, the next one gets a
 * new segment.
 */
export class SegmentWriter {
  readonly #options: SegmentOptions;
  #nextId: number;
  #segment: Segment | undefined;
  #isHealthy = true;

  /** @param nextId must be above every segment that rows or files know of */
  constructor(options: SegmentOptions, nextId: number) {
    this.#options = options;
    this.#nextId = nextId;
  }

  /** False from a failed write or sync until a new segment has been synced. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** The segment that may still grow. */
  get currentId(): number | undefined {
    return this.#segment?.segmentId;
  }

  /** Whether the next group would go to a segment of its own. */
  get isDueToRoll(): boolean {
    const segment = this.#segment;
    if (segment === undefined) return false;
    const { segmentBytesMax, segmentAgeMsMax, nowMs } = this.#options;
    return segment.sizeBytes >= segmentBytesMax || nowMs() - segment.openedAtMs >= segmentAgeMsMax;
  }

  /**
   * Makes a group durable.
   *
   * @param group of each instance the buffers, in order
   * @throws the error of the disk; then nothing of the group is left
   */
  append(group: readonly (readonly Uint8Array[])[]): Appended {
    if (this.isDueToRoll) this.roll();
    const segment = this.#segment ?? this.openSegment();
    const { step } = this.#options;
    const offsets: number[] = [];
    let end = segment.sizeBytes;
    for (const buffers of group) {
      offsets.push(end);
      for (const buffer of buffers) end += buffer.byteLength;
    }
    try {
      step('segment-writing');
      writeFully(segment.fd, group.flat(), segment.sizeBytes);
      step('segment-written');
      fdatasyncSync(segment.fd);
      step('segment-synced');
    } catch (error) {
      this.abandon();
      throw error;
    }
    segment.sizeBytes = end;
    return { segmentId: segment.segmentId, offsets, sizeBytes: end };
  }

  /** Opens and syncs a new segment, which proves that the disk works again. */
  openSegment(): Segment {
    const segmentId = this.#nextId;
    this.#nextId += 1;
    const path = join(this.#options.folder, segmentFileName(segmentId));
    let fd: number | undefined;
    try {
      fd = openSync(path, 'wx', FILE_MODE);
      writeFully(fd, [SEGMENT_MAGIC], 0);
      fdatasyncSync(fd);
      syncFolderNow(this.#options.folder);
      this.#options.step('segment-created');
    } catch (error) {
      this.#isHealthy = false;
      if (fd !== undefined) {
        quietly(() => closeSync(fd as number));
        quietly(() => unlinkSync(path));
      }
      throw error;
    }
    this.#isHealthy = true;
    this.#segment = {
      segmentId,
      path,
      fd,
      openedAtMs: this.#options.nowMs(),
      sizeBytes: SEGMENT_MAGIC.byteLength,
    };
    return this.#segment;
  }

  /** Closes the segment; the next group opens another. */
  roll(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#segment = undefined;
    closeSync(segment.fd);
  }

  /** Gives a failed segment up: what was synced stays readable, the rest is cut off. */
  abandon(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    this.#isHealthy = false;
    if (segment === undefined) return;
    quietly(() => ftruncateSync(segment.fd, segment.sizeBytes));
    quietly(() => closeSync(segment.fd));
    if (segment.sizeBytes === SEGMENT_MAGIC.byteLength) quietly(() => unlinkSync(segment.path));
  }
}

/** On a disk that has just failed, tidying up may fail as well; recovery does it at the next start. */
function quietly(tidy: () => void): void {
  try {
    tidy();
  } catch {
    // The failure that led here is the one to report.
  }
}

function writeFully(fd: number, buffers: readonly Uint8Array[], position: number): void {
  let at = position;
  let rest = buffers;
  while (rest.length > 0) {
    const batch = rest.slice(0, BUFFERS_PER_WRITE_MAX);
    let written = writevSync(fd, batch, at);
    at += written;
    let whole = 0;
    while (whole < batch.length && written >= (batch[whole] as Uint8Array).byteLength) {
      written -= (batch[whole] as Uint8Array).byteLength;
      whole += 1;
    }
    const cut = rest[whole];
    rest =
      written > 0 && cut !== undefined
        ? [cut.subarray(written), ...rest.slice(whole + 1)]
        : rest.slice(whole);
  }
}
