import { Tag } from '../tags.generated.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';

/** Largest relative error of a 32-bit float that was rounded once. */
const FLOAT_ERROR = 2 ** -23;

/** Decimals with fewer digits are taken as exact. */
const SHORT_DIGITS = 6;

/** A length that was written as matrix × spacing, and the same as it was written at once. */
export interface Extent {
  readonly spacingMm: number;
  readonly pixels: number;
  /** `pixels * spacingMm`. */
  readonly productMm: number;
  readonly volumeMm: number;
  /** What rounding of DS and FL can explain. */
  readonly toleranceMm: number;
}

/**
 * The extent along columns and rows of a VOLUME: Imaged Volume Width and Height against the total pixel matrix.
 * PS3.3 C.8.12.4.
 *
 * @returns undefined for what the data set does not say
 */
export function extentsOf(dataSet: ParsedDataSet): { readonly width?: Extent; readonly height?: Extent } {
  const measures = sharedGroup(dataSet, Tag.PixelMeasuresSequence);
  const [rowSpacing, columnSpacing] = measures?.texts(Tag.PixelSpacing) ?? [];
  const width = extentOf(
    columnSpacing,
    dataSet.number(Tag.TotalPixelMatrixColumns),
    dataSet.number(Tag.ImagedVolumeWidth),
  );
  const height = extentOf(
    rowSpacing,
    dataSet.number(Tag.TotalPixelMatrixRows),
    dataSet.number(Tag.ImagedVolumeHeight),
  );
  return { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) };
}

function extentOf(
  spacing: string | undefined,
  pixels: number | undefined,
  volumeMm: number | undefined,
): Extent | undefined {
  const spacingMm = Number(spacing);
  if (spacing === undefined || pixels === undefined || volumeMm === undefined || Number.isNaN(spacingMm))
    return undefined;
  const toleranceMm = roundingOf(spacing) * pixels + volumeMm * FLOAT_ERROR;
  return { spacingMm, pixels, productMm: pixels * spacingMm, volumeMm, toleranceMm };
}

/** What rounding to its last digit can hide in a DS; nothing in a short one such as 0.00025, which is meant so. */
function roundingOf(decimal: string): number {
  const [, whole = '', digits = '', exponent = '0'] =
    /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(decimal.trim()) ?? [];
  const significant = (whole + digits).replace(/^0+/, '').length;
  return significant < SHORT_DIGITS ? 0 : 10 ** (Number(exponent) - digits.length) / 2;
}

/** Whether six direction cosines are two unit vectors at right angles. PS3.3 C.7.6.2.1.1. */
export function isOrthonormal(orientation: readonly number[]): boolean {
  const [a, b, c, d, e, f] = orientation as [number, number, number, number, number, number];
  const isUnit = (x: number, y: number, z: number) => Math.abs(Math.hypot(x, y, z) - 1) < 1e-4;
  return (
    orientation.length === 6 && isUnit(a, b, c) && isUnit(d, e, f) && Math.abs(a * d + b * e + c * f) < 1e-4
  );
}

/** Frames that TILED_FULL asks for. PS3.3 C.7.6.17.3. */
export function tiledFullFrames(dataSet: ParsedDataSet): number | undefined {
  const [columns, rows, tileColumns, tileRows] = [
    Tag.TotalPixelMatrixColumns,
    Tag.TotalPixelMatrixRows,
    Tag.Columns,
    Tag.Rows,
  ].map((tag) => dataSet.number(tag));
  if (!columns || !rows || !tileColumns || !tileRows) return undefined;
  const opticalPaths =
    dataSet.number(Tag.NumberOfOpticalPaths) ?? dataSet.items(Tag.OpticalPathSequence).length;
  const focalPlanes = dataSet.number(Tag.TotalPixelMatrixFocalPlanes) ?? 1;
  if (opticalPaths === 0) return undefined;
  return Math.ceil(columns / tileColumns) * Math.ceil(rows / tileRows) * opticalPaths * focalPlanes;
}

/** Where a tile lies on the slide, by its position in the matrix. */
export interface TileOffsets {
  readonly x: number;
  readonly y: number;
  /** A pixel: writers round. */
  readonly toleranceMm: number;
}

/**
 * Computes the offsets of a tile from its column and row, the origin, orientation and spacing. PS3.3 C.8.12.6.1.
 *
 * @returns undefined when the data set lacks one of them
 */
export function tileOffsetsOf(frame: ParsedDataSet, position: ParsedDataSet): TileOffsets | undefined {
  const { root } = frame;
  const measures = frame.item(Tag.PixelMeasuresSequence) ?? sharedGroup(root, Tag.PixelMeasuresSequence);
  const origin = root.item(Tag.TotalPixelMatrixOriginSequence);
  const [rowSpacing = Number.NaN, columnSpacing = Number.NaN] = measures?.numbers(Tag.PixelSpacing) ?? [];
  const [xOfColumn = Number.NaN, yOfColumn = 0, , xOfRow = 0, yOfRow = 0] = root.numbers(
    Tag.ImageOrientationSlide,
  );
  const columnsMm =
    ((position.number(Tag.ColumnPositionInTotalImagePixelMatrix) ?? Number.NaN) - 1) * columnSpacing;
  const rowsMm = ((position.number(Tag.RowPositionInTotalImagePixelMatrix) ?? Number.NaN) - 1) * rowSpacing;
  const x =
    (origin?.number(Tag.XOffsetInSlideCoordinateSystem) ?? Number.NaN) +
    xOfColumn * columnsMm +
    xOfRow * rowsMm;
  const y =
    (origin?.number(Tag.YOffsetInSlideCoordinateSystem) ?? Number.NaN) +
    yOfColumn * columnsMm +
    yOfRow * rowsMm;
  return Number.isNaN(x + y) ? undefined : { x, y, toleranceMm: Math.max(rowSpacing, columnSpacing) };
}

/** The item of a functional group that all frames share. */
export function sharedGroup(dataSet: ParsedDataSet, sequence: number): ParsedDataSet | undefined {
  return dataSet.item(Tag.SharedFunctionalGroupsSequence)?.item(sequence);
}
