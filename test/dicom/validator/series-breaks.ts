import { DataSet } from '../../../src/dicom/data-set.ts';
import type { CheckName } from '../../../src/dicom/validator/checks.ts';
import { slideDataSet } from '../../support/wsi-instance.ts';

/** How to break a good series of base, level, thumbnail, label and overview. */
export interface SeriesBreak {
  readonly change: (series: readonly DataSet[]) => readonly DataSet[] | undefined;
  readonly also?: readonly CheckName[];
}

/** A good series. */
export function slideSeries(): DataSet[] {
  return [
    slideDataSet({ instanceNumber: 1 }),
    slideDataSet({ level: 1, instanceNumber: 2 }),
    slideDataSet({ flavor: 'THUMBNAIL', instanceNumber: 3 }),
    slideDataSet({ flavor: 'LABEL', instanceNumber: 4 }),
    slideDataSet({ flavor: 'OVERVIEW', instanceNumber: 5 }),
  ];
}

/** The base as two parts of two frames each. */
export function concatenated(): DataSet[] {
  const [, ...others] = slideSeries();
  return [concatenationPart(1), concatenationPart(2), ...others];
}

function concatenationPart(number: number): DataSet {
  return slideDataSet({ instanceNumber: 1 })
    .set('SOPInstanceUID', `2.25.1${number}`)
    .set('ConcatenationUID', '2.25.77')
    .set('SOPInstanceUIDOfConcatenationSource', '2.25.78')
    .set('InConcatenationNumber', number)
    .set('InConcatenationTotalNumber', 2)
    .set('ConcatenationFrameOffsetNumber', (number - 1) * 2)
    .set('NumberOfFrames', '2');
}

/** Changes the instance at an index. */
function at(index: number, change: (dataSet: DataSet) => unknown): SeriesBreak['change'] {
  return (series) => {
    change(series[index] as DataSet);
    return undefined;
  };
}

const [BASE, LEVEL, THUMBNAIL, LABEL] = [0, 1, 2, 3] as const;

export const seriesBreaks = {
  'series-entities-equal': { change: at(LABEL, (label) => label.set('ContainerIdentifier', 'C2')) },
  'series-instances-distinct': {
    change: (series) => {
      series[LEVEL]?.set('SOPInstanceUID', series[BASE]?.text('SOPInstanceUID') ?? '');
      return undefined;
    },
  },
  'series-instance-numbers': { change: at(LEVEL, (level) => level.set('InstanceNumber', '1')) },
  'series-frame-of-reference': { change: at(LEVEL, (level) => level.set('FrameOfReferenceUID', '1.2.3')) },
  'series-pyramid-uid': { change: at(LEVEL, (level) => level.delete('PyramidUID')) },
  'series-one-base': {
    change: at(LEVEL, (level) => level.set('ImageType', ['DERIVED', 'PRIMARY', 'VOLUME', 'NONE'])),
  },
  'series-placement': {
    change: at(LEVEL, (level) =>
      level.items('TotalPixelMatrixOriginSequence')[0]?.set('XOffsetInSlideCoordinateSystem', '0'),
    ),
  },
  'series-imaged-volume': { change: at(LEVEL, (level) => level.set('ImagedVolumeDepth', 2)) },
  'series-optical-paths': {
    change: at(LEVEL, (level) => {
      const [path] = level.items('OpticalPathSequence');
      const [base, other] = [path as DataSet, copyOf(path as DataSet).set('OpticalPathIdentifier', '2')];
      level.set('OpticalPathSequence', [base, other]);
    }),
    also: ['series-one-base'],
  },
  'series-thumbnail-matrix': {
    change: at(THUMBNAIL, (thumbnail) =>
      thumbnail.set('TotalPixelMatrixColumns', 16).set('TotalPixelMatrixRows', 16),
    ),
  },
  'series-level-sizes': {
    change: at(LEVEL, (level) => level.set('TotalPixelMatrixColumns', 32).set('TotalPixelMatrixRows', 32)),
  },
  'series-concatenation': {
    change: () => {
      const series = concatenated();
      series[1]?.set('ConcatenationFrameOffsetNumber', 3);
      return series;
    },
  },
  'series-conversion-source': {
    change: at(LABEL, (label) => label.delete('ConversionSourceAttributesSequence')),
  },
} as const satisfies Readonly<Partial<Record<CheckName, SeriesBreak>>>;

function copyOf(dataSet: DataSet): DataSet {
  const copy = new DataSet();
  for (const element of dataSet) copy.add(element);
  return copy;
}
