import { isGroupLength, isPrivateTag } from '../tag.ts';
import { Tag } from '../tags.generated.ts';
import { checkTable } from './check.ts';
import { problemAt } from './findings.ts';
import type { Iod } from './iod.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';

/** What PS3.3 asks of the modules and functional groups of an IOD; the first six come from `module-rules.ts`. */
export const moduleChecks = checkTable({
  'attribute-missing': {
    severity: 'error',
    rule: 'Attributes of Type 1 and 2, and of 1C and 2C when their condition holds, are there. PS3.5 7.4.',
  },
  'attribute-empty': {
    severity: 'error',
    rule: 'Attributes of Type 1 and 1C have a value. PS3.5 7.4.1.',
  },
  'attribute-not-allowed': {
    severity: 'error',
    rule: 'An attribute whose condition does not hold is not there, unless PS3.3 says that it may. PS3.5 7.4.2.',
  },
  'sequence-too-many-items': {
    severity: 'error',
    rule: 'A sequence has no more items than PS3.3 permits.',
  },
  'functional-group-missing': {
    severity: 'error',
    rule: 'Functional groups that the IOD asks for are there, shared or for every frame. PS3.3 C.7.6.16.',
  },
  'functional-group-twice': {
    severity: 'error',
    rule: 'A functional group is shared or given per frame, not both. PS3.3 C.7.6.16.',
  },
  'dicomdir-values': {
    severity: 'warning',
    rule: 'Type 2 attributes that a DICOMDIR needs a value of have one. PS3.3 F.5.',
    *instance({ dataSet, iod }) {
      if (iod === undefined) return;
      for (const tag of DICOMDIR_KEYS) {
        if (dataSet.has(tag) && !dataSet.hasValue(tag))
          yield problemAt(dataSet, tag, 'is empty; a DICOMDIR needs a value');
      }
    },
  },
  'attribute-outside-iod': {
    severity: 'warning',
    rule: 'An attribute is in some module of the IOD, lest readers take the object for an extended one. PS3.2 3.11.',
    *instance({ dataSet, iod }) {
      if (iod === undefined) return;
      const known = tagsOf(iod);
      for (const { tag } of dataSet.elements()) {
        if (known.has(tag) || isPrivateTag(tag) || isGroupLength(tag) || isOverlay(tag)) continue;
        yield problemAt(dataSet, tag, `is in no module of the ${iod.name} IOD`);
      }
    },
  },
  'functional-group-outside-iod': {
    severity: 'warning',
    rule: 'A functional group is one of the IOD. PS3.3 C.7.6.16.',
    *instance({ dataSet, iod }) {
      const shared = dataSet.item(Tag.SharedFunctionalGroupsSequence);
      if (iod !== undefined && shared !== undefined) yield* unknownGroups(shared, iod);
    },
    *frameItem(frame, iod) {
      if (iod !== undefined) yield* unknownGroups(frame, iod);
    },
  },
});

const DICOMDIR_KEYS = [
  Tag.PatientID,
  Tag.StudyDate,
  Tag.StudyTime,
  Tag.StudyID,
  Tag.SeriesNumber,
  Tag.InstanceNumber,
];

function* unknownGroups(item: ParsedDataSet, iod: Iod) {
  for (const { tag } of item.elements()) {
    if (isPrivateTag(tag) || GROUPS_OF_ANY_IOD.includes(tag)) continue;
    if (iod.functionalGroups.some(({ sequence }) => sequence.tag === tag)) continue;
    yield problemAt(item, tag, `is no functional group of the ${iod.name} IOD`);
  }
}

/** Conversion sources may stand in functional groups of any IOD. PS3.3 C.12.1. */
const GROUPS_OF_ANY_IOD: readonly number[] = [Tag.ConversionSourceAttributesSequence];

const tagsByIod = new Map<string, ReadonlySet<number>>();

function tagsOf(iod: Iod): ReadonlySet<number> {
  const known =
    tagsByIod.get(iod.uid) ??
    new Set(iod.modules.flatMap(({ attributes }) => attributes.map(({ tag }) => tag)));
  tagsByIod.set(iod.uid, known);
  return known;
}

/** Overlay Plane (PS3.3 C.9.2) is a user option of the IODs here; its group repeats. */
function isOverlay(tag: number): boolean {
  const group = Math.floor(tag / 0x1_0000);
  return group >= 0x6000 && group <= 0x60ff;
}
