import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import test from 'ava';
import { startTestConsole } from '../support/console.ts';

const DIMSE = { name: 'dimse', kind: 'dimse-scp', place: '127.0.0.1:11112', host: '127.0.0.1', port: 11112 };

test.serial('the page is served with its script and its style, and may load nothing else', async (t) => {
  await using gateway = await startTestConsole();

  const page = await gateway.ask('/');

  t.is(page.status, 200);
  t.regex(page.text, /<title>Slidegate<\/title>/);
  t.regex(String(page.headers['content-security-policy']), /default-src 'none';script-src 'self'/);
  const files = [...page.text.matchAll(/(?:src|href)="(\/console\.\w+)"/g)].map(([, path = '']) => path);
  t.deepEqual(files.sort(), ['/console.css', '/console.js']);
  for (const file of files) t.is((await gateway.ask(file)).status, 200, file);
});

test.serial('requests under a foreign host name are refused, whatever they ask for', async (t) => {
  await using gateway = await startTestConsole();

  for (const path of ['/', '/api/status', '/api/entries', '/metrics']) {
    const answer = await gateway.ask(path, { headers: { host: 'gateway.evil.example' } });
    t.is(answer.status, 421, path);
  }
  t.is((await gateway.ask('/api/status', { headers: { host: 'localhost:1234' } })).status, 200);
});

test.serial('a configured name is answered', async (t) => {
  await using gateway = await startTestConsole({ console: { names: ['slidegate.example.org'] } });

  t.is((await gateway.ask('/api/status', { headers: { host: 'slidegate.example.org' } })).status, 200);
});

test.serial('nothing changes without the header, and the answer says so', async (t) => {
  await using gateway = await startTestConsole();
  await gateway.accept('1.2.3');

  const answer = await gateway.ask('/api/tasks/discard', {
    method: 'POST',
    body: { selection: { entryIds: [1] } },
  });

  t.is(answer.status, 403);
  t.like(answer.json(), { error: { code: 'CONSOLE_HEADER_MISSING' } });
  t.is((await gateway.spool.status()).states.pending, 1);
});

test.serial('probes are answered under any name: live while the process answers', async (t) => {
  await using gateway = await startTestConsole();

  const answer = await gateway.ask('/health/live', { headers: { host: 'pod-7.cluster.local' } });

  t.is(answer.status, 200);
  t.like(answer.json(), { live: true });
});

test.serial('ready needs every input of the settings to listen', async (t) => {
  const inputs: (typeof DIMSE)[] = [];
  await using gateway = await startTestConsole({
    view: { inputs: { dimse: {} } },
    ports: { inputs: () => inputs },
  });

  const before = await gateway.ask('/health/ready');
  inputs.push(DIMSE);
  const after = await gateway.ask('/health/ready');

  t.is(before.status, 503);
  t.deepEqual(before.json(), { ready: false, problems: ['Input "dimse" is not listening.'] });
  t.is(after.status, 200);
  t.deepEqual(after.json(), { ready: true, problems: [] });
});

test.serial('not ready once the spool is closed, and the answer still comes', async (t) => {
  await using gateway = await startTestConsole();
  await gateway.spool.close();

  const answer = await gateway.ask('/health/ready');

  t.is(answer.status, 503);
  t.deepEqual(answer.json(), { ready: false, problems: ['The spool does not answer.'] });
});

test.serial('what does not exist is answered as JSON, without a stack', async (t) => {
  await using gateway = await startTestConsole();

  const answer = await gateway.ask('/api/nothing');

  t.is(answer.status, 404);
  t.like(answer.json(), { error: { code: 'CONSOLE_NO_SUCH_PAGE' } });
});

test.serial('a fault of ours is answered without its text', async (t) => {
  const lanes = () => {
    throw new Error('secret of the implementation');
  };
  await using gateway = await startTestConsole({ ports: { lanes } });

  const answer = await gateway.ask('/api/destinations');

  t.is(answer.status, 500);
  t.notRegex(answer.text, /secret/);
});

test.serial('metrics can have a listener of their own, which answers nothing else', async (t) => {
  await using gateway = await startTestConsole({ view: { metrics: { port: 0 } } });
  const port = gateway.console.metrics?.port ?? 0;

  const metrics = await gateway.ask('/metrics', { port, headers: { host: 'gateway:9464' } });

  t.is(metrics.status, 200);
  t.regex(metrics.text, /^slidegate_entries\{/m);
  for (const path of ['/', '/api/status', '/api/tasks/retry'])
    t.is((await gateway.ask(path, { port })).status, 404);
});

test.serial('a port that is taken is named, with the setting', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  t.teardown(() => taken.close());

  const error = await t.throwsAsync(async () => {
    await using gateway = await startTestConsole({ console: { port } });
    return gateway;
  });

  t.like(error, { code: 'CONSOLE_CANNOT_LISTEN' });
  t.regex(error.message, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port} \\(console\\): .* in use`));
});

test.serial('pages are told when an entry changes, and no sooner', async (t) => {
  await using gateway = await startTestConsole();
  const response = await fetch(`http://127.0.0.1:${gateway.console.port}/api/live`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  t.is(response.headers.get('content-type'), 'text/event-stream');
  t.is((await reader?.read())?.value, 'retry: 2000\n\n');

  await gateway.accept('1.2.3');

  t.is((await reader?.read())?.value, 'event: changed\ndata: {}\n\n');
});

test.serial('stopping ends open streams and can be repeated', async (t) => {
  await using gateway = await startTestConsole();
  const response = await fetch(`http://127.0.0.1:${gateway.console.port}/api/live`);

  await gateway.console.stop();
  await gateway.console.stop();

  t.regex(await response.text(), /^retry/);
  await t.throwsAsync(gateway.ask('/health/live'), { code: 'ECONNREFUSED' });
});
