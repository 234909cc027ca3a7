import test from 'ava';
import type { Spool } from '../../../src/spool/spool.ts';
import { TaskGroups } from '../../../src/spool/task-groups.ts';
import { claim, openTemporarySpool, receive } from '../../support/temporary-spool.ts';

/** Receives an instance, and holds its delivery. */
async function hold(
  spool: Spool,
  destination: string,
  failure: { code: string; message: string; status?: number },
) {
  const { entryId } = await receive(spool);
  const [rules] = await claim(spool, 'rules');
  const kind = `delivery:${destination}` as const;
  await spool.complete([{ claim: rules!, outcome: 'planned', tasks: [{ kind }] }]);
  const [delivery] = await claim(spool, kind);
  await spool.fail([{ claim: delivery!, disposition: 'hold', ...failure }]);
  return entryId;
}

const REFUSED = { code: 'REFUSED', message: 'Destination answered A900H', status: 0xa900 };
const TIMEOUT = { code: 'RESPONSE_TIMEOUT', message: 'No answer' };

test('a preview says how many tasks an action would change, by kind, code, status and reason, and changes nothing', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  for (let count = 0; count < 3; count += 1) await hold(spool, 'pacs', REFUSED);
  await hold(spool, 'pacs', TIMEOUT);
  await hold(spool, 'archive', REFUSED);
  const before = await spool.status();

  const { count, groups } = await spool.preview('retry', { destination: 'pacs' });

  t.is(count, 4);
  t.like(groups[0], { kind: 'delivery:pacs', state: 'held', code: 'REFUSED', status: 0xa900, count: 3 });
  t.is(groups[0]?.reason, REFUSED.message);
  t.true((groups[0]?.oldestAtMs ?? 0) <= (groups[0]?.newestAtMs ?? 0));
  t.like(groups[1], { code: 'RESPONSE_TIMEOUT', count: 1 });
  t.is(groups.length, 2);
  t.deepEqual((await spool.preview('hold', { destination: 'pacs' })).count, 0);
  t.deepEqual((await spool.status()).tasks, before.tasks);
});

test('tasks are chosen by exact code and by status', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  await hold(spool, 'pacs', REFUSED);
  await hold(spool, 'pacs', { ...REFUSED, status: 0xc000 });
  await hold(spool, 'pacs', TIMEOUT);

  t.is((await spool.preview('retry', { status: 0xa900 })).count, 1);
  t.is((await spool.preview('retry', { code: 'REFUSED' })).count, 2);
  t.is((await spool.preview('retry', { code: 'REFUS' })).count, 0);
  t.is(await spool.retry({ code: 'REFUSED', status: 0xc000 }), 1);
  t.is((await spool.status()).states.pending, 1);
});

test('reasons that differ in numbers alone are told in one, and statuses tell them apart', (t) => {
  const groups = new TaskGroups();
  const add = (reason: string) => groups.add({ kind: 'rules', state: 'held', code: 'X', reason, atMs: 0 });
  for (let index = 1; index <= 300; index += 1) add(`Entry ${index} has the same UID 1.2.${index}`);
  for (const status of ['A700H', 'A900H', 'A900H']) add(`Answered ${status}`);

  t.deepEqual(
    groups.all.map(({ count, reason }) => [count, reason]),
    [
      [300, 'Entry … has the same UID …'],
      [2, 'Answered A900H'],
      [1, 'Answered A700H'],
    ],
  );
});

test('reasons that differ more than anybody would read are told in one', (t) => {
  const groups = new TaskGroups();
  for (let index = 0; index < 500; index += 1) {
    groups.add({
      kind: 'delivery:pacs',
      state: 'held',
      code: 'REFUSED',
      reason: `comment ${'x'.repeat(index)}`,
      atMs: index,
    });
  }

  t.is(groups.all.length, 101);
  t.deepEqual(groups.all[0], {
    kind: 'delivery:pacs',
    state: 'held',
    code: 'REFUSED',
    count: 400,
    oldestAtMs: 100,
    newestAtMs: 499,
  });
});
