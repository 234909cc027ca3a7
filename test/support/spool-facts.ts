/** What facts about a spool need again and again: bringing entries to a state, and saying which. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Claim, Completion, NewTask, Product, Spool, TaskRow } from '../../src/spool/spool.ts';
import { part10Of, type SmallInstance } from './small-instance.ts';
import { claim, claimNow, newInstance, receive } from './temporary-spool.ts';

export function entryIdOf({ entry }: Claim): number {
  return entry.entryId;
}

export async function receiveMany(spool: Spool, count: number): Promise<void> {
  for (let received = 0; received < count; received += 1) await receive(spool);
}

/** Receives an instance of each study, in order, and plans a delivery of each to the PACS. */
export async function planStudies(spool: Spool, studyInstanceUids: readonly string[]): Promise<void> {
  for (const studyInstanceUid of studyInstanceUids) await receive(spool, newInstance({ studyInstanceUid }));
  await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:pacs' }] });
}

export function taskIdOf({ taskId }: Claim): number {
  return taskId;
}

export function planned(claimed: Claim): Completion {
  return { claim: claimed, outcome: 'planned' };
}

export function failed(claimed: Claim) {
  return { claim: claimed, disposition: 'hold' as const, code: 'REFUSED', message: 'No.' };
}

/** Completes what there is of a kind, everything the same way. */
export async function completeAll(
  spool: Spool,
  kind: TaskRow['kind'],
  with_: Partial<Completion> = {},
  limit = 100,
): Promise<void> {
  const claims = await claimNow(spool, kind, limit);
  await spool.complete(claims.map((claimed) => ({ ...planned(claimed), ...with_ })));
}

/** Ends the one rules task there is without any destination. */
export async function deliver(spool: Spool, entryId: number): Promise<void> {
  const claims = await claimNow(spool, 'rules');
  const [mine, others] = [
    claims.filter(({ entry }) => entry.entryId === entryId),
    claims.filter(({ entry }) => entry.entryId !== entryId),
  ];
  await spool.complete(mine.map(planned));
  await spool.release(others);
}

export async function stateOf(spool: Spool, entryId: number) {
  const [row] = await spool.query({ entryIds: [entryId] });
  return row?.state;
}

export function productOf(instance: SmallInstance, tasks: readonly NewTask[] = []): Omit<Product, 'path'> {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
  return { sopClassUid, sopInstanceUid, transferSyntaxUid, tasks };
}

/** Three data sets of one SOP Instance. */
export function versionsOf(
  options: { pixelBytes?: number } = {},
): [SmallInstance, SmallInstance, SmallInstance] {
  const first = newInstance(options);
  const another = (patientId: string) =>
    newInstance({ ...options, sopInstanceUid: first.sopInstanceUid, patientId });
  return [first, another('P-1'), another('P-2')];
}

/** Writes products for the PACS into the work folder of a conversion. */
export async function makeProducts(spool: Spool, conversion: Claim, count: number): Promise<Product[]> {
  const folder = await spool.workFolder(conversion.taskId);
  const instances = Array.from({ length: count }, () => newInstance());
  const products = instances.map((instance, index) => ({
    ...productOf(instance, [{ kind: 'delivery:pacs' as const }]),
    path: join(folder, `${index}.dcm`),
  }));
  for (const [index, { path }] of products.entries()) {
    await writeFile(path, part10Of(instances[index] as SmallInstance));
  }
  return products;
}

/** Receives one instance and completes a conversion of it with so many products for the PACS. */
export async function convert(t: ExecutionContext, spool: Spool, count: number) {
  const { entryId } = await receive(spool);
  await completeAll(spool, 'rules', { tasks: [{ kind: 'conversion' }] });
  const [conversion] = await claim(spool, 'conversion');
  const products = await makeProducts(spool, conversion as Claim, count);
  const files = await Promise.all(products.map(({ path }) => readFile(path)));
  await spool.complete([{ ...planned(conversion as Claim), products, outcome: 'converted' }]);
  t.deepEqual(await claimNow(spool, 'conversion'), []);
  return { entryId, products, files };
}
