import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { IntakeSettings } from '../../src/intake/config.ts';
import { InputUnavailableError } from '../../src/intake/errors.ts';
import { startIntake } from '../../src/intake/intake.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { TestAuthority } from '../support/certificates.ts';
import { MULTIPART, multipartOfInstances, postStudies } from '../support/stow-request.ts';
import { newInstance, openTemporarySpool, type TemporarySpool } from '../support/temporary-spool.ts';

const test = ava.serial;
let temporary: TemporarySpool;
let folder: string;

ava.before(async () => {
  temporary = await openTemporarySpool();
  folder = await mkdtemp(join(tmpdir(), 'slidegate-secrets-'));
});
ava.after.always(async () => {
  await temporary[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function start(t: ExecutionContext, input: object, settings: object = {}) {
  const intake = await startIntake(
    IntakeSettings.parse({ inputs: { web: { kind: 'stow-rs', port: 0, ...input } }, ...settings }),
    { spool: temporary.spool, telemetry: createTelemetry({ level: 'silent' }) },
  );
  t.teardown(() => intake.stop(0));
  const { port = 0 } = intake.inputs()[0] ?? {};
  return { intake, port, base: `http://127.0.0.1:${port}/dicom-web` };
}

/** The HTTP status, and the source of what was stored. */
async function store(base: string, authorization?: string): Promise<string> {
  const instance = newInstance();
  const headers = authorization === undefined ? {} : { authorization };
  const { status } = await postStudies(base, multipartOfInstances(instance), { headers });
  const [entry] = await temporary.spool.query({ sopInstanceUid: instance.sopInstanceUid });
  return `${status} ${entry?.source ?? '-'}`;
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('only who gives a known name and its password comes in, as the source that belongs to it', async (t) => {
  const file = join(folder, 'password');
  await writeFile(file, 'dröge:Lüfte\n');
  process.env.SLIDEGATE_TEST_PASSWORD = 'other';
  const users = {
    clinic: { password_file: file, source: 'clinic-a' },
    second: { password_env: 'SLIDEGATE_TEST_PASSWORD' },
  };
  const { base } = await start(
    t,
    { auth: { kind: 'basic', users }, source: 'web' },
    { allow_any_caller: false },
  );

  t.is(await store(base, basic('clinic:dröge:Lüfte')), '200 clinic-a');
  t.is(await store(base, basic('second:other')), '200 web');
  for (const wrong of ['clinic:other', 'clinic:', ':', 'second', 'nobody:other', 'clinic:dröge:Lüfte2']) {
    t.is(await store(base, basic(wrong)), '401 -', wrong);
  }
  t.is(await store(base), '401 -');
  t.is(await store(base, 'Bearer other'), '401 -');
  const challenge = (await fetch(`${base}/studies`)).headers.get('www-authenticate');
  t.is(challenge, 'Basic realm="slidegate", charset="UTF-8"');
});

test('only who gives a token comes in', async (t) => {
  process.env.SLIDEGATE_TEST_TOKEN = 'abc.def-123';
  const tokens = { portal: { token_env: 'SLIDEGATE_TEST_TOKEN', source: 'portal' } };
  const { base } = await start(t, { auth: { kind: 'bearer', tokens } });

  t.is(await store(base, 'Bearer abc.def-123'), '200 portal');
  t.is(await store(base, 'bearer  abc.def-123'), '200 portal');
  t.is(await store(base, 'Bearer abc.def-12'), '401 -');
  t.is(await store(base), '401 -');
});

test('a secret that is not there keeps the input from starting, and says which', async (t) => {
  const missing = { kind: 'basic', users: { a: { password_env: 'SLIDEGATE_TEST_NO_SUCH' } } };
  const error = await t.throwsAsync(start(t, { auth: missing }), { instanceOf: InputUnavailableError });
  t.regex(error?.message ?? '', /environment variable SLIDEGATE_TEST_NO_SUCH must hold it/);

  const noFile = { kind: 'bearer', tokens: { a: { token_file: join(folder, 'none') } } };
  await t.throwsAsync(start(t, { auth: noFile }), { message: /ENOENT/ });
});

test('settings of a secret in two places, or in none, are refused', (t) => {
  for (const user of [{}, { password_file: 'a', password_env: 'B' }]) {
    const auth = { kind: 'basic', users: { a: user } };
    t.false(IntakeSettings.safeParse({ inputs: { web: { kind: 'stow-rs', auth } } }).success);
  }
});

test('without sign-in a caller is who its address says, and nobody else comes in where only sources may', async (t) => {
  const sources = { near: { hosts: ['127.0.0.0/8'] } };
  const known = await start(t, {}, { sources, allow_any_caller: false });
  t.is(await store(known.base), '200 near');

  const stranger = await start(t, {}, { sources: { far: { hosts: ['10.0.0.1'] } }, allow_any_caller: false });
  t.is(await store(stranger.base), '403 -');
  stranger.intake.reload({ sources, allow_any_caller: false, accept_unknown_sop_classes: false } as never);
  t.is(await store(stranger.base), '200 near', 'sources hold as soon as they are in force');
});

test('over TLS a caller is who its certificate says, and one without a good certificate does not come in', async (t) => {
  await using authority = await TestAuthority.create();
  const server = await authority.issue();
  const [ct1, ct2] = [
    await authority.issue({ subject: '/CN=CT1' }),
    await authority.issue({ subject: '/CN=CT2' }),
  ];
  const stranger = await authority.selfSigned('/CN=CT1');
  const tls = { ...server, ca: authority.ca, client_certificates: 'required' };
  const sources = { ct1: { certificate: { subject: 'CN=CT1' } } };
  const { port } = await start(t, { tls }, { sources, allow_any_caller: false });
  const ca = await readFile(authority.ca);

  const storeAs = async (files: { certificate: string; key: string } | undefined) => {
    const instance = newInstance();
    const identity = files && { cert: await readFile(files.certificate), key: await readFile(files.key) };
    const status = await new Promise<number>((resolve, reject) => {
      const options = {
        port,
        host: '127.0.0.1',
        path: '/dicom-web/studies',
        method: 'POST',
        ca,
        ...identity,
      };
      const call = request({ ...options, headers: { 'content-type': MULTIPART } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      call.on('error', reject);
      call.end(multipartOfInstances(instance));
    });
    const [entry] = await temporary.spool.query({ sopInstanceUid: instance.sopInstanceUid });
    return `${status} ${entry?.source ?? '-'}`;
  };
  t.is(await storeAs(ct1), '200 ct1');
  t.is(await storeAs(ct2), '403 -');
  await t.throwsAsync(storeAs(stranger));
  await t.throwsAsync(storeAs(undefined));
  await t.throwsAsync(postStudies(`http://127.0.0.1:${port}/dicom-web`, 'plain HTTP'));
});
