import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { DeliveryItem } from '../../src/delivery/destination-kind.ts';
import { s3 } from '../../src/delivery/s3.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { startS3Server } from '../support/s3-server.ts';
import { part10Of, smallInstance } from '../support/small-instance.ts';

const KEY = '1.2.3.100/1.2.3.100.1/1.2.1.dcm';
const MIB = 1024 * 1024;

async function connect(t: ExecutionContext, settings: Record<string, unknown> = {}) {
  const server = await startS3Server();
  t.teardown(() => server.stop());
  const instances = new MemoryInstances();
  const session = await s3.open(
    s3.settings.parse({ ...server.settings, part_size_bytes: 5 * MIB, ...settings }),
    {
      name: 'archive',
      instances,
      telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
    },
  );
  t.teardown(() => session.close());
  const send = async (item: DeliveryItem, slot = 0) =>
    session.send(await session.prepare(item), { slot, alone: false });
  const add = (about: Partial<Parameters<typeof smallInstance>[0]> = {}) =>
    instances.add(smallInstance({ sopInstanceUid: '1.2.1', ...about }));
  return { server, instances, session, send, add };
}

test('an instance becomes an object, byte for byte, of one part or of several', async (t) => {
  const { server, instances, send } = await connect(t);
  for (const pixelBytes of [0, 64, 5 * MIB, 11 * MIB + 2]) {
    const instance = smallInstance({ sopInstanceUid: '1.2.1', pixelBytes });

    t.deepEqual(await send(instances.add(instance)), { taken: true, outcome: 'delivered' });

    const objects = await server.objects();
    t.deepEqual([...objects.keys()], [KEY]);
    t.true(objects.get(KEY)?.equals(part10Of(instance)));
  }
  t.is(server.requests.filter((one) => one.includes('partNumber')).length, 2 + 3);
  t.is(instances.openNow, 0);
});

test('a key that belongs to another instance, or to no instance, is never overwritten', async (t) => {
  const { server, send, add } = await connect(t, { template: '{PatientID}.dcm' });
  t.true((await send(add({ sopInstanceUid: '1.2.1' }))).taken);
  t.like(await send(add({ sopInstanceUid: '1.2.2' })), {
    taken: false,
    reason: 'refused',
    code: 'PATH_TAKEN',
  });
  t.true((await send(add({ sopInstanceUid: '1.2.1', pixelBytes: 100 }))).taken);

  t.deepEqual([...(await server.objects()).keys()], ['P-4711.dcm']);
});

// Fault case 27.
test('what S3 answers is the trouble of the destination, or holds the instance, by its meaning', async (t) => {
  const { server, send, add } = await connect(t);
  const cases = [
    [503, 'SlowDown', 'resources'],
    [500, 'InternalError', 'resources'],
    [403, 'AccessDenied', 'unreachable'],
    [403, 'RequestTimeTooSkewed', 'unreachable'],
    [404, 'NoSuchBucket', 'unreachable'],
    [400, 'EntityTooLarge', 'refused'],
    [400, 'SomethingNew', 'refused'],
    [400, 'BadDigest', 'unclear'],
  ] as const;
  for (const [status, code, reason] of cases) {
    server.fault = (operation) => (operation.startsWith('PUT') ? { status, code } : undefined);
    const outcome = await send(add());
    t.like(outcome, { taken: false, reason }, code);
    t.regex(outcome.taken ? '' : outcome.message, new RegExp(`^S3 answered ${code} \\(${status}\\): `));
  }
  t.deepEqual([...(await server.objects()).keys()], []);
});

// Fault case 27.
test('a multipart upload that breaks leaves neither an object nor parts', async (t) => {
  const { server, send, add } = await connect(t);
  const broken = [
    ['partNumber=2', { status: 403, code: 'AccessDenied' }, 'unreachable'],
    ['partNumber=3', 'hang up', 'unclear'],
    // The head says 200, and only the body that something went wrong.
    ['POST uploadId', { status: 200, code: 'InternalError' }, 'resources'],
    ['POST uploadId', { status: 200, code: '', body: 'no XML at all' }, 'unclear'],
  ] as const;
  for (const [where, fault, reason] of broken) {
    server.fault = (operation) =>
      where.split(' ').every((word) => operation.includes(word)) ? fault : undefined;
    const before = server.requests.length;

    t.like(await send(add({ pixelBytes: 11 * MIB })), { taken: false, reason }, where);

    t.is(server.requests.slice(before).filter((one) => /^DELETE .*uploadId=/.test(one)).length, 1, where);
    t.deepEqual([...(await server.objects()).keys()], []);
  }
  server.fault = () => undefined;
  t.true((await send(add({ pixelBytes: 11 * MIB }))).taken);
});

test('parts of an attempt that was killed are removed by the next one, those of other keys are not', async (t) => {
  const { server, send, add } = await connect(t);
  const upload = (key: string) =>
    `<Upload><Key>${key}</Key><UploadId>id-of-${key.length}</UploadId></Upload>`;
  server.fault = (operation) => {
    if (!operation.startsWith('GET') || !operation.includes('uploads')) return undefined;
    const body = `<ListMultipartUploadsResult>${upload(KEY)}${upload(`${KEY}.old`)}</ListMultipartUploadsResult>`;
    return { status: 200, code: '', body };
  };

  t.true((await send(add({ pixelBytes: 6 * MIB }))).taken);

  const removed = server.requests.filter((one) => one.startsWith('DELETE'));
  t.is(removed.length, 1);
  t.true(removed[0]?.includes(`uploadId=id-of-${KEY.length}`));
});

test('an object that is not as long as what was sent is not taken for it', async (t) => {
  const { server, send, add } = await connect(t);
  server.fault = (operation) =>
    operation.startsWith('PUT') ? { status: 200, code: '', body: '' } : undefined;

  t.like(await send(add()), { taken: false, reason: 'unclear', code: 'OBJECT_LENGTH' });
});

test('who may write and not look is believed', async (t) => {
  const { server, session, send, add } = await connect(t);
  server.fault = (operation) => (operation.startsWith('HEAD') ? { status: 403, code: '' } : undefined);

  t.true((await send(add())).taken);
  await t.notThrowsAsync(async () => session.echo?.());
});

test('a damaged copy is held, and neither an object nor parts stay', async (t) => {
  const { server, instances, session, send, add } = await connect(t);
  for (const pixelBytes of [64, 2 * MIB, 11 * MIB]) {
    const item = add({ pixelBytes });
    instances.damage(item, item.entry.sizeBytes - 1);
    const problem = await send(item).then(
      (outcome) => (outcome.taken ? undefined : outcome),
      (error: { code: string }) => error,
    );
    t.is(problem?.code, 'DIGEST_MISMATCH');
  }
  t.deepEqual([...(await server.objects()).keys()], []);
  t.is(server.requests.filter((one) => one.startsWith('DELETE')).length, 1);
  await t.notThrowsAsync(async () => session.echo?.());
});

test('echo() tells that there is no such bucket', async (t) => {
  const { session } = await connect(t, { bucket: 'no-such-bucket' });

  await t.throwsAsync(async () => session.echo?.(), { message: /404/ });
});

test('keys of files are read; what cannot be read keeps the instance waiting', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const credentials = {
    kind: 'files',
    access_key_id_file: join(folder, 'id'),
    secret_access_key_file: join(folder, 'secret'),
  };
  const { send, add } = await connect(t, { credentials });
  t.like(await send(add()), { taken: false, reason: 'unreachable', code: 'SECRET_UNREADABLE' });

  await writeFile(credentials.access_key_id_file, 'S3RVER\n');
  await writeFile(credentials.secret_access_key_file, 'S3RVER\n');
  t.true((await send(add())).taken);
});

test('a server that takes no more bytes, or does not answer, is given up after a while', async (t) => {
  const { server, send, add } = await connect(t, { response_timeout: '1s' });
  for (const wait of ['before', 'after'] as const) {
    server.fault = (_, request) => {
      if (wait === 'before') request.pause();
      return 'silence';
    };
    const outcome = await send(add({ pixelBytes: 4 * MIB }));
    t.like(outcome, { taken: false, reason: 'unclear', code: 'HTTP_NO_ANSWER' });
  }
});

test('close() cuts off what is being sent, and removes its parts', async (t) => {
  const { server, send, add, session } = await connect(t);
  let reached = () => {};
  const arrived = new Promise<void>((resolve) => {
    reached = resolve;
  });
  server.fault = (operation, request) => {
    if (!operation.includes('partNumber=1')) return undefined;
    request.pause();
    reached();
    return undefined;
  };
  const sending = send(add({ pixelBytes: 11 * MIB }));
  await arrived;

  await session.close();

  t.like(await sending, { taken: false, code: 'STOPPED' });
  t.true(server.requests.some((one) => one.startsWith('DELETE')));
});
