import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { slidegate } from '../support/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-check-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test.serial('the settings and rules that come with the program are good', async (t) => {
  const { code, stdout, stderr } = await slidegate(['config', 'check']);

  t.is(stderr, '');
  t.is(stdout, 'Settings and rules are good: config/default.yaml.\n');
  t.is(code, 0);
});

test.serial('the settings for a container are good', async (t) => {
  t.is((await slidegate(['config', 'check', 'config/container.yaml'])).code, 0);
});

test.serial('check lists every problem with file, line and column, and fails', async (t) => {
  const path = file('bad.yaml', 'consol: {}\nlog: { level: loud }\n');

  const { code, stderr } = await slidegate(['config', 'check', path]);

  t.is(code, 1);
  t.is(
    stderr,
    `slidegate: Cannot use the settings: 2 problems
  ${path}:1:1 consol: there is no such setting; did you mean "console"?
  ${path}:2:8 log.level: must be one of trace, debug, info, warn, error, silent: is "loud"
`,
  );
});

test.serial('check reads the file of SLIDEGATE_CONFIG, and the one that is named in its place', async (t) => {
  const env = { SLIDEGATE_CONFIG: file('env.yaml', 'log: { level: loud }') };

  t.is((await slidegate(['config', 'check'], { env })).code, 1);
  t.is((await slidegate(['config', 'check', file('good.yaml', 'log: { level: warn }')], { env })).code, 0);
});

test.serial('check says which certificate files cannot be used', async (t) => {
  const tls = '{ certificate: /nowhere/gate.pem, key: /nowhere/gate.key }';
  const { code, stderr } = await slidegate([
    'config',
    'check',
    file('tls.yaml', `inputs: { dimse: { tls: ${tls} } }`),
  ]);

  t.is(code, 1);
  t.regex(stderr, /inputs\.dimse\.tls: Cannot read "\/nowhere\/gate\.pem" for TLS: ENOENT/);
});

test.serial(
  'check warns of secrets that are not there, and fails where an input needs the file',
  async (t) => {
    const empty = file('empty-password', '\n');
    const there = file('password', 'open sesame\n');
    const lines = [
      'destinations:',
      '  outbox: { kind: stow-rs, url: "https://a.example/dicom-web", auth: { kind: bearer, token_file: /nowhere/token } }',
      'notify:',
      '  ops: { kind: webhook, url_env: NO_SUCH_VARIABLE }',
      `  mail: { kind: email, host: m.example, from: a@b.example, to: [c@d.example], user: u, password_file: ${empty} }`,
      `  good: { kind: email, host: m.example, from: a@b.example, to: [c@d.example], user: u, password_file: ${there} }`,
    ];
    const warned = await slidegate(['config', 'check', file('secrets.yaml', lines.join('\n'))]);
    const auth = '{ kind: bearer, tokens: { ct: { token_file: /nowhere/ct, source: ct } } }';
    const failed = await slidegate([
      'config',
      'check',
      file(
        'input.yaml',
        `inputs: { web: { kind: stow-rs, port: 8043, auth: ${auth} } }\nsources: { ct: { ae_title: CT } }`,
      ),
    ]);

    t.is(warned.code, 0, warned.stderr);
    t.deepEqual(warned.stdout.split('\n').slice(0, 3), [
      'Warning: destinations.outbox.auth.token_file: file /nowhere/token cannot be read: ENOENT',
      'Warning: notify.ops.url_env: environment variable NO_SUCH_VARIABLE must hold it, and is not there in this environment',
      `Warning: notify.mail.password_file: file ${empty} must hold it, and is empty`,
    ]);
    t.notRegex(warned.stdout, /sesame|notify\.good/);
    t.is(failed.code, 1);
    t.regex(
      failed.stderr,
      /inputs\.web\.auth\.tokens\.ct\.token_file: file \/nowhere\/ct cannot be read: ENOENT/,
    );
  },
);

test.serial('check warns of a destination that neither a rule nor failover_to names', async (t) => {
  const folder = (name: string) => `${name}: { kind: folder, path: /tmp/slidegate-${name}`;
  const { code, stdout } = await slidegate([
    'config',
    'check',
    file(
      'destinations.yaml',
      `destinations:\n  ${folder('outbox')}, when_down: failover, failover_to: spare }\n  ${folder('spare')} }\n  ${folder('idle')} }\n`,
    ),
  ]);

  t.is(code, 0);
  t.deepEqual(
    stdout.split('\n').filter((line) => line.startsWith('Warning')),
    [
      'Warning: destinations.idle: nothing is sent there: no rule names it, and no failover_to of another destination',
    ],
  );
});

test.serial('check --json is one object, whether good or bad', async (t) => {
  const good = await slidegate(['config', 'check', '--json']);
  const bad = await slidegate(['config', 'check', '--json'], { env: { NODE_CONFIG: '{"log":{"level":1}}' } });

  t.like(JSON.parse(good.stdout), { ok: true, problems: [] });
  t.like(JSON.parse(bad.stdout), {
    ok: false,
    problems: [{ path: 'log.level', place: { source: 'NODE_CONFIG' } }],
  });
  t.deepEqual([good.code, bad.code], [0, 1]);
});

test.serial('check says which rule names a destination that the settings do not have', async (t) => {
  const rules = file('rules.yaml', 'rules: []\notherwise: { to: [pacs] }\n');
  const { code, stderr } = await slidegate(['config', 'check'], {
    env: { NODE_CONFIG: JSON.stringify({ rules: { path: rules } }) },
  });

  t.is(code, 1);
  t.regex(stderr, /rules\.yaml:2:\d+ .*pacs/);
});

test.serial('warnings are printed and do not fail', async (t) => {
  const { code, stdout } = await slidegate([
    'config',
    'check',
    file('empty.yaml', 'inputs: { dimse: null }'),
  ]);

  t.is(code, 0);
  t.regex(stdout, /^Warning: .*inputs: is empty: nothing can be received/);
});

test.serial('describe narrows to a path, and answers an unknown one as wrong use', async (t) => {
  const known = await slidegate(['config', 'describe', 'console']);
  const unknown = await slidegate(['config', 'describe', 'consol']);

  t.is(known.code, 0);
  t.regex(known.stdout, /^### console\n/);
  t.is(unknown.code, 2);
});

test.serial('neither check nor describe is wrong use', async (t) => {
  t.is((await slidegate(['config'])).code, 2);
  t.is((await slidegate(['config', 'chekc'])).code, 2);
  t.is((await slidegate(['config', 'check', 'a', 'b'])).code, 2);
});
