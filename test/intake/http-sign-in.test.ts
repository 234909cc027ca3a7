import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import test from 'ava';
import { SignIn, SignInSettings } from '../../src/intake/http-sign-in.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';

test('a password file that is gone leaves the password before in force, and is told once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-sign-in-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  await writeFile(file, 'first\n');
  const telemetry = createTelemetry({ level: 'silent' });
  const told = mock.method(telemetry.log, 'error', () => {});
  const settings = SignInSettings.parse({ kind: 'bearer', tokens: { portal: { token_file: file } } });
  const signIn = await SignIn.open(settings, { name: 'web', telemetry });
  let nowMs = performance.now();
  mock.method(performance, 'now', () => {
    nowMs += 10_000;
    return nowMs;
  });
  t.teardown(() => mock.restoreAll());

  await rm(file);
  t.truthy(await signIn.check('Bearer first'));
  t.truthy(await signIn.check('Bearer first'));
  t.deepEqual(
    told.mock.calls.map((call) => call.arguments[0] as unknown),
    [{ input: 'web', reason: `file ${file} cannot be read: ENOENT` }],
  );

  await writeFile(file, 'second\n');
  t.is(await signIn.check('Bearer first'), undefined);
  t.truthy(await signIn.check('Bearer second'));
});
