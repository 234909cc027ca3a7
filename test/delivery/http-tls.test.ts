import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { DestinationDeps, DestinationSession } from '../../src/delivery/destination-kind.ts';
import { s3 } from '../../src/delivery/s3.ts';
import { stowRs } from '../../src/delivery/stow-rs.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { TestAuthority } from '../support/certificates.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStowServer } from '../support/stow-server.ts';

let authority: TestAuthority;
let server: { readonly cert: Buffer; readonly key: Buffer };
let client: { readonly certificate: string; readonly key: string };
const instances = new MemoryInstances();
const deps = (): DestinationDeps => ({
  name: 'far',
  instances,
  telemetry: { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) },
});

test.before(async () => {
  authority = await TestAuthority.create();
  const issued = await authority.issue();
  client = await authority.issue({ subject: '/CN=gateway' });
  server = { cert: await readFile(issued.certificate), key: await readFile(issued.key) };
});
test.after.always(() => authority?.[Symbol.asyncDispose]());

async function sendTo(t: ExecutionContext, session: DestinationSession) {
  t.teardown(() => session.close());
  const item = instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3_000_000 }));
  return session.send(await session.prepare(item), { slot: 0, alone: false });
}

test('stow-rs: a server of a trusted authority is sent to over TLS, another waits and says why', async (t) => {
  const stow = await startStowServer({ tls: server });
  t.teardown(() => stow.stop());
  const open = (tls: unknown) =>
    stowRs.open(stowRs.settings.parse({ kind: 'stow-rs', url: stow.url, tls }), deps());

  t.deepEqual(await sendTo(t, open({ ca: authority.ca })), { taken: true, outcome: 'delivered' });
  t.like(await sendTo(t, open({})), {
    taken: false,
    reason: 'unreachable',
    code: 'TLS_CERTIFICATE_UNTRUSTED',
  });
  t.like(await sendTo(t, open({ ca: authority.ca, server_name: 'other.example' })), {
    taken: false,
    reason: 'unreachable',
    code: 'TLS_NAME_MISMATCH',
  });
  t.is(stow.stored.length, 1);
});

test('stow-rs: a server that asks for a certificate gets ours; without one the instance waits', async (t) => {
  const ca = await readFile(authority.ca);
  const stow = await startStowServer({ tls: { ...server, ca, requestCert: true, rejectUnauthorized: true } });
  t.teardown(() => stow.stop());
  const open = (own: object) =>
    stowRs.open(
      stowRs.settings.parse({ kind: 'stow-rs', url: stow.url, tls: { ca: authority.ca, ...own } }),
      deps(),
    );

  t.true((await sendTo(t, open(client))).taken);
  const without = open({});
  const outcome = await sendTo(t, without);
  // Its alert may be lost behind what we send; with nothing to send it is heard.
  t.true(!outcome.taken && ['unreachable', 'unclear'].includes(outcome.reason));
  await t.throwsAsync(async () => without.echo?.(), {
    message: /it does not take our certificate, or needs one/,
  });
  t.is(stow.stored.length, 1);
});

test('s3: a server of a trusted authority is sent to over TLS, another waits and says why', async (t) => {
  process.env.SLIDEGATE_TEST_S3_TLS = 'key';
  let puts = 0;
  const http = createServer(server, (request, response) => {
    if (request.method === 'PUT') puts += 1;
    // Who may write need not be allowed to look.
    request.resume().on('end', () => response.writeHead(request.method === 'PUT' ? 200 : 403).end());
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => http.closeAllConnections());
  t.teardown(() => http.close());
  const open = (tls: unknown) =>
    s3.open(
      s3.settings.parse({
        kind: 's3',
        bucket: 'images',
        endpoint: `https://127.0.0.1:${(http.address() as AddressInfo).port}`,
        force_path_style: true,
        credentials: {
          kind: 'environment',
          access_key_id_env: 'SLIDEGATE_TEST_S3_TLS',
          secret_access_key_env: 'SLIDEGATE_TEST_S3_TLS',
        },
        tls,
      }),
      deps(),
    );

  t.deepEqual(await sendTo(t, await open({ ca: authority.ca })), { taken: true, outcome: 'delivered' });
  t.like(await sendTo(t, await open({})), {
    taken: false,
    reason: 'unreachable',
    code: 'TLS_CERTIFICATE_UNTRUSTED',
  });
  t.is(puts, 1);
});
