import { Tag } from '../tags.generated.ts';
import { checkTable } from './check.ts';
import { problemAt } from './findings.ts';
import { unknownOpticalPath } from './wsi-checks.ts';
import { WSI_SOP_CLASS_UID } from './wsi-flavor.ts';
import { sharedGroup, tileOffsetsOf } from './wsi-geometry.ts';

/** How functional groups, dimensions, concatenations and provenance of an instance fit together. */
export const multiFrameChecks = checkTable({
  'dimension-values': {
    severity: 'error',
    rule: 'Dimension Index Values has a value for each item of Dimension Index Sequence, from 1. PS3.3 C.7.6.16.2.2.',
    *frameItem(frame) {
      const content = frame.item(Tag.FrameContentSequence);
      const values = content?.numbers(Tag.DimensionIndexValues) ?? [];
      const dimensions = frame.root.items(Tag.DimensionIndexSequence).length;
      if (
        content === undefined ||
        values.length === 0 ||
        (values.length === dimensions && !values.includes(0))
      )
        return;
      yield problemAt(
        content,
        Tag.DimensionIndexValues,
        `has ${values.length} values from ${Math.min(...values)}; it should have ${dimensions} from 1`,
      );
    },
  },
  'dimension-organization-known': {
    severity: 'error',
    rule: 'A dimension index is of an organization of Dimension Organization Sequence. PS3.3 C.7.6.17.2.',
    *instance({ dataSet }) {
      const known = dataSet
        .items(Tag.DimensionOrganizationSequence)
        .map((item) => item.text(Tag.DimensionOrganizationUID));
      for (const item of dataSet.items(Tag.DimensionIndexSequence)) {
        if (
          !item.hasValue(Tag.DimensionOrganizationUID) ||
          known.includes(item.text(Tag.DimensionOrganizationUID))
        )
          continue;
        yield problemAt(
          item,
          Tag.DimensionOrganizationUID,
          'is of no item of Dimension Organization Sequence',
        );
      }
    },
  },
  'per-frame-count': {
    severity: 'error',
    rule: 'Functional groups per frame are given for every frame. PS3.3 C.7.6.16.1.2.',
    *instance({ dataSet, perFrame }) {
      const frames = dataSet.number(Tag.NumberOfFrames);
      if (
        !dataSet.has(Tag.PerFrameFunctionalGroupsSequence) ||
        frames === undefined ||
        perFrame.items === frames
      )
        return;
      yield problemAt(
        dataSet,
        Tag.PerFrameFunctionalGroupsSequence,
        `has ${perFrame.items} items; Number of Frames is ${frames}`,
      );
    },
  },
  'concatenation-part': {
    severity: 'error',
    rule: 'The parts of a concatenation are numbered from 1 to their total. PS3.3 C.7.6.16.',
    *instance({ dataSet }) {
      const number = dataSet.number(Tag.InConcatenationNumber);
      const total = dataSet.number(Tag.InConcatenationTotalNumber);
      if (number === undefined || (number >= 1 && number <= (total ?? number))) return;
      yield problemAt(
        dataSet,
        Tag.InConcatenationNumber,
        `is ${number} of ${total ?? 'any'}; it should be from 1 to the total`,
      );
    },
  },
  'wsi-tile-position': {
    severity: 'error',
    rule: 'A tile starts inside of the total pixel matrix, counted from 1. PS3.3 C.8.12.6.1.',
    *frameItem(frame, iod) {
      const position = frame.item(Tag.PlanePositionSlideSequence);
      if (iod?.uid !== WSI_SOP_CLASS_UID || position === undefined) return;
      for (const [tag, matrixTag] of [
        [Tag.ColumnPositionInTotalImagePixelMatrix, Tag.TotalPixelMatrixColumns],
        [Tag.RowPositionInTotalImagePixelMatrix, Tag.TotalPixelMatrixRows],
      ] as const) {
        const at = position.number(tag);
        const last = frame.root.number(matrixTag);
        if (at === undefined || last === undefined || (at >= 1 && at <= last)) continue;
        yield problemAt(position, tag, `is ${at}; it should be from 1 to ${last}`);
      }
    },
  },
  'wsi-optical-path-known-of-frame': {
    severity: 'error',
    rule: 'A frame names an optical path of Optical Path Sequence. PS3.3 C.8.12.6.1.',
    *frameItem(frame, iod) {
      const item = frame.item(Tag.OpticalPathIdentificationSequence);
      if (iod?.uid === WSI_SOP_CLASS_UID && item !== undefined) yield* unknownOpticalPath(item);
    },
  },
  'wsi-tile-offset': {
    severity: 'warning',
    rule: 'The offsets of a tile follow from its position, the origin, the orientation and the spacing. PS3.3 C.8.12.6.1.',
    *frameItem(frame, iod) {
      const position = frame.item(Tag.PlanePositionSlideSequence);
      if (iod?.uid !== WSI_SOP_CLASS_UID || position === undefined) return;
      const expected = tileOffsetsOf(frame, position);
      if (expected === undefined) return;
      for (const [tag, expectedMm] of [
        [Tag.XOffsetInSlideCoordinateSystem, expected.x],
        [Tag.YOffsetInSlideCoordinateSystem, expected.y],
      ] as const) {
        const offsetMm = position.number(tag);
        if (offsetMm === undefined || Math.abs(offsetMm - expectedMm) <= expected.toleranceMm) continue;
        yield problemAt(
          position,
          tag,
          `is ${offsetMm} mm; from position, origin and spacing it should be ${expectedMm} mm`,
        );
      }
    },
  },
  'wsi-derivation': {
    severity: 'error',
    rule: 'An image that was converted from another instance says from which it was derived. PS3.3 A.32.8.4, C.7.6.16.2.6.',
    *instance({ dataSet, iod, perFrame }) {
      if (iod?.uid !== WSI_SOP_CLASS_UID || !dataSet.has(Tag.ConversionSourceAttributesSequence)) return;
      const derivation = sharedGroup(dataSet, Tag.DerivationImageSequence);
      if (derivation?.hasValue(Tag.SourceImageSequence)) return;
      if (perFrame.groups.has(Tag.DerivationImageSequence)) return;
      yield {
        tag: Tag.DerivationImageSequence,
        message:
          'is missing or names no source; Conversion Source Attributes Sequence says that the image was derived',
      };
    },
  },
  'wsi-conversion-source': {
    severity: 'error',
    rule: 'An image made from an instance of another SOP class names it in Conversion Source Attributes Sequence. PS3.3 C.12.1.',
    *instance({ dataSet, iod }) {
      if (iod?.uid !== WSI_SOP_CLASS_UID || dataSet.hasValue(Tag.ConversionSourceAttributesSequence)) return;
      const sources = sharedGroup(dataSet, Tag.DerivationImageSequence)?.items(Tag.SourceImageSequence) ?? [];
      const isOther = sources.some((source) => source.text(Tag.ReferencedSOPClassUID) !== WSI_SOP_CLASS_UID);
      if (isOther)
        yield problemAt(
          dataSet,
          Tag.ConversionSourceAttributesSequence,
          'is missing; the source image is of another SOP class',
        );
    },
  },
});
