import test from 'ava';
import { storageSopClasses } from '../../src/dicom/sop-class.ts';
import { transferSyntaxes } from '../../src/dicom/transfer-syntax.ts';
import { slidegate } from '../support/command-line.ts';

const env = {
  NODE_CONFIG: JSON.stringify({
    inputs: { dimse: { ae_titles: ['GATE'] } },
    sources: {
      ct1: { ae_title: 'CT1', hosts: ['10.0.0.0/24'], commitment: { host: 'ct1.example.org', port: 4242 } },
    },
    allow_any_caller: false,
    destinations: {
      pacs: {
        kind: 'dimse-scu',
        host: 'pacs.example.org',
        port: 104,
        called_ae_title: 'PACS',
        commitment: 'required',
      },
    },
  }),
};

test('the statement holds every SOP class and transfer syntax that the code knows, and this configuration', async (t) => {
  const { code, stdout } = await slidegate(['conformance'], { env });

  t.is(code, 0);
  for (const { uid } of [...storageSopClasses, ...transferSyntaxes])
    t.true(stdout.includes(`| ${uid} |`), uid);
  for (const fact of [
    'GATE',
    'CT1',
    '10.0.0.0/24',
    'pacs.example.org',
    'Only the callers below are admitted',
  ]) {
    t.true(stdout.includes(fact), fact);
  }
  t.regex(stdout, /\| A700H to A7FFH \| Out of resources \| tried again, after a long wait \|/);
  t.regex(stdout, /\| Storage Commitment Push Model \| 1\.2\.840\.10008\.1\.20\.1 \| yes \| yes \|/);
  t.regex(stdout, /\| pacs \| PACS \| THT-Client \| 3600000 \| 3 \|/);
  t.regex(stdout, /\| ct1 \| ct1\.example\.org \| 4242 \| any \| true \| 86400000 \|/);
  t.regex(stdout, /## 8 Converted instances: VL Whole Slide Microscopy/);
  t.regex(stdout, /\| TotalPixelMatrixColumns \| \(0048,0006\) \| 1 \|/);
  t.notRegex(stdout, /undefined|\[object/);
});

test('--json gives the same as one object; every status from 0000H to FFFFH is in it once', async (t) => {
  const { stdout } = await slidegate(['conformance', '--json'], { env });
  const statement = JSON.parse(stdout) as {
    reactions: { statuses: string }[];
    destinations: Record<string, unknown>;
  };

  t.deepEqual(Object.keys(statement.destinations).sort(), ['outbox', 'pacs']);
  let next = 0;
  for (const { statuses } of statement.reactions) {
    const [from = '', to = from] = statuses.split(' to ');
    t.is(Number.parseInt(from, 16), next);
    next = Number.parseInt(to, 16) + 1;
  }
  t.is(next, 0x10000);
});

test('DICOMweb services and watched folders are stated where there are some, and only there', async (t) => {
  const web = { kind: 'stow-rs', auth: { kind: 'bearer', tokens: { a: { token_env: 'SECRET_PLACE' } } } };
  const inbox = { kind: 'folder', path: './inbox', after: 'delete' };
  const { stdout } = await slidegate(['conformance'], {
    env: { NODE_CONFIG: JSON.stringify({ inputs: { web, inbox } }) },
  });

  t.regex(stdout, /\| web \| http:\/\/127\.0\.0\.1:8081\/dicom-web \| bearer \|/);
  t.regex(stdout, /\| inbox \| \.\/inbox \| unknown \| delete \|/);
  t.regex(stdout, /### Input dimse/);
  t.notRegex(stdout, /### Input (web|inbox)|undefined|\[object/);
  const { stdout: without } = await slidegate(['conformance'], { env });
  t.notRegex(without, /STOW-RS|## Files/);
});

test('what is secured in this configuration is named, with the profile and its cipher suites', async (t) => {
  const tls = { certificate: 'gate.pem', key: 'gate.key' };
  const inputs = { secure: { kind: 'dimse-scp', port: 2762, tls } };
  const web = (url: string) => ({ kind: 'stow-rs', url });
  const destinations = { web: web('https://web.example.org'), plain: web('http://plain.example.org') };
  const settings = JSON.stringify({ inputs, destinations });
  const { stdout } = await slidegate(['conformance'], { env: { NODE_CONFIG: settings } });

  t.regex(stdout, /BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile \(PS3\.15 B\.12\)/);
  t.regex(stdout, /`TLS_AES_256_GCM_SHA384`, .*`DHE-RSA-AES128-GCM-SHA256`/);
  t.regex(stdout, /In this configuration `secure`, `web` use it; other connections are not encrypted/);
  t.regex(stdout, /User Identity Negotiation/);
  const { stdout: plain } = await slidegate(['conformance'], { env });
  t.regex(plain, /In this configuration connections are not encrypted/);
});
