import { DataSet } from '../../../src/dicom/data-set.ts';
import { EXPLICIT_LE } from '../../support/raw-file.ts';
import { iccProfile, JPEG_BASELINE, part10File, slideDataSet } from '../../support/wsi-instance.ts';
import { type BreakTable, slideWith } from './generic-breaks.ts';

function shared(slide: DataSet): DataSet {
  return slide.items('SharedFunctionalGroupsSequence')[0] as DataSet;
}

function opticalPath(slide: DataSet): DataSet {
  return slide.items('OpticalPathSequence')[0] as DataSet;
}

function measures(slide: DataSet): DataSet {
  return shared(slide).items('PixelMeasuresSequence')[0] as DataSet;
}

/** A good slide whose tiles each say where they are. */
export function sparseSlide(): DataSet {
  const slide = slideDataSet().set('DimensionOrganizationType', 'TILED_SPARSE');
  shared(slide).delete('OpticalPathIdentificationSequence');
  const tiles = [1, 2].flatMap((row) => [1, 2].map((column) => ({ row, column })));
  return slide.set('PerFrameFunctionalGroupsSequence', tiles.map(frameGroups));
}

/** Of the 32 × 32 matrix at 0.5 µm: rows run along -X, columns along -Y. */
function frameGroups({ row, column }: { row: number; column: number }): DataSet {
  const position = new DataSet()
    .set('ColumnPositionInTotalImagePixelMatrix', (column - 1) * 16 + 1)
    .set('RowPositionInTotalImagePixelMatrix', (row - 1) * 16 + 1)
    .set('XOffsetInSlideCoordinateSystem', `${25 - (row - 1) * 0.008}`)
    .set('YOffsetInSlideCoordinateSystem', `${50 - (column - 1) * 0.008}`)
    .set('ZOffsetInSlideCoordinateSystem', '0');
  return new DataSet()
    .set('FrameContentSequence', [new DataSet().set('DimensionIndexValues', [row, column])])
    .set('PlanePositionSlideSequence', [position])
    .set('OpticalPathIdentificationSequence', [new DataSet().set('OpticalPathIdentifier', '1')]);
}

function sparseWith(change: (firstFrame: DataSet, slide: DataSet) => unknown): () => Uint8Array {
  return () => {
    const slide = sparseSlide();
    change(slide.items('PerFrameFunctionalGroupsSequence')[0] as DataSet, slide);
    return part10File(slide);
  };
}

function native(change: (slide: DataSet) => unknown): () => Uint8Array {
  return () => {
    const slide = slideDataSet().set('PhotometricInterpretation', 'RGB');
    slide.set('PixelData', Buffer.alloc(4 * 16 * 16 * 3), 'OB');
    change(slide);
    return part10File(slide, EXPLICIT_LE);
  };
}

/** How pixels are described. */
export const imageBreaks = {
  'pixel-data-encapsulated': {
    file: () => part10File(slideDataSet().set('PhotometricInterpretation', 'RGB'), EXPLICIT_LE),
  },
  'pixel-data-vr': {
    file: native((slide) => slide.set('BitsAllocated', 16).set('BitsStored', 16).set('HighBit', 15)),
    also: ['pixel-data-length'],
  },
  'pixel-data-length': { file: native((slide) => slide.set('PixelData', Buffer.alloc(100), 'OB')) },
  'pixel-data-frames': {
    file: slideWith((slide) => {
      slide.set('TotalPixelMatrixRows', 80).set('NumberOfFrames', '10').set('ImagedVolumeHeight', 0.04);
      slide.setEncapsulated('PixelData', part10Pixels());
    }),
    also: ['basic-offset-table-exact'],
  },
  'samples-photometric': {
    file: slideWith((slide) => slide.set('SamplesPerPixel', 1).delete('PlanarConfiguration')),
    also: ['frame-samples'],
  },
  'bits-consistent': { file: slideWith((slide) => slide.set('HighBit', 6)) },
  'image-not-empty': {
    file: slideWith((slide) => slide.set('NumberOfFrames', '0')),
    also: ['wsi-frame-count'],
  },
  'photometric-transfer-syntax': {
    file: slideWith((slide) => slide.set('PhotometricInterpretation', 'YBR_ICT')),
    also: ['frame-color'],
  },
  'lossy-flag': {
    file: slideWith((slide) => {
      slide.set('LossyImageCompression', '00');
      slide.delete('LossyImageCompressionRatio');
      slide.delete('LossyImageCompressionMethod');
    }),
  },
  'lossy-counts': { file: slideWith((slide) => slide.set('LossyImageCompressionRatio', ['10', '20'])) },
  'lossy-ratio-positive': { file: slideWith((slide) => slide.set('LossyImageCompressionRatio', '0')) },
  'icc-readable': { file: slideWith((slide) => opticalPath(slide).set('ICCProfile', Buffer.alloc(200))) },
  'icc-class': { file: slideWith((slide) => opticalPath(slide).set('ICCProfile', iccProfile('mntr'))) },
} as const satisfies BreakTable;

function part10Pixels(): Uint8Array {
  const slide = slideDataSet();
  part10File(slide);
  return slide.bytes('PixelData') as Uint8Array;
}

/** Modules and functional groups. */
export const moduleBreaks = {
  'attribute-missing': { file: slideWith((slide) => slide.delete('DeviceSerialNumber')) },
  'attribute-empty': { file: slideWith((slide) => slide.set('DeviceSerialNumber', '')) },
  'attribute-not-allowed': { file: slideWith((slide) => slide.set('NumberOfFocalPlanes', 3)) },
  'sequence-too-many-items': {
    file: slideWith((slide) => {
      const [origin] = slide.items('TotalPixelMatrixOriginSequence');
      slide.set('TotalPixelMatrixOriginSequence', [origin as DataSet, origin as DataSet]);
    }),
  },
  'functional-group-missing': {
    file: slideWith((slide) => shared(slide).delete('WholeSlideMicroscopyImageFrameTypeSequence')),
  },
  'functional-group-twice': {
    file: sparseWith((frame, slide) => frame.set('PixelMeasuresSequence', [measures(slide)])),
  },
  'dicomdir-values': { file: slideWith((slide) => slide.set('StudyID', '')) },
  'attribute-outside-iod': { file: slideWith((slide) => slide.set('KVP', '120')) },
  'functional-group-outside-iod': {
    file: slideWith((slide) => shared(slide).set('PlaneOrientationSequence', [])),
  },
} as const satisfies BreakTable;

/** Functional groups, dimensions and provenance of frames. */
export const multiFrameBreaks = {
  'dimension-values': {
    file: sparseWith((frame) => frame.items('FrameContentSequence')[0]?.set('DimensionIndexValues', [1])),
  },
  'dimension-organization-known': {
    file: slideWith((slide) =>
      slide.items('DimensionIndexSequence')[0]?.set('DimensionOrganizationUID', '1.2.3'),
    ),
  },
  'per-frame-count': {
    file: sparseWith((frame, slide) => slide.set('PerFrameFunctionalGroupsSequence', [frame])),
  },
  'concatenation-part': {
    file: slideWith((slide) => {
      slide.set('ConcatenationUID', '1.2.3').set('SOPInstanceUIDOfConcatenationSource', '1.2.4');
      slide.set('InConcatenationNumber', 3).set('InConcatenationTotalNumber', 2);
      slide.set('ConcatenationFrameOffsetNumber', 0);
    }),
  },
  'wsi-tile-position': {
    file: sparseWith((frame) =>
      frame.items('PlanePositionSlideSequence')[0]?.set('ColumnPositionInTotalImagePixelMatrix', 0),
    ),
    also: ['wsi-tile-offset'],
  },
  'wsi-optical-path-known-of-frame': {
    file: sparseWith((frame) =>
      frame.items('OpticalPathIdentificationSequence')[0]?.set('OpticalPathIdentifier', '9'),
    ),
  },
  'wsi-tile-offset': {
    file: sparseWith((frame) =>
      frame.items('PlanePositionSlideSequence')[0]?.set('XOffsetInSlideCoordinateSystem', '24'),
    ),
  },
  'wsi-derivation': { file: slideWith((slide) => shared(slide).delete('DerivationImageSequence')) },
  'wsi-conversion-source': { file: slideWith((slide) => slide.delete('ConversionSourceAttributesSequence')) },
  'wsi-frame-type-of-frame': {
    file: sparseWith((frame, slide) => {
      shared(slide).delete('WholeSlideMicroscopyImageFrameTypeSequence');
      const frames = slide.items('PerFrameFunctionalGroupsSequence');
      for (const item of frames) setFrameType(item, 'NONE');
      setFrameType(frame, 'RESAMPLED');
    }),
  },
} as const satisfies BreakTable;

function setFrameType(item: DataSet, fourth: string): void {
  const frameType = new DataSet().set('FrameType', ['DERIVED', 'PRIMARY', 'VOLUME', fourth]);
  item.set('WholeSlideMicroscopyImageFrameTypeSequence', [frameType]);
}

/** How the attributes of a whole slide image fit together. */
export const wsiBreaks = {
  'wsi-image-type': {
    file: slideWith((slide) => slide.set('ImageType', ['DERIVED', 'SECONDARY', 'VOLUME', 'NONE'])),
    also: ['wsi-frame-type'],
  },
  'wsi-frame-type': { file: slideWith((slide) => setFrameType(shared(slide), 'RESAMPLED')) },
  'wsi-samples': { file: slideWith((slide) => slide.set('PlanarConfiguration', 1)) },
  'wsi-matrix-not-empty': {
    file: slideWith((slide) => slide.set('TotalPixelMatrixRows', 0)),
    also: ['wsi-spacing-volume'],
  },
  'wsi-frame-count': {
    file: slideWith((slide) => slide.set('TotalPixelMatrixFocalPlanes', 2)),
    also: ['attribute-missing'],
  },
  'wsi-single-frame': {
    file: () => {
      const label = slideDataSet({ flavor: 'LABEL' })
        .set('TotalPixelMatrixRows', 40)
        .set('NumberOfFrames', '2');
      return part10File(label);
    },
  },
  'wsi-specimen-label': { file: slideWith((slide) => slide.set('SpecimenLabelInImage', 'YES')) },
  'wsi-volume-not-zero': {
    file: slideWith((slide) => slide.set('ImagedVolumeDepth', 0)),
    also: ['wsi-volume-depth'],
  },
  'wsi-spacing-volume': { file: slideWith((slide) => slide.set('ImagedVolumeWidth', 0.018)) },
  'wsi-spacing-volume-exact': { file: slideWith((slide) => slide.set('ImagedVolumeWidth', 0.0163)) },
  'wsi-volume-depth': { file: slideWith((slide) => slide.set('ImagedVolumeDepth', 5)) },
  'wsi-orientation': {
    file: slideWith((slide) => slide.set('ImageOrientationSlide', ['0', '-1', '0', '-1', '-1', '0'])),
  },
  'wsi-tiles-overlap': { file: slideWith((slide) => slide.set(0x0048_0304, 'UNIFORM', 'CS')) },
  'wsi-optical-paths': {
    file: slideWith((slide) => slide.set('NumberOfOpticalPaths', 2)),
    also: ['wsi-frame-count'],
  },
  'wsi-optical-path-known': {
    file: slideWith((slide) =>
      shared(slide).items('OpticalPathIdentificationSequence')[0]?.set('OpticalPathIdentifier', '9'),
    ),
  },
  'wsi-pyramid-uid': {
    file: () => part10File(slideDataSet({ flavor: 'LABEL' }).set('PyramidUID', '1.2.3')),
  },
  'wsi-pyramid-uid-missing': { file: slideWith((slide) => slide.delete('PyramidUID')) },
  'wsi-icc-in-optical-path': {
    file: slideWith((slide) => slide.set('ColorSpace', 'SRGB')),
  },
  'wsi-offset-table': {
    file: () => {
      const slide = slideDataSet();
      part10File(slide);
      const items = slide.bytes('PixelData') as Uint8Array;
      const empty = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
      slide.setEncapsulated('PixelData', Buffer.concat([empty, items.subarray(8 + 16)]));
      return part10File(slide, JPEG_BASELINE);
    },
  },
} as const satisfies BreakTable;
