import { Tag } from '../tags.generated.ts';
import { checkTable } from './check.ts';
import type { Problem } from './findings.ts';
import { type InstanceFacts, sharedAttributes } from './series-facts.ts';
import { WSI_SOP_CLASS_UID } from './wsi-flavor.ts';

/** What holds among the instances of one series, of the Whole Slide IOD above all. */
export const seriesChecks = checkTable({
  'series-entities-equal': {
    severity: 'error',
    rule: 'Patient, study, series and equipment, and of slides the container, are the same in a series. PS3.3 A.1.2.',
    *series(instances) {
      for (const [entity, keywords] of Object.entries(sharedAttributes)) {
        // Other images of a series may show other containers.
        const sharing = entity === 'Container' ? slides(instances) : instances;
        for (const keyword of keywords) {
          const values = distinct(sharing.map(({ shared }) => shared[keyword] ?? ''));
          if (values.length > 1)
            yield at(
              keyword,
              `has ${values.length} values; ${entity} attributes should be the same in a series`,
            );
        }
      }
    },
  },
  'series-instances-distinct': {
    severity: 'error',
    rule: 'Every instance has a SOP Instance UID of its own. PS3.5 9.',
    *series(instances) {
      const uids = distinct(instances.map(({ sopInstanceUid }) => sopInstanceUid));
      if (uids.length < instances.length)
        yield at('SOPInstanceUID', `has ${uids.length} values in ${instances.length} instances`);
    },
  },
  'series-instance-numbers': {
    severity: 'error',
    rule: 'Instance Number of a slide image is unique, but for the parts of a concatenation, which share theirs. PS3.3 C.7.6.16.1.1.',
    *series(instances) {
      const numbered = wholesOf(slides(instances)).filter(([first]) => first?.instanceNumber !== undefined);
      const numbers = distinct(numbered.map(([first]) => `${first?.instanceNumber}`));
      if (numbers.length < numbered.length)
        yield at('InstanceNumber', `has ${numbers.length} values for ${numbered.length} images`);
    },
  },
  'series-frame-of-reference': {
    severity: 'error',
    rule: 'Slide images of a series lie in one Frame of Reference. PS3.3 C.7.4.1.',
    *series(instances) {
      const uids = distinct(
        slides(instances).flatMap(({ frameOfReferenceUid }) => frameOfReferenceUid ?? []),
      );
      if (uids.length > 1) yield at('FrameOfReferenceUID', `has ${uids.length} values; it should have one`);
    },
  },
  'series-pyramid-uid': {
    severity: 'error',
    rule: 'The levels of a pyramid, all of one set of optical paths, share one Pyramid UID. PS3.3 C.7.11.1.',
    *series(instances) {
      for (const levels of byOpticalPaths(instances, ['VOLUME', 'THUMBNAIL'])) {
        const uids = distinct(levels.map(({ pyramidUid }) => pyramidUid ?? ''));
        if (uids.length > 1)
          yield at(
            'PyramidUID',
            `has ${uids.length} values, or is missing in some; the levels should share one`,
          );
      }
    },
  },
  'series-one-base': {
    severity: 'error',
    rule: 'A pyramid has one base: a VOLUME that is not RESAMPLED. PS3.3 C.8.12.4.1.1.',
    *series(instances, { isComplete }) {
      for (const levels of byOpticalPaths(instances, ['VOLUME'])) {
        const bases = wholesOf(levels).filter(([first]) => first?.isResampled === false).length;
        if (bases === 1 || (bases === 0 && !isComplete)) continue;
        yield at('ImageType', `says of ${bases} levels that they are the base; it should be one`);
      }
    },
  },
  'series-placement': {
    severity: 'error',
    rule: 'All levels of a pyramid have the same origin and orientation. PS3.3 C.8.12.14.',
    *series(instances) {
      const placements = distinct(
        levelsOf(instances, ['VOLUME', 'THUMBNAIL']).map(({ placement }) => placement),
      );
      if (placements.length > 1)
        yield at(
          'TotalPixelMatrixOriginSequence',
          `and orientation have ${placements.length} values; levels should share one`,
        );
    },
  },
  'series-imaged-volume': {
    severity: 'error',
    rule: 'All levels of a pyramid show the same volume. PS3.3 C.8.12.4.',
    *series(instances) {
      const volumes = distinct(levelsOf(instances, ['VOLUME']).map(({ imagedVolume }) => imagedVolume));
      if (volumes.length > 1)
        yield at(
          'ImagedVolumeWidth',
          `and height and depth have ${volumes.length} values; levels should share one`,
        );
    },
  },
  'series-optical-paths': {
    severity: 'error',
    rule: 'Optical paths are called the same in all levels. PS3.3 C.8.12.5.',
    *series(instances) {
      const volumes = levelsOf(instances, ['VOLUME']);
      const base = new Set(
        volumes.filter(({ isResampled }) => !isResampled).flatMap(({ opticalPaths }) => opticalPaths),
      );
      const isUnknown = volumes.some(({ opticalPaths }) => opticalPaths.some((path) => !base.has(path)));
      if (base.size > 0 && isUnknown)
        yield at('OpticalPathIdentifier', 'of some level is of no optical path of the base');
    },
  },
  'series-thumbnail-matrix': {
    severity: 'error',
    rule: 'A THUMBNAIL has another size than every level, lest it be counted as one.',
    *series(instances) {
      const levels = levelsOf(instances, ['VOLUME']).map(sizeOf);
      for (const thumbnail of levelsOf(instances, ['THUMBNAIL'])) {
        if (thumbnail.matrix !== undefined && levels.includes(sizeOf(thumbnail))) {
          yield at(
            'TotalPixelMatrixColumns',
            `and rows of the THUMBNAIL, ${sizeOf(thumbnail)}, are those of a level`,
          );
        }
      }
    },
  },
  'series-level-sizes': {
    severity: 'error',
    rule: 'Each level of a pyramid has a size of its own.',
    *series(instances) {
      for (const levels of byOpticalPaths(instances, ['VOLUME'])) {
        const wholes = wholesOf(levels);
        const sizes = distinct(wholes.map(([first]) => (first === undefined ? '' : sizeOf(first))));
        if (sizes.length < wholes.length)
          yield at(
            'TotalPixelMatrixColumns',
            `and rows have ${sizes.length} values in ${wholes.length} levels`,
          );
      }
    },
  },
  'series-concatenation': {
    severity: 'error',
    rule: 'The parts of a concatenation follow each other without gap and make one image. PS3.3 C.7.6.16.2.2.4.',
    *series(instances, { isComplete }) {
      for (const parts of wholesOf(instances)) {
        const total = parts[0]?.concatenation?.total ?? parts.length;
        const isWhole = isComplete || parts.length >= total;
        if (parts[0]?.concatenation !== undefined && isWhole) yield* concatenationProblems(parts);
      }
    },
  },
  'series-conversion-source': {
    severity: 'error',
    rule: 'When one slide image of a series was converted from a DICOM source, all were. PS3.3 C.12.1.',
    *series(instances) {
      const sourced = slides(instances).filter(({ hasConversionSource }) => hasConversionSource).length;
      if (sourced === 0 || sourced === slides(instances).length) return;
      yield at(
        'ConversionSourceAttributesSequence',
        `is in ${sourced} of ${slides(instances).length} instances; it should be in all`,
      );
    },
  },
});

function at(keyword: keyof typeof Tag, message: string): Problem {
  return { tag: Tag[keyword], path: keyword, message };
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}

function slides(instances: readonly InstanceFacts[]): readonly InstanceFacts[] {
  return instances.filter(({ sopClassUid }) => sopClassUid === WSI_SOP_CLASS_UID);
}

function levelsOf(instances: readonly InstanceFacts[], flavors: readonly string[]): readonly InstanceFacts[] {
  return slides(instances).filter(({ flavor }) => flavor !== undefined && flavors.includes(flavor));
}

/** Pyramids of a series: a series may hold one for each set of optical paths. */
function byOpticalPaths(
  instances: readonly InstanceFacts[],
  flavors: readonly string[],
): readonly (readonly InstanceFacts[])[] {
  return [
    ...Map.groupBy(levelsOf(instances, flavors), ({ opticalPaths }) => opticalPaths.join('\\')).values(),
  ];
}

/** Instances, with the parts of a concatenation taken together. */
function wholesOf(instances: readonly InstanceFacts[]): readonly (readonly InstanceFacts[])[] {
  return [...Map.groupBy(instances, (facts) => facts.concatenation?.uid ?? facts).values()];
}

function sizeOf({ matrix }: InstanceFacts): string {
  return `${matrix?.columns}×${matrix?.rows}`;
}

function* concatenationProblems(parts: readonly InstanceFacts[]): Generator<Problem> {
  const ordered = parts.toSorted((a, b) => (a.concatenation?.number ?? 0) - (b.concatenation?.number ?? 0));
  const total = ordered[0]?.concatenation?.total ?? ordered.length;
  if (total !== ordered.length)
    yield at('InConcatenationTotalNumber', `is ${total}; there are ${ordered.length} parts`);
  if (ordered.some(({ concatenation }, index) => concatenation?.number !== index + 1)) {
    yield at('InConcatenationNumber', `should run from 1 to ${ordered.length}`);
  }
  let frames = 0;
  for (const { concatenation, numberOfFrames } of ordered) {
    if (concatenation?.frameOffset !== frames) {
      yield at(
        'ConcatenationFrameOffsetNumber',
        `is ${concatenation?.frameOffset}; ${frames} frames are in the parts before`,
      );
    }
    frames += numberOfFrames;
  }
  const expected = ordered[0]?.expectedFrames;
  if (expected !== undefined && expected !== frames)
    yield at('NumberOfFrames', `of all parts is ${frames}; the tiles make ${expected}`);
  const shapes = ordered.map((part) =>
    [
      part.instanceNumber,
      part.concatenation?.sourceUid,
      sizeOf(part),
      part.tile?.rows,
      part.tile?.columns,
    ].join(),
  );
  if (distinct(shapes).length > 1)
    yield at('ConcatenationUID', 'has parts that differ in instance number, source, matrix or tile size');
}
