import { z } from 'zod';
import { isGroupLength } from '../dicom/tag.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { AttributeError, type AttributeName, parseAttributeName } from './attributes.ts';

/** What makes the instance this instance, and how its text is written. */
const IDENTITY: readonly number[] = [Tag.SOPClassUID, Tag.SOPInstanceUID, Tag.SpecificCharacterSet];

/** How the pixels are to be read: another value would not change them, only make them wrong. */
const PIXEL_DESCRIPTION: readonly number[] = [
  Tag.SamplesPerPixel,
  Tag.PhotometricInterpretation,
  Tag.PlanarConfiguration,
  Tag.NumberOfFrames,
  Tag.Rows,
  Tag.Columns,
  Tag.BitsAllocated,
  Tag.BitsStored,
  Tag.HighBit,
  Tag.PixelRepresentation,
];

/** Groups below belong to messages and files. */
const DATA_SET_TAG_MIN = 0x0008_0000;

/** @throws {AttributeError} when there is no such attribute, or an action may not change it */
export function parseEditable(text: string): AttributeName {
  const attribute = parseAttributeName(text);
  const refusal = refusalOf(attribute);
  if (refusal !== undefined) throw new AttributeError(`${attribute.name} ${refusal}`);
  return attribute;
}

function refusalOf({ path: { steps }, vr }: AttributeName): string | undefined {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return 'is no attribute';
  if (first.tag < DATA_SET_TAG_MIN)
    return 'belongs to the file, and follows from how the instance is written';
  if (IDENTITY.includes(first.tag))
    return 'says which instance this is and how it is written: it stays as it is';
  if (PIXEL_DESCRIPTION.includes(first.tag)) return 'describes the pixels: it cannot change without them';
  if (isGroupLength(last.tag)) return 'is a length: it is counted, not set';
  if (last.index !== undefined && vr !== 'SQ')
    return 'is one value of several: change the attribute as a whole';
  return undefined;
}

/** An attribute of a rule file, as zod reads it. */
export function attributeOption(parse: (text: string) => AttributeName = parseAttributeName) {
  return z.string('must be a keyword or a tag').transform((text, context): AttributeName => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof AttributeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}
