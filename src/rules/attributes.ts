import {
  attributeByKeyword,
  attributeByTag,
  dictionaryVr,
  formatTag,
  keywords,
  parseTagPath,
  type TagPath,
} from '../dicom/dictionary.ts';
import { TagPathError } from '../dicom/errors.ts';
import { storageSopClasses, storageSopClassUid } from '../dicom/sop-class.ts';
import { Tag } from '../dicom/tags.generated.ts';
import { transferSyntaxes, transferSyntaxNamed, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { isUid } from '../dicom/uid.ts';
import { didYouMean } from '../did-you-mean.ts';

/** What a rule file calls an attribute. */
export interface AttributeName {
  /** Keywords where there are some, tags elsewhere: `RequestAttributesSequence[0].AccessionNumber`. */
  readonly name: string;
  readonly path: TagPath;
  /** Keyword of the attribute itself, at the end of the path; undefined for a private one. */
  readonly keyword: string | undefined;
  /** By the dictionary; `UN` for a private attribute. */
  readonly vr: string;
  readonly vm: string;
  /** Where it is read: two are known of every instance without its header. */
  readonly source: 'header' | 'sopClassUid' | 'transferSyntaxUid';
  /**
   * The value that a word of a rule file stands for: a SOP class or transfer syntax may be named.
   *
   * @throws {AttributeError} when it names none
   */
  readonly resolve: (word: string) => string;
  /** The other way round: what people call a value. */
  readonly describe: (value: string) => string;
}

/** An attribute that conditions read, with its place among the facts of an instance. */
export interface AttributeReference extends AttributeName {
  readonly slot: number;
}

/** The text names no attribute that a rule can ask about; the message says what would be right. */
export class AttributeError extends Error {}

/** The attributes of a rule set: each gets one slot, however many conditions name it. */
export class AttributeTable {
  readonly #references = new Map<string, AttributeReference>();

  get all(): readonly AttributeReference[] {
    return [...this.#references.values()];
  }

  /** @throws {AttributeError} when the text names no attribute that can be asked about */
  reference(text: string): AttributeReference {
    const attribute = parseAttributeName(text);
    const known = this.#references.get(attribute.name);
    if (known !== undefined) return known;
    const reference = { ...attribute, slot: this.#references.size };
    this.#references.set(attribute.name, reference);
    return reference;
  }
}

/** @throws {AttributeError} when the text names no attribute of a data set in front of its pixels */
export function parseAttributeName(text: string): AttributeName {
  const path = parsePath(text.trim());
  const [first] = path.steps;
  const last = path.steps.at(-1);
  if (first === undefined || last === undefined) throw new AttributeError(`"${text}" names no attribute`);
  const name = path.steps
    .map(({ tag, index }) => `${labelOf(tag)}${index === undefined ? '' : `[${index}]`}`)
    .join('.');
  const source = path.steps.length === 1 ? sourceOf(first.tag) : 'header';
  if (source === 'header') checkReadable(name, first.tag);
  const { vr = dictionaryVr(last.tag), vm = '1-n', keyword } = attributeByTag(last.tag) ?? {};
  return { name, path, keyword, vr, vm, source, resolve: RESOLVERS[source], describe: DESCRIBERS[source] };
}

/** VRs of sequences and of bytes: rules can tell only whether they are there. */
const WORDLESS = new Set(['SQ', 'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'OB or OW', 'US or OW']);

/** Whether the values of the attribute can be compared with words of a rule file. */
export function holdsWords({ vr }: AttributeName): boolean {
  return !WORDLESS.has(vr);
}

function parsePath(text: string): TagPath {
  const unknown = text
    .split('.')
    .map((part) => part.replace(/\[\d*\]$/, ''))
    .find(
      (word) =>
        /^[a-z][a-z0-9]*$/i.test(word) &&
        !/^[0-9a-f]{8}$/i.test(word) &&
        attributeByKeyword(word) === undefined,
    );
  if (unknown !== undefined) {
    throw new AttributeError(`unknown attribute "${unknown}"${didYouMean(unknown, keywords())}`);
  }
  try {
    return parseTagPath(text);
  } catch (error) {
    if (!(error instanceof TagPathError)) throw error;
    throw new AttributeError(error.message);
  }
}

function labelOf(tag: number): string {
  return attributeByTag(tag)?.keyword ?? formatTag(tag);
}

function sourceOf(tag: number): AttributeName['source'] {
  if (tag === Tag.SOPClassUID) return 'sopClassUid';
  return tag === Tag.TransferSyntaxUID ? 'transferSyntaxUid' : 'header';
}

/** Group 0000 belongs to messages, 0002 to files; what follows the pixels is not read before rules are asked. */
function checkReadable(name: string, tag: number): void {
  if (tag < 0x0004_0000) {
    throw new AttributeError(
      `${name} belongs to the message or the file, not to the data set that rules see`,
    );
  }
  if (tag >= 0x7fe0_0000) {
    throw new AttributeError(
      `${name} stands behind the header: rules see what is in front of the pixel data`,
    );
  }
}

const RESOLVERS: Readonly<Record<AttributeName['source'], (word: string) => string>> = {
  header: (word) => word,
  sopClassUid(word) {
    const uid = storageSopClassUid(word);
    if (uid !== undefined || isUid(word)) return uid ?? word;
    const known = storageSopClasses.map(({ keyword }) => keyword);
    const instead = didYouMean(word, known) || ': write its keyword, such as CTImageStorage, or its UID';
    throw new AttributeError(`unknown SOP class "${word}"${instead}`);
  },
  transferSyntaxUid(word) {
    const uid = transferSyntaxNamed(word)?.uid;
    if (uid !== undefined || isUid(word)) return uid ?? word;
    const known = transferSyntaxes.map(({ name }) => name);
    const instead = didYouMean(word, known) || ': write its name, such as jpeg-baseline, or its UID';
    throw new AttributeError(`unknown transfer syntax "${word}"${instead}`);
  },
};

const sopClassKeywords = new Map(storageSopClasses.map(({ uid, keyword }) => [uid, keyword]));

const DESCRIBERS: Readonly<Record<AttributeName['source'], (value: string) => string>> = {
  header: (value) => value,
  sopClassUid: (value) => sopClassKeywords.get(value) ?? value,
  transferSyntaxUid: (value) => transferSyntaxOf(value)?.name ?? value,
};
