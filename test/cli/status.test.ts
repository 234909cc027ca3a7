import test from 'ava';
import { slidegate } from '../support/command-line.ts';
import { startTestConsole } from '../support/console.ts';

const LANES = [
  {
    destination: 'pacs',
    kind: 'dimse-scu',
    state: 'suspended',
    lastFailure: {
      atMs: 0,
      code: 'CONNECTION_FAILED',
      reason: 'Cannot connect to 10.0.0.5:104: ECONNREFUSED',
    },
  },
] as const;
const INPUTS = [
  { name: 'dimse', kind: 'dimse-scp', place: '127.0.0.1:11112', host: '127.0.0.1', port: 11112 },
];

test.serial('status shows counts, destinations and what is held with its reason', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES, inputs: () => INPUTS } });
  await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', {
    code: 'REFUSED',
    message: 'Destination answered A900H',
    status: 0xa900,
  });
  await gateway.accept('1.2.2');

  const { code, stdout } = await slidegate(['status', '--url', `http://127.0.0.1:${gateway.console.port}`]);

  t.is(code, 0);
  t.regex(stdout, /^Slidegate \d+\.\d+\.\d+ is ready, up \d+ s/);
  t.regex(stdout, /2 accepted = 0 delivered \+ 1 pending \+ 1 held \+ 0 discarded/);
  t.regex(stdout, /dimse \(dimse-scp on 127\.0\.0\.1:11112\)/);
  t.regex(stdout, /^pacs +suspended +0 +0 +1 +- +CONNECTION_FAILED: Cannot connect/m);
  t.regex(stdout, /^1 task held:$/m);
  t.regex(stdout, /^delivery to pacs +held +1 +\d+ s +\d+ s +REFUSED A900H Destination answered A900H$/m);
});

test.serial(
  'status says when what is closed opens, who takes over, and what awaits commitment',
  async (t) => {
    const inMs = (ms: number) => Date.now() + ms;
    const lanes = () =>
      [
        { destination: 'night', kind: 'folder', state: 'closed', opensAtMs: inMs(19 * 3_600_000 + 90_000) },
        {
          destination: 'pacs',
          kind: 'dimse-scu',
          state: 'suspended',
          nextProbeAtMs: inMs(600_000),
          diverting: 'failover',
          divertingTo: 'archive',
          awaitingCommitment: 1,
        },
      ] as const;
    await using gateway = await startTestConsole({ ports: { lanes } });
    await gateway.accept('1.2.1');
    const [claim] = await gateway.spool.claim({ kind: 'rules', limit: 1 }, AbortSignal.timeout(5000));
    const tasks = [{ kind: 'commitment:pacs' as const, payload: { rule: 'otherwise' } }];
    await gateway.spool.complete([{ claim: claim!, tasks, outcome: 'planned' }]);

    const { stdout } = await slidegate(['status', '--url', `http://127.0.0.1:${gateway.console.port}`]);

    t.regex(stdout, /^night +closed, opens in 19 h 1 min +0 +0 +0 +- +- +-$/m);
    t.regex(
      stdout,
      /^pacs +suspended, next try in (9|10) min, failing over to archive +0 +0 +0 +- +1, for up to \d+ s +-$/m,
    );
  },
);

test.serial('status --held lists every held task, more than fit a page, for scripts', async (t) => {
  await using gateway = await startTestConsole();
  for (let index = 1; index <= 25; index += 1) {
    await gateway.accept(`1.2.${index}`);
    await gateway.plan(['pacs', 'archive']);
    await gateway.holdDelivery('pacs', { code: 'REFUSED', message: 'No', status: 0xa900 });
  }
  await gateway.holdDelivery('archive', { code: 'RESPONSE_TIMEOUT', message: 'No answer' });
  const list = (...args: readonly string[]) =>
    slidegate(['status', '--held', ...args, '--url', `http://127.0.0.1:${gateway.console.port}`]);

  const all = await list();
  const json = await list('--json', '--destination', 'pacs', '--since', '1h');
  const filtered = await list('--code', 'RESPONSE_TIMEOUT');
  const none = await list('--status', 'B006', '--json');

  t.is(all.code, 0, all.stderr);
  t.is(all.stdout.trim().split('\n').length, 27, 'a title and 26 tasks');
  t.is(JSON.parse(json.stdout).heldEntries.length, 25);
  t.regex(filtered.stdout, /^1\tdelivery to archive\t\S+Z\t1\tRESPONSE_TIMEOUT\t-\tNo answer$/m);
  t.is(filtered.stdout.trim().split('\n').length, 2);
  t.deepEqual(JSON.parse(none.stdout), { heldEntries: [] });
  t.is((await slidegate(['status', '--code', 'REFUSED'])).code, 2);
});

test.serial('status --json is one object that adds up', async (t) => {
  await using gateway = await startTestConsole();
  await gateway.accept('1.2.1');

  const { code, stdout } = await slidegate([
    'status',
    '--json',
    '--url',
    `http://127.0.0.1:${gateway.console.port}`,
  ]);

  t.is(code, 0);
  const status = JSON.parse(stdout) as Record<string, number>;
  t.is(status.accepted, 1);
  t.is(
    status.accepted,
    (status.delivered ?? 0) + (status.pending ?? 0) + (status.held ?? 0) + (status.discarded ?? 0),
  );
  t.deepEqual(status.heldEntries as unknown, []);
});

test.serial('status of a gateway that is not ready says why, and fails', async (t) => {
  await using gateway = await startTestConsole({ view: { inputs: { dimse: {} } } });

  const { code, stdout } = await slidegate(['status', '--url', `http://127.0.0.1:${gateway.console.port}`]);

  t.is(code, 1);
  t.regex(stdout, /is not ready/);
  t.regex(stdout, /^! Input "dimse" is not listening\.$/m);
});

test.serial('status finds the console where the settings say it is', async (t) => {
  await using gateway = await startTestConsole();
  const NODE_CONFIG = JSON.stringify({ console: { port: gateway.console.port } });

  t.is((await slidegate(['status'], { env: { NODE_CONFIG } })).code, 0);
});

test.serial('where nothing answers, the message says where it was asked for', async (t) => {
  let port = 0;
  {
    await using gateway = await startTestConsole();
    port = gateway.console.port;
  }

  const { code, stdout, stderr } = await slidegate(['status', '--url', `http://127.0.0.1:${port}`]);

  t.is(code, 1);
  t.is(stdout, '');
  t.is(
    stderr,
    `slidegate: Cannot ask the gateway at http://127.0.0.1:${port}: ECONNREFUSED. Is it running, with these settings?\n`,
  );
});
