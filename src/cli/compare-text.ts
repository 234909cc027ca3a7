/** A comparison in words. */
import { sopClassName } from '../dicom/sop-class.ts';
import type { AttributeDifference } from './compare-attributes.ts';
import type { Inventory } from './compare-inventory.ts';
import type { ComparedBy, ComparisonResult, Difference } from './compare-result.ts';
import { counted, table } from './text.ts';

export interface Compared {
  readonly a: Inventory;
  readonly b: Inventory;
  readonly result: ComparisonResult;
  readonly isEqual: boolean;
  /** By SOP Instance UID, where both sides are files. */
  readonly attributes: ReadonlyMap<string, readonly AttributeDifference[]>;
  /** Instances that a filter of time could not judge. */
  readonly withoutTime: { readonly a: number; readonly b: number };
}

const COMPARED_BY: Readonly<Record<ComparedBy, string>> = {
  digest: 'by digest of the data set',
  length: 'by length of the data set',
  'transfer-syntax': 'by transfer syntax',
  uid: 'by UID alone',
};

export function describeComparison(compared: Compared, shownMax: number): string {
  const { a, b, result, isEqual, withoutTime } = compared;
  const lines = [
    `A  ${a.name} (${a.kind})`,
    `B  ${b.name} (${b.kind})`,
    '',
    ...totals(result),
    '',
    verdict(result, isEqual),
  ];
  const by = Object.entries(result.comparedBy).filter(([, count]) => count > 0);
  if (by.length > 0) {
    lines.push(
      `Compared ${by.map(([name, count]) => `${count} ${COMPARED_BY[name as ComparedBy]}`).join(', ')}.`,
    );
  }
  for (const [side, inventory] of Object.entries({ A: a, B: b })) {
    const { unreadable } = inventory;
    if (unreadable.length > 0)
      lines.push('', `${side}: ${counted(unreadable.length, 'thing')} could not be read:`);
    lines.push(...shown(unreadable, unreadable.length, shownMax));
  }
  const unknown = withoutTime.a + withoutTime.b;
  if (unknown > 0) lines.push(`${counted(unknown, 'instance')} without a time passed the filter.`);
  lines.push(
    ...list('Only in A', result.onlyInA.first, result.onlyInA.count, shownMax),
    ...list('Only in B', result.onlyInB.first, result.onlyInB.count, shownMax),
    ...list(
      'In both, and different',
      result.different.first.map((one) => differenceText(one, compared)),
      result.different.count,
      shownMax,
    ),
    ...list(
      'Studies with different numbers of instances',
      result.studies.first.map((one) => `${one.studyInstanceUid}: ${one.a} in A, ${one.b} in B`),
      result.studies.count,
      shownMax,
    ),
  );
  return lines.join('\n');
}

function verdict({ equal, different, onlyInA, onlyInB }: ComparisonResult, isEqual: boolean): string {
  if (isEqual) return `Equal: ${counted(equal, 'instance')}.`;
  return `Different: ${equal} equal, ${different.count} different, ${onlyInA.count} only in A, ${onlyInB.count} only in B.`;
}

function totals({ a, b }: ComparisonResult): readonly string[] {
  const rows = [
    ['instances', String(a.instances), String(b.instances)],
    ['studies', String(a.studies), String(b.studies)],
    ['more than once', String(a.repeated), String(b.repeated)],
    ['of these, with other content', String(a.conflicting), String(b.conflicting)],
    ...rowsOf(a.byModality, b.byModality, (name) => name),
    ...rowsOf(a.bySopClass, b.bySopClass, (uid) => sopClassName(uid) ?? uid),
  ];
  return [table(['', 'A', 'B'], rows)];
}

/** A side that tells none of its instances', as reports tell no modality, has none to be counted. */
function rowsOf(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
  nameOf: (key: string) => string,
): readonly (readonly string[])[] {
  const cell = (side: Readonly<Record<string, number>>, key: string) =>
    Object.keys(side).length === 0 ? '-' : String(side[key] ?? 0);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .sort()
    .map((key) => [nameOf(key), cell(a, key), cell(b, key)]);
}

function differenceText({ sopInstanceUid, by, a, b }: Difference, { attributes }: Compared): string {
  const what = {
    'sop-class': `SOP class ${a.sopClassUid} and ${b.sopClassUid}`,
    'transfer-syntax': `transfer syntax ${a.transferSyntaxUid} and ${b.transferSyntaxUid}`,
    length: `${a.dataSetBytes} and ${b.dataSetBytes} bytes`,
    digest: 'content',
  }[by];
  const found = attributes.get(sopInstanceUid) ?? [];
  return `${sopInstanceUid}: ${[what, ...found.map(attributeText)].join('; ')}`;
}

function attributeText({ path, in: where, a, b }: AttributeDifference): string {
  if (where !== 'both') return `${path} only in ${where.toUpperCase()}${valueText(a ?? b)}`;
  return a === undefined ? path : `${path}${valueText(a)} and${valueText(b)}`;
}

function valueText(value: string | undefined): string {
  return value === undefined ? '' : ` "${value}"`;
}

function list(title: string, lines: readonly string[], count: number, max: number): readonly string[] {
  return count === 0 ? [] : ['', `${title}: ${count}`, ...shown(lines, count, max)];
}

function shown(lines: readonly string[], count: number, max: number): readonly string[] {
  const some = lines.slice(0, max).map((line) => `  ${line}`);
  return count > some.length ? [...some, `  and ${count - some.length} more`] : some;
}
