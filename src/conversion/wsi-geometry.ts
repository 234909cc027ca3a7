import type { DataSet } from '../dicom/data-set.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { code, dataSetOf, decimal, setAttributes } from './attributes.ts';
import { type InstanceFacts, type SeriesFacts, WSI_SOP_CLASS_UID } from './wsi-facts.ts';
import { imageType } from './wsi-image.ts';

/** Columns run down the slide and rows across it, label up: how flat images are taken to lie. */
const ORIENTATION = ['0', '-1', '0', '-1', '0', '0'];

/** Multi-Resolution Pyramid C.7.11.1, Tile Organization C.8.12.14, Dimension C.7.6.17, Functional Groups C.7.6.16. */
export function setGeometry(into: DataSet, series: SeriesFacts, instance: InstanceFacts): void {
  const { uids, origin } = series;
  const dimensionIndex = (pointer: number) =>
    dataSetOf({
      DimensionOrganizationUID: uids.dimensionOrganization,
      DimensionIndexPointer: pointer,
      FunctionalGroupPointer: Tag.PlanePositionSlideSequence,
    });
  setAttributes(into, {
    PyramidUID: uids.pyramid,
    TotalPixelMatrixColumns: instance.columns,
    TotalPixelMatrixRows: instance.rows,
    TotalPixelMatrixFocalPlanes: 1,
    // The same in all levels: the outer corner of a pixel of every size is the corner of the slide's image.
    TotalPixelMatrixOriginSequence: [
      dataSetOf({
        XOffsetInSlideCoordinateSystem: decimal(origin.xMm),
        YOffsetInSlideCoordinateSystem: decimal(origin.yMm),
      }),
    ],
    ImageOrientationSlide: ORIENTATION,
    DimensionOrganizationSequence: [dataSetOf({ DimensionOrganizationUID: uids.dimensionOrganization })],
    DimensionOrganizationType: 'TILED_FULL',
    DimensionIndexSequence: [
      dimensionIndex(Tag.RowPositionInTotalImagePixelMatrix), // The slowest first.
      dimensionIndex(Tag.ColumnPositionInTotalImagePixelMatrix),
    ],
    SharedFunctionalGroupsSequence: [sharedFunctionalGroups(series, instance)],
  });
}

function sharedFunctionalGroups(series: SeriesFacts, instance: InstanceFacts): DataSet {
  return dataSetOf({
    PixelMeasuresSequence: [
      dataSetOf({
        PixelSpacing: pixelSpacing(series, instance),
        SliceThickness: decimal(series.sliceThicknessMm),
      }),
    ],
    WholeSlideMicroscopyImageFrameTypeSequence: [dataSetOf({ FrameType: imageType(instance) })],
    OpticalPathIdentificationSequence: [dataSetOf({ OpticalPathIdentifier: OPTICAL_PATH_IDENTIFIER })],
    DerivationImageSequence: derivation(series, instance),
  });
}

/** There is one optical path. */
export const OPTICAL_PATH_IDENTIFIER = '1';

/** All levels show the same volume, so that spacing follows from the number of pixels: rows, then columns. */
function pixelSpacing(series: SeriesFacts, instance: InstanceFacts): readonly string[] {
  return [
    decimal((series.rows * series.spacing.rowMm) / instance.rows),
    decimal((series.columns * series.spacing.columnMm) / instance.columns),
  ];
}

/** The base level comes from the received instance by compression, all others from the base level. */
function derivation(series: SeriesFacts, instance: InstanceFacts): readonly DataSet[] | undefined {
  const source = instance.isResampled
    ? { sopClassUid: WSI_SOP_CLASS_UID, sopInstanceUid: instance.baseSopInstanceUid, frameNumber: undefined }
    : series.instance;
  if (source === undefined) return undefined; // A plain image is no SOP instance to refer to.
  return [
    dataSetOf({
      DerivationDescription: instance.isResampled
        ? 'Resampled from the base level by averaging, then JPEG compressed'
        : 'Tiled and JPEG compressed',
      DerivationCodeSequence: [
        instance.isResampled
          ? code('113085', 'DCM', 'Spatial resampling')
          : code('113040', 'DCM', 'Lossy Compression'),
      ],
      SourceImageSequence: [
        dataSetOf({
          ReferencedSOPClassUID: source.sopClassUid,
          ReferencedSOPInstanceUID: source.sopInstanceUid,
          ReferencedFrameNumber: source.frameNumber,
          PurposeOfReferenceCodeSequence: [
            code('121322', 'DCM', 'Source image for image processing operation'),
          ],
        }),
      ],
    }),
  ];
}
