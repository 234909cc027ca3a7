import { functionalGroupLines, iodLines, macroLines, moduleLines } from './iods.generated.ts';

/** What PS3.3 asks of one attribute of a module, macro or functional group. */
export interface AttributeRule {
  readonly tag: number;
  readonly keyword: string;
  readonly type: '1' | '1C' | '2' | '2C' | '3';
  /** Name in `conditions`; absent when the data set cannot tell whether the attribute is required. */
  readonly condition?: string;
  /** When the condition does not hold, the attribute shall not be there. */
  readonly isForbiddenOtherwise: boolean;
  readonly isSingleItem: boolean;
  /** What other modules of the IOD say of the attribute does not count. */
  readonly isOverriding: boolean;
  /** Of each item, when it is a sequence. */
  readonly items: readonly AttributeRule[];
}

/** M mandatory, U user option, C mandatory when the condition holds. PS3.3 A.1.3. */
export interface Usage {
  readonly usage: 'M' | 'U' | 'C';
  /** Name in `conditions`; absent when the data set cannot tell. */
  readonly condition?: string;
}

export interface Module extends Usage {
  readonly name: string;
  readonly section: string;
  readonly attributes: readonly AttributeRule[];
}

export interface FunctionalGroup extends Usage {
  readonly name: string;
  /** The sequence that holds the group. */
  readonly sequence: AttributeRule;
}

/** An information object definition of PS3.3 Annex A. */
export interface Iod {
  readonly uid: string;
  readonly name: string;
  readonly modules: readonly Module[];
  readonly functionalGroups: readonly FunctionalGroup[];
}

const read = new Map<string, Iod>();
const modulesRead = new Map<string, readonly AttributeRule[]>();

/** Every SOP class whose IOD is known here. */
export const iodUids: readonly string[] = iodLines.map((lines) => lines.uid);

/** The IOD of a SOP class; undefined when it is not in the table, so that only generic checks apply. */
export function iodOf(sopClassUid: string): Iod | undefined {
  const lines = iodLines.find((candidate) => candidate.uid === sopClassUid);
  if (lines === undefined) return undefined;
  const known = read.get(sopClassUid);
  if (known !== undefined) return known;
  const iod: Iod = {
    uid: lines.uid,
    name: lines.name,
    modules: withoutOverridden(splitLines(lines.modules).map(readModule)),
    functionalGroups: splitLines(lines.groups).map(readFunctionalGroup),
  };
  read.set(sopClassUid, iod);
  return iod;
}

function withoutOverridden(modules: readonly Module[]): readonly Module[] {
  const overriding = modules.flatMap(({ attributes }) =>
    attributes.filter(({ isOverriding }) => isOverriding),
  );
  const overridden = new Set(overriding.map(({ tag }) => tag));
  return modules.map((module) => ({
    ...module,
    attributes: module.attributes.filter(({ tag, isOverriding }) => isOverriding || !overridden.has(tag)),
  }));
}

function readModule(line: string): Module {
  const [section = '', usage, condition] = line.split(' ');
  const [name, lines] = moduleLines[section] ?? [section, ''];
  let attributes = modulesRead.get(section);
  if (attributes === undefined) {
    attributes = readAttributes(splitLines(lines));
    modulesRead.set(section, attributes);
  }
  return { name, section, attributes, ...usageOf(usage, condition) };
}

function readFunctionalGroup(line: string): FunctionalGroup {
  const [, usage, condition, name = ''] = /^(\w)(?: ([a-z?-]\S*))? (.+)$/.exec(line) ?? [];
  const [sequence] = readAttributes(splitLines(functionalGroupLines[name] ?? ''));
  if (sequence === undefined) throw new TypeError(`Cannot read functional group "${name}": it has no lines`);
  return { name, sequence, ...usageOf(usage, condition) };
}

function usageOf(usage: string | undefined, condition: string | undefined): Usage {
  return {
    usage: usage as Usage['usage'],
    ...(condition === undefined || condition === '?' ? {} : { condition }),
  };
}

/** Reads lines of one depth and, as their items, the deeper ones that follow each. */
function readAttributes(lines: readonly string[]): readonly AttributeRule[] {
  const rules: AttributeRule[] = [];
  for (let index = 0; index < lines.length; ) {
    const line = lines[index] as string;
    let next = index + 1;
    while (lines[next]?.startsWith('>')) next += 1;
    const items = lines.slice(index + 1, next).map((nested) => nested.slice(1));
    if (line.startsWith('@')) rules.push(...readAttributes(splitLines(macroLines[line.slice(1)] ?? '')));
    else rules.push(readAttribute(line, readAttributes(items)));
    index = next;
  }
  return rules;
}

function readAttribute(line: string, items: readonly AttributeRule[]): AttributeRule {
  const words = line.split(' ');
  const [tag = '', type] = words;
  const condition = words.slice(2, -1).find((word) => word !== '=1' && word !== 'overrides');
  return {
    tag: Number.parseInt(tag, 16),
    keyword: words.at(-1) as string,
    type: type as AttributeRule['type'],
    ...(condition === undefined || condition === '?' ? {} : { condition: condition.replace('!', '') }),
    isForbiddenOtherwise: condition?.endsWith('!') ?? false,
    isSingleItem: words.includes('=1'),
    isOverriding: words.includes('overrides'),
    items,
  };
}

function splitLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
