import type { Vr } from './vr.ts';

export interface IndexedElement {
  readonly tag: number;
  readonly vr: Vr;
  /** Where the tag starts. */
  readonly offset: number;
  readonly valueOffset: number;
  /** 0xFFFFFFFF when a delimiter ends the value. */
  readonly valueLength: number;
  /** The value as it is in the file, when it is short and was at hand. */
  readonly value?: Uint8Array;
  /** Of sequences. Fewer than there are where `itemsLeftOut` says so. */
  readonly items?: readonly (readonly IndexedElement[])[];
  /** The sequence has more than the index keeps. */
  readonly itemsLeftOut?: true;
}

/** Where the elements of an instance are. */
export interface HeaderIndex {
  readonly transferSyntaxUid: string;
  /** Top level, pixel data included. */
  readonly elements: readonly IndexedElement[];
  readonly dataSetOffset: number;
  /** Of the file that was indexed. */
  readonly totalBytes: number;
  /** Where (7FE0,0010), (7FE0,0008) or (7FE0,0009) starts. */
  readonly pixelDataOffset?: number;
  /** What lies before was read: start of the pixel data, end of the data set, or where reading ended. */
  readonly endOffset: number;
  /** All elements in front of the pixel data, or all there are, were at hand. */
  readonly complete: boolean;
  /** Why reading ended: `offset` is that of the element with `tag`. The message holds no value. */
  readonly fault?: { readonly tag: number; readonly offset: number; readonly message: string };
}
