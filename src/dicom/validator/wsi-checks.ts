import { Tag } from '../tags.generated.ts';
import { type Check, checkTable } from './check.ts';
import { type Problem, problemAt, shown } from './findings.ts';
import type { Instance } from './instance.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';
import { flavorOf, flavors, WSI_SOP_CLASS_UID } from './wsi-flavor.ts';
import { extentsOf, isOrthonormal, sharedGroup, tiledFullFrames } from './wsi-geometry.ts';

/** Of PS3.6 2025; the dictionary does not have it yet. */
const TILES_OVERLAP = 0x0048_0304;

/** What the tables of PS3.3 cannot say of a VL Whole Slide Microscopy Image: how its attributes fit together. */
export const wsiChecks = checkTable({
  'wsi-image-type': forWsi(
    'error',
    'Image Type has four values, each one of C.8.12.4.1.1.',
    function* ({ dataSet }) {
      const values = dataSet.texts(Tag.ImageType);
      if (values.length === 0) return; // Missing: the modules tell.
      const allowed = [['ORIGINAL', 'DERIVED'], ['PRIMARY'], flavors, ['NONE', 'RESAMPLED']] as const;
      if (values.length !== 4)
        yield problemAt(dataSet, Tag.ImageType, `has ${values.length} values; it should have 4`);
      for (const [index, terms] of allowed.entries()) {
        const value = values[index];
        if (value === undefined || (terms as readonly string[]).includes(value)) continue;
        yield problemAt(
          dataSet,
          Tag.ImageType,
          `has value ${index + 1} ${shown(value)}; it should be ${terms.join(' or ')}`,
        );
      }
    },
  ),
  'wsi-frame-type': forWsi('error', 'Frame Type is Image Type. C.8.12.9.1.', function* ({ dataSet }) {
    const item = sharedGroup(dataSet, Tag.WholeSlideMicroscopyImageFrameTypeSequence);
    if (item !== undefined) yield* differingFrameType(item);
  }),
  'wsi-frame-type-of-frame': {
    severity: 'error',
    rule: 'Frame Type of each frame is Image Type. C.8.12.9.1.',
    *frameItem(frame, iod) {
      const item = frame.item(Tag.WholeSlideMicroscopyImageFrameTypeSequence);
      if (iod?.uid === WSI_SOP_CLASS_UID && item !== undefined) yield* differingFrameType(item);
    },
  },
  'wsi-samples': forWsi(
    'error',
    'Samples are 1 or 3 of 8 or 16 bits, all stored, unsigned. C.8.12.4.',
    function* ({ dataSet }) {
      yield* oneOf(dataSet, Tag.SamplesPerPixel, [1, 3]);
      yield* oneOf(dataSet, Tag.BitsAllocated, [8, 16]);
      yield* oneOf(dataSet, Tag.BitsStored, [dataSet.number(Tag.BitsAllocated) ?? 8]);
      yield* oneOf(dataSet, Tag.PixelRepresentation, [0]);
      yield* oneOf(dataSet, Tag.PlanarConfiguration, [0]);
    },
  ),
  'wsi-matrix-not-empty': forWsi(
    'error',
    'The total pixel matrix has rows and columns. C.8.12.14.',
    function* ({ dataSet }) {
      for (const tag of [Tag.TotalPixelMatrixColumns, Tag.TotalPixelMatrixRows]) {
        if (dataSet.number(tag) === 0) yield problemAt(dataSet, tag, 'is 0; it should be above');
      }
    },
  ),
  'wsi-frame-count': forWsi(
    'error',
    'TILED_FULL has a frame for every tile, focal plane and optical path. C.7.6.17.3.',
    function* ({ dataSet }) {
      const isPart = dataSet.has(Tag.ConcatenationUID);
      if (dataSet.text(Tag.DimensionOrganizationType) !== 'TILED_FULL' || isPart) return;
      const expected = tiledFullFrames(dataSet);
      const frames = dataSet.number(Tag.NumberOfFrames);
      if (expected === undefined || frames === undefined || frames === expected) return;
      yield problemAt(dataSet, Tag.NumberOfFrames, `is ${frames}; the tiles make ${expected}`);
    },
  ),
  'wsi-single-frame': forWsi(
    'error',
    'A THUMBNAIL, LABEL or OVERVIEW is one frame. C.8.12.4.',
    function* ({ dataSet }) {
      const flavor = flavorOf(dataSet);
      const frames = dataSet.number(Tag.NumberOfFrames);
      if (flavor === undefined || flavor === 'VOLUME' || frames === undefined || frames === 1) return;
      yield problemAt(dataSet, Tag.NumberOfFrames, `is ${frames}; a ${flavor} should have 1`);
    },
  ),
  'wsi-specimen-label': forWsi(
    'error',
    'Specimen Label in Image is YES for LABEL and OVERVIEW, else NO. C.8.12.4.',
    function* ({ dataSet }) {
      const flavor = flavorOf(dataSet);
      const said = dataSet.text(Tag.SpecimenLabelInImage);
      if (flavor === undefined || said === undefined) return;
      const expected = flavor === 'LABEL' || flavor === 'OVERVIEW' ? 'YES' : 'NO';
      if (said !== expected)
        yield problemAt(
          dataSet,
          Tag.SpecimenLabelInImage,
          `is ${shown(said)}; for ${flavor} it should be ${expected}`,
        );
    },
  ),
  'wsi-volume-not-zero': forWsi(
    'error',
    'Imaged volume, spacing and thickness are above zero. C.8.12.4, C.7.6.16.2.1.',
    function* ({ dataSet }) {
      const measures = sharedGroup(dataSet, Tag.PixelMeasuresSequence);
      const volume = [Tag.ImagedVolumeWidth, Tag.ImagedVolumeHeight, Tag.ImagedVolumeDepth];
      if (flavorOf(dataSet) === 'VOLUME') for (const tag of volume) yield* aboveZero(dataSet, tag);
      if (measures === undefined) return;
      yield* aboveZero(measures, Tag.PixelSpacing);
      yield* aboveZero(measures, Tag.SliceThickness);
    },
  ),
  'wsi-spacing-volume': forWsi(
    'error',
    'Pixel Spacing × total pixel matrix is the imaged volume, to a pixel. C.8.12.4.',
    function* ({ dataSet }) {
      if (flavorOf(dataSet) !== 'VOLUME') return;
      for (const { tag, extent } of extents(dataSet)) {
        const { productMm, volumeMm, spacingMm, toleranceMm } = extent;
        if (Math.abs(productMm - volumeMm) <= toleranceMm + spacingMm) continue;
        yield problemAt(dataSet, tag, `is ${volumeMm} mm; spacing × matrix is ${productMm} mm`);
      }
    },
  ),
  'wsi-spacing-volume-exact': forWsi(
    'warning',
    'Pixel Spacing × total pixel matrix is the imaged volume, as exactly as DS and FL can say.',
    function* ({ dataSet }) {
      if (flavorOf(dataSet) !== 'VOLUME') return;
      for (const { tag, extent } of extents(dataSet)) {
        const difference = Math.abs(extent.productMm - extent.volumeMm);
        if (difference <= extent.toleranceMm || difference > extent.toleranceMm + extent.spacingMm) continue;
        yield problemAt(dataSet, tag, `differs by ${difference} mm from spacing × matrix`);
      }
    },
  ),
  'wsi-volume-depth': forWsi(
    'warning',
    'Imaged Volume Depth in µm is Slice Thickness in mm, of one focal plane. C.8.12.4.',
    function* ({ dataSet }) {
      const thicknessMm = sharedGroup(dataSet, Tag.PixelMeasuresSequence)?.number(Tag.SliceThickness);
      const depth = dataSet.number(Tag.ImagedVolumeDepth);
      if (flavorOf(dataSet) !== 'VOLUME' || thicknessMm === undefined || depth === undefined) return;
      if (
        (dataSet.number(Tag.TotalPixelMatrixFocalPlanes) ?? 1) > 1 ||
        Math.abs(thicknessMm * 1000 - depth) <= depth * 1e-4
      )
        return;
      yield problemAt(dataSet, Tag.ImagedVolumeDepth, `is ${depth} µm; Slice Thickness is ${thicknessMm} mm`);
    },
  ),
  'wsi-orientation': forWsi(
    'error',
    'Image Orientation (Slide) is two unit vectors at right angles. C.8.12.14, C.7.6.2.1.1.',
    function* ({ dataSet }) {
      if (
        !dataSet.hasValue(Tag.ImageOrientationSlide) ||
        isOrthonormal(dataSet.numbers(Tag.ImageOrientationSlide))
      )
        return;
      yield problemAt(
        dataSet,
        Tag.ImageOrientationSlide,
        `is ${dataSet.numbers(Tag.ImageOrientationSlide).join('\\')}: not two unit vectors at right angles`,
      );
    },
  ),
  'wsi-tiles-overlap': forWsi(
    'error',
    'Tiles of TILED_FULL do not overlap. C.8.12.14.',
    function* ({ dataSet }) {
      const overlap = dataSet.text(TILES_OVERLAP);
      if (
        dataSet.text(Tag.DimensionOrganizationType) !== 'TILED_FULL' ||
        overlap === undefined ||
        overlap === 'NONE'
      )
        return;
      yield problemAt(dataSet, TILES_OVERLAP, `is ${shown(overlap)}; with TILED_FULL it should be NONE`);
    },
  ),
  'wsi-optical-paths': forWsi(
    'error',
    'Optical paths have identifiers of their own, and their number is as said. C.8.12.5.',
    function* ({ dataSet }) {
      const identifiers = dataSet
        .items(Tag.OpticalPathSequence)
        .map((item) => item.text(Tag.OpticalPathIdentifier));
      const said = dataSet.number(Tag.NumberOfOpticalPaths);
      if (said !== undefined && said !== identifiers.length) {
        yield problemAt(
          dataSet,
          Tag.NumberOfOpticalPaths,
          `is ${said}; Optical Path Sequence has ${identifiers.length} items`,
        );
      }
      for (const path of dataSet.items(Tag.OpticalPathSequence))
        yield* aboveZero(path, Tag.IlluminationWaveLength);
      if (new Set(identifiers).size < identifiers.length) {
        yield problemAt(
          dataSet,
          Tag.OpticalPathSequence,
          'has two items with the same Optical Path Identifier',
        );
      }
    },
  ),
  'wsi-optical-path-known': forWsi(
    'error',
    'A frame names an optical path of Optical Path Sequence. C.8.12.6.1.',
    function* ({ dataSet }) {
      const item = sharedGroup(dataSet, Tag.OpticalPathIdentificationSequence);
      if (item !== undefined) yield* unknownOpticalPath(item);
    },
  ),
  'wsi-pyramid-uid': forWsi(
    'error',
    'Pyramid UID belongs to VOLUME and THUMBNAIL only. A.32.8, C.7.11.1.',
    function* ({ dataSet }) {
      const flavor = flavorOf(dataSet);
      if ((flavor === 'LABEL' || flavor === 'OVERVIEW') && dataSet.has(Tag.PyramidUID)) {
        yield problemAt(dataSet, Tag.PyramidUID, `is there; a ${flavor} should have none`);
      }
    },
  ),
  'wsi-pyramid-uid-missing': forWsi(
    'warning',
    'Levels say by Pyramid UID that they belong together. C.7.11.1.',
    function* ({ dataSet }) {
      const flavor = flavorOf(dataSet);
      if ((flavor === 'VOLUME' || flavor === 'THUMBNAIL') && !dataSet.hasValue(Tag.PyramidUID)) {
        yield problemAt(
          dataSet,
          Tag.PyramidUID,
          `is missing; a ${flavor} should say which pyramid it belongs to`,
        );
      }
    },
  ),
  'wsi-icc-in-optical-path': forWsi(
    'error',
    'Color is described in the optical path, not at the top. A.32.8, C.8.12.5.',
    function* ({ dataSet }) {
      for (const tag of [Tag.ICCProfile, Tag.ColorSpace]) {
        if (dataSet.has(tag))
          yield problemAt(dataSet, tag, 'is at the top level; it should be in Optical Path Sequence');
      }
    },
  ),
  'wsi-offset-table': forWsi(
    'warning',
    'Many frames are found by an offset table. PS3.5 A.4.',
    function* ({ dataSet, pixelData }) {
      if (
        !pixelData?.isEncapsulated ||
        pixelData.offsetTable !== 'none' ||
        (dataSet.number(Tag.NumberOfFrames) ?? 1) <= 1
      )
        return;
      yield {
        tag: pixelData.tag,
        message: 'has neither a Basic nor an Extended Offset Table; readers have to search for frames',
      };
    },
  ),
});

/** A check that looks at instances of the Whole Slide IOD only; paragraphs are of PS3.3. */
function forWsi(
  severity: Check['severity'],
  rule: string,
  instance: (instance: Instance) => Iterable<Problem>,
): Check {
  return {
    severity,
    rule: `${rule.replace(/ ([AC]\.\d)/, ' PS3.3 $1')}`,
    instance: (candidate) => (candidate.iod?.uid === WSI_SOP_CLASS_UID ? instance(candidate) : []),
  };
}

function* differingFrameType(item: ParsedDataSet): Generator<Problem> {
  const frameType = item.texts(Tag.FrameType);
  const imageType = item.root.texts(Tag.ImageType);
  if (frameType.length > 0 && imageType.length > 0 && frameType.join() !== imageType.join()) {
    const [is, should] = [frameType, imageType].map((values) => values.map(shown).join(' '));
    yield problemAt(item, Tag.FrameType, `is ${is}; it should be as Image Type, ${should}`);
  }
}

export function* unknownOpticalPath(item: ParsedDataSet): Generator<Problem> {
  const identifiers = item.root
    .items(Tag.OpticalPathSequence)
    .map((path) => path.text(Tag.OpticalPathIdentifier));
  const identifier = item.text(Tag.OpticalPathIdentifier);
  if (identifier === undefined || identifiers.includes(identifier)) return;
  yield problemAt(item, Tag.OpticalPathIdentifier, 'is of no item of Optical Path Sequence');
}

function* oneOf(dataSet: ParsedDataSet, tag: number, allowed: readonly number[]): Generator<Problem> {
  const value = dataSet.number(tag);
  if (value === undefined || allowed.includes(value)) return;
  yield problemAt(dataSet, tag, `is ${value}; it should be ${allowed.join(' or ')}`);
}

function* aboveZero(dataSet: ParsedDataSet, tag: number): Generator<Problem> {
  const value = dataSet.numbers(tag).find((number) => !(number > 0));
  if (value !== undefined) yield problemAt(dataSet, tag, `is ${value}; it should be above 0`);
}

function extents(dataSet: ParsedDataSet) {
  const { width, height } = extentsOf(dataSet);
  return [
    ...(width === undefined ? [] : [{ tag: Tag.ImagedVolumeWidth, extent: width }]),
    ...(height === undefined ? [] : [{ tag: Tag.ImagedVolumeHeight, extent: height }]),
  ];
}
