import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { freePort } from '../../src/cli/free-port.ts';
import { type PeerProcess, run, startPeer } from '../../src/cli/peer-process.ts';
import { type CertificateFiles, readCertificate, renew, TestAuthority } from '../support/certificates.ts';
import { slidegate } from '../support/command-line.ts';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { dataSetsBelow } from '../support/part10.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

const test = ava.serial;
let authority: TestAuthority;
let stranger: TestAuthority;
let server: CertificateFiles;
let modality: CertificateFiles;

ava.before(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create('Stranger')]);
  server = await authority.issue({ subject: '/CN=gateway' });
  modality = await authority.issue({ subject: '/O=General Hospital/CN=CT1' });
});
ava.after.always(async () => {
  await authority[Symbol.asyncDispose]();
  await stranger[Symbol.asyncDispose]();
});

async function scratchFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-tls-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A gateway with a secure input beside the plain one. */
async function startSecureGateway(
  tls: object,
  settings: object = {},
): Promise<{
  gateway: TestGateway;
  plain: string;
  secure: string;
}> {
  const input = { kind: 'dimse-scp', host: '127.0.0.1', port: 0 };
  const inputs = { dimse: input, secure: { ...input, tls: { ...server, ca: authority.ca, ...tls } } };
  const gateway = await startTestGateway({ settings: { inputs, ...settings } });
  const portOf = (name: string) => String(gateway.inputs.find((one) => one.name === name)?.port);
  return { gateway, plain: portOf('dimse'), secure: portOf('secure') };
}

/** Options of DCMTK: with this certificate, trusting the authority of the test. */
function withTls({ key, certificate }: CertificateFiles, ca = authority.ca): string[] {
  return ['+tls', key, certificate, '+cf', ca];
}

const CALL = ['-aet', 'CT1', '-aec', 'SLIDEGATE'];

test('storescu sends over TLS what a destination over TLS gets byte for byte, however large', async (t) => {
  const scratch = await scratchFolder(t);
  const inbox = await mkdtemp(join(scratch, 'in-'));
  const pacsPort = await freePort();
  const pacs = await startSecurePacs(t, { inbox, port: pacsPort });
  const destination = { kind: 'dimse-scu', host: '127.0.0.1', port: pacsPort, called_ae_title: 'PACS' };
  const { gateway, secure } = await startSecureGateway(
    {},
    {
      destinations: {
        pacs: { ...destination, tls: { ca: authority.ca, ...modality } },
        outbox: { kind: 'folder', path: join(scratch, 'outbox') },
      },
      rules: { path: await rulesFile(scratch, 'rules: []\notherwise: { to: [pacs, outbox] }\n') },
    },
  );
  await using _ = gateway;
  const large = secondaryCapture({ label: 'tls-large', rows: 4000, columns: 5000 });
  const small = secondaryCapture({ label: 'tls-small' });
  const files = [join(scratch, 'large.dcm'), join(scratch, 'small.dcm')] as const;
  await writeCapture(files[0], large);
  await writeCapture(files[1], small);

  const sent = await run('storescu', [...withTls(modality), ...CALL, '127.0.0.1', secure, ...files]);

  t.is(sent.code, 0, sent.output);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 2, 60_000);
  for (const folder of [inbox, join(scratch, 'outbox')]) {
    const arrived = await dataSetsBelow(folder);
    for (const { sopInstanceUid, dataSet } of [large, small]) {
      const ours = arrived.get(sopInstanceUid)?.dataSet ?? Buffer.alloc(0);
      t.is(digestOf(ours), digestOf(dataSet), `${sopInstanceUid} in ${folder}: ${pacs.output()}`);
    }
  }
});

test('the profiles of today agree with DCMTK, the retired one does not', async (t) => {
  const { gateway, secure } = await startSecureGateway({});
  await using _ = gateway;
  for (const profile of ['+py', '+px', '+pz']) {
    const echo = await run('echoscu', [...withTls(modality), profile, ...CALL, '127.0.0.1', secure]);
    t.is(echo.code, 0, `${profile}: ${echo.output}`);
  }
  const retired = await run('echoscu', [...withTls(modality), '+pa', ...CALL, '127.0.0.1', secure]);
  t.not(retired.code, 0);
});

test('the plain port stays plain, and neither port speaks the language of the other', async (t) => {
  const { gateway, plain, secure } = await startSecureGateway({});
  await using _ = gateway;
  t.is((await run('echoscu', [...CALL, '127.0.0.1', plain])).code, 0);
  t.is((await run('echoscu', [...withTls(modality), ...CALL, '127.0.0.1', secure])).code, 0);
  t.not((await run('echoscu', ['-to', '5', '-ta', '5', ...CALL, '127.0.0.1', secure])).code, 0);
  t.not(
    (await run('echoscu', ['-to', '5', '-ta', '5', ...withTls(modality), ...CALL, '127.0.0.1', plain])).code,
    0,
  );
  t.is((await run('echoscu', [...withTls(modality), ...CALL, '127.0.0.1', secure])).code, 0);
});

test('with mutual authentication only a good certificate comes in, and it names the source', async (t) => {
  const sources = { ct1: { ae_title: 'CT1', certificate: { subject: 'CN=CT1, O=General Hospital' } } };
  const settings = { sources, allow_any_caller: false };
  const { gateway, plain, secure } = await startSecureGateway({ client_certificates: 'required' }, settings);
  await using _ = gateway;
  const scratch = await scratchFolder(t);
  const file = join(scratch, 'image.dcm');
  const capture = secondaryCapture({ label: 'mutual' });
  await writeCapture(file, capture);

  const good = await run('storescu', [...withTls(modality), ...CALL, '127.0.0.1', secure, file]);
  t.is(good.code, 0, good.output);
  const [entry] = await gateway.spool.query({ sopInstanceUid: capture.sopInstanceUid });
  t.is(entry?.source, 'ct1');

  const expired = await authority.issue({ subject: '/O=General Hospital/CN=CT1', days: -1 });
  const foreign = await stranger.issue({ subject: '/O=General Hospital/CN=CT1' });
  const other = await authority.issue({ subject: '/O=General Hospital/CN=CT2' });
  for (const [what, options] of [
    ['none', ['+tla', '-ic']],
    ['an expired one', withTls(expired)],
    ['one of another authority', withTls(foreign)],
    ['that of another source', withTls(other)],
  ] as const) {
    const refused = await run('echoscu', ['-ta', '5', ...options, ...CALL, '127.0.0.1', secure]);
    t.not(refused.code, 0, what);
  }
  const onPlainPort = await run('echoscu', [...CALL, '127.0.0.1', plain]);
  t.regex(onPlainPort.output, /Calling AE Title Not Recognized/i);
});

// Fault case 24.
test('a destination whose certificate is not good waits with the reason, and gets everything once it is', async (t) => {
  const scratch = await scratchFolder(t);
  const inbox = await mkdtemp(join(scratch, 'in-'));
  const port = await freePort();
  const used = await authority.issue({ subject: '/CN=pacs', names: 'DNS:pacs.example' });
  const destination = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS' };
  const retry = { first_delay: '100ms', longest_delay: '300ms' };
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [pacs] }\n',
    settings: {
      destinations: { outbox: null, pacs: { ...destination, retry, tls: { ca: authority.ca, ...modality } } },
    },
  });
  const file = join(scratch, 'image.dcm');
  const capture = secondaryCapture({ label: 'waits' });
  await writeCapture(file, capture);
  const sent = await run('storescu', [...CALL, '127.0.0.1', String(gateway.port), file]);
  t.is(sent.code, 0, sent.output);

  const failures = [
    [used, /must be for "127\.0\.0\.1", it is for DNS:pacs\.example/],
    [await authority.issue({ subject: '/CN=pacs', days: -1 }), /one has expired: its own is until/],
    [
      await stranger.issue({ subject: '/CN=pacs' }),
      /must come from an authority of tls\.ca, it comes from "CN=Stranger"/,
    ],
  ] as const;
  for (const [certificate, reason] of failures) {
    await renew(used, certificate);
    const pacs = await startSecurePacs(t, { inbox, port, certificate: used });
    await spoolReaches(gateway.spool, () => reason.test(gateway.lanes()[0]?.lastFailure?.reason ?? ''));
    await pacs.stop();
  }
  t.is((await gateway.spool.status()).states.held, 0);

  await renew(used, await authority.issue({ subject: '/CN=pacs' }));
  await startSecurePacs(t, { inbox, port, certificate: used });
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);
  t.true((await dataSetsBelow(inbox)).get(capture.sopInstanceUid)?.dataSet.equals(capture.dataSet));
});

test('a destination with a certificate of its own making is reached by its fingerprint', async (t) => {
  const scratch = await scratchFolder(t);
  const inbox = await mkdtemp(join(scratch, 'in-'));
  const port = await freePort();
  const self = await authority.selfSigned('/CN=old PACS');
  await startSecurePacs(t, { inbox, port, certificate: self });
  const { fingerprint256 } = await readCertificate(self.certificate);
  const tls = { fingerprints_sha256: [fingerprint256.toLowerCase()], ...modality };
  const destination = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS', tls };
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [pacs] }\n',
    settings: { destinations: { outbox: null, pacs: destination } },
  });
  const file = join(scratch, 'image.dcm');
  await writeCapture(file, secondaryCapture({ label: 'pinned' }));
  await run('storescu', [...CALL, '127.0.0.1', String(gateway.port), file]);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);
  t.is((await dataSetsBelow(inbox)).size, 1);

  const other = join(scratch, 'other.dcm');
  await writeCapture(other, secondaryCapture({ label: 'pinned, by hand' }));
  const env = { NODE_CONFIG: JSON.stringify({ destinations: { pacs: destination } }) };
  const byHand = await slidegate(['send', other, '--to', 'pacs'], { env });
  t.is(byHand.code, 0, byHand.stderr);
  t.is((await dataSetsBelow(inbox)).size, 2);
});

/** `storescp` that asks for a certificate of the authority. */
async function startSecurePacs(
  t: ExecutionContext,
  options: { readonly inbox: string; readonly port: number; readonly certificate?: CertificateFiles },
): Promise<PeerProcess> {
  const { inbox, port, certificate = server } = options;
  const args = [...withTls(certificate), '-rc', '+B', '+xa', '-od', inbox, String(port)];
  const pacs = await startPeer('storescp', args, { port });
  t.teardown(() => pacs.stop());
  return pacs;
}

async function rulesFile(folder: string, text: string): Promise<string> {
  const { writeFile } = await import('node:fs/promises');
  const path = join(folder, 'rules.yaml');
  await writeFile(path, text);
  return path;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
