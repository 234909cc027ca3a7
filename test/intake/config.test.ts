import test from 'ava';
import { checkIntakeSettings, IntakeSettings } from '../../src/intake/config.ts';

const said = () => true;
const unsaid = () => false;

function problems(settings: unknown, isStated = unsaid): string[] {
  return checkIntakeSettings(IntakeSettings.parse(settings), isStated).map(
    ({ severity, path, message }) => `${severity} ${path.join('.')} ${message}`,
  );
}

const TLS = { certificate: 'a.pem', key: 'a.key' };

const inputAt = (host: string) => ({ inputs: { dimse: { kind: 'dimse-scp', host } } });

test('settings have a default for everything', (t) => {
  const { inputs, sources, allow_any_caller, accept_unknown_sop_classes } = IntakeSettings.parse({
    inputs: { dimse: { kind: 'dimse-scp' } },
  });
  t.deepEqual(sources, {});
  t.true(allow_any_caller);
  t.false(accept_unknown_sop_classes);
  t.deepEqual(inputs.dimse, {
    kind: 'dimse-scp',
    host: '127.0.0.1',
    port: 11112,
    ae_titles: ['SLIDEGATE'],
    associations_max: 64,
    max_pdu_length_bytes: 131_072,
    association_timeout: 30_000,
    pdu_timeout: 60_000,
    idle_timeout: 600_000,
  });
});

test('a setting that does not exist, or is none, is refused', (t) => {
  for (const bad of [
    { inputs: { dimse: { kind: 'dimse-scp', aet: 'X' } } },
    { inputs: { dimse: { kind: 'ftp' } } },
    { inputs: { dimse: { kind: 'dimse-scp', ae_titles: [] } } },
    { inputs: { dimse: { kind: 'dimse-scp', ae_titles: ['SEVENTEEN LETTERS'] } } },
    { inputs: { dimse: { kind: 'dimse-scp', max_pdu_length_bytes: 1000 } } },
    { sources: { ct1: { ae_title: 'CT1', hosts: ['ct1.local'] } } },
    { sources: { ct1: { hosts: [] } } },
    { sources: { ct1: { certificate: {} } } },
    { sources: { ct1: { certificate: { subject: 'CT1' } } } },
    { sources: { ct1: { certificate: { sha256: 'ab' } } } },
    { sources: { ct1: { ae_title: 'CT1', instances_per_s_max: 0 } } },
    { inputs: { dimse: { kind: 'dimse-scp', tls: { certificate: 'a.pem' } } } },
    { inputs: { dimse: { kind: 'dimse-scp', tls: { ...TLS, client_certificates: 'required' } } } },
  ]) {
    t.false(IntakeSettings.safeParse(bad).success, JSON.stringify(bad));
  }
});

test('any caller is allowed on loopback without a word, beyond it only on purpose', (t) => {
  t.deepEqual(problems(inputAt('127.0.0.1')), []);
  t.deepEqual(problems(inputAt('localhost')), []);
  t.regex(problems(inputAt('0.0.0.0'))[0] ?? '', /^error inputs\.dimse\.host must be loopback/);
  t.regex(problems(inputAt('10.0.0.1'))[0] ?? '', /^error inputs\.dimse\.host must be loopback/);
  t.deepEqual(problems({ ...inputAt('0.0.0.0'), allow_any_caller: true }, said), []);
  const sources = { ct1: { ae_title: 'CT1' } };
  t.deepEqual(problems({ ...inputAt('0.0.0.0'), allow_any_caller: false, sources }), []);
});

test('a gateway that admits nobody is warned of', (t) => {
  t.regex(
    problems({ ...inputAt('127.0.0.1'), allow_any_caller: false })[0] ?? '',
    /^warning allow_any_caller/,
  );
});

test('a source that another hides is refused, one beside it is not', (t) => {
  const sources = (one: object, other: object) => problems({ sources: { one, other } });
  t.regex(
    sources({ ae_title: 'CT1' }, { ae_title: 'CT1', hosts: ['10.0.0.1'] })[0] ?? '',
    /differ from "one"/,
  );
  t.regex(
    sources(
      { ae_title: 'CT1', hosts: ['::1', '10.0.0.1'] },
      { ae_title: 'CT1', hosts: ['10.0.0.1', '::1'] },
    )[0] ?? '',
    /^error sources\.other must differ/,
  );
  t.deepEqual(sources({ ae_title: 'CT1', hosts: ['10.0.0.1'] }, { ae_title: 'CT1' }), []);
  t.deepEqual(sources({ ae_title: 'CT1' }, { ae_title: 'CT2' }), []);
  t.regex(problems({ sources: { unknown: { ae_title: 'CT1' } } })[0] ?? '', /^error sources\.unknown/);
});

test('a source is hidden by one that is known by less, not by one that is known by more', (t) => {
  const tls = { ...TLS, ca: 'ca.pem', client_certificates: 'requested' };
  const inputs = { secure: { kind: 'dimse-scp', tls } };
  const hides = (one: object, other: object) => problems({ inputs, sources: { one, other } }).length > 0;
  const certificate = { subject: 'CN=CT1' };
  t.true(hides({ hosts: ['10.0.0.1'] }, { ae_title: 'CT1', hosts: ['10.0.0.1'] }));
  t.true(hides({ ae_title: 'CT1' }, { ae_title: 'CT1', certificate }));
  t.true(hides({ certificate }, { ae_title: 'CT1', certificate }));
  t.false(hides({ ae_title: 'CT1', certificate }, { ae_title: 'CT1' }));
  t.false(hides({ certificate }, { certificate: { subject: 'CN=CT2' } }));
});

test('a certificate that no input asks for is refused, as is any caller beyond loopback who need not show one', (t) => {
  const sources = { ct1: { certificate: { subject: 'CN=CT1' } } };
  const input = (tls: object) => ({ inputs: { secure: { kind: 'dimse-scp', host: '0.0.0.0', tls } } });
  t.regex(
    problems({ ...input(TLS), sources }, said)[0] ?? '',
    /^error sources\.ct1\.certificate is never shown/,
  );
  const asking = (client_certificates: string) => input({ ...TLS, ca: 'ca.pem', client_certificates });
  t.deepEqual(problems({ ...asking('requested'), sources }, said), []);
  t.deepEqual(problems({ ...asking('required'), sources }), []);
  t.regex(problems({ ...asking('requested'), sources })[0] ?? '', /host must be loopback/);
});
