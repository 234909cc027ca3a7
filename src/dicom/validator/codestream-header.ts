/** How the samples of a pixel were put together before they were coded, as the codestream itself tells. */
export type CodestreamColor =
  | 'ybr' // Luminance and chrominance.
  | 'rgb'
  | 'rct' // Reversible component transform of JPEG 2000.
  | 'ict' // Irreversible component transform of JPEG 2000.
  | 'unmarked'; // It does not tell, and decoders guess.

/** What one compressed frame says about itself. */
export interface CodestreamHeader {
  readonly process:
    | 'jpeg-baseline'
    | 'jpeg-extended'
    | 'jpeg-progressive'
    | 'jpeg-lossless'
    | 'jpeg-lossless-sv1'
    | 'jpeg-other'
    | 'jpeg-ls'
    | 'jpeg-ls-near'
    | 'jpeg2000'
    | 'jpeg2000-lossless'
    | 'htj2k'
    | 'htj2k-lossless';
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits per sample; the largest where components differ. */
  readonly precision: number;
  readonly color: CodestreamColor;
}
