import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { checkSettings, loadSettings, SettingsError } from '../../src/config/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** Settings with a file of this text over the defaults, and perhaps NODE_CONFIG over both. */
function load(yaml: string, nodeConfig?: unknown) {
  const file = join(folder, 'site.yaml');
  writeFileSync(file, yaml);
  const env = nodeConfig === undefined ? {} : { NODE_CONFIG: JSON.stringify(nodeConfig) };
  return loadSettings({ env: { SLIDEGATE_CONFIG: file, ...env } });
}

/** What is wrong with such settings, as `path: message` with the line where there is one. */
function problemsOf(yaml: string, nodeConfig?: unknown): readonly string[] {
  try {
    load(yaml, nodeConfig);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems.map(({ path, message, place }) =>
      [place?.line ?? place?.source, path, message].filter(Boolean).join(' | '),
    );
  }
}

test.serial('without settings the gateway listens on loopback and delivers into a folder', (t) => {
  const settings = loadSettings({ env: {} });

  t.like(settings, {
    spool: {
      directory: './data',
      engine: { kind: 'sqlite' },
      files: { kind: 'local' },
      watermark_free_bytes: 1e9,
    },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 11112 } },
    sources: {},
    allow_any_caller: true,
    destinations: { outbox: { kind: 'folder', path: './data/outbox' } },
    rules: { path: './rules' },
    console: { host: '127.0.0.1', port: 8080 },
    metrics: {},
    log: { level: 'info' },
  });
});

test.serial('a file overrides the defaults key by key', (t) => {
  const settings = load('console: { port: 9090 }\ninputs: { dimse: { port: 4242 } }');

  t.like(settings.console, { host: '127.0.0.1', port: 9090 });
  t.like(settings.inputs.dimse, {
    kind: 'dimse-scp',
    host: '127.0.0.1',
    port: 4242,
    ae_titles: ['SLIDEGATE'],
  });
});

test.serial('NODE_CONFIG overrides the file', (t) => {
  const settings = load('console: { port: 9090 }\nlog: { level: debug }', { console: { port: 9091 } });

  t.is(settings.console.port, 9091);
  t.is(settings.log.level, 'debug');
});

test.serial('a list replaces the list before it', (t) => {
  const settings = load('inputs: { dimse: { ae_titles: [ONE, TWO] } }', {
    inputs: { dimse: { ae_titles: ['THREE'] } },
  });

  t.like(settings.inputs.dimse, { ae_titles: ['THREE'] });
});

test.serial('an object that states a kind replaces the one before it whole', (t) => {
  const settings = load('destinations: { outbox: { kind: dimse-scu, host: h, called_ae_title: PACS } }');

  t.is(settings.destinations.outbox?.kind, 'dimse-scu');
  t.false('path' in (settings.destinations.outbox ?? {}));
});

test.serial('null removes an input or a destination, also one that another file has added', (t) => {
  const file = 'inputs: { dimse: null }\ndestinations: { pacs: { kind: folder, path: p } }';
  const settings = load(file, { destinations: { pacs: null } });

  t.deepEqual(Object.keys(settings.inputs), []);
  t.deepEqual(Object.keys(settings.destinations), ['outbox']);
});

test.serial('null for a name that nobody has stated is a typing error', (t) => {
  t.deepEqual(problemsOf('destinations:\n  outbux: null'), [
    '2 | destinations.outbux | cannot be removed by null, as there is none of that name',
  ]);
});

test.serial('a section that holds nothing but comments states nothing', (t) => {
  t.deepEqual(load('destinations:\n  # pacs: later\nconsole:\n'), loadSettings({ env: {} }));
  t.deepEqual(load('# nothing yet\n'), loadSettings({ env: {} }));
});

test.serial('durations become milliseconds', (t) => {
  t.is(load('drain_limit: 2m').drain_limit, 120_000);
});

test.serial('settings are frozen, all the way down', (t) => {
  const settings = loadSettings({ env: {} });

  t.throws(() => Object.assign(settings.console, { port: 1 }), { instanceOf: TypeError });
  t.throws(() => Object.assign(settings.destinations, { more: {} }), { instanceOf: TypeError });
});

test.serial('one error lists every problem with its place, in reading order', (t) => {
  const yaml = `consol: { port: 1 }
destinations:
  pacs:
    kind: dimse-scu
    hots: 10.0.0.5
    called_ae_title: PACS
    port: seven
log: { level: inf }
drain_limit: 5 minutes
console: { port: 70000 }`;

  t.deepEqual(problemsOf(yaml), [
    '1 | consol | there is no such setting; did you mean "console"?',
    '3 | destinations.pacs.host | must be given: text',
    '5 | destinations.pacs.hots | there is no such setting; did you mean "host"?',
    '7 | destinations.pacs.port | must be a whole number from 1 to 65535: is "seven"',
    '8 | log.level | must be one of trace, debug, info, warn, error, silent: is "inf"; did you mean "info"?',
    '9 | drain_limit | must be a duration such as 30s, 10m or 7d: is "5 minutes"',
    '10 | console.port | must be a whole number from 0 to 65535: is 70000',
  ]);
});

test.serial('an unknown kind names the kinds there are', (t) => {
  const [problem] = problemsOf('destinations:\n  pacs: { kind: dimse-scp, host: h }');

  t.regex(
    problem ?? '',
    /^2 \| destinations\.pacs\.kind \| must be one of .*dimse-scu.*: is "dimse-scp"; did you mean "dimse-scu"\?$/,
  );
});

test.serial('a demand of our own is said once, and in its own words', (t) => {
  const yaml = `inputs:
  dimse: { kind: dimse-scp, tls: { certificate: a, key: b, client_certificates: required } }
sources:
  ct1: {}`;

  t.deepEqual(problemsOf(yaml), [
    '2 | inputs.dimse.tls.ca | must be given where client certificates are asked for',
    '4 | sources.ct1 | must say how the source is known: ae_title, hosts or certificate: is {}',
  ]);
});

test.serial('a problem in NODE_CONFIG is said to be there', (t) => {
  t.deepEqual(problemsOf('', { console: { prot: 1 } }), [
    'NODE_CONFIG | console.prot | there is no such setting; did you mean "port"?',
  ]);
});

test.serial('a name that looks like nothing is answered with those there are', (t) => {
  t.deepEqual(problemsOf('log: { banana: 1 }'), [
    '1 | log.banana | there is no such setting; there are level',
  ]);
});

test.serial('YAML that cannot be read is named with its line, and a key stated twice is', (t) => {
  t.regex(problemsOf('console: {port: 1\nlog: }')[0] ?? '', /^2 \| /);
  t.regex(problemsOf('log: { level: info }\nlog: { level: info }')[0] ?? '', /^2 \| .*unique/);
});

test.serial('aliases that point nowhere, or to themselves, are refused', (t) => {
  t.regex(problemsOf('console: *nowhere')[0] ?? '', /Unresolved alias/);
  t.regex(problemsOf('sources: &s { a: *s }')[0] ?? '', /^1 \| sources\.a\.a \| is nested without end/);
});

test.serial('a file that does not exist is named', (t) => {
  const error = t.throws(() => loadSettings({ env: { SLIDEGATE_CONFIG: '/nowhere/site.yaml' } }));

  t.true(error instanceof SettingsError);
  t.regex(error.message, /\/nowhere\/site\.yaml cannot read the file: ENOENT/);
});

test.serial('NODE_CONFIG that is no JSON is refused, rather than ignored', (t) => {
  const error = t.throws(() => loadSettings({ env: { NODE_CONFIG: '{console:' } }), {
    instanceOf: SettingsError,
  });

  t.regex(error.message, /NODE_CONFIG must be JSON/);
});

test.serial('settings that are a list or a text are refused', (t) => {
  t.regex(problemsOf('- console')[0] ?? '', /must hold settings by name/);
  t.regex(problemsOf('', 'console')[0] ?? '', /must hold settings by name/);
});

test.serial('a name that would reach into prototypes is refused and changes nothing', (t) => {
  t.regex(problemsOf('', JSON.parse('{"__proto__":{"polluted":1}}'))[0] ?? '', /cannot be used/);
  t.regex(
    problemsOf('console:\n  __proto__: { polluted: 1 }')[0] ?? '',
    /^2 \| console\.__proto__ \| .*cannot be used/,
  );
  t.false('polluted' in {});
});

test.serial('values of secrets are not repeated', (t) => {
  t.notRegex(problemsOf('console: { password: hunter2 }').join(), /hunter2/);
});

test.serial('any text of a file gives settings or a SettingsError, never another error', (t) => {
  const line = fc.oneof(
    fc.constantFrom(
      'console:',
      '  port: 1',
      '  port: x',
      'destinations:',
      '  a: null',
      '  a: { kind: folder }',
      '- b',
      '"',
      '{',
      '*a',
      'sources: &a',
      '  <<: *a',
      '\t',
      'inputs: []',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      try {
        load(lines.join('\n'));
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test.serial('whatever NODE_CONFIG holds gives settings or a SettingsError', (t) => {
  const names = ['console', 'inputs', 'dimse', 'destinations', 'kind', 'host', 'port', 'spool', 'sources'];
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(fc.constantFrom(...names), tie('tree')),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      try {
        loadSettings({ env: { NODE_CONFIG: JSON.stringify(value) } });
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test.serial('the same settings are given twice, so that nothing of one reading is left in the next', (t) => {
  const before = JSON.stringify(loadSettings({ env: {} }));
  load('inputs: { dimse: null }\nspool: { directory: /elsewhere }');

  t.is(JSON.stringify(loadSettings({ env: {} })), before);
});

test('NODE_ENV changes nothing and nothing is printed about it', async (t) => {
  const module = new URL('../../src/config/config.ts', import.meta.url).href;
  const script = `const { loadSettings } = await import(${JSON.stringify(module)}); console.log(JSON.stringify(loadSettings()));`;
  const run = async (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
    });
  const [plain, production] = [await run({}), await run({ NODE_ENV: 'production', NODE_APP_INSTANCE: '3' })];

  t.is(production.stderr, '');
  t.is(production.stdout, plain.stdout);
});

test.serial('checkSettings() says what was read', (t) => {
  const file = join(folder, 'checked.yaml');
  writeFileSync(file, 'log: { level: warn }');

  const { sources, warnings } = checkSettings({ file, env: { NODE_CONFIG: '{}' } });

  t.deepEqual(sources.slice(1), [file, 'NODE_CONFIG']);
  t.deepEqual(warnings, []);
});
