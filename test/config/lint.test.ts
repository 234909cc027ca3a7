import test from 'ava';
import { checkSettings, SettingsError } from '../../src/config/config.ts';

/** `path: message` of what is wrong, or of what is warned of, with these settings over the defaults. */
function findings(settings: unknown): { errors: readonly string[]; warnings: readonly string[] } {
  const lines = (problems: SettingsError['problems']) =>
    problems.map(({ path, message }) => `${path}: ${message}`);
  try {
    const { warnings } = checkSettings({ env: { NODE_CONFIG: JSON.stringify(settings) } });
    return { errors: [], warnings: lines(warnings) };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { errors: lines(error.problems), warnings: [] };
  }
}

test('any caller is refused beyond loopback when only the defaults allow it', (t) => {
  const { errors } = findings({ inputs: { dimse: { host: '0.0.0.0' } } });

  t.is(errors.length, 1);
  t.regex(
    errors[0] ?? '',
    /^inputs\.dimse\.host: must be loopback while any caller is allowed: is "0\.0\.0\.0"/,
  );
});

test('any caller is accepted beyond loopback when somebody said so, or when none is allowed', (t) => {
  t.deepEqual(findings({ inputs: { dimse: { host: '0.0.0.0' } }, allow_any_caller: true }).errors, []);
  t.deepEqual(findings({ inputs: { dimse: { host: '0.0.0.0' } }, allow_any_caller: false }).errors, []);
});

test('the console is refused beyond loopback unless it is said to be unauthenticated on purpose', (t) => {
  t.regex(findings({ console: { host: '10.0.0.1' } }).errors[0] ?? '', /^console\.host: must be loopback/);
  t.deepEqual(findings({ console: { host: '10.0.0.1', allow_unauthenticated: true } }).errors, []);
});

test('a port used twice is refused, also where one listens on every address', (t) => {
  t.regex(
    findings({ console: { port: 11112 } }).errors[0] ?? '',
    /^console\.port: must be free, and inputs\.dimse\.port listens on 11112 already/,
  );
  t.regex(
    findings({ metrics: { host: '0.0.0.0', port: 8080 } }).errors[0] ?? '',
    /^metrics\.port: must be free/,
  );
});

test('a port on two different addresses, and port 0 twice, are no collision', (t) => {
  t.deepEqual(findings({ metrics: { host: '127.0.0.2', port: 8080 } }).errors, []);
  t.deepEqual(findings({ console: { port: 0 }, metrics: { port: 0 } }).errors, []);
});

test('a destination that is our own input is refused', (t) => {
  const self = { kind: 'dimse-scu', host: 'localhost', port: 11112, called_ae_title: 'SLIDEGATE' };

  t.regex(
    findings({ destinations: { self } }).errors[0] ?? '',
    /^destinations\.self\.port: .* our own input "dimse"/,
  );
  t.regex(
    findings({ destinations: { self: { kind: 'stow-rs', url: 'http://[::1]:11112/dicom-web' } } })
      .errors[0] ?? '',
    /^destinations\.self\.url: .* our own input "dimse"/,
  );
});

test('a destination in a folder that we watch ourselves is refused', (t) => {
  const inputs = { scans: { kind: 'folder', path: '/mnt/scans', after: 'keep' } };

  t.regex(
    findings({ inputs, destinations: { back: { kind: 'folder', path: '/mnt/scans/done' } } }).errors[0] ?? '',
    /^destinations\.back\.path: .* our own input "scans"/,
  );
  t.deepEqual(
    findings({ inputs, destinations: { on: { kind: 'folder', path: '/mnt/scans-2' } } }).errors,
    [],
  );
});

test('a password or token that goes out without TLS is warned of', (t) => {
  const warningsOf = (url: string) =>
    findings({ destinations: { web: { kind: 'stow-rs', url, auth: { kind: 'bearer', token_env: 'T' } } } })
      .warnings;

  t.regex(warningsOf('http://10.0.0.5/dicom-web').join(), /^destinations\.web\.url: should be https/);
  t.deepEqual(warningsOf('https://10.0.0.5/dicom-web'), []);
  t.deepEqual(warningsOf('http://localhost:8042/dicom-web'), []);
});

test('two destinations for the same place are warned of', (t) => {
  const pacs = { kind: 'dimse-scu', host: 'h', port: 104, called_ae_title: 'A' };
  const { errors, warnings } = findings({
    destinations: {
      one: pacs,
      two: { ...pacs, called_ae_title: 'B' },
      three: pacs,
      out2: { kind: 'folder', path: 'data/outbox' },
    },
  });

  t.deepEqual(errors, []);
  t.deepEqual(warnings, [
    'destinations.three: goes where "one" goes: an instance for both is sent twice',
    'destinations.out2: goes where "outbox" goes: an instance for both is sent twice',
  ]);
});

test('a folder destination may lie below the spool, but not be it', (t) => {
  const { errors } = findings({ destinations: { outbox: { path: 'data/' } } });

  t.regex(errors[0] ?? '', /^destinations\.outbox\.path: must not be the spool's own directory/);
});

test('settings under which nothing can come in or go out are warned of', (t) => {
  t.deepEqual(findings({ inputs: { dimse: null }, destinations: { outbox: null } }).warnings, [
    'inputs: is empty: nothing can be received',
    'destinations: is empty: nothing can be delivered',
  ]);
});

test('a STOW-RS input beyond loopback needs a sign-in, certificates, or the word that anyone may', (t) => {
  const web = { kind: 'stow-rs', host: '0.0.0.0' };
  const auth = { kind: 'bearer', tokens: { a: { token_env: 'TOKEN' } } };
  const tls = { certificate: 'a.pem', key: 'a.key', ca: 'ca.pem', client_certificates: 'required' };

  t.regex(findings({ inputs: { web } }).errors[0] ?? '', /^inputs\.web\.host: must be loopback/);
  t.deepEqual(findings({ inputs: { web }, allow_any_caller: true }), { errors: [], warnings: [] });
  t.deepEqual(findings({ inputs: { web: { ...web, tls } } }), { errors: [], warnings: [] });
  t.deepEqual(findings({ inputs: { web: { ...web, auth, tls } } }), { errors: [], warnings: [] });
  const { errors, warnings } = findings({ inputs: { web: { ...web, auth } } });
  t.deepEqual(errors, []);
  t.regex(warnings[0] ?? '', /^inputs\.web\.auth: sends passwords and tokens in the clear/);
});

test('callers who sign in are somebody, also where no source has a name', (t) => {
  const auth = { kind: 'bearer', tokens: { a: { token_env: 'TOKEN' } } };

  t.regex(findings({ allow_any_caller: false }).warnings[0] ?? '', /nobody is admitted/);
  t.deepEqual(findings({ allow_any_caller: false, inputs: { web: { kind: 'stow-rs', auth } } }).warnings, []);
});

const pacs = (more: object = {}) => ({ kind: 'dimse-scu', host: 'pacs', called_ae_title: 'PACS', ...more });

test('a destination fails over to another that there is, and never in a circle', (t) => {
  const down = (to?: string) => ({ when_down: 'failover', ...(to && { failover_to: to }) });
  const errors = (destinations: object) => findings({ destinations }).errors;

  t.regex(errors({ pacs: pacs(down()) })[0] ?? '', /^destinations\.pacs\.when_down: needs failover_to/);
  t.is(
    errors({ pacs: pacs(down('backup')), backup2: pacs({ port: 105 }) })[0],
    'destinations.pacs.failover_to: must name a destination: there is no "backup"; did you mean "backup2"?',
  );
  t.deepEqual(errors({ a: pacs(down('b')), b: pacs({ port: 105, ...down('a') }) }), [
    'destinations.a.failover_to: must not lead back to where it began: a → b → a',
    'destinations.b.failover_to: must not lead back to where it began: b → a → b',
  ]);
  t.deepEqual(errors({ pacs: pacs(down('pacs')) }), [
    'destinations.pacs.failover_to: must not lead back to where it began: pacs → pacs',
  ]);
  t.deepEqual(errors({ a: pacs(down('b')), b: pacs({ port: 105, report_only: true }) }), [
    'destinations.a.failover_to: must name a destination that is sent to: "b" is report_only',
  ]);
  t.deepEqual(
    errors({ a: pacs(down('b')), b: pacs({ port: 105, ...down('c') }), c: pacs({ port: 106 }) }),
    [],
  );
});

test('a destination that takes over and is never asked to is warned of', (t) => {
  const { warnings } = findings({
    destinations: { a: pacs({ failover_to: 'b' }), b: pacs({ port: 105 }) },
  });

  t.deepEqual(warnings, ['destinations.a.failover_to: is of no use while when_down is not failover']);
});

test('windows that never open, alone or together, are refused', (t) => {
  const errors = (more: object) => findings({ destinations: { pacs: pacs(more) } }).errors;
  const day = [{ from: '08:00', to: '18:00' }];

  t.regex(
    errors({ send_windows: [{ from: '08:00', to: '08:00' }] })[0] ?? '',
    /to: must be another time than `from`/,
  );
  t.regex(
    errors({ send_windows: day, off_peak: [{ from: '18:00', to: '08:00' }] })[0] ?? '',
    /^destinations\.pacs\.off_peak: must be open at some time within send_windows/,
  );
  t.deepEqual(errors({ send_windows: day, off_peak: [{ from: '12:00', to: '13:00' }] }), []);
});

test('a gateway that sends nothing says so', (t) => {
  t.deepEqual(findings({ mode: 'report' }).warnings, [
    'mode: is report: nothing is sent to any of the 1 destinations',
  ]);
});

test('a time zone that there is not is refused', (t) => {
  t.regex(
    findings({ time_zone: 'Europe/Belrin' }).errors[0] ?? '',
    /^time_zone: must be a time zone such as Europe\/Berlin/,
  );
});

test('a watched folder shares nothing with the spool, destinations and other watched folders', (t) => {
  const inbox = (path: string) => ({ kind: 'folder', path, after: 'delete' });
  const errorsWith = (inputs: object, destinations: object = {}) => findings({ inputs, destinations }).errors;
  const out = { kind: 'folder', path: './pictures/out' };

  t.deepEqual(errorsWith({ a: inbox('./inbox'), b: inbox('./inbox-2') }), []);
  t.regex(
    errorsWith({ a: inbox('./data') }).join('\n'),
    /inputs\.a\.path: must be a folder of its own: it lies in the sp/,
  );
  t.regex(errorsWith({ a: inbox('.') }).join('\n'), /spool's directory/);
  t.regex(
    errorsWith({ a: inbox('./inbox'), b: inbox('inbox/ct') }).join('\n'),
    /inputs\.b\.path: .* input "a"/,
  );
  t.regex(
    errorsWith({ a: inbox('./pictures/out/in') }, { out }).join('\n'),
    /inputs\.a\.path: .* destination "out"/,
  );
  t.regex(
    errorsWith({ a: inbox('./pictures') }, { out }).join('\n'),
    /inputs\.a\.path: .* destination "out"/,
  );
});

test('a destination that has to commit is warned of when no input answers to the title it reports to', (t) => {
  const pacs = { kind: 'dimse-scu', host: '10.0.0.5', called_ae_title: 'PACS', commitment: 'required' };
  const [warning = ''] = findings({ destinations: { pacs } }).warnings;
  t.regex(warning, /^destinations\.pacs\.commitment: is required, and no input answers to "THT-Client"/);
  const inputs = { dimse: { ae_titles: ['SLIDEGATE', 'THT-Client'] } };
  t.deepEqual(findings({ inputs, destinations: { pacs } }).warnings, []);
});

test('a destination that has to commit is warned of when it would not be admitted to report', (t) => {
  const pacs = { kind: 'dimse-scu', host: '10.0.0.5', called_ae_title: 'PACS', commitment: 'required' };
  const inputs = { dimse: { ae_titles: ['THT-Client'] } };
  const warningsWith = (sources: object) =>
    findings({ inputs, destinations: { pacs }, sources, allow_any_caller: false }).warnings;

  t.regex(
    warningsWith({ ct1: { ae_title: 'CT1' } }).join(),
    /^destinations\.pacs\.commitment: is required, and no source has the ae_title "PACS"/,
  );
  t.deepEqual(warningsWith({ pacs: { ae_title: 'PACS' } }), []);
  t.deepEqual(warningsWith({ clinic: { hosts: ['10.0.0.0/24'] } }), []);
});
