import ava, { type ExecutionContext } from 'ava';
import { openAssociation, type ServiceUser } from '../../src/dimse/service-user.ts';
import { IntakeSettings } from '../../src/intake/config.ts';
import { type Intake, startIntake } from '../../src/intake/intake.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { TlsFileError } from '../../src/tls/errors.ts';
import { TlsMaterial } from '../../src/tls/tls-material.ts';
import { type CertificateFiles, renew, TestAuthority } from '../support/certificates.ts';
import { associateRequest, EXPLICIT_LE, item } from '../support/raw-pdu.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { newInstance, openTemporarySpool, type TemporarySpool } from '../support/temporary-spool.ts';

const test = ava.serial;
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
let temporary: TemporarySpool;
let authority: TestAuthority;
let server: CertificateFiles;
let ct1: CertificateFiles;

ava.before(async () => {
  [temporary, authority] = await Promise.all([openTemporarySpool(), TestAuthority.create()]);
  server = await authority.issue({ subject: '/CN=gateway' });
  ct1 = await authority.issue({ subject: '/O=Hospital/CN=CT1' });
});
ava.after.always(async () => {
  await temporary[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
});

interface Running {
  readonly intake: Intake;
  readonly port: number;
  readonly telemetry: Telemetry;
  readonly logged: Record<string, unknown>[];
  settings(sources: object, more?: object): IntakeSettings;
}

async function start(t: ExecutionContext, sources: object, input: object = {}): Promise<Running> {
  const logged: Record<string, unknown>[] = [];
  const real = createTelemetry({ level: 'silent' });
  const keep = (event: Record<string, unknown>, message: string) => logged.push({ ...event, message });
  const log = { debug: keep, info: keep, warn: keep, error: keep } as unknown as Telemetry['log'];
  const telemetry = { ...real, log };
  const settings = (named: object, more: object = {}) =>
    IntakeSettings.parse({
      inputs: { dimse: { kind: 'dimse-scp', port: 0, ...input } },
      sources: named,
      allow_any_caller: false,
      ...more,
    });
  const intake = await startIntake(settings(sources), { spool: temporary.spool, telemetry });
  t.teardown(() => intake.stop(0));
  return { intake, port: intake.inputs()[0]?.port ?? 0, telemetry, logged, settings };
}

/** @param certificate shown over TLS; plain when absent */
async function associate(
  t: ExecutionContext,
  port: number,
  { calling = 'CT1', certificate }: { calling?: string; certificate?: CertificateFiles } = {},
): Promise<ServiceUser> {
  const telemetry = createTelemetry({ level: 'silent' });
  const files = { ...certificate, ca: authority.ca };
  const material = certificate && new TlsMaterial(files, { side: 'destination', name: 'test', telemetry });
  t.teardown(() => material?.close());
  return openAssociation(
    {
      host: '127.0.0.1',
      port,
      ...(material && { tls: { material, fingerprints: [] } }),
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: calling,
      connectTimeoutMs: 5000,
      associationTimeoutMs: 5000,
      responseTimeoutMs: 20_000,
      maxPduLengthBytes: 131_072,
    },
    [{ abstractSyntaxUid: SECONDARY_CAPTURE, transferSyntaxUids: [EXPLICIT_LE] }],
  );
}

async function send(user: ServiceUser): Promise<string> {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, dataSet } = newInstance();
  const { status } = await user.store(
    { sopClassUid, sopInstanceUid, transferSyntaxUid },
    {
      lengthBytes: dataSet.length,
      async read(into, position) {
        const part = dataSet.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
    },
  );
  if (status !== 0) throw new Error(`Refused: ${status}`);
  return sopInstanceUid;
}

async function sourceOfStored(sopInstanceUid: string): Promise<string | undefined> {
  const [entry] = await temporary.spool.query({ sopInstanceUid });
  return entry?.source;
}

async function rejections(telemetry: Telemetry): Promise<Record<string, number>> {
  const { values } = await telemetry.metrics.associationsTotal.get();
  const rejected = values.filter(({ labels }) => labels.result === 'rejected');
  return Object.fromEntries(
    rejected.map(({ labels, value }) => [`${labels.peer} ${labels.reason}`, value] as const),
  );
}

test('a certificate makes the source, and its lack another or none', async (t) => {
  const tls = { ...server, ca: authority.ca, client_certificates: 'requested' };
  const sources = {
    ct1: { ae_title: 'CT1', certificate: { subject: 'CN=CT1' } },
    plain: { ae_title: 'CT1', hosts: ['127.0.0.1'] },
    mr: { ae_title: 'MR', certificate: { subject: 'CN=MR' } },
  };
  const { port, logged } = await start(t, sources, { tls });
  const secure = await associate(t, port, { certificate: ct1 });
  t.is(await sourceOfStored(await send(secure)), 'ct1');
  await secure.release();
  const other = await associate(t, port, { certificate: await authority.issue({ subject: '/CN=CT2' }) });
  t.is(await sourceOfStored(await send(other)), 'plain');
  await other.release();
  await t.throwsAsync(() => associate(t, port, { calling: 'CT2', certificate: ct1 }));
  await t.throwsAsync(() => associate(t, port, { calling: 'MR', certificate: ct1 }));

  const rejected = logged.filter(({ message }) => message === 'Association rejected.');
  t.deepEqual(
    rejected.map(({ hint }) => hint),
    ['No source fits', 'No source fits: "mr" has this AE title, and wants another certificate'],
  );
  const accepted = logged.filter(({ message }) => message === 'Association accepted.');
  t.deepEqual(
    accepted.map(({ source, certificate }) => `${source}: ${certificate}`),
    ['ct1: O=Hospital, CN=CT1', 'plain: CN=CT2'],
  );
});

test('a peer that does not speak TLS to a secure input is counted and told', async (t) => {
  const { port, telemetry, logged } = await start(t, {}, { tls: server });
  const peer = await RawPeer.connect(port);
  await peer.send(associateRequest({ called: 'SLIDEGATE' }));
  t.is((await peer.restWords()).at(-1), 'closed');
  t.deepEqual(await rejections(telemetry), { 'unknown tls-handshake-failed': 1 });
  t.like(logged.at(-1), { message: 'Secure connection failed.', input: 'dimse', peerAddress: '127.0.0.1' });
});

// Fault case 2.
test('what a source has too much of is rejected for the moment, counted by source, and comes in later', async (t) => {
  const sources = {
    ct1: { ae_title: 'CT1', associations_max: 1 },
    ct2: { ae_title: 'CT2', associations_per_minute_max: 1 },
  };
  const { port, telemetry } = await start(t, sources);
  const rejection = async (calling: string) => {
    const peer = await RawPeer.connect(port);
    await peer.send(associateRequest({ calling, called: 'SLIDEGATE' }));
    const words = await peer.nextWords();
    await peer.close();
    return words;
  };
  const first = await associate(t, port);
  await (await associate(t, port, { calling: 'CT2' })).release();
  t.is(await rejection('CT1'), 'A-ASSOCIATE-RJ 2/3/2');
  t.is(await rejection('CT2'), 'A-ASSOCIATE-RJ 2/3/1');
  t.deepEqual(await rejections(telemetry), { 'ct1 local-limit': 1, 'ct2 congestion': 1 });
  await first.release();
  await (await associate(t, port)).release();
});

test('a source that sends faster than it may is slowed down, and nothing of it is lost', async (t) => {
  const { port } = await start(t, { ct1: { ae_title: 'CT1', instances_per_s_max: 20 } });
  const before = (await temporary.spool.status()).accepted;
  const began = performance.now();
  const users = await Promise.all([associate(t, port), associate(t, port)]);
  await Promise.all(
    users.map(async (user) => {
      for (let sent = 0; sent < 15; sent += 1) await send(user);
      await user.release();
    }),
  );
  // 20 at once, then one every 50 ms.
  t.true(performance.now() - began >= 450, 'it was not slowed down');
  t.is((await temporary.spool.status()).accepted, before + 30);
});

// Fault case 31.
test('other sources hold for new callers, while an open association goes on under its name', async (t) => {
  const { intake, port, settings } = await start(t, { ct1: { ae_title: 'CT1' } });
  const user = await associate(t, port);
  intake.reload(settings({ renamed: { ae_title: 'CT1' }, ct2: { ae_title: 'CT2' } }));
  t.is(await sourceOfStored(await send(user)), 'ct1');
  const next = await associate(t, port);
  t.is(await sourceOfStored(await send(next)), 'renamed');
  await (await associate(t, port, { calling: 'CT2' })).release();
  intake.reload(settings({}));
  await t.throwsAsync(() => associate(t, port));
  t.is(await sourceOfStored(await send(user)), 'ct1');
  await Promise.all([user.release(), next.release()]);
  intake.reload(settings({}, { allow_any_caller: true }));
  await (await associate(t, port)).release();
});

test('a reload reads certificates again at once', async (t) => {
  const used = await authority.issue({ subject: '/CN=gateway' });
  const { intake, port, settings } = await start(t, { ct1: { ae_title: 'CT1' } }, { tls: used });
  const user = await associate(t, port, { certificate: ct1 });
  await renew(used, await authority.issue({ subject: '/CN=gateway', names: 'DNS:elsewhere' }));
  intake.reload(settings({ ct1: { ae_title: 'CT1' } }));
  await t.throwsAsync(() => associate(t, port, { certificate: ct1 }), { message: /it is for DNS:elsewhere/ });
  await send(user);
  await user.release();
});

test('an input whose certificate cannot be used does not start, and says which file', async (t) => {
  const tls = { ...server, key: ct1.key };
  await t.throwsAsync(() => start(t, {}, { tls }), {
    instanceOf: TlsFileError,
    message: /must be the private key/,
  });
});

test('a user identity is logged by type and name, never with its secret', async (t) => {
  const { port, logged } = await start(t, { ct1: { ae_title: 'CT1' } });
  for (const [type, primary, secondary, expected] of [
    [1, 'jane\n\u0007doe', '', { userIdentityType: 'username', username: 'jane doe' }],
    [2, 'jane', 'secret', { userIdentityType: 'username-and-passcode', username: 'jane' }],
    [3, 'secret', '', { userIdentityType: 'kerberos' }],
    [4, 'secret', '', { userIdentityType: 'saml' }],
    [5, 'secret', '', { userIdentityType: 'jwt' }],
    [9, 'secret', '', { userIdentityType: 'other' }],
  ] as const) {
    const fields = [primary, secondary].flatMap((text) => [Buffer.from([0, text.length]), text]);
    const identity = item(0x58, Buffer.from([type, 1]), ...fields);
    const peer = await RawPeer.associate(port, {
      called: 'SLIDEGATE',
      calling: 'CT1',
      userItems: [identity],
    });
    await peer.close();
    const event = logged.findLast(({ message }) => message === 'Association accepted.');
    t.like(event, expected);
  }
  t.false(JSON.stringify(logged).includes('secret'));
});
