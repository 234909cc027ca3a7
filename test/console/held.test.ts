import test from 'ava';
import type { EntryAnswer, GroupAnswer } from '../../src/console/console.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';

const REFUSED = { code: 'REFUSED', message: 'Destination answered A900H: "no such patient"', status: 0xa900 };
const UNCLEAR = { code: 'RESPONSE_TIMEOUT', message: 'No answer' };

interface Page {
  readonly entries: readonly EntryAnswer[];
  readonly nextBefore?: number;
}

function change(gateway: TestConsole, action: string, body: unknown) {
  return gateway.ask(`/api/tasks/${action}`, { method: 'POST', headers: { 'x-slidegate': '1' }, body });
}

async function held(gateway: TestConsole, query = ''): Promise<Page> {
  return (await gateway.ask(`/api/held${query}`)).json<Page & Record<string, unknown>>();
}

/** So many entries, each for pacs and archive. */
async function acceptForBoth(gateway: TestConsole, count: number): Promise<void> {
  for (let index = 1; index <= count; index += 1) {
    await gateway.accept(`1.2.${index}`);
    await gateway.plan(['pacs', 'archive']);
  }
}

test.serial('an entry that is held for one destination and waits for another is listed', async (t) => {
  await using gateway = await startTestConsole();
  await acceptForBoth(gateway, 1);
  await gateway.holdDelivery('pacs', REFUSED);

  const { entries } = await held(gateway);

  t.like(entries[0], { entryId: 1, state: 'pending' });
  t.is(entries[0]?.tasks.length, 1, 'only what is held');
  t.like(entries[0]?.tasks[0], { destination: 'pacs', state: 'held', code: 'REFUSED', status: 'A900H' });
});

test.serial('what is held is listed whole, page by page, each entry once', async (t) => {
  await using gateway = await startTestConsole();
  await acceptForBoth(gateway, 7);
  for (let index = 0; index < 7; index += 1) await gateway.holdDelivery('pacs', REFUSED);
  for (let index = 0; index < 3; index += 1) await gateway.holdDelivery('archive', UNCLEAR);

  const listed: number[] = [];
  let tasks = 0;
  for (let before = ''; ; ) {
    const page = await held(gateway, `?limit=2${before}`);
    listed.push(...page.entries.map(({ entryId }) => entryId));
    tasks += page.entries.flatMap((entry) => entry.tasks).length;
    if (page.nextBefore === undefined) break;
    before = `&before=${page.nextBefore}`;
  }

  t.deepEqual(listed, [7, 6, 5, 4, 3, 2, 1]);
  t.is(tasks, 10);
});

test.serial('what is held is filtered by destination, code, status, stage and time', async (t) => {
  await using gateway = await startTestConsole();
  await acceptForBoth(gateway, 2);
  await gateway.holdDelivery('pacs', REFUSED);
  await gateway.holdDelivery('pacs', UNCLEAR);
  await gateway.holdDelivery('archive', UNCLEAR);
  const count = async (query: string) =>
    (await held(gateway, query)).entries.flatMap(({ tasks }) => tasks).length;

  t.is(await count('?destination=pacs'), 2);
  t.is(await count('?destination=archive&code=REFUSED'), 0);
  t.is(await count('?code=RESPONSE_TIMEOUT'), 2);
  t.is(await count('?status=A900H'), 1);
  t.is(await count('?status=b006'), 0);
  t.is(await count('?stage=delivery'), 3);
  t.is(await count('?stage=rules'), 0);
  t.is(await count(`?since=${new Date(Date.now() + 60_000).toISOString()}`), 0);
  t.is((await gateway.ask('/api/held?status=A9')).status, 400);
});

test.serial(
  'what is held is counted by destination, code and reason, with the oldest and the newest',
  async (t) => {
    await using gateway = await startTestConsole();
    await acceptForBoth(gateway, 3);
    for (let index = 0; index < 3; index += 1) await gateway.holdDelivery('pacs', REFUSED);
    await gateway.holdDelivery('archive', UNCLEAR);

    const answer = (await gateway.ask('/api/held/groups')).json<{ count: number; groups: GroupAnswer[] }>();

    t.is(answer.count, 4);
    t.like(answer.groups[0], {
      stage: 'delivery',
      destination: 'pacs',
      code: 'REFUSED',
      status: 'A900H',
      reason: REFUSED.message,
      count: 3,
    });
    t.true((answer.groups[0]?.oldestAt ?? '') <= (answer.groups[0]?.newestAt ?? ''));
  },
);

test.serial('a preview of a retry tells groups, by code and status, and changes nothing', async (t) => {
  await using gateway = await startTestConsole();
  await acceptForBoth(gateway, 3);
  for (let index = 0; index < 2; index += 1) await gateway.holdDelivery('pacs', REFUSED);
  await gateway.holdDelivery('pacs', UNCLEAR);
  const selection = { destination: 'pacs', status: 'A900' };

  const preview = (await change(gateway, 'retry', { selection, preview: true })).json<{
    count: number;
    groups: GroupAnswer[];
  }>();

  t.is(preview.count, 2);
  t.like(preview.groups[0], { destination: 'pacs', code: 'REFUSED', count: 2 });
  t.is((await held(gateway)).entries.length, 3);
  t.is((await change(gateway, 'retry', { selection: { code: 'RESPONSE_TIMEOUT' } })).json().count, 1);
  t.is((await held(gateway)).entries.length, 2);
});

test.serial('who retried is on record', async (t) => {
  await using gateway = await startTestConsole();
  await acceptForBoth(gateway, 1);
  await gateway.holdDelivery('pacs', REFUSED);
  const asked: unknown[] = [];
  const { retry } = gateway.spool;
  gateway.spool.retry = (selection, by) => {
    asked.push(by);
    return retry.call(gateway.spool, selection, by);
  };

  await change(gateway, 'retry', { selection: { destination: 'pacs' }, by: 'ann' });

  t.deepEqual(asked, ['ann']);
});

test.serial('a retry of what is settled, erased or not there says so', async (t) => {
  await using gateway = await startTestConsole();
  await gateway.accept('1.2.1');
  await gateway.accept('1.2.2');
  const erase = { selection: { entryIds: [1] }, reason: 'Consent withdrawn.', erase: true };

  t.is((await change(gateway, 'discard', erase)).json().count, 1);
  const answer = await change(gateway, 'retry', { selection: { entryIds: [1, 2, 9] } });

  const [erased, ...others] = answer.json<{ notes: string[] }>().notes;
  t.regex(erased ?? '', /^Entry 1 is discarded, and was erased by unknown at \S+Z: no task of it matches\.$/);
  t.deepEqual(others, ['Entry 2 is pending: no task of it matches.', 'There is no entry 9.']);
});

test.serial('only a discard erases', async (t) => {
  await using gateway = await startTestConsole();
  await acceptForBoth(gateway, 1);

  const answer = await change(gateway, 'retry', { selection: { destination: 'pacs' }, erase: true });

  t.is(answer.status, 400);
  t.like(await gateway.spool.status(), { states: { pending: 1 } });
});
