import type { DataSet } from '../dicom/data-set.ts';
import type { Raster } from './raster.ts';
import type { LossyStep, SourceInstance } from './wsi-facts.ts';

/** What the job `wsi` makes slides of: every frame becomes a series of its own. */
export interface ConvertibleImage {
  /** Edits made; text decoded. */
  readonly attributes: DataSet;
  /** Names the source in the UIDs of what is made of it: the same bytes have the same. */
  readonly key: string;
  /** The instance it is; absent when it is no DICOM. */
  readonly instance?: Omit<SourceInstance, 'frameNumber'>;
  readonly iccProfile?: Uint8Array;
  readonly frames: readonly ConvertibleFrame[];
  close(): Promise<void>;
}

export interface ConvertibleFrame {
  readonly columns: number;
  readonly rows: number;
  readonly samplesPerPixel: 1 | 3;
  /** What the pixels went through before they came here, the first first. */
  readonly lossySteps: readonly LossyStep[];
  /** They went through a lossy step of which neither method nor ratio are known. */
  readonly hasUnknownLossyStep: boolean;
  /**
   * Makes the frame a file for libvips.
   *
   * @throws {GatewayError} when the frame cannot be decoded or the volume is full
   */
  writeRaster(folder: string): Promise<Raster>;
}
