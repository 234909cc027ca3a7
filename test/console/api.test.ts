import test from 'ava';
import type { EntryAnswer, StatusAnswer } from '../../src/console/console.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';

const REFUSED = { code: 'REFUSED', message: 'Destination answered A900H', status: 0xa900 };
const LANES = [
  { destination: 'pacs', kind: 'dimse-scu', state: 'suspended', nextProbeAtMs: 1_700_000_000_000 },
  { destination: 'archive', kind: 'folder', state: 'idle' },
] as const;

function change(gateway: TestConsole, action: string, body: unknown) {
  return gateway.ask(`/api/tasks/${action}`, { method: 'POST', headers: { 'x-slidegate': '1' }, body });
}

test.serial('status adds up: accepted = delivered + pending + held + discarded', async (t) => {
  await using gateway = await startTestConsole();
  for (const uid of ['1.2.1', '1.2.2', '1.2.3']) await gateway.accept(uid);
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', REFUSED);
  await gateway.spool.discard({ entryIds: [3] }, { reason: 'test', by: 'test' });

  const status = (await gateway.ask('/api/status')).json<StatusAnswer>();

  t.like(status, { accepted: 3, delivered: 0, pending: 1, held: 1, discarded: 1, ready: true });
  t.like(status.produced, { total: 0 });
  t.true((status.storage?.freeBytes ?? 0) > 0);
});

test.serial('destinations show what waits for each, from one reading of the spool', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });
  await gateway.accept('1.2.1');
  await gateway.plan(['pacs', 'archive']);
  await gateway.holdDelivery('archive', REFUSED);

  const { destinations } = (await gateway.ask('/api/destinations')).json<
    Pick<StatusAnswer, 'destinations'>
  >();

  t.like(destinations[0], {
    name: 'pacs',
    state: 'suspended',
    waiting: 1,
    held: 0,
    nextProbeAt: '2023-11-14T22:13:20.000Z',
  });
  t.truthy(destinations[0]?.oldestWaitingAt);
  t.like(destinations[1], { name: 'archive', state: 'idle', waiting: 0, held: 1 });
  t.is(destinations[1]?.oldestWaitingAt, undefined);
});

test.serial('a held entry says which delivery, why and with which status', async (t) => {
  await using gateway = await startTestConsole();
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', REFUSED);

  const { entries } = (await gateway.ask('/api/entries?state=held')).json<{ entries: EntryAnswer[] }>();

  t.is(entries.length, 1);
  t.like(entries[0], { entryId, state: 'held', sopInstanceUid: '1.2.1', source: 'ct1' });
  const task = entries[0]?.tasks.find(({ state }) => state === 'held');
  t.like(task, {
    stage: 'delivery',
    destination: 'pacs',
    code: 'REFUSED',
    status: 'A900H',
    reason: 'Destination answered A900H',
  });
});

test.serial('one entry comes with the reasons of the rules, and without its header', async (t) => {
  await using gateway = await startTestConsole();
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);

  const answer = await gateway.ask(`/api/entries/${entryId}`);

  t.like(answer.json(), { entryId, explanation: { rule: 'otherwise' } });
  t.notRegex(answer.text, /DOE|P-4711/);
});

test.serial('one entry comes with every attempt that failed', async (t) => {
  await using gateway = await startTestConsole();
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', REFUSED);

  const entry = (await gateway.ask(`/api/entries/${entryId}`)).json<EntryAnswer>();

  const attempts = entry.tasks.find(({ destination }) => destination === 'pacs')?.attempts;
  t.is(attempts?.length, 1);
  t.like(attempts?.[0], { attempt: 1, disposition: 'hold', code: 'REFUSED', status: 'A900H' });
});

test.serial('an entry that does not exist is 404, a number that is none is 400', async (t) => {
  await using gateway = await startTestConsole();

  t.is((await gateway.ask('/api/entries/99')).status, 404);
  t.is((await gateway.ask('/api/entries/one')).status, 400);
});

test.serial('entries are paged from the newest on', async (t) => {
  await using gateway = await startTestConsole();
  for (const uid of ['1.2.1', '1.2.2', '1.2.3']) await gateway.accept(uid);

  const first = (await gateway.ask('/api/entries?limit=2')).json<{
    entries: EntryAnswer[];
    nextBefore: number;
  }>();
  const second = (await gateway.ask(`/api/entries?limit=2&before=${first.nextBefore}`)).json<{
    entries: EntryAnswer[];
  }>();

  t.deepEqual(
    first.entries.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.3', '1.2.2'],
  );
  t.deepEqual(
    second.entries.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.1'],
  );
  t.false('nextBefore' in second);
});

test.serial('entries are found by instance and by study', async (t) => {
  await using gateway = await startTestConsole();
  for (const uid of ['1.2.1', '1.2.2']) await gateway.accept(uid);

  const byInstance = (await gateway.ask('/api/entries?instance=1.2.2')).json<{ entries: EntryAnswer[] }>();
  const byStudy = (await gateway.ask('/api/entries?study=1.2.3.100')).json<{ entries: EntryAnswer[] }>();

  t.deepEqual(
    byInstance.entries.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.2'],
  );
  t.is(byStudy.entries.length, 2);
});

test.serial('a query that makes no sense is refused with the field', async (t) => {
  await using gateway = await startTestConsole();

  for (const query of ['state=lost', 'limit=100000', 'limt=5']) {
    const answer = await gateway.ask(`/api/entries?${query}`);
    t.is(answer.status, 400, query);
    t.like(answer.json(), { error: { code: 'CONSOLE_BAD_REQUEST' } });
  }
});

test.serial('retry lets a held delivery wait again, and is counted', async (t) => {
  await using gateway = await startTestConsole();
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', REFUSED);

  const preview = await change(gateway, 'retry', { selection: { entryIds: [entryId] }, preview: true });
  const heldAfterPreview = (await gateway.spool.status()).states.held;
  const done = await change(gateway, 'retry', { selection: { destination: 'pacs' }, by: 'ops' });

  t.like(preview.json(), { action: 'retry', count: 1, preview: true });
  t.is(heldAfterPreview, 1);
  t.deepEqual(done.json(), { action: 'retry', count: 1, preview: false });
  t.is((await gateway.spool.status()).states.pending, 1);
  t.regex((await gateway.ask('/metrics')).text, /slidegate_operator_actions_total\{action="retry"\} 1/);
});

test.serial('hold and discard act on the destination that is named, and leave the other alone', async (t) => {
  await using gateway = await startTestConsole();
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs', 'archive']);

  const held = await change(gateway, 'hold', {
    selection: { entryIds: [entryId], destination: 'pacs' },
    reason: 'Wait.',
  });
  const discarded = await change(gateway, 'discard', {
    selection: { destination: 'pacs' },
    reason: 'Wrong PACS.',
  });
  const [entry] = await gateway.spool.query({ entryIds: [entryId] });

  t.is(held.json().count, 1);
  t.is(discarded.json().count, 1);
  const states = Object.fromEntries(entry?.tasks.map(({ kind, state }) => [kind, state]) ?? []);
  t.like(states, { 'delivery:pacs': 'discarded', 'delivery:archive': 'waiting' });
});

test.serial('a preview of discard or hold changes nothing', async (t) => {
  await using gateway = await startTestConsole();
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs', 'archive']);

  for (const action of ['discard', 'hold']) {
    const answer = await change(gateway, action, { selection: { entryIds: [entryId] }, preview: true });
    t.like(answer.json(), { action, count: 2, preview: true });
  }
  t.like(await gateway.spool.status(), { states: { pending: 1 } });
});

test.serial('what is meant must be said: nothing is everything to nobody', async (t) => {
  await using gateway = await startTestConsole();
  await gateway.accept('1.2.1');

  for (const body of [
    {},
    { selection: {} },
    { selection: { entryIds: [] } },
    { selection: { entryId: 1 } },
    [],
    'discard',
  ]) {
    t.is((await change(gateway, 'discard', body)).status, 400, JSON.stringify(body));
  }
  t.is((await change(gateway, 'destroy', { selection: { entryIds: [1] } })).status, 400);
  t.is((await gateway.spool.status()).states.pending, 1);
});

test.serial('a body that is no JSON, or too long, is refused', async (t) => {
  await using gateway = await startTestConsole();
  const url = `http://127.0.0.1:${gateway.console.port}/api/tasks/retry`;
  const headers = { 'x-slidegate': '1', 'content-type': 'application/json' };

  t.is((await fetch(url, { method: 'POST', headers, body: '{"selection":' })).status, 400);
  const long = JSON.stringify({ selection: { destination: 'x'.repeat(300_000) } });
  t.is((await fetch(url, { method: 'POST', headers, body: long })).status, 413);
});
