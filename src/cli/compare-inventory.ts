/** What a receiver has, as `slidegate compare` reads it from wherever it is. */

/** One instance. What a source does not tell is absent, and not compared. */
export interface InventoryItem {
  readonly sopInstanceUid: string;
  readonly sopClassUid?: string;
  readonly studyInstanceUid?: string;
  readonly seriesInstanceUid?: string;
  readonly transferSyntaxUid?: string;
  readonly modality?: string;
  /** Length of the data set, without File Meta Information. */
  readonly dataSetBytes?: number;
  /** Of the data set; lower-case hex. */
  readonly sha256?: string;
  /** The same without Data Set Trailing Padding, where there is some: it means nothing. */
  readonly unpadded?: { readonly dataSetBytes: number; readonly sha256?: string };
  /** When it came, or would have been sent. */
  readonly atMs?: number;
  /** Of reports: the same number again is the same sending again, after a crash. */
  readonly entryId?: number;
  /** File, where it is one. */
  readonly path?: string;
}

export interface Inventory {
  /** As it was named. */
  readonly name: string;
  readonly kind: 'folder' | 'reports' | 'inventory' | 'orthanc' | 'dicomweb';
  /** In any order, an instance maybe more than once. Read once. */
  items(): AsyncIterable<InventoryItem>;
  /** What could not be read so far, with the reason; these instances are missing from the items. */
  readonly unreadable: readonly string[];
}

/** Strings that come a million times are kept once. */
export class StringPool {
  readonly #strings = new Map<string, string>();

  keep(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const kept = this.#strings.get(text);
    if (kept !== undefined) return kept;
    this.#strings.set(text, text);
    return text;
  }
}
