import { formatTag } from '../dicom/dictionary.ts';
import { attributeValues, type HeaderIndex } from '../dicom/header-index.ts';
import type { Entry } from '../spool/spool.ts';
import type { AttributeReference } from './attributes.ts';
import { HeaderUnreadError } from './errors.ts';

/** What is known of an instance besides its header. */
export type Circumstances = Pick<
  Entry,
  'origin' | 'source' | 'callingAeTitle' | 'calledAeTitle' | 'sopClassUid' | 'transferSyntaxUid'
>;

const NONE: readonly string[] = [];

/**
 * What a rule may ask about one instance. The header is decoded when the first rule asks for an attribute, and each
 * attribute is read at most once, whatever the number of rules.
 */
export class Facts {
  readonly circumstances: Circumstances;
  readonly #readHeader: () => HeaderIndex;
  readonly #values: (readonly string[] | undefined)[];
  #header: HeaderIndex | undefined;

  /** @param attributeCount of the rule set: one slot for each attribute that its rules name */
  constructor(circumstances: Circumstances, attributeCount: number, readHeader: () => HeaderIndex) {
    this.circumstances = circumstances;
    this.#readHeader = readHeader;
    this.#values = new Array(attributeCount).fill(undefined);
  }

  /**
   * The values of an attribute as text, padding trimmed and empty ones left out: none when it is missing or empty.
   *
   * @throws {HeaderUnreadError} when it lies beyond the readable part of the header
   */
  values(attribute: AttributeReference): readonly string[] {
    const known = this.#values[attribute.slot];
    if (known !== undefined) return known;
    const values = this.#read(attribute);
    this.#values[attribute.slot] = values;
    return values;
  }

  #read({ name, path, source }: AttributeReference): readonly string[] {
    if (source !== 'header') return presentValues([this.circumstances[source]]);
    this.#header ??= this.#readHeader();
    const values = attributeValues(this.#header, path);
    if (values === 'unread') throw new HeaderUnreadError(name, whereItEnds(this.#header));
    return values === undefined ? NONE : presentValues(values);
  }
}

function presentValues(values: readonly string[]): readonly string[] {
  const trimmed = values.map((value) => value.trim());
  return trimmed.includes('') ? trimmed.filter((value) => value !== '') : trimmed;
}

function whereItEnds({ fault, complete, endOffset }: HeaderIndex): string {
  if (fault !== undefined) return `fault in ${formatTag(fault.tag)} at byte ${fault.offset}`;
  return complete ? 'its value is longer than the index keeps' : `the index ends at byte ${endOffset}`;
}
