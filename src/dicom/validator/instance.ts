import type { TransferSyntax } from '../transfer-syntax.ts';
import type { Iod } from './iod.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';

/** Where the frames of encapsulated Pixel Data are said to start. PS3.5 A.4, PS3.3 C.7.6.3.1.8. */
export type OffsetTable = 'none' | 'basic' | 'extended';

/** What walking over Pixel Data has shown. */
export interface PixelDataFacts {
  readonly tag: number;
  readonly vr: string;
  readonly isEncapsulated: boolean;
  /** Of the value as written; of all fragments when encapsulated, without their item headers. */
  readonly lengthBytes: number;
  readonly fragments: number;
  /** Frames that the fragments hold: by the offset table, else one each, else one for all. */
  readonly frames: number;
  readonly offsetTable: OffsetTable;
}

/** What the items of (5200,9230) have shown, which are looked at one by one and not kept. */
export interface PerFrameFacts {
  readonly items: number;
  /** Sequences that some item has. */
  readonly groups: ReadonlySet<number>;
}

/** Where the reading of the data set ended before its end, and why. */
export interface ReadingFault {
  readonly tag: number | undefined;
  /** From the start of the file; of the inflated data set where it is deflated. */
  readonly offset: number;
  readonly message: string;
}

/** Everything that a check may look at once an instance has been read. */
export interface Instance {
  readonly hasPreamble: boolean;
  /** File Meta Information; empty when the file has none. */
  readonly meta: ParsedDataSet;
  /** Bytes of group 0002 behind its group length. */
  readonly metaLengthBytes: number;
  readonly dataSet: ParsedDataSet;
  readonly transferSyntax: TransferSyntax | undefined;
  /** Undefined when the SOP class is none of those in `iods.generated.ts`. */
  readonly iod: Iod | undefined;
  readonly pixelData: PixelDataFacts | undefined;
  /** Some frame's codestream is of a process that loses. */
  readonly hasLossyFrame: boolean;
  readonly perFrame: PerFrameFacts;
  readonly fault: ReadingFault | undefined;
}

/** One compressed frame, or what of it is looked at. */
export interface Frame {
  /** From 1. */
  readonly number: number;
  readonly fragments: number;
  readonly lengthBytes: number;
  /** Its first bytes: all of it up to 256 KiB. Only as long as the frame is being looked at. */
  readonly head: Uint8Array;
  /** Its last bytes, at most {@link TAIL_BYTES}. */
  readonly tail: Uint8Array;
}

export const TAIL_BYTES = 8;
