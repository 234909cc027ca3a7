import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import tls from 'node:tls';
import ava, { type ExecutionContext } from 'ava';
import type { ProviderOptions } from '../../src/dimse/provider-options.ts';
import { type AssociationTarget, openAssociation } from '../../src/dimse/service-user.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import type { TlsTarget } from '../../src/tls/client.ts';
import type { TlsPeerError } from '../../src/tls/errors.ts';
import type { TlsListening } from '../../src/tls/server.ts';
import type { TlsFiles } from '../../src/tls/tls-files.ts';
import { TlsMaterial } from '../../src/tls/tls-material.ts';
import { type CertificateFiles, readCertificate, renew, TestAuthority } from '../support/certificates.ts';
import { CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLICIT_LE, VERIFICATION } from '../support/raw-pdu.ts';
import { type RecordingProvider, startRecordingProvider } from '../support/recording-provider.ts';

const test = ava.serial;
const telemetry = createTelemetry({ level: 'silent' });
let authority: TestAuthority;
let stranger: TestAuthority;
let server: CertificateFiles;
let expired: CertificateFiles;
let ct1: CertificateFiles;
let foreign: CertificateFiles;

ava.before(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create('Stranger')]);
  server = await authority.issue({ subject: '/CN=gateway' });
  expired = await authority.issue({ subject: '/CN=gateway', days: -1 });
  ct1 = await authority.issue({ subject: '/O=General Hospital, East/CN=CT1' });
  foreign = await stranger.issue({ subject: '/O=General Hospital, East/CN=CT1' });
});
ava.after.always(async () => {
  await authority[Symbol.asyncDispose]();
  await stranger[Symbol.asyncDispose]();
});

function material(
  t: ExecutionContext,
  files: TlsFiles,
  side: 'input' | 'destination' = 'input',
): TlsMaterial {
  const made = new TlsMaterial(files, { side, name: t.title, telemetry });
  t.teardown(() => made.close());
  return made;
}

function listening(
  t: ExecutionContext,
  files: TlsFiles,
  clientCertificates: TlsListening['clientCertificates'] = 'none',
): TlsListening {
  return { material: material(t, { ...files, ca: authority.ca }), clientCertificates };
}

function start(
  t: ExecutionContext,
  tlsListening: TlsListening,
  options: Partial<ProviderOptions> = {},
): Promise<RecordingProvider> {
  return startRecordingProvider(t, { tls: tlsListening, ...options });
}

function trusting(t: ExecutionContext, files: TlsFiles = {}, more: Partial<TlsTarget> = {}): TlsTarget {
  return { material: material(t, { ca: authority.ca, ...files }, 'destination'), fingerprints: [], ...more };
}

function target(port: number, tlsTarget: TlsTarget | undefined, more: Partial<AssociationTarget> = {}) {
  return {
    host: '127.0.0.1',
    port,
    calledAeTitle: 'GATEWAY',
    callingAeTitle: 'CT1',
    ...(tlsTarget && { tls: tlsTarget }),
    connectTimeoutMs: 5000,
    associationTimeoutMs: 5000,
    responseTimeoutMs: 20_000,
    maxPduLengthBytes: 131_072,
    ...more,
  };
}

const CONTEXTS = [
  { abstractSyntaxUid: CT_IMAGE_STORAGE, transferSyntaxUids: [EXPLICIT_LE] },
  { abstractSyntaxUid: VERIFICATION, transferSyntaxUids: [IMPLICIT_LE] },
];

async function echo(port: number, tlsTarget: TlsTarget | undefined): Promise<number> {
  const user = await openAssociation(target(port, tlsTarget), CONTEXTS);
  const { status } = await user.echo();
  await user.release();
  return status;
}

/** Opens an association that must not come about; what kept it from that. */
async function fault(t: ExecutionContext, port: number, tlsTarget: TlsTarget): Promise<TlsPeerError> {
  const error = await t.throwsAsync(() => echo(port, tlsTarget));
  return error as TlsPeerError;
}

test('an association over TLS 1.3 serves what a plain one does, with no certificate of the caller', async (t) => {
  const { port, events } = await start(t, listening(t, server));
  t.is(await echo(port, trusting(t)), 0);
  const { peer } = await events.next('association-accepted');
  t.is(peer.peerAddress, '127.0.0.1');
  t.is(peer.certificate, undefined);
});

test('a large instance goes over TLS byte for byte, and waits for a sink that is behind', async (t) => {
  const digest = createHash('sha256');
  const sizes = { received: 0, holds: 0 };
  const { port } = await start(t, listening(t, server), {
    store: () => ({
      write(bytes) {
        digest.update(bytes);
        sizes.received += bytes.length;
        if (sizes.received % 7 !== 0) return true;
        sizes.holds += 1;
        return false;
      },
      onWritable: (resume) => void setImmediate(resume),
      end: async () => ({ status: 0 }),
      discard() {},
    }),
  });
  const dataSet = randomBytes(40_000_000);
  const user = await openAssociation(target(port, trusting(t)), CONTEXTS);
  const command = { sopClassUid: CT_IMAGE_STORAGE, sopInstanceUid: '1.2.3', transferSyntaxUid: EXPLICIT_LE };
  const response = await user.store(command, {
    lengthBytes: dataSet.length,
    read: async (into, position) => dataSet.copy(into, 0, position, position + into.length),
  });
  await user.release();
  t.deepEqual(response, { status: 0 });
  t.is(sizes.received, dataSet.length);
  t.true(sizes.holds > 10);
  t.is(digest.digest('hex'), createHash('sha256').update(dataSet).digest('hex'));
});

test('while a sink is behind nothing more is read from a peer over TLS', async (t) => {
  let resume: (() => void) | undefined;
  let received = 0;
  const { port } = await start(t, listening(t, server), {
    store: () => ({
      write(bytes) {
        received += bytes.length;
        return false;
      },
      onWritable(callback) {
        resume = callback;
      },
      end: async () => ({ status: 0 }),
      discard() {},
    }),
  });
  const user = await openAssociation(target(port, trusting(t), { pduTimeoutMs: 500 }), CONTEXTS);
  const command = { sopClassUid: CT_IMAGE_STORAGE, sopInstanceUid: '1.2.3', transferSyntaxUid: EXPLICIT_LE };
  const zeros = { lengthBytes: 200_000_000, read: async (into: Uint8Array) => into.length };
  const error = await t.throwsAsync(() => user.store(command, zeros));
  t.is((error as { code?: string }).code, 'PEER_TIMEOUT');
  t.not(resume, undefined);
  t.true(received < 4_000_000, `${received} bytes were read`);
});

// Fault case 24.
test('what is wrong with the certificate of a peer is said, and is to be tried again', async (t) => {
  const good = await start(t, listening(t, server));
  const late = await start(t, listening(t, expired));
  const self = await authority.selfSigned('/CN=127.0.0.1');
  const own = await start(t, { material: material(t, self), clientCertificates: 'none' });
  const pin = (await readCertificate(self.certificate)).fingerprint256;

  const ended = await fault(t, late.port, trusting(t));
  t.is(ended.code, 'TLS_CERTIFICATE_EXPIRED');
  t.regex(ended.message, /must be valid now, one has expired: its own is until 20\d\d-/);
  const untrusted = await fault(t, good.port, trusting(t, { ca: stranger.ca }));
  t.is(untrusted.code, 'TLS_CERTIFICATE_UNTRUSTED');
  t.regex(untrusted.message, /must come from an authority of tls\.ca, it comes from "CN=Test Authority"/);
  const misnamed = await fault(t, good.port, trusting(t, {}, { serverName: 'pacs.example' }));
  t.is(misnamed.code, 'TLS_NAME_MISMATCH');
  t.regex(misnamed.message, /must be for "pacs\.example", it is for DNS:localhost, IP Address:127\.0\.0\.1/);
  const other = await fault(t, good.port, trusting(t, {}, { fingerprints: [pin] }));
  t.is(other.code, 'TLS_FINGERPRINT_MISMATCH');
  t.is((await fault(t, own.port, trusting(t))).code, 'TLS_CERTIFICATE_UNTRUSTED');
  for (const error of [ended, untrusted, misnamed, other]) t.is(error.disposition, 'retry');

  t.is(await echo(own.port, trusting(t, {}, { fingerprints: ['00', pin] })), 0);
  t.is(await echo(good.port, trusting(t, {}, { serverName: 'localhost' })), 0);
  t.is(late.events.ofType('association-accepted').length, 0);
});

test('a peer that speaks no TLS, or only an old one, is said to', async (t) => {
  const plain = await startRecordingProvider(t);
  const refused = await fault(t, plain.port, trusting(t));
  t.is(refused.disposition, 'retry');

  const web = net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  t.teardown(() => web.close());
  const spoken = await fault(t, (web.address() as net.AddressInfo).port, trusting(t));
  t.is(spoken.code, 'TLS_HANDSHAKE_FAILED');
  t.regex(spoken.message, /what it answers is no TLS/);

  for (const close of ['resetAndDestroy', 'end'] as const) {
    const closing = net.createServer((socket) => socket.once('data', () => socket[close]()));
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    t.teardown(() => closing.close());
    const closed = await fault(t, (closing.address() as net.AddressInfo).port, trusting(t));
    t.like(closed, { code: 'TLS_HANDSHAKE_FAILED', disposition: 'retry' });
    t.regex(closed.message, /closed the connection during the TLS handshake \(ECONNRESET\)/);
  }

  const { port, events } = await start(t, listening(t, server));
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    rejectUnauthorized: false,
  });
  await new Promise((resolve) => socket.once('error', resolve));
  t.is((await events.next('handshake-failed')).error.code, 'TLS_HANDSHAKE_FAILED');
});

test('TLS 1.2 is spoken with forward secrecy and authenticated encryption only', async (t) => {
  const { port } = await start(t, listening(t, server));
  const attempt = (ciphers: string) =>
    new Promise<string>((resolve) => {
      const options = { host: '127.0.0.1', port, maxVersion: 'TLSv1.2', rejectUnauthorized: false } as const;
      const socket = tls.connect({ ...options, ciphers });
      socket.once('error', () => resolve('refused'));
      socket.once('secureConnect', () => {
        resolve(socket.getCipher().name);
        socket.destroy();
      });
    });
  t.is(await attempt('DHE-RSA-AES128-GCM-SHA256'), 'DHE-RSA-AES128-GCM-SHA256');
  t.is(await attempt('ECDHE-RSA-AES128-GCM-SHA256'), 'ECDHE-RSA-AES128-GCM-SHA256');
  for (const old of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES256-SHA384']) {
    t.is(await attempt(old), 'refused', old);
  }
});

test('no session is resumed: every connection is judged anew', async (t) => {
  const { port } = await start(t, listening(t, server));
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined;
    for (const _ of ['first', 'second']) {
      const options = { host: '127.0.0.1', port, maxVersion, ca: await readFile(authority.ca) };
      const socket = tls.connect({ ...options, ...(session && { session }) });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      t.false(socket.isSessionReused());
      session = socket.getSession();
      socket.destroy();
    }
  }
});

test('a caller that shows a good certificate is known by it', async (t) => {
  const { port, events } = await start(t, listening(t, server, 'required'));
  t.is(await echo(port, trusting(t, ct1)), 0);
  const { peer } = await events.next('association-accepted');
  t.is(peer.certificate?.subject, 'O=General Hospital\\, East, CN=CT1');
  t.deepEqual(peer.certificate?.attributes, { O: ['General Hospital, East'], CN: ['CT1'] });
  t.is(peer.certificate?.fingerprint256, (await readCertificate(ct1.certificate)).fingerprint256);
});

for (const mode of ['required', 'requested'] as const) {
  test(`a caller whose certificate is not good is cut off where one is ${mode}`, async (t) => {
    const { port, events } = await start(t, listening(t, server, mode));
    const late = await authority.issue({ subject: '/CN=CT1', days: -1 });
    await t.throwsAsync(() => echo(port, trusting(t, foreign)));
    await t.throwsAsync(() => echo(port, trusting(t, late)));
    t.is((await events.next('handshake-failed', 2)).error.code, 'TLS_CERTIFICATE_EXPIRED');
    t.is(events.ofType('handshake-failed')[0]?.error.code, 'TLS_CERTIFICATE_UNTRUSTED');
    t.is(events.ofType('association-accepted').length, 0);
  });
}

test('a caller that shows no certificate is let in where one is requested, and cut off where one is required', async (t) => {
  const requested = await start(t, listening(t, server, 'requested'));
  t.is(await echo(requested.port, trusting(t)), 0);
  const required = await start(t, listening(t, server, 'required'));
  await t.throwsAsync(() => echo(required.port, trusting(t)));
  const { error } = await required.events.next('handshake-failed');
  t.regex(error.message, /it must show a certificate, it shows none/);
});

test('a peer that does not take our certificate, or misses one, is said to', async (t) => {
  const { options } = material(t, { ...server, ca: authority.ca }).current;
  const strict = tls.createServer({ ...options, requestCert: true, rejectUnauthorized: true });
  await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve));
  t.teardown(() => strict.close());
  const { port } = strict.address() as net.AddressInfo;
  const error = await fault(t, port, trusting(t));
  t.is(error.code, 'TLS_CERTIFICATE_REFUSED');
  t.is(error.disposition, 'retry');
});

test('a peer that speaks plainly to a secure port costs nothing', async (t) => {
  const { port, events, connect } = await start(t, listening(t, server));
  const peer = await connect();
  await peer.send(randomBytes(100_000));
  t.is((await peer.restWords()).at(-1), 'closed');
  t.is((await events.next('handshake-failed')).error.code, 'TLS_HANDSHAKE_FAILED');
  t.is(await echo(port, trusting(t)), 0);
});

test('a handshake that stalls ends in its time, whatever trickles in, and a connection without a byte is nothing', async (t) => {
  const timeouts = { associationMs: 300, pduMs: 5000, idleMs: 5000 };
  const { port, events, connect } = await start(t, listening(t, server), { timeouts });
  const mute = await connect();
  const slow = await connect();
  // The start of a ClientHello of 512 bytes, one of them every 50 ms.
  await slow.send(Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01));
  const trickle = setInterval(() => void slow.send(Buffer.of(0)), 50);
  t.teardown(() => clearInterval(trickle));
  await Promise.all([mute.restWords(), slow.restWords()]);
  const { error } = await events.next('handshake-failed', 2);
  t.regex(error.message, /took more than 300 ms/);
  const probe = await connect();
  await probe.close();
  await events.next('connection-ended');
  t.is(events.ofType('handshake-failed').length, 2);
  t.is(await echo(port, trusting(t)), 0);
});

test('a flood of handshakes that stall keeps nobody out', async (t) => {
  const { port, events, connect } = await start(t, listening(t, server));
  const stalled = await Promise.all(Array.from({ length: 40 }, () => connect()));
  t.is(await echo(port, trusting(t)), 0);
  const { error } = await events.next('handshake-failed', 8);
  t.regex(error.message, /too many others/);
  t.true(stalled.some((peer) => !peer.isEnded));
});

test('a provider that stops does not wait for handshakes', async (t) => {
  const { provider, connect } = await start(t, listening(t, server));
  const peer = await connect();
  await provider.stop({ drainMs: 0 });
  t.is((await peer.restWords()).at(-1), 'closed');
});

test('a renewed certificate is shown to new connections while an open association goes on', async (t) => {
  const used = await authority.issue({ subject: '/CN=gateway' });
  const secured = listening(t, used);
  const { port } = await start(t, secured);
  const user = await openAssociation(target(port, trusting(t)), CONTEXTS);
  const renewed = await stranger.issue({ subject: '/CN=gateway' });
  await renew(used, renewed);
  secured.material.reload();

  t.is((await user.echo()).status, 0);
  await user.release();
  t.is((await fault(t, port, trusting(t))).code, 'TLS_CERTIFICATE_UNTRUSTED');
  t.is(await echo(port, trusting(t, { ca: stranger.ca })), 0);
});
