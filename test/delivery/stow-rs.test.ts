import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { DeliveryItem } from '../../src/delivery/destination-kind.ts';
import { stowRs } from '../../src/delivery/stow-rs.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { part10Of, smallInstance } from '../support/small-instance.ts';
import { failedReport, startStowServer } from '../support/stow-server.ts';

async function connect(t: ExecutionContext, settings: Record<string, unknown> = {}) {
  const server = await startStowServer();
  t.teardown(() => server.stop());
  const instances = new MemoryInstances();
  const session = stowRs.open(stowRs.settings.parse({ kind: 'stow-rs', url: server.url, ...settings }), {
    name: 'cloud',
    instances,
    telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
  });
  t.teardown(() => session.close());
  const send = async (item: DeliveryItem, { slot = 0, alone = false } = {}) =>
    session.send(await session.prepare(item), { slot, alone });
  let count = 0;
  const add = (about: Partial<Parameters<typeof smallInstance>[0]> = {}) => {
    count += 1;
    return instances.add(smallInstance({ sopInstanceUid: `1.2.${count}`, ...about }));
  };
  return { server, instances, session, send, add };
}

test('an instance arrives as one part of announced length, byte for byte, whatever its size', async (t) => {
  const { server, instances, send } = await connect(t);
  for (const pixelBytes of [0, 64, 262_144, 5_000_000]) {
    const instance = smallInstance({ sopInstanceUid: `1.2.${pixelBytes}`, pixelBytes });

    t.deepEqual(await send(instances.add(instance)), { taken: true, outcome: 'delivered' });

    const arrived = server.stored.at(-1)!;
    t.true(arrived.part10File.equals(part10Of(instance)));
    t.true(Number(arrived.headers['content-length']) > instance.dataSet.length);
    t.is(arrived.headers['transfer-encoding'], undefined);
  }
  t.is(instances.openNow, 0);
  t.is(server.connections, 1);
});

// Fault case 27.
test('an instance among the failed ones is not taken, whatever the status of the answer', async (t) => {
  const { server, send, add } = await connect(t);
  for (const status of [200, 202, 409]) {
    server.answer = ({ sopInstanceUid }) => failedReport(status, sopInstanceUid, 0xa700);
    t.like(await send(add()), { taken: false, reason: 'resources', status: 0xa700 });

    server.answer = ({ sopInstanceUid }) => failedReport(status, sopInstanceUid, 0xc122);
    t.like(await send(add()), { taken: false, reason: 'refused', status: 0xc122 });
  }
});

test('a failing server that says when to come back is given that time', async (t) => {
  const { server, send, add } = await connect(t);
  server.answer = () => ({ status: 503, headers: { 'retry-after': '120' } });

  t.like(await send(add()), { taken: false, reason: 'resources', retryAfterMs: 120_000 });
});

test('a server that closes, resets or is silent after it got the instance leaves it unclear', async (t) => {
  const { server, send, add } = await connect(t, { response_timeout: '1s' });
  server.answer = (_, socket) => void socket.end();
  t.like(await send(add()), { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
  server.answer = (_, socket) => void socket.resetAndDestroy();
  t.like(await send(add({ pixelBytes: 3_000_000 })), {
    taken: false,
    reason: 'unclear',
    code: 'HTTP_NO_ANSWER',
  });
  server.answer = (_, socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{');
  t.like(await send(add()), { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
  server.answer = (_, socket) => void socket.end('no HTTP at all\r\n\r\n');
  t.like(await send(add()), { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
  server.answer = () => undefined;
  t.like(await send(add()), { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
});

test('a server that takes no more bytes is given up after a while', async (t) => {
  const { server, send, add } = await connect(t, { response_timeout: '1s' });
  server.answerAtOnce = (_, socket) => {
    socket.pause();
    return 'wait';
  };

  const outcome = await send(add({ pixelBytes: 20_000_000 }));

  t.like(outcome, { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
});

test('an answer that comes before the instance is through counts', async (t) => {
  const { server, send, add, instances } = await connect(t);
  server.answerAtOnce = () => ({ status: 413 });

  t.like(await send(add({ pixelBytes: 400_000 })), { taken: false, reason: 'refused', code: 'TOO_LARGE' });

  server.answerAtOnce = () => undefined;
  t.true((await send(add())).taken);
  t.is(instances.openNow, 0);
});

test('an answer that is longer than any should be is none', async (t) => {
  const { server, send, add } = await connect(t);
  server.answer = () => ({ status: 200, body: Buffer.alloc(3_000_000, 0x20) });

  t.like(await send(add()), { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
});

test('a connection that the server ended while idle is no failure of the next instance', async (t) => {
  const { server, send, add } = await connect(t);
  await send(add());
  let isFirst = true;
  server.answerAtOnce = (_, socket) => {
    if (!isFirst) return undefined;
    isFirst = false;
    socket.destroy();
    return 'wait';
  };

  t.deepEqual(await send(add({ pixelBytes: 2_000_000 })), { taken: true, outcome: 'delivered' });
  t.is(server.connections, 2);
});

test('what goes alone has a connection of its own; each slot has one', async (t) => {
  const { server, send, add } = await connect(t, { connections_max: 2 });

  await Promise.all([send(add(), { slot: 0 }), send(add(), { slot: 1 })]);
  await send(add());
  await send(add(), { alone: true });
  await send(add());

  t.deepEqual(
    server.stored.slice(2).map(({ connection }) => connection > 2),
    [false, true, true],
  );
  t.is(server.connections, 4);
});

test('basic: the password of a file goes with the request; one that changes is read again on 401', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'auth-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'password');
  await writeFile(file, 'old secret\n');
  await chmod(file, 0o600);
  const { server, send, add } = await connect(t, {
    auth: { kind: 'basic', username: 'gateway', password_file: file },
  });
  const accepted = (password: string) => `Basic ${Buffer.from(`gateway:${password}`).toString('base64')}`;
  let password = 'old secret';
  server.answerAtOnce = ({ headers }) =>
    headers.authorization === accepted(password) ? undefined : { status: 401 };

  t.true((await send(add())).taken);
  password = 'neü';
  t.like(await send(add()), { taken: false, reason: 'unreachable', code: 'NOT_AUTHORIZED' });
  await writeFile(file, 'neü');
  t.true((await send(add())).taken);

  await rm(file);
  password = 'another';
  const outcome = await send(add());
  t.like(outcome, { taken: false, reason: 'unreachable', code: 'SECRET_UNREADABLE' });
  t.false(JSON.stringify(outcome).includes('secret'));
});

test('bearer: the token of an environment variable goes with the request', async (t) => {
  process.env.SLIDEGATE_TEST_TOKEN = 'a.b-c';
  const { server, send, add } = await connect(t, {
    auth: { kind: 'bearer', token_env: 'SLIDEGATE_TEST_TOKEN' },
  });

  t.true((await send(add())).taken);
  t.is(server.stored[0]?.headers.authorization, 'Bearer a.b-c');
});

test('a secret is never part of the settings, and its place is told once', (t) => {
  const parse = (auth: unknown) =>
    stowRs.settings.safeParse({ kind: 'stow-rs', url: 'https://pacs/dicom-web', auth }).error?.issues[0]
      ?.message;

  t.regex(parse({ kind: 'basic', username: 'x', password: 'y' }) ?? '', /password/);
  t.regex(parse({ kind: 'basic', username: 'x' }) ?? '', /must say where it is/);
  t.regex(parse({ kind: 'bearer', token_env: 'A', token_file: 'b' }) ?? '', /must say where it is/);
  t.is(parse({ kind: 'bearer', token_env: 'A' }), undefined);
});

test('echo() counts any answer as there, but one that does not let us in or that fails', async (t) => {
  const { server, session } = await connect(t);
  for (const status of [200, 204, 400, 403, 404, 405]) {
    server.answerSearch = () => ({ status });
    await t.notThrowsAsync(async () => session.echo?.(), String(status));
  }
  for (const status of [401, 500, 503]) {
    server.answerSearch = () => ({ status });
    await t.throwsAsync(async () => session.echo?.(), { message: new RegExp(`answered ${status}`) });
  }
});

test('close() cuts off what is being sent, and nobody is blamed for it', async (t) => {
  const { server, send, add, session } = await connect(t);
  const reached = new Promise<void>((resolve) => {
    server.answer = () => void resolve();
  });
  const sending = send(add());
  await reached;

  await session.close();

  t.like(await sending, { taken: false, code: 'STOPPED' });
});

// Fault case 27.
test('a success that is said before the instance has been sent whole is none', async (t) => {
  const { server, instances, send } = await connect(t);
  for (const body of [undefined, '{}']) {
    server.answerAtOnce = (request) => {
      request.pause();
      return { status: 200, ...(body && { body }) };
    };
    const large = instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 30_000_000 }));

    t.like(await send(large), { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
  }

  server.answerAtOnce = () => undefined;
  t.true(
    (await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 5_000_000 })))).taken,
  );
  t.is(server.stored.length, 1);
  t.is(instances.openNow, 0);
});
