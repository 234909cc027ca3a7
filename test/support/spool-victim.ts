/**
 * A process to be killed: it receives, replaces, applies rules, converts, delivers, fails over, has destinations
 * commit, holds, discards, erases and purges, all at once, and writes a line for every promise it has got. Arguments: the folder of the spool and a number that makes its instances
 * its own.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Arrival,
  type Claim,
  ClaimsLostError,
  type Completion,
  openSpool,
  type Spool,
  SpoolError,
  SpoolSettings,
  type StoredInstance,
} from '../../src/spool/spool.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { part10Of, type SmallInstance, smallInstance } from './small-instance.ts';
import { arrivalOf, receive, writeAll } from './temporary-spool.ts';

const [directory = '', run = '0'] = process.argv.slice(2);
const INSTANCES = 150;
const RECEIVERS = 6;

const spool = await openSpool(
  SpoolSettings.parse({ directory, watermark_free_bytes: 0, segment_bytes: 1024 * 1024 }),
  { telemetry: createTelemetry({ level: 'silent' }), stepModule: new URL('./kill-step.ts', import.meta.url) },
);
const released = new Set<number>();
const again = new Set<number>();
const missed = new Set<number>();
const stop = new AbortController();
let next = 0;
await Promise.all([
  ...Array.from({ length: RECEIVERS }, receiveInstances),
  work('rules', 8, applyRules),
  work('conversion', 2, convert),
  work('delivery:a', 8, deliver),
  work('delivery:b', 8, deliver),
  work('commitment:a', 4, commit),
  purge(),
]);
await spool.close();

function promise(line: string): void {
  writeSync(1, `${line}\n`);
}

async function receiveInstances(): Promise<void> {
  while (next < INSTANCES) {
    next += 1;
    const number = next;
    const pixelBytes = number % 7 === 0 ? 1_100_000 + number * 9000 : (number * 7919) % 40_000;
    const instance = smallInstance({ sopInstanceUid: `1.2.3.${run}.${number}`, pixelBytes });
    if (number % 11 === 0) {
      const reception = spool.receive(arrivalOf(instance));
      await writeAll(reception, instance.dataSet.subarray(0, -10));
      reception.discard('association aborted');
    }
    const { entryId } = await take(instance);
    if (number % 13 === 0) await receive(spool, instance);
    if (number % 8 === 0) await replace(instance.sopInstanceUid);
    if (number % 9 === 0) await keepRecord(`${run}-${number}`);
    await operate(entryId);
  }
  while (!(await isIdle())) await new Promise((resolve) => setTimeout(resolve, 20));
  stop.abort();
}

async function take(instance: SmallInstance, facts: Partial<Arrival> = {}): Promise<{ entryId: number }> {
  const committed = await receive(spool, instance, facts);
  const sha256 = createHash('sha256').update(instance.dataSet).digest('hex');
  promise(`accepted ${instance.sopInstanceUid} ${sha256}`);
  return committed;
}

/** The same instance with another data set takes its place. */
async function replace(sopInstanceUid: string): Promise<void> {
  await take(smallInstance({ sopInstanceUid, pixelBytes: 3500 }), { onOtherContent: 'replace' });
}

async function keepRecord(key: string): Promise<void> {
  await spool.keep([{ collection: 'victim', key, value: { key } }]);
  promise(`kept ${key}`);
}

/** An operator steps in, whatever is being done with the entry. Sources are left to their conversion. */
async function operate(entryId: number): Promise<void> {
  if (isSource(entryId)) return;
  const selection = { entryIds: [entryId] };
  if (entryId % 10 === 1) {
    await spool.hold(selection, 'looked at');
    await spool.retry(selection);
  }
  if (entryId % 10 !== 2) return;
  const erase = entryId % 40 === 2;
  const { count: discarded } = await spool.discard(selection, { reason: 'not wanted', by: 'ann', erase });
  if (discarded > 0) promise(`discarded ${entryId}`);
  if (discarded > 0 && erase) promise(`erased ${entryId}`);
}

function isSource(entryId: number): boolean {
  return entryId % 4 === 0;
}

async function isIdle(): Promise<boolean> {
  return (await spool.status()).tasks.every(({ state }) => state === 'held');
}

async function work(
  kind: Claim['kind'],
  limit: number,
  act: (claims: readonly Claim[]) => Promise<void>,
): Promise<void> {
  while (!stop.signal.aborted) await act(await spool.claim({ kind, limit, headerIndex: true }, stop.signal));
}

async function settle(completions: readonly Completion[]): Promise<void> {
  const lost = await lostOf(spool.complete(completions));
  for (const { claim } of completions) if (!lost.includes(claim.taskId)) promise(`settled ${claim.taskId}`);
}

/** Claims are lost to the operator, and then what was done is nobody's. */
async function lostOf(work: Promise<void>): Promise<readonly number[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (error instanceof ClaimsLostError) return error.taskIds;
    throw error;
  }
}

function applyRules(claims: readonly Claim[]): Promise<void> {
  return settle(
    claims.map((claim) => {
      if (claim.entry.entryId % 9 === 0) return { claim, discard: { reason: 'rule' }, outcome: 'discarded' };
      const kinds = isSource(claim.entry.entryId)
        ? (['conversion'] as const)
        : (['delivery:a', 'delivery:b'] as const);
      return { claim, tasks: kinds.map((kind) => ({ kind })), outcome: 'planned' };
    }),
  );
}

async function convert(claims: readonly Claim[]): Promise<void> {
  await settle(await Promise.all(claims.map(convertOne)));
}

async function convertOne(claim: Claim): Promise<Completion> {
  const folder = await spool.workFolder(claim.taskId);
  const products = await Promise.all(
    [1, 2].map(async (number) => {
      // The same work makes the same UIDs.
      const sopInstanceUid = `${claim.entry.sopInstanceUid}.${number}`;
      const instance = smallInstance({ sopInstanceUid, pixelBytes: 3000 * number });
      const path = join(folder, `${number}.dcm`);
      await writeFile(path, part10Of(instance));
      const { sopClassUid, transferSyntaxUid } = instance;
      return {
        path,
        sopClassUid,
        sopInstanceUid,
        transferSyntaxUid,
        tasks: [{ kind: 'delivery:a' as const }],
      };
    }),
  );
  return { claim, products, outcome: 'converted' };
}

async function deliver(claims: readonly Claim[]): Promise<void> {
  const sent: Claim[] = [];
  for (const claim of claims) {
    if (claim.attempt === 1 && claim.taskId % 5 === 0) await fail(claim);
    else if (claim.taskId % 7 === 0 && !released.has(claim.taskId)) await release(claim);
    else sent.push(claim);
  }
  await Promise.all(sent.map(readWhole));
  await settle(sent.map(deliveryOf));
}

function deliveryOf(claim: Claim): Completion {
  const isFirst = !again.has(claim.entry.entryId);
  again.add(claim.entry.entryId);
  if (claim.kind !== 'delivery:a') return { claim, outcome: 'delivered', status: 0 };
  // Another destination takes over, or this one has to commit to what it took.
  if (claim.taskId % 3 === 0 && isFirst)
    return { claim, tasks: [{ kind: 'delivery:b' }], outcome: 'failed-over' };
  if (claim.taskId % 3 !== 1) return { claim, outcome: 'delivered', status: 0 };
  return { claim, tasks: [{ kind: 'commitment:a' }], outcome: 'delivered', status: 0 };
}

/** Some of what was taken turns out to be missing, once, and is sent again. */
async function commit(claims: readonly Claim[]): Promise<void> {
  await settle(
    claims.map((claim) => {
      const isMissing = claim.taskId % 2 === 0 && !missed.has(claim.entry.entryId);
      missed.add(claim.entry.entryId);
      if (isMissing) return { claim, tasks: [{ kind: 'delivery:a' }], outcome: 'missing' };
      return { claim, outcome: 'committed' };
    }),
  );
}

function release(claim: Claim): Promise<void> {
  released.add(claim.taskId);
  return spool.release([claim]);
}

function fail(claim: Claim): Promise<void> {
  const failure = { disposition: 'unclear' as const, code: 'NO_RESPONSE', message: 'No response.' };
  return lostOf(spool.fail([{ ...failure, claim, retryAtMs: Date.now() + 20 }])).then(() => {});
}

async function readWhole({ entry }: Claim): Promise<void> {
  let stored: StoredInstance;
  try {
    stored = await spool.open(entry.entryId);
  } catch (error) {
    if (error instanceof SpoolError && error.code === 'BYTES_PURGED') return; // Erased: the claim is lost.
    throw error;
  }
  const bytes = Buffer.alloc(stored.sizeBytes);
  await stored.read(bytes, 0);
  await stored.close();
  const digest = createHash('sha256').update(bytes.subarray(stored.dataSetOffset)).digest();
  if (!digest.equals(stored.sha256)) promise(`torn ${entry.entryId}`);
}

async function purge(): Promise<void> {
  while (!stop.signal.aborted) {
    await (spool as Spool).purge({ settledBeforeMs: Date.now() - 50, limit: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
