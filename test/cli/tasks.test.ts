import test from 'ava';
import { slidegate } from '../support/command-line.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';

const REFUSED = { code: 'REFUSED', message: 'Destination answered A900H', status: 0xa900 };

function run(gateway: TestConsole, ...args: readonly string[]) {
  return slidegate([...args, '--url', `http://127.0.0.1:${gateway.console.port}`]);
}

/** Two entries whose deliveries to `pacs` are held, and those to `archive` wait. */
async function heldGateway() {
  const gateway = await startTestConsole();
  for (const uid of ['1.2.1', '1.2.2']) {
    await gateway.accept(uid);
    await gateway.plan(['pacs', 'archive']);
    await gateway.holdDelivery('pacs', REFUSED);
  }
  return gateway;
}

async function tasks(gateway: TestConsole, entryId: number): Promise<Record<string, string>> {
  const [entry] = await gateway.spool.query({ entryIds: [entryId] });
  return Object.fromEntries(entry?.tasks.map(({ kind, state }) => [kind, state]) ?? []);
}

test.serial('retry lets the held tasks of the entries wait again', async (t) => {
  await using gateway = await heldGateway();

  const { code, stdout } = await run(gateway, 'retry', '1');

  t.is(code, 0);
  t.is(stdout, '1 task again on the way.\n');
  t.like(await tasks(gateway, 1), { 'delivery:pacs': 'waiting' });
  t.like(await tasks(gateway, 2), { 'delivery:pacs': 'held' });
});

test.serial(
  'retry of a destination takes all its held tasks, those of a reason only where one is given',
  async (t) => {
    await using gateway = await heldGateway();

    const other = await run(gateway, 'retry', '--destination', 'pacs', '--reason', 'A700', '--json');
    const all = await run(
      gateway,
      'retry',
      '--destination',
      'pacs',
      '--reason',
      'A900',
      '--since',
      '1h',
      '--json',
    );

    t.deepEqual(JSON.parse(other.stdout), { action: 'retry', count: 0, preview: false });
    t.is(other.code, 1);
    t.deepEqual(JSON.parse(all.stdout), { action: 'retry', count: 2, preview: false });
    t.is(all.code, 0);
  },
);

test.serial('a preview of retry shows destination, count, age and reason, by code and status', async (t) => {
  await using gateway = await heldGateway();
  await gateway.holdDelivery('archive', { code: 'RESPONSE_TIMEOUT', message: 'No answer' });

  const all = await run(gateway, 'retry', '--since', '1h', '--preview');
  const byStatus = await run(gateway, 'retry', '--status', 'A900', '--preview', '--json');
  const byCode = await run(gateway, 'retry', '--code', 'RESPONSE_TIMEOUT');

  t.regex(all.stdout, /^3 tasks would be tried again\. Nothing was changed\.$/m);
  t.regex(all.stdout, /^delivery to pacs +held +2 +\d+ s +\d+ s +REFUSED A900H Destination answered A900H$/m);
  t.regex(all.stdout, /^delivery to archive +held +1 /m);
  t.like(JSON.parse(byStatus.stdout), {
    count: 2,
    groups: [{ destination: 'pacs', code: 'REFUSED', count: 2 }],
  });
  t.is(byCode.stdout, '1 task again on the way.\n');
});

test.serial('a destination or a code that is not there is answered with those that are', async (t) => {
  await using gateway = await heldGateway();

  const destination = await run(gateway, 'retry', '--destination', 'pcas');
  const code = await run(gateway, 'retry', '--code', 'REFUSE');
  const otherCase = await run(gateway, 'retry', '--code', 'refused', '--preview');

  t.is(destination.code, 1);
  t.regex(
    destination.stderr,
    /There is no destination "pcas"; did you mean "pacs"\?; there are: archive, pacs/,
  );
  t.is(code.code, 1);
  t.is(
    code.stdout,
    'Nothing to retry: no task matches.\nNo task has the code REFUSE; did you mean "REFUSED"?; there are: REFUSED.\n',
  );
  t.regex(otherCase.stdout, /^2 tasks would be tried again/);
});

test.serial('a retry of entries that have nothing held says what they are', async (t) => {
  await using gateway = await heldGateway();
  await run(gateway, 'discard', '1', '--erase', '--yes');

  const { code, stdout } = await run(gateway, 'retry', '1', '7');

  t.is(code, 1);
  t.regex(
    stdout,
    /^Nothing to retry: no task matches\.\nEntry 1 is discarded, and was erased by \S+ at \S+Z: no task/,
  );
  t.regex(stdout, /^There is no entry 7\.$/m);
});

test.serial('discard only says what it would do, until --yes', async (t) => {
  await using gateway = await heldGateway();

  const preview = await run(gateway, 'discard', '1', '2', '--destination', 'pacs');
  const before = await tasks(gateway, 1);
  const done = await run(
    gateway,
    'discard',
    '1',
    '2',
    '--destination',
    'pacs',
    '--yes',
    '--reason',
    'Wrong PACS.',
  );

  t.regex(preview.stdout, /^2 tasks would be discarded\. Nothing was changed; --yes does it\.\n/);
  t.is(preview.code, 0);
  t.like(before, { 'delivery:pacs': 'held' });
  t.is(done.stdout, '2 tasks discarded.\n');
  t.like(await tasks(gateway, 1), { 'delivery:pacs': 'discarded', 'delivery:archive': 'waiting' });
});

test.serial('hold holds what waits, with the reason that was given', async (t) => {
  await using gateway = await heldGateway();

  const { code } = await run(
    gateway,
    'hold',
    '1',
    '--destination',
    'archive',
    '--reason',
    'Archive is being moved.',
  );
  const [entry] = await gateway.spool.query({ entryIds: [1] });

  t.is(code, 0);
  const task = entry?.tasks.find(({ kind }) => kind === 'delivery:archive');
  t.like(task, { state: 'held', reason: 'Archive is being moved.' });
});

test.serial('what makes no sense is wrong use and asks nobody', async (t) => {
  const nowhere = ['--url', 'http://127.0.0.1:1'];
  const wrong = [
    ['retry'],
    ['discard', '--yes'],
    ['retry', 'one'],
    ['retry', '-1'],
    ['hold', '1', '--yes'],
    ['retry', '1', '--since', 'soon'],
  ];
  for (const args of wrong) t.is((await slidegate([...args, ...nowhere])).code, 2, args.join(' '));
});

test.serial(
  'discard --erase removes the bytes of the entry, and says so also when it was done',
  async (t) => {
    await using gateway = await heldGateway();

    const preview = await run(gateway, 'discard', '1', '--erase');
    t.regex(preview.stdout, /^2 tasks would be discarded\. 1 entry would be erased: 1\. Nothing was changed/);
    t.true((await gateway.spool.headerIndex(1)) !== undefined);
    const first = await run(gateway, 'discard', '1', '--erase', '--yes');
    const again = await run(gateway, 'discard', '1', '--erase', '--yes');
    const wrong = await run(gateway, 'retry', '1', '--erase');

    t.deepEqual([first.code, first.stdout], [0, '2 tasks discarded. 1 entry erased: 1.\n']);
    t.is(again.code, 1);
    t.regex(again.stdout, /^Nothing to erase: no task matches\.\nEntry 1 is discarded, and was erased by/);
    t.like((await gateway.ask('/api/entries/1')).json(), {
      bytes: 'erased',
      erased: { reason: 'By an operator.' },
    });
    t.is(wrong.code, 2);
    t.is(await gateway.spool.headerIndex(1), undefined);
    t.true((await gateway.spool.headerIndex(2)) !== undefined);
  },
);
