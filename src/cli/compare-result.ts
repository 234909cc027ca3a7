/**
 * What two inventories have in common, and what not. Pure.
 *
 * The first is kept in memory, about 400 bytes an instance; the second goes by.
 */
import { type InventoryItem, StringPool } from './compare-inventory.ts';

/** By what two instances of the same UID were compared: the best that both sides tell. */
export type ComparedBy = 'digest' | 'length' | 'transfer-syntax' | 'uid';

export interface Difference {
  readonly sopInstanceUid: string;
  /** What differs. Data sets in different transfer syntaxes are not compared any further. */
  readonly by: 'sop-class' | 'transfer-syntax' | 'digest' | 'length';
  readonly a: InventoryItem;
  readonly b: InventoryItem;
}

export interface SideTotals {
  /** Different SOP Instance UIDs. */
  readonly instances: number;
  readonly studies: number;
  /** SOP Instance UIDs that are there more than once, */
  readonly repeated: number;
  /** with data sets that differ. */
  readonly conflicting: number;
  readonly bySopClass: Readonly<Record<string, number>>;
  readonly byModality: Readonly<Record<string, number>>;
}

export interface ComparisonResult {
  readonly a: SideTotals;
  readonly b: SideTotals;
  readonly onlyInA: Listed<string>;
  readonly onlyInB: Listed<string>;
  readonly different: Listed<Difference>;
  readonly equal: number;
  readonly comparedBy: Readonly<Record<ComparedBy, number>>;
  /** Of which the two have different numbers of instances. */
  readonly studies: Listed<{ readonly studyInstanceUid: string; readonly a: number; readonly b: number }>;
}

/** The first of them, and how many there are. */
export interface Listed<T> {
  readonly count: number;
  readonly first: readonly T[];
}

/** What is kept of one side's instance. */
interface Seen {
  readonly item: InventoryItem;
  readonly entryId: number | undefined;
  isRepeated: boolean;
  isConflicting: boolean;
}

interface Kept extends Seen {
  b: Seen | undefined;
}

export class Comparison {
  readonly #listMax: number;
  readonly #pool = new StringPool();
  readonly #known = new Map<string, Kept>();
  readonly #onlyInB = new Map<string, Seen>();
  readonly #a = new Totals();
  readonly #b = new Totals();
  readonly #comparedBy: Record<ComparedBy, number> = { digest: 0, length: 0, 'transfer-syntax': 0, uid: 0 };
  readonly #different: Difference[] = [];
  #differences = 0;
  #equal = 0;

  /** @param listMax instances of each list that are named */
  constructor(listMax: number) {
    this.#listMax = listMax;
  }

  /** All of the first inventory, before anything of the second. */
  addA(stated: InventoryItem): void {
    const item = this.#keep(stated);
    const known = this.#known.get(item.sopInstanceUid);
    if (known === undefined) {
      this.#a.add(item);
      this.#known.set(item.sopInstanceUid, { ...seen(item), b: undefined });
    } else this.#a.repeat(known, item);
  }

  addB(stated: InventoryItem): void {
    const item = this.#keep(stated);
    const known = this.#known.get(item.sopInstanceUid);
    const before = known === undefined ? this.#onlyInB.get(item.sopInstanceUid) : known.b;
    if (before !== undefined) {
      this.#b.repeat(before, item);
      return;
    }
    this.#b.add(item);
    if (known === undefined) this.#onlyInB.set(item.sopInstanceUid, seen(item));
    // Of two that are equal by digest one is enough.
    else
      known.b = this.#compare(known.item, item) ? { ...seen(known.item), entryId: item.entryId } : seen(item);
  }

  result(): ComparisonResult {
    const onlyInA = listed(unmatched(this.#known), this.#listMax);
    const onlyInB = listed(this.#onlyInB.keys(), this.#listMax);
    return {
      a: this.#a.totals,
      b: this.#b.totals,
      onlyInA,
      onlyInB,
      different: { count: this.#differences, first: this.#different },
      equal: this.#equal,
      comparedBy: this.#comparedBy,
      studies: listed(differingStudies(this.#a.byStudy, this.#b.byStudy), this.#listMax),
    };
  }

  /** Whether they are equal by digest. */
  #compare(a: InventoryItem, b: InventoryItem): boolean {
    const { comparedBy, differs } = compareItems(a, b);
    this.#comparedBy[comparedBy] += 1;
    if (differs === undefined) {
      this.#equal += 1;
      return comparedBy === 'digest';
    }
    this.#differences += 1;
    if (this.#different.length < this.#listMax) {
      this.#different.push({ sopInstanceUid: a.sopInstanceUid, by: differs, a, b });
    }
    return false;
  }

  #keep(item: InventoryItem): InventoryItem {
    const kept: Record<string, unknown> = { ...item };
    for (const name of POOLED) if (item[name] !== undefined) kept[name] = this.#pool.keep(item[name]);
    return kept as unknown as InventoryItem;
  }
}

const POOLED = [
  'sopClassUid',
  'studyInstanceUid',
  'seriesInstanceUid',
  'transferSyntaxUid',
  'modality',
] as const;

/** Compares by the best that both sides tell. */
export function compareItems(
  a: InventoryItem,
  b: InventoryItem,
): { readonly comparedBy: ComparedBy; readonly differs?: Difference['by'] } {
  const comparedBy = bestOf(a, b);
  if (bothDiffer(a.sopClassUid, b.sopClassUid)) return { comparedBy, differs: 'sop-class' };
  if (bothDiffer(a.transferSyntaxUid, b.transferSyntaxUid)) return { comparedBy, differs: 'transfer-syntax' };
  if (comparedBy === 'digest' && !agree(a, b, 'sha256')) return { comparedBy, differs: 'digest' };
  if (comparedBy === 'length' && !agree(a, b, 'dataSetBytes')) return { comparedBy, differs: 'length' };
  return { comparedBy };
}

/** With padding or without it, as a side that tells no more than a digest has one and not the other. */
function agree(a: InventoryItem, b: InventoryItem, by: 'sha256' | 'dataSetBytes'): boolean {
  const ofB = [b[by], b.unpadded?.[by]];
  return [a[by], a.unpadded?.[by]].some((value) => value !== undefined && ofB.includes(value));
}

function bestOf(a: InventoryItem, b: InventoryItem): ComparedBy {
  if (a.sha256 !== undefined && b.sha256 !== undefined) return 'digest';
  if (a.dataSetBytes !== undefined && b.dataSetBytes !== undefined) return 'length';
  return a.transferSyntaxUid !== undefined && b.transferSyntaxUid !== undefined ? 'transfer-syntax' : 'uid';
}

function bothDiffer(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** Counts of one side. */
class Totals {
  readonly byStudy = new Map<string, number>();
  readonly #bySopClass = new Map<string, number>();
  readonly #byModality = new Map<string, number>();
  #instances = 0;
  #repeated = 0;
  #conflicting = 0;

  add({ sopClassUid, modality, studyInstanceUid }: InventoryItem): void {
    this.#instances += 1;
    count(this.#bySopClass, sopClassUid);
    count(this.#byModality, modality);
    count(this.byStudy, studyInstanceUid);
  }

  /** The same SOP Instance UID once more. */
  repeat(first: Seen, again: InventoryItem): void {
    if (again.entryId !== undefined && again.entryId === first.entryId) return;
    if (!first.isRepeated) this.#repeated += 1;
    first.isRepeated = true;
    if (first.isConflicting || compareItems(first.item, again).differs === undefined) return;
    this.#conflicting += 1;
    first.isConflicting = true;
  }

  get totals(): SideTotals {
    return {
      instances: this.#instances,
      studies: this.byStudy.size,
      repeated: this.#repeated,
      conflicting: this.#conflicting,
      bySopClass: Object.fromEntries(this.#bySopClass),
      byModality: Object.fromEntries(this.#byModality),
    };
  }
}

function seen(item: InventoryItem): Seen {
  return { item, entryId: item.entryId, isRepeated: false, isConflicting: false };
}

function count(counts: Map<string, number>, name: string | undefined): void {
  if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
}

function* unmatched(known: ReadonlyMap<string, Kept>): Generator<string> {
  for (const [uid, { b }] of known) if (b === undefined) yield uid;
}

function* differingStudies(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
): Generator<{ studyInstanceUid: string; a: number; b: number }> {
  // One side that tells no studies would make all of them differ.
  if (a.size === 0 || b.size === 0) return;
  for (const studyInstanceUid of new Set([...a.keys(), ...b.keys()])) {
    const counts = { a: a.get(studyInstanceUid) ?? 0, b: b.get(studyInstanceUid) ?? 0 };
    if (counts.a !== counts.b) yield { studyInstanceUid, ...counts };
  }
}

function listed<T>(all: Iterable<T>, max: number): Listed<T> {
  const first: T[] = [];
  let total = 0;
  for (const one of all) {
    total += 1;
    if (first.length < max) first.push(one);
  }
  return { count: total, first };
}
