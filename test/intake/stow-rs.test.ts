import { setTimeout as delay } from 'node:timers/promises';
import ava, { type ExecutionContext } from 'ava';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { IntakeSettings } from '../../src/intake/config.ts';
import { type Intake, startIntake } from '../../src/intake/intake.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { eventually } from '../support/eventually.ts';
import { part10Of } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import {
  BOUNDARY,
  multipartOf,
  multipartOfInstances,
  postStudies,
  RawHttpClient,
} from '../support/stow-request.ts';
import {
  newInstance,
  openTemporarySpool,
  readInstance,
  type TemporarySpool,
} from '../support/temporary-spool.ts';

/** One after the other on one spool, so that what each leaves can be counted. */
const test = ava.serial;
let temporary: TemporarySpool;

ava.before(async () => {
  temporary = await openTemporarySpool();
});
ava.after.always(() => temporary[Symbol.asyncDispose]());

ava.afterEach('the spool is in order', async (t) => {
  t.deepEqual(auditLedger(temporary.directory), []);
  // A file that is given up goes in its own time.
  await eventually('nothing is left behind', () => auditFiles(temporary.directory).length === 0);
});

interface Running {
  readonly intake: Intake;
  readonly base: string;
  readonly port: number;
  readonly telemetry: Telemetry;
  accepted(): Promise<number>;
}

async function start(
  t: ExecutionContext,
  options: { readonly input?: object; readonly settings?: object; readonly spool?: Spool } = {},
): Promise<Running> {
  const telemetry = createTelemetry({ level: 'silent' });
  const settings = IntakeSettings.parse({
    inputs: { web: { kind: 'stow-rs', port: 0, ...options.input } },
    ...options.settings,
  });
  const spool = options.spool ?? temporary.spool;
  const before = await spool.status();
  const intake = await startIntake(settings, { spool, telemetry });
  t.teardown(() => intake.stop(0));
  const port = intake.inputs()[0]?.port ?? 0;
  const accepted = async () => (await spool.status()).accepted - before.accepted;
  return { intake, port, base: `http://127.0.0.1:${port}/dicom-web`, telemetry, accepted };
}

test('instances of one request become entries, byte for byte, and are reported when they are durable', async (t) => {
  const { base, accepted } = await start(t, { input: { source: 'cloud', calling_ae_title: 'WEB' } });
  const { spool } = temporary;
  const [small, large, last] = [newInstance(), newInstance({ pixelBytes: 3_000_001 }), newInstance()];

  const reply = await postStudies(base, multipartOfInstances(small, large, last));

  t.is(reply.status, 200, reply.text);
  t.regex(reply.headers.get('content-type') ?? '', /^application\/dicom\+json/);
  t.deepEqual(
    reply.stored,
    [small, large, last].map(({ sopInstanceUid }) => sopInstanceUid),
  );
  t.is(await accepted(), 3);
  const [entry] = await spool.query({ sopInstanceUid: large.sopInstanceUid });
  t.like(entry, {
    source: 'cloud',
    callingAeTitle: 'WEB',
    calledAeTitle: 'SLIDEGATE',
    peerAddress: '127.0.0.1',
  });
  const file = await readInstance(spool, entry!.entryId);
  const meta = readFileMeta(file);
  t.true(file.subarray(meta.dataSetOffset).equals(large.dataSet));
  t.is(meta.sourceAeTitle, 'WEB');
});

test('a request in pieces of any size is read, with a length or without', async (t) => {
  const { port, accepted } = await start(t);
  const body = multipartOfInstances(newInstance({ pixelBytes: 500 }), newInstance({ pixelBytes: 500 }));

  const chunked = await RawHttpClient.connect(port);
  chunked.writeHead('Transfer-Encoding: chunked', 'Connection: close');
  for (let at = 0; at < body.length; at += 7) {
    const piece = body.subarray(at, at + 7);
    chunked.write(`${piece.length.toString(16)}\r\n`);
    chunked.write(piece);
    chunked.write('\r\n');
  }
  chunked.write('0\r\n\r\n');
  t.regex(await chunked.ended(), /^HTTP\/1\.1 200 OK/);

  const sized = await RawHttpClient.connect(port);
  sized.writeHead(`Content-Length: ${body.length}`, 'Connection: close');
  for (const byte of body.subarray(0, 400)) sized.write(Uint8Array.of(byte));
  sized.write(body.subarray(400));
  t.regex(await sized.ended(), /^HTTP\/1\.1 200 OK/);
  t.is(await accepted(), 2, 'the second time they are absorbed');
});

test('a part that fails costs the others nothing, and is reported with its reason', async (t) => {
  const { base, accepted, telemetry } = await start(t);
  const [good, alsoGood] = [newInstance(), newInstance()];
  const [badUid, otherClass] = [
    newInstance({ sopInstanceUid: 'not-a-uid' }),
    newInstance({ sopClassUid: '1.2.840.10008.5.1.4.31' }),
  ];
  const empty = { ...newInstance(), dataSet: Buffer.alloc(0) };
  const files = [good, badUid, otherClass, empty, alsoGood].map(part10Of);

  const reply = await postStudies(base, multipartOf([Buffer.from('no DICOM at all'), ...files]));

  t.is(reply.status, 202);
  t.deepEqual(reply.stored, [good.sopInstanceUid, alsoGood.sopInstanceUid]);
  t.deepEqual(reply.failed, { [otherClass.sopInstanceUid]: 0x0122, [empty.sopInstanceUid]: 0xc000 });
  t.deepEqual(reply.otherFailures, [0xc000, 0x0117]);
  t.is(await accepted(), 2);
  const metrics = await telemetry.metrics.registry.metrics();
  t.regex(metrics, /slidegate_store_requests_total\{source="unknown",status="0122"\} 1/);
  t.regex(metrics, /slidegate_received_instances_total\{source="unknown"\} 2/);
});

test('a request of which nothing can be taken is answered 409, one without a part 400', async (t) => {
  const { base } = await start(t);

  const none = await postStudies(base, multipartOf([Buffer.from('text')]));
  t.is(none.status, 409);
  t.deepEqual(none.otherFailures, [0xc000]);
  const other = await postStudies(base, multipartOf([part10Of(newInstance())], 'application/dicom+json'));
  t.is(other.status, 409);
  t.is((await postStudies(base, `--${BOUNDARY}--\r\n`)).status, 400);
});

test('instances of another study than the URL says are refused, also when a long header stands before the UID', async (t) => {
  const { base, accepted } = await start(t);
  const long: [number, string, Buffer] = [0x0009_1010, 'OB', Buffer.alloc(200_000)];
  const [of1, of2, ofLong1] = [
    newInstance({ studyInstanceUid: '1.2.3.1' }),
    newInstance({ studyInstanceUid: '1.2.3.2', pixelBytes: 100_000 }),
    newInstance({ studyInstanceUid: '1.2.3.1', elements: [long] }),
  ];

  const reply = await postStudies(base, multipartOfInstances(of1, of2, ofLong1), {
    path: '/studies/1.2.3.1',
  });

  t.is(reply.status, 202);
  t.deepEqual(reply.stored, [of1.sopInstanceUid, ofLong1.sopInstanceUid]);
  t.deepEqual(reply.failed, { [of2.sopInstanceUid]: 0xc000 });
  t.is(await accepted(), 2);
  t.is((await postStudies(base, multipartOfInstances(of1), { path: '/studies/study' })).status, 400);
});

// Fault case 11.
test('what is damaged, or of another instance than it says, is kept and held, and reported with a warning', async (t) => {
  const { base, accepted } = await start(t);
  const cutOff = newInstance({ pixelBytes: 1000 });
  const liar = { ...newInstance(), dataSet: newInstance().dataSet };
  const cut = part10Of(cutOff).subarray(0, -500);

  const reply = await postStudies(base, multipartOf([cut, part10Of(liar)]));

  t.is(reply.status, 200);
  t.deepEqual(reply.stored, [cutOff.sopInstanceUid, liar.sopInstanceUid]);
  t.regex(reply.text, /"00081196":\{"vr":"US","Value":\[45063\]\}/);
  t.is(await accepted(), 2);
  for (const { sopInstanceUid } of [cutOff, liar]) {
    t.is((await temporary.spool.query({ sopInstanceUid }))[0]?.state, 'held');
  }
});

test('one instance may come without a multipart around it, and one without its preamble', async (t) => {
  const { base, accepted } = await start(t);
  const instance = newInstance();
  const bare = newInstance();
  const headers = { 'content-type': 'application/dicom' };

  const reply = await postStudies(base, new Uint8Array(part10Of(instance)), { headers });
  t.is(reply.status, 200);
  t.deepEqual(reply.stored, [instance.sopInstanceUid]);
  t.is((await postStudies(base, multipartOf([bare.dataSet]))).status, 200);
  t.is(await accepted(), 2);
});

test('what is not taken is refused with the status and the words for it', async (t) => {
  const { base } = await start(t, { input: { request_bytes_max: 10_000, parts_max: 2 } });
  const body = () => multipartOfInstances(newInstance());
  const refusal = async (options: Parameters<typeof postStudies>[2], content = body()) => {
    const { status, text } = await postStudies(base, content, options);
    return `${status} ${text}`;
  };

  const json = 'multipart/related; type="application/dicom+json"; boundary=x';
  t.regex(await refusal({ headers: { 'content-type': json } }), /^415 .*metadata with bulk data/);
  t.regex(await refusal({ headers: { 'content-type': 'text/plain' } }), /^415 /);
  t.regex(await refusal({ headers: { 'content-encoding': 'gzip' } }), /^415 /);
  t.regex(await refusal({ headers: { 'content-type': 'multipart/related' } }), /^400 .*boundary/);
  t.regex(await refusal({ headers: { accept: 'text/html' } }), /^406 /);
  t.regex(await refusal({ path: '/other' }), /^404 .*QIDO-RS/);
  t.regex(await refusal({ path: '/studies/1.2/series' }), /^404 /);
  t.regex(await refusal({}, multipartOf([Buffer.alloc(20_000)])), /^413 .*10000 bytes: it is 2\d{4}/);
  t.regex(await refusal({}, Buffer.concat([multipartOfInstances(newInstance()).subarray(0, -4)])), /^400 /);
  const three = [newInstance(), newInstance(), newInstance()];
  t.regex(await refusal({}, multipartOfInstances(...three)), /^413 .*<= 2 parts/);
  const get = await fetch(`${base}/studies`);
  t.is(get.status, 405);
  t.is(get.headers.get('allow'), 'POST');
});

test('a body that grows beyond the limit without having said so is answered 413', async (t) => {
  const { base, accepted } = await start(t, { input: { request_bytes_max: 100_000 } });
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(Buffer.alloc(20_000, `--${BOUNDARY}\r\n\r\n`)),
  });

  const reply = await postStudies(base, endless).catch((error: Error) => error);
  // A client that is cut off while it sends may find that before the answer.
  t.true(reply instanceof Error || reply.status === 413);
  t.is(await accepted(), 0);
});

test('the report comes as XML where Accept wants that', async (t) => {
  const { base } = await start(t);
  const instance = newInstance();

  const reply = await postStudies(base, multipartOfInstances(instance), {
    headers: { accept: 'application/dicom+xml' },
  });
  t.is(reply.status, 200);
  t.regex(reply.headers.get('content-type') ?? '', /^application\/dicom\+xml/);
  t.true(reply.text.includes(`<Value number="1">${instance.sopInstanceUid}</Value>`));
});

test('under the watermark a request is answered 503 and when to come again, before its body where the client asks', async (t) => {
  await using full = await openTemporarySpool({ settings: { watermark_free_bytes: 2 ** 50 } });
  const { base, port } = await start(t, { spool: full.spool });

  const reply = await postStudies(base, multipartOfInstances(newInstance(), newInstance()));
  t.is(reply.status, 503);
  t.is(reply.headers.get('retry-after'), '30');

  const asking = await RawHttpClient.connect(port);
  asking.writeHead('Content-Length: 1000000', 'Expect: 100-continue');
  const answer = await asking.received(/\r\n\r\n/);
  t.regex(answer, /^HTTP\/1\.1 503/);
  asking.socket.destroy();
  t.is((await full.spool.status()).accepted, 0);
});

test('a client that asks first is told to go on', async (t) => {
  const { port } = await start(t);
  const body = multipartOfInstances(newInstance());
  const client = await RawHttpClient.connect(port);
  client.writeHead(`Content-Length: ${body.length}`, 'Expect: 100-continue', 'Connection: close');
  await client.received(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  client.write(body);

  t.regex(await client.ended(), /HTTP\/1\.1 200 OK/);
});

// Fault case 3.
test('of an instance whose client goes away nothing is left; what came before it stays', async (t) => {
  const { port, accepted } = await start(t);
  const [whole, cut] = [newInstance(), newInstance({ pixelBytes: 5_000_000 })];
  const body = multipartOfInstances(whole, cut);
  for (const how of ['destroy', 'resetAndDestroy', 'end'] as const) {
    const client = await RawHttpClient.connect(port);
    client.writeHead(`Content-Length: ${body.length}`);
    client.write(body.subarray(0, 3_000_000));
    await eventually('the first part is kept', async () => (await accepted()) === 1);
    client.socket[how]();
    await client.ended();
  }

  t.is(await accepted(), 1);
  t.is((await temporary.spool.query({ sopInstanceUid: cut.sopInstanceUid })).length, 0);
});

// Fault case 4.
test('a client that stalls, in its headers or in its body, loses its place and leaves nothing', async (t) => {
  const limits = { idle_timeout: '300ms', header_timeout: '300ms', requests_max: 1 };
  const { port, base, accepted } = await start(t, { input: limits });
  const body = multipartOfInstances(newInstance({ pixelBytes: 100_000 }));

  const silent = await RawHttpClient.connect(port);
  const slow = await RawHttpClient.connect(port);
  slow.write('POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nX-Never');
  t.regex(await slow.ended(), /^HTTP\/1\.1 408/);
  t.regex(await silent.ended(), /^(HTTP\/1\.1 408|$)/);

  const stalled = await RawHttpClient.connect(port);
  stalled.writeHead(`Content-Length: ${body.length}`);
  stalled.write(body.subarray(0, 50_000));
  t.regex(await stalled.received(/\r\n\r\n.*\n/s), /^HTTP\/1\.1 408/);
  t.is((await postStudies(base, multipartOfInstances(newInstance()))).status, 200, 'its place is free');
  stalled.socket.destroy();
  t.is(await accepted(), 1);
});

test('a client that sends a byte from time to time is cut off when the request takes too long', async (t) => {
  const { port } = await start(t, { input: { request_timeout: '400ms' } });
  const client = await RawHttpClient.connect(port);
  client.writeHead('Content-Length: 100000');
  const drip = setInterval(() => client.write('x'), 20);
  t.teardown(() => clearInterval(drip));

  await client.ended();
  t.pass();
});

test('one request too many is answered 503 and may come again at once', async (t) => {
  const { port, base } = await start(t, { input: { requests_max: 1 } });
  const body = multipartOfInstances(newInstance());
  const first = await RawHttpClient.connect(port);
  first.writeHead(`Content-Length: ${body.length}`, 'Connection: close', 'Expect: 100-continue');
  await first.received(/100 Continue/);

  const second = await postStudies(base, multipartOfInstances(newInstance()));
  t.is(second.status, 503);
  t.is(second.headers.get('retry-after'), '1');
  first.write(body);
  t.regex(await first.ended(), /HTTP\/1\.1 200 OK/);
  t.is((await postStudies(base, multipartOfInstances(newInstance()))).status, 200);
});

test('stop lets the request in hand become durable, refuses the next, and lets the port go', async (t) => {
  const { intake, port, accepted } = await start(t);
  const body = multipartOfInstances(newInstance());
  const client = await RawHttpClient.connect(port);
  client.writeHead(`Content-Length: ${body.length}`, 'Expect: 100-continue');
  await client.received(/100 Continue/);

  const stopped = intake.stop(10_000);
  await delay(20);
  client.write(body);
  t.regex(await client.received(/200 OK/), /HTTP\/1\.1 200 OK/);
  await stopped;
  t.is(await accepted(), 1);
  await t.throwsAsync(RawHttpClient.connect(port));
});

test('stop cuts off a request that does not end within its limit, and leaves nothing of it', async (t) => {
  const { intake, port, accepted } = await start(t);
  const client = await RawHttpClient.connect(port);
  client.writeHead('Content-Length: 1000000', 'Expect: 100-continue');
  await client.received(/100 Continue/);
  client.write(multipartOfInstances(newInstance({ pixelBytes: 500_000 })).subarray(0, 300_000));

  const begun = performance.now();
  await intake.stop(100);
  t.true(performance.now() - begun < 3000);
  await client.ended();
  t.is(await accepted(), 0);
});
