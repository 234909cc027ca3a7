import { Tag } from '../tags.generated.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';

/** What an image of a slide shows: Image Type value 3. PS3.3 C.8.12.4.1.1. */
export const flavors = ['VOLUME', 'THUMBNAIL', 'LABEL', 'OVERVIEW'] as const;
export type Flavor = (typeof flavors)[number];

export const WSI_SOP_CLASS_UID = '1.2.840.10008.5.1.4.1.1.77.1.6';

/** The flavor of an image; undefined when it says none of the four. */
export function flavorOf(root: ParsedDataSet): Flavor | undefined {
  const value = root.texts(Tag.ImageType)[2];
  return flavors.find((flavor) => flavor === value);
}
