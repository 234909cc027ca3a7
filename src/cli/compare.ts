import { stat } from 'node:fs/promises';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Command, UsageError } from './command.ts';
import type { AttributeDifference } from './compare-attributes.ts';
import type { Inventory, InventoryItem } from './compare-inventory.ts';
import { Comparison, type ComparisonResult } from './compare-result.ts';
import { type Compared, describeComparison } from './compare-text.ts';
import { FileUnreadableError } from './errors.ts';
import { readSince } from './running-gateway.ts';

const LISTED = { text: 20, json: 1000 };

const options = {
  write: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  destination: { type: 'string' },
  quick: { type: 'boolean' },
  fetch: { type: 'boolean' },
  'show-values': { type: 'boolean' },
  'authorization-env': { type: 'string' },
  list: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** `slidegate compare`: what one receiver has and another has not. */
export const compare: Command = {
  name: 'compare',
  summary: 'Compares what two receivers have.',
  usage: `Usage: slidegate compare <A> <B> [options]
       slidegate compare --write FILE <A> [options]

A and B are each one of
  a folder of DICOM files, however deep
  a report of a destination that only reports, or the folder of its reports
  http://… of an Orthanc, or of a DICOMweb server (QIDO-RS)
  a file that --write has made

  --write FILE            writes what A has, to be compared later or elsewhere
  --since TIME            only what came since then, where that is known: 7d for a week ago, or an ISO time
  --until TIME            only what came before then
  --destination NAME      of a folder with reports of several destinations
  --quick                 reads no file to its end, and asks for no instance by itself: lengths and UIDs only
  --fetch                 reads every instance of an Orthanc to its end, for its digest
  --show-values           of files that differ, shows the values that differ: they may name a patient
  --authorization-env VAR environment variable that holds the header Authorization for http://…
  --list N                names so many of each kind of difference; ${LISTED.text} unless stated, ${LISTED.json} with --json
  --json                  one JSON object instead of text

Exit code 0: equal, 1: different, or something could not be read, 2: wrong use.`,

  async run(args) {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const wanted = values.write === undefined ? 2 : 1;
    if (positionals.length !== wanted) {
      throw new UsageError(
        wanted === 2 ? 'say what to compare: A and B' : 'say of what to write the inventory',
      );
    }
    const within = withinTimes(values);
    const [a, b] = await Promise.all(positionals.map((name) => openInventory(name, values)));
    if (values.write !== undefined && a) return write(values.write, a, within);
    return a && b ? compareThem(a, b, within, values) : 2;
  },
};

type Within = (item: InventoryItem) => boolean | undefined;

/** Undefined where the time of the instance is not known, and asked for. */
function withinTimes({ since, until }: Values): Within {
  const [from, to] = [since, until].map((text) =>
    text === undefined ? undefined : Date.parse(readSince(text)),
  );
  if (from === undefined && to === undefined) return () => true;
  return ({ atMs }) =>
    atMs === undefined ? undefined : (from === undefined || atMs >= from) && (to === undefined || atMs < to);
}

/**
 * @throws {UsageError} when it is nothing that can be compared
 * @throws {GatewayError} when it cannot be read
 */
async function openInventory(name: string, values: Values): Promise<Inventory> {
  const { quick = false, fetch = false, destination } = values;
  if (/^https?:\/\//.test(name)) {
    const url = URL.parse(name);
    if (url === null) throw new UsageError(`"${name}" is no address`);
    if (url.username !== '') throw new UsageError('an address holds no password: use --authorization-env');
    const { httpInventory } = await import('./compare-http.ts');
    const authorization = authorizationOf(values);
    return httpInventory(url, { quick, fetch, ...(authorization !== undefined && { authorization }) });
  }
  const { folderInventory, isDicomFile } = await import('./compare-folder.ts');
  const { fileInventory, hasReports, reportsInventory } = await import('./compare-lines.ts');
  const fail = (error: NodeJS.ErrnoException) => {
    throw new FileUnreadableError(`Cannot read "${name}": ${error.code}`, { path: name }, { cause: error });
  };
  const stats = await stat(name).catch(fail);
  if (!stats.isDirectory()) {
    if (stats.isFile() && (await isDicomFile(name).catch(fail)))
      throw new UsageError(`"${name}" is a DICOM file: name a folder`);
    return fileInventory(name);
  }
  if (await hasReports(name)) return reportsInventory(name, destination);
  return folderInventory(name, { digests: !quick });
}

function authorizationOf(values: Values): string | undefined {
  const variable = values['authorization-env'];
  if (variable === undefined) return undefined;
  const value = process.env[variable];
  if (value === undefined) throw new UsageError(`there is no environment variable ${variable}`);
  return value;
}

async function write(path: string, inventory: Inventory, within: Within): Promise<number> {
  const { writeInventory } = await import('./compare-lines.ts');
  async function* chosen(): AsyncGenerator<InventoryItem> {
    for await (const item of inventory.items()) if (within(item) !== false) yield item;
  }
  const count = await writeInventory(path, chosen());
  console.log(`${count} instances written to ${path}.`);
  for (const one of inventory.unreadable) console.error(`Could not be read: ${one}`);
  return isWhole(inventory, count) ? 0 : 1;
}

async function compareThem(a: Inventory, b: Inventory, within: Within, values: Values): Promise<number> {
  const listMax = readCount(values.list) ?? (values.json ? LISTED.json : LISTED.text);
  const comparison = new Comparison(listMax);
  const withoutTime = {
    a: await addAll(a, within, (item) => comparison.addA(item)),
    b: await addAll(b, within, (item) => comparison.addB(item)),
  };
  const result = comparison.result();
  const isEqual = isSame(result) && isWhole(a, result.a.instances) && isWhole(b, result.b.instances);
  const attributes = await attributesOf(result, values['show-values'] === true);
  const compared: Compared = { a, b, result, isEqual, attributes, withoutTime };
  console.log(values.json ? asJson(compared) : describeComparison(compared, listMax));
  return isEqual ? 0 : 1;
}

/** Returns how many have no time to be judged by. */
async function addAll(
  inventory: Inventory,
  within: Within,
  add: (item: InventoryItem) => void,
): Promise<number> {
  let withoutTime = 0;
  for await (const item of inventory.items()) {
    const isWithin = within(item);
    if (isWithin === undefined) withoutTime += 1;
    if (isWithin !== false) add(item);
  }
  return withoutTime;
}

function isSame({ onlyInA, onlyInB, different, a, b }: ComparisonResult): boolean {
  return onlyInA.count + onlyInB.count + different.count + a.conflicting + b.conflicting === 0;
}

/** A line of a report that a crash has cut off is written again further down; all of them cannot be. */
function isWhole({ kind, unreadable }: Inventory, instances: number): boolean {
  return unreadable.length === 0 || (kind === 'reports' && instances > 0);
}

async function attributesOf(
  { different }: ComparisonResult,
  showValues: boolean,
): Promise<ReadonlyMap<string, readonly AttributeDifference[]>> {
  const found = new Map<string, readonly AttributeDifference[]>();
  const { differingAttributes } = await import('./compare-attributes.ts');
  for (const { sopInstanceUid, by, a, b } of different.first) {
    const isComparable = a.path !== undefined && b.path !== undefined && (by === 'digest' || by === 'length');
    if (isComparable) found.set(sopInstanceUid, await differingAttributes(a.path, b.path, { showValues }));
  }
  return found;
}

function asJson({ a, b, result, isEqual, attributes, withoutTime }: Compared): string {
  const side = ({ name, kind, unreadable }: Inventory, totals: ComparisonResult['a'], unknown: number) => ({
    name,
    kind,
    ...totals,
    withoutTime: unknown,
    unreadable,
  });
  const { different, ...lists } = result;
  return JSON.stringify({
    equal: isEqual,
    counts: {
      equal: result.equal,
      onlyInA: result.onlyInA.count,
      onlyInB: result.onlyInB.count,
      different: different.count,
      studies: result.studies.count,
    },
    comparedBy: result.comparedBy,
    a: side(a, result.a, withoutTime.a),
    b: side(b, result.b, withoutTime.b),
    onlyInA: lists.onlyInA.first,
    onlyInB: lists.onlyInB.first,
    different: different.first.map(({ sopInstanceUid, by, a: itemA, b: itemB }) => ({
      sopInstanceUid,
      by,
      a: factsOf(itemA),
      b: factsOf(itemB),
      ...(attributes.has(sopInstanceUid) && { attributes: attributes.get(sopInstanceUid) }),
    })),
    studies: lists.studies.first,
  });
}

function factsOf({ sopClassUid, transferSyntaxUid, dataSetBytes, sha256, path }: InventoryItem) {
  return { sopClassUid, transferSyntaxUid, dataSetBytes, sha256, path };
}

function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--list takes a number: "${text}" is none`);
  return Number(text);
}
