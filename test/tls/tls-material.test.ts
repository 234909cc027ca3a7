import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { TlsFileError } from '../../src/tls/errors.ts';
import { readTlsFiles, type TlsIdentity } from '../../src/tls/tls-files.ts';
import { TlsMaterial } from '../../src/tls/tls-material.ts';
import { type CertificateFiles, encryptKey, renew, TestAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';

const test = ava.serial;
const POLL_MS = 20;
let authority: TestAuthority;

ava.before(async () => {
  authority = await TestAuthority.create();
});
ava.after.always(() => authority[Symbol.asyncDispose]());

/** Material of `files`, what was put in force since, and what the metrics say. */
function watch(files: CertificateFiles) {
  const telemetry = createTelemetry({ level: 'silent' });
  const material = new TlsMaterial(files, { side: 'input', name: 'secure', telemetry, pollMs: POLL_MS });
  const gauge = async (name: 'certificateExpiry' | 'certificateReloadFailed') => {
    const { values } = await telemetry.metrics[name].get();
    return values.find(({ labels }) => labels.input === 'secure')?.value;
  };
  /** Waits until others than `before` are in force. */
  const changed = async (before: TlsIdentity) => {
    await eventually('other files in force', () => material.current !== before);
    return material.current;
  };
  const failed = () =>
    eventually('files refused', async () => (await gauge('certificateReloadFailed')) === 1);
  return { material, gauge, changed, failed, [Symbol.dispose]: () => material.close() };
}

test('the end of the certificate in force is a metric, until it is closed', async (t) => {
  const files = await authority.issue({ days: 10 });
  const { material, gauge } = watch(files);
  const inTenDays = Date.now() / 1000 + 10 * 86_400;
  t.true(Math.abs(((await gauge('certificateExpiry')) ?? 0) - inTenDays) < 600);
  t.is(await gauge('certificateReloadFailed'), 0);
  material.close();
  t.is(await gauge('certificateExpiry'), undefined);
});

test('a renewed certificate is put in force without being asked for', async (t) => {
  const files = await authority.issue({ days: 10 });
  using watched = watch(files);
  const before = watched.material.current;
  await renew(files, await authority.issue({ days: 50 }));
  const after = await watched.changed(before);
  t.is(watched.material.current, after);
  t.true((after.expiresAtMs ?? 0) > (before.expiresAtMs ?? 0));
  t.is(await watched.gauge('certificateExpiry'), (after.expiresAtMs ?? 0) / 1000);
});

test('a certificate behind a link is renewed by another target of the link', async (t) => {
  const [first, second] = [await authority.issue({ days: 10 }), await authority.issue({ days: 50 })];
  const linked = { certificate: join(authority.folder, 'tls.crt'), key: join(authority.folder, 'tls.key') };
  await symlink(first.certificate, linked.certificate);
  await symlink(first.key, linked.key);
  using watched = watch(linked);
  const before = watched.material.current;
  for (const which of ['certificate', 'key'] as const) {
    await rm(linked[which]);
    await symlink(second[which], linked[which]);
  }
  t.is((await watched.changed(before)).expiresAtMs, readTlsFiles(second).expiresAtMs);
});

test('files that cannot be used leave the old ones in force, loudly, until they are put right', async (t) => {
  const files = await authority.issue();
  using watched = watch(files);
  const before = watched.material.current;
  await writeFile(files.certificate, 'not a certificate');
  await watched.failed();
  t.is(watched.material.current, before);

  await renew(files, await authority.issue());
  await watched.changed(before);
  t.is(await watched.gauge('certificateReloadFailed'), 0);
});

test('a certificate whose key has not come yet waits for it', async (t) => {
  const files = await authority.issue();
  const next = await authority.issue();
  using watched = watch(files);
  const before = watched.material.current;
  await renew({ ...files, key: join(authority.folder, 'elsewhere.key') }, next);
  await watched.failed();
  t.is(watched.material.current, before);
  await renew({ ...files, certificate: join(authority.folder, 'elsewhere.pem') }, next);
  t.is((await watched.changed(before)).expiresAtMs, readTlsFiles(next).expiresAtMs);
});

test('what is wrong with files is said with their names', async (t) => {
  const [one, other] = [await authority.issue(), await authority.issue()];
  const missing = join(authority.folder, 'missing.pem');
  const damaged = join(authority.folder, 'damaged.pem');
  await writeFile(damaged, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  for (const [files, code, message] of [
    [{ ...one, certificate: missing }, 'TLS_FILE_UNREADABLE', /missing\.pem" for TLS: ENOENT/],
    [{ ...one, key: missing }, 'TLS_FILE_UNREADABLE', /missing\.pem" for TLS: ENOENT/],
    [{ ...one, ca: missing }, 'TLS_FILE_UNREADABLE', /missing\.pem" for TLS: ENOENT/],
    [{ ...one, certificate: damaged }, 'TLS_FILE_INVALID', /damaged\.pem": one of them is damaged/],
    [{ ...one, ca: one.key }, 'TLS_FILE_INVALID', /it must hold PEM blocks/],
    [{ ...one, key: one.certificate }, 'TLS_FILE_INVALID', /it must be a private key in PEM/],
    [{ ...one, key: other.key }, 'TLS_KEY_MISMATCH', /must be the private key of the first certificate/],
  ] as const) {
    const error = t.throws(() => readTlsFiles(files), { instanceOf: TlsFileError });
    t.is(error.code, code);
    t.regex(error.message, message);
    t.is(error.disposition, 'hold');
  }
});

test('a key with a passphrase is read with the one of its environment variable, and asked for by name', async (t) => {
  const files = await authority.issue();
  const key = await encryptKey(files.key, 'open sesame');
  const named = { certificate: files.certificate, key, keyPassphraseEnv: 'SLIDEGATE_TEST_PASSPHRASE' };
  t.throws(() => readTlsFiles({ ...named }), {
    message: /environment variable SLIDEGATE_TEST_PASSPHRASE must hold/,
  });
  process.env.SLIDEGATE_TEST_PASSPHRASE = 'open sesame';
  t.teardown(() => {
    delete process.env.SLIDEGATE_TEST_PASSPHRASE;
  });
  t.is(readTlsFiles(named).expiresAtMs, readTlsFiles(files).expiresAtMs);
});

test('an expired certificate is no reason not to start', async (t) => {
  const files = await authority.issue({ days: -1 });
  t.true((readTlsFiles(files).expiresAtMs ?? 0) < Date.now());
});
