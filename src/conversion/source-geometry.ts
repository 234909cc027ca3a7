import type { DataSet } from '../dicom/data-set.ts';
import { parseTagPath } from '../dicom/dictionary.ts';
import { numbersOf, valuesAt } from './attributes.ts';
import { ConversionError } from './errors.ts';
import type { GeneratedValues } from './generated-values.ts';
import type { PixelSpacing, SlidePosition } from './wsi-facts.ts';
import type { WsiOptions } from './wsi-options.ts';

/** Sections are cut at three to five micrometres; nominal where nobody says. */
const ASSUMED_SLICE_THICKNESS_MM = 0.003;
/** The corner that is right for a label at the top and rows across the slide. PS3.3 C.8.12.2. */
const ASSUMED_ORIGIN: SlidePosition = { xMm: 25, yMm: 50 };

/** Attributes that are near to pixel spacing and are not taken for it unless a rule says so. */
const NEAR_SPACINGS = [
  'ImagerPixelSpacing',
  'NominalScannedPixelSpacing',
  'ObjectPixelSpacingInCenterOfBeam',
] as const;

/**
 * Spacing of the pixels: what the source states, else what the rule says to take, else what the rule states.
 *
 * @throws {ConversionError} SPACING_MISSING: it is never guessed
 */
export function pixelSpacingOf(
  source: DataSet,
  options: Pick<WsiOptions, 'spacingFrom' | 'spacingMm'>,
  frameIndex: number,
  values: GeneratedValues,
): PixelSpacing {
  for (const holder of [source, ...pixelMeasures(source, frameIndex)]) {
    const stated = holder.texts('PixelSpacing');
    // Two values or none: of a damaged pair, one would be taken for both.
    const spacing = stated.length === 2 ? spacingOf(stated.map(Number)) : undefined;
    if (spacing) return spacing;
  }
  const { spacingFrom, spacingMm } = options;
  if (spacingFrom !== undefined) {
    const taken = spacingOf(valuesAt(source, parseTagPath(spacingFrom)).map(Number));
    if (taken) {
      values.note(`Pixel Spacing taken from ${spacingFrom}, as the rule says`);
      return taken;
    }
  }
  if (spacingMm) {
    values.note('Pixel Spacing as the rule states it');
    return { rowMm: spacingMm[0], columnMm: spacingMm[1] };
  }
  throw spacingMissing(source, spacingFrom);
}

function spacingOf(numbers: readonly number[]): PixelSpacing | undefined {
  const [rowMm, columnMm = rowMm] = numbers;
  const isSpacing = (value: number | undefined) => value !== undefined && value > 0 && value < 1000;
  return isSpacing(rowMm) && isSpacing(columnMm) ? { rowMm: rowMm!, columnMm: columnMm! } : undefined;
}

function spacingMissing(source: DataSet, spacingFrom: string | undefined): ConversionError {
  const near = NEAR_SPACINGS.filter((keyword) => source.has(keyword));
  const said =
    spacingFrom === undefined ? '' : `; ${spacingFrom}, which the rule says to take, holds none either`;
  const hint = near.length > 0 ? `; it has ${near.join(' and ')}, for spacing-from` : '';
  return new ConversionError(
    'SPACING_MISSING',
    `Cannot make a slide of the instance: its Pixel Spacing or Pixel Measures must state the spacing and do not${said}. State spacing-mm or spacing-from with convert${hint}`,
  );
}

/** Of the frame, then of all frames. PS3.3 C.7.6.16.2.1. */
function pixelMeasures(source: DataSet, frameIndex: number): readonly DataSet[] {
  const groups = [
    source.items('PerFrameFunctionalGroupsSequence')[frameIndex],
    source.items('SharedFunctionalGroupsSequence')[0],
  ];
  return groups.flatMap((group) => group?.items('PixelMeasuresSequence') ?? []);
}

/** Thickness of the section: of the source, of the rule, or the nominal one. Never zero. */
export function sliceThicknessOf(
  source: DataSet,
  options: Pick<WsiOptions, 'sliceThicknessMm'>,
  frameIndex: number,
  values: GeneratedValues,
): number {
  const stated = [source, ...pixelMeasures(source, frameIndex)]
    .flatMap((item) => numbersOf(item, 'SliceThickness'))
    .find((thickness) => thickness > 0);
  if (stated !== undefined) return stated;
  if (options.sliceThicknessMm !== undefined) {
    values.note('Slice Thickness as the rule states it');
    return options.sliceThicknessMm;
  }
  values.note(`Assumed: Slice Thickness ${ASSUMED_SLICE_THICKNESS_MM} mm`);
  return ASSUMED_SLICE_THICKNESS_MM;
}

/**
 * Where the image lies on the slide. Slide-coordinates images give the coordinates of their centre (PS3.3
 * C.8.12.2); nothing tells their orientation, which is assumed like that of all flat images.
 */
export function positionOf(
  source: DataSet,
  image: { readonly columns: number; readonly rows: number; readonly spacing: PixelSpacing },
  values: GeneratedValues,
): { readonly origin: SlidePosition; readonly frameOfReferenceUid?: string } {
  const centre = source.items('ImageCenterPointCoordinatesSequence')[0];
  const [x] = centre ? numbersOf(centre, 'XOffsetInSlideCoordinateSystem') : [];
  const [y] = centre ? numbersOf(centre, 'YOffsetInSlideCoordinateSystem') : [];
  const frameOfReferenceUid = source.text('FrameOfReferenceUID');
  if (x === undefined || y === undefined || frameOfReferenceUid === undefined) {
    values.note('Assumed: position and orientation on the slide');
    return { origin: ASSUMED_ORIGIN };
  }
  values.note('Assumed: orientation on the slide');
  const { rowMm, columnMm } = image.spacing;
  // From the centre back to the centre of the first pixel: columns run towards lower Y, rows towards lower X.
  const origin = { xMm: x + ((image.rows - 1) / 2) * rowMm, yMm: y + ((image.columns - 1) / 2) * columnMm };
  return { origin, frameOfReferenceUid };
}
