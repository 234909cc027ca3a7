/** Inventories in lines of JSON: the reports of destinations that only report, and files that compare itself has written. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { UsageError } from './command.ts';
import type { Inventory, InventoryItem } from './compare-inventory.ts';

const REPORT_NAME = /^(.+)-\d{8}\.jsonl$/;
const FORMAT = 'slidegate-inventory-1';
const UNREADABLE_MAX = 1000;

const Uid = z.string().regex(/^[\d.]{1,64}$/);
const Bytes = z.int().min(0);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What is read of a line; the rest of a report is for people. */
const Line = z.object({
  sopInstanceUid: Uid,
  sopClassUid: Uid.optional(),
  studyInstanceUid: Uid.or(z.literal('')).optional(),
  seriesInstanceUid: Uid.or(z.literal('')).optional(),
  transferSyntaxUid: Uid.optional(),
  modality: z.string().max(16).optional(),
  dataSetBytes: Bytes.optional(),
  sha256: Sha256.optional(),
  unpadded: z.object({ dataSetBytes: Bytes, sha256: Sha256.optional() }).optional(),
  at: z.iso.datetime().optional(),
  entryId: z.int().optional(),
});

/** The reports of a folder: of one destination, for an instance has a line for each. */
export async function reportsInventory(folder: string, destination: string | undefined): Promise<Inventory> {
  const names = (await readdir(folder)).filter((name) => REPORT_NAME.test(name)).sort();
  const byDestination = Map.groupBy(names, (name) => REPORT_NAME.exec(name)?.[1] ?? '');
  const [only] = byDestination.keys();
  if (destination === undefined && byDestination.size > 1) {
    const all = [...byDestination.keys()].join(', ');
    throw new UsageError(`${folder} has reports of several destinations: say --destination, one of ${all}`);
  }
  const chosen = byDestination.get(destination ?? only ?? '');
  if (chosen === undefined) throw new UsageError(`${folder} has no report of destination "${destination}"`);
  return linesInventory(
    folder,
    'reports',
    chosen.map((name) => join(folder, name)),
  );
}

/** Whether a folder holds reports rather than DICOM files. */
export async function hasReports(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => REPORT_NAME.test(name));
}

/** One report, or one inventory that was written. */
export function fileInventory(path: string): Inventory {
  return linesInventory(path, REPORT_NAME.test(basename(path)) ? 'reports' : 'inventory', [path]);
}

function linesInventory(name: string, kind: 'reports' | 'inventory', paths: readonly string[]): Inventory {
  const unreadable: string[] = [];
  async function* items(): AsyncGenerator<InventoryItem> {
    for (const path of paths) {
      let number = 0;
      for await (const text of createInterface({
        input: createReadStream(path),
        crlfDelay: Number.POSITIVE_INFINITY,
      })) {
        number += 1;
        if (text.trim() === '' || (number === 1 && text.includes(FORMAT))) continue;
        const item = readLine(text);
        if (item !== undefined) yield item;
        else if (unreadable.length < UNREADABLE_MAX) unreadable.push(`${basename(path)}, line ${number}`);
      }
    }
  }
  return { name, kind, unreadable, items };
}

/** Undefined where the line is none of ours: cut off by a crash, then written again further down. */
export function readLine(text: string): InventoryItem | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = Line.safeParse(value);
  if (!parsed.success) return undefined;
  const { at, ...stated } = parsed.data;
  const item = Object.fromEntries(
    Object.entries(stated).filter(([, one]) => one !== undefined && one !== ''),
  );
  return {
    ...item,
    sopInstanceUid: stated.sopInstanceUid,
    ...(at !== undefined && { atMs: Date.parse(at) }),
  };
}

/** Writes an inventory, to be compared later or elsewhere. Returns how many instances it has. */
export async function writeInventory(path: string, items: AsyncIterable<InventoryItem>): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    yield `${JSON.stringify({ format: FORMAT })}\n`;
    for await (const { atMs, path: _, ...item } of items) {
      count += 1;
      yield `${JSON.stringify({ ...item, ...(atMs !== undefined && { at: new Date(atMs).toISOString() }) })}\n`;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path, { mode: 0o600 }));
  return count;
}
