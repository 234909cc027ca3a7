import type { DataSet } from '../dicom/data-set.ts';
import type { GeneratedValues } from './generated-values.ts';
import type { Moment } from './moment.ts';

/** VL Whole Slide Microscopy Image Storage. PS3.4 B.5. */
export const WSI_SOP_CLASS_UID = '1.2.840.10008.5.1.4.1.1.77.1.6';

/** Names that no two builders of attributes may choose differently. */
export interface SeriesUids {
  readonly study: string;
  readonly series: string;
  readonly frameOfReference: string;
  readonly pyramid: string;
  readonly acquisition: string;
  readonly dimensionOrganization: string;
}

/** The stored instance that a series is made from, as it was before any edit. */
export interface SourceInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  /** Counted from 1, where the instance has several. */
  readonly frameNumber?: number;
}

/** One lossy compression in the life of the pixels. */
export interface LossyStep {
  /** Defined term of (0028,2114). */
  readonly method: string;
  /** Bytes before it over bytes after it. */
  readonly ratio: number;
}

/** Spacing between the centres of rows and of columns. */
export interface PixelSpacing {
  readonly rowMm: number;
  readonly columnMm: number;
}

/** Where the image lies on its slide. PS3.3 C.8.12.2. */
export interface SlidePosition {
  readonly xMm: number;
  readonly yMm: number;
}

/** Everything that the attributes of one series are made from. */
export interface SeriesFacts {
  /** The source's attributes, edits made. */
  readonly source: DataSet;
  readonly instance?: SourceInstance;
  /** Names the source and its frame; the same whatever is made of them. */
  readonly sourceKey: string;
  readonly uids: SeriesUids;
  readonly seriesNumber: number;
  readonly generated: GeneratedValues;
  /** When the conversion was decided on. */
  readonly decidedAt: Moment;
  /** Size of the base level in pixels. */
  readonly columns: number;
  readonly rows: number;
  readonly tile: number;
  readonly spacing: PixelSpacing;
  readonly sliceThicknessMm: number;
  readonly origin: SlidePosition;
  readonly samplesPerPixel: 1 | 3;
  /** For colour only: an input device profile. */
  readonly iccProfile?: Uint8Array;
  readonly lossySteps: readonly LossyStep[];
}

/** What distinguishes one instance of the series. */
export interface InstanceFacts {
  readonly flavour: 'VOLUME' | 'THUMBNAIL';
  /** Resampled from the base level. */
  readonly isResampled: boolean;
  readonly sopInstanceUid: string;
  readonly instanceNumber: number;
  /** Total pixel matrix. */
  readonly columns: number;
  readonly rows: number;
  readonly frameColumns: number;
  readonly frameRows: number;
  readonly numberOfFrames: number;
  readonly photometricInterpretation: 'RGB' | 'YBR_FULL_422' | 'MONOCHROME2';
  /** Those of this instance, after those of the source. */
  readonly lossySteps: readonly LossyStep[];
  /** SOP Instance UID of the base level; its own in the base level. */
  readonly baseSopInstanceUid: string;
}
