import { type CharacterSet, characterSetOf, DEFAULT_CHARACTER_SET } from '../character-set.ts';
import { Tag } from '../tags.generated.ts';
import type { ParsedDataSet, ParsedElement } from './parsed-data-set.ts';
import { characterSetVrs, valueSyntax } from './value-syntax.ts';

export interface ElementText {
  /** The whole value, padding and backslashes included; undefined when the VR is none of text. */
  readonly text: string | undefined;
  /** What the backslashes separate, for VRs that have several values. */
  readonly values: readonly string[];
}

const NO_TEXT: ElementText = { text: undefined, values: [] };

/** Decodes the value of an element, or as much of it as is kept. PS3.5 6.1, 6.2. */
export function textOfElement(element: ParsedElement, dataSet: ParsedDataSet): ElementText {
  const syntax = valueSyntax[element.vr];
  if (syntax === undefined) return NO_TEXT;
  const set = characterSetVrs.has(element.vr) ? characterSetIn(dataSet) : LATIN_1;
  const text = set.decode(element.value);
  return { text, values: syntax.isMultiple ? text.split('\\') : [text] };
}

/** Bytes as they are: what is not ASCII in a code string shows as what it is not. */
const LATIN_1 = characterSetOf(['ISO_IR 100']);

/** An item may have a set of its own; else that of the data set around it holds. PS3.3 C.12.1.1.2. */
function characterSetIn(dataSet: ParsedDataSet): CharacterSet {
  for (let at: ParsedDataSet | undefined = dataSet; at !== undefined; at = at.parent) {
    if (at.has(Tag.SpecificCharacterSet)) return characterSetOf(at.texts(Tag.SpecificCharacterSet));
  }
  return DEFAULT_CHARACTER_SET;
}
