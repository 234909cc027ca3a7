/** The rules of CONTRIBUTING.md that a program can check. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import test from 'ava';
import { commands } from '../src/cli/commands.ts';
import { readErrorCodes } from '../src/config/error-codes.ts';
import { Settings } from '../src/config/schema.ts';
import { type Setting, settingTree } from '../src/config/setting-tree.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

const project = join(import.meta.dirname, '..');
const LINES_MAX = 400;
/** A suite that every adapter or peer has to pass may be longer than what it tests. */
const TEST_LINES_MAX = 900;
const STAGES = ['intake', 'spool', 'rules', 'conversion', 'delivery', 'console', 'notices'];
/** Tables of kinds: what they list are files beside them. */
const TABLES = [
  'src/intake/inputs.ts',
  'src/rules/actions.ts',
  'src/conversion/jobs.ts',
  'src/delivery/destinations.ts',
  'src/notices/channels.ts',
  'src/codecs/codecs.ts',
];

function read(path: string): string {
  return readFileSync(join(project, path), 'utf8');
}

function sources(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: project }).sort();
}

for (const table of TABLES) {
  test(`every member of ${table} has a file of its own, and a test`, (t) => {
    const members = membersOf(table);
    t.true(members.length > 0, 'the table lists no member');
    const tests = sources('test/**/*.ts').map(read).join('\n');
    for (const file of members) {
      const ownTest = existsSync(join(project, file.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts')));
      const isNamed =
        tests.includes(`/${file.slice('src/'.length)}'`) || tests.includes(`'${basename(file, '.ts')}'`);
      t.true(ownTest || isNamed, `there is no test of ${file}`);
    }
  });
}

/** Files of the identifiers that stand in the table's literal. */
function membersOf(table: string): readonly string[] {
  const text = read(table);
  const literal = /^(?:export )?const \w+(?:: [^=]+)? = ([[{][^;]*);/m.exec(text)?.[1] ?? '';
  const imports = [...text.matchAll(/^import \{([^}]*)\} from '\.\/([\w-]+\.ts)';/gm)];
  return imports
    .filter(([, names = '']) =>
      names.split(',').some((name) => new RegExp(`\\b${name.trim()}\\b`).test(literal)),
    )
    .map(([, , file = '']) => join(dirname(table), file));
}

test('every stage has a front door named after its folder, with a header that says what stays true', (t) => {
  for (const stage of STAGES) t.regex(read(`src/${stage}/${stage}.ts`), /^\/\*\*\n \* # /, stage);
});

test('every command has a name, a summary and a usage that shows how to call it', async (t) => {
  for (const [name, load] of Object.entries(commands)) {
    const command = await load();
    t.is(command.name, name);
    t.regex(command.summary, /^[A-Z].*\.$/, name);
    t.regex(command.usage, new RegExp(`^Usage: slidegate ${name}\\b`), name);
  }
});

test('every setting is described', (t) => {
  const undescribed: string[] = [];
  const walk = (setting: Setting, path: string, isMember: boolean) => {
    if (isMember && !setting.description) undescribed.push(path);
    if (setting.type === 'section') {
      for (const [name, member] of setting.members) walk(member, path ? `${path}.${name}` : name, true);
    } else if (setting.type === 'kinds') {
      for (const [kind, member] of setting.kinds) walk(member, `${path}(${kind})`, false);
    } else if (setting.type === 'named') walk(setting.each, `${path}.*`, false);
  };
  walk(settingTree(Settings), '', false);
  t.deepEqual(undescribed, []);
});

test('no two errors share a code, and the reference page lists every code', (t) => {
  const codes = readErrorCodes();
  const reference = read('config/REFERENCE.md');
  t.true(codes.length > 20);
  for (const { code, file, meaning } of codes) {
    const others = codes.filter((other) => other.code === code && other.file !== file);
    t.deepEqual(others, [], `${code} is declared in ${file} and elsewhere`);
    t.truthy(meaning, `${code} in ${file} is not explained`);
    t.true(reference.includes(`\`${code}\``), `${code} is not in config/REFERENCE.md`);
  }
});

test('every code that a task may bear is on the reference page', (t) => {
  const known = new Set(readErrorCodes().map(({ code }) => code));
  const files = sources('src/{spool,rules,conversion,delivery}/**/*.ts');
  const found = files.flatMap((file) =>
    read(file)
      .split('\n')
      .filter((line) => !line.includes('Object.assign(new Error(')) // As undici or the system would have it.
      .flatMap((line) => [...line.matchAll(TASK_CODE)].map(([, code = '']) => ({ file, code }))),
  );
  t.true(found.length > 40, String(found.length));
  t.deepEqual(
    found.filter(({ code }) => !known.has(code)),
    [],
  );
});

/** `code: 'X'`, `code: a ? b : 'X'`, and what the functions that end tasks are given. */
const TASK_CODE =
  /(?:\bcode: (?:[^',]* : )?|outcome : |\b(?:discardTask|recordInterruption|refused)\([^']*|'holdOpen', [^']*)'([A-Z][A-Z0-9_]{3,})'/g;

test('every class of errors states its code as one literal or as a closed set', (t) => {
  const files = sources('src/*/errors.ts');
  t.true(files.length > 5);
  for (const file of files) {
    for (const [, type] of read(file).matchAll(/override readonly code: (\w+);/g)) {
      // What a worker process threw: its code is one of the sets of the others, carried as text.
      if (file === 'src/conversion/errors.ts' && type === 'string') continue;
      t.regex(type ?? '', /Code$/, file);
    }
  }
});

test(`no source file is longer than ${LINES_MAX} lines, no test than ${TEST_LINES_MAX}`, (t) => {
  const limits = { 'src/**/*.{ts,js,css,html}': LINES_MAX, 'test/**/*.ts': TEST_LINES_MAX };
  for (const [pattern, limit] of Object.entries(limits)) {
    const files = sources(pattern).filter((file) => !file.endsWith('.generated.ts'));
    t.true(files.length > 20);
    for (const file of files) {
      const lines = read(file).split('\n').length - 1;
      t.true(lines <= limit, `${file} has ${lines} lines`);
    }
  }
});

test('every fault case names a test that bears its number', (t) => {
  const rows = read('docs/fault-cases.md')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  t.true(rows.length > 30);
  const missing: string[] = [];
  for (const [, number = '', , what = '', tests = ''] of rows) {
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    if (files.length === 0 && !what.endsWith('not part of the gateway yet'))
      missing.push(`${number}: no test`);
    for (const file of files) {
      const bears = new RegExp(`Fault cases? ([\\d, ]|and )*\\b${number}\\b`);
      if (!existsSync(join(project, file)) || !bears.test(read(file))) missing.push(`${number}: ${file}`);
    }
  }
  t.deepEqual(missing, []);
});

test('files are not called after nothing', (t) => {
  for (const file of sources('src/**/*.ts')) {
    t.notRegex(basename(file, '.ts'), /^(utils?|helpers?|common|manager|base|misc|index)$/, file);
  }
});

test('every metric says what it counts, and in which unit', async (t) => {
  const metrics = (await createMetrics().registry.getMetricsAsJSON()).filter(({ name }) =>
    name.startsWith('slidegate_'),
  );
  t.true(metrics.length > 20);
  for (const { name, help, type } of metrics) {
    t.regex(help, /^.{10,}\.$/, name);
    if (String(type) === 'counter') t.regex(name, /_total$/);
    else if (String(type) === 'histogram') t.regex(name, /_(seconds|bytes)$/);
    // A gauge without a unit counts things or says yes or no; then its name says which.
    else
      t.regex(
        name,
        /_(seconds|bytes|info|active|running|items|entries|tasks|up|open|input|failed|success|closed|only)$/,
      );
  }
});

test('labels are closed sets or names of the settings', async (t) => {
  const { registry } = createMetrics();
  const allowed =
    /^(version|direction|peer|result|reason|source|status|volume|origin|state|stage|rule|code|job|outcome|input|check|destination|action|channel|to)$/;
  for (const { name } of await registry.getMetricsAsJSON()) {
    if (!name.startsWith('slidegate_')) continue;
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] };
    for (const label of labelNames) t.regex(label, allowed, name);
  }
});

test('nothing logs but the events', (t) => {
  for (const file of sources('src/**/*.ts')) {
    if (file.startsWith(join('src', 'telemetry'))) continue;
    t.notRegex(read(file), /\.log\.(trace|debug|info|warn|error|fatal)\(/, file);
  }
});

test('the check of imports reports planted violations, types among them', async (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'architecture-'));
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  for (const path of ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs', 'src']) {
    cpSync(join(project, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
  const planted: Readonly<Record<string, string>> = {
    'src/rules/planted.ts':
      "import type { DeliveryErrorCode } from '../delivery/errors.ts';\nexport type Planted = DeliveryErrorCode;\n",
    'src/console/planted.ts':
      "import type { SpoolErrorCode } from '../spool/errors.ts';\nexport type Planted = SpoolErrorCode;\n",
    'src/dicom/planted.ts': "import { readFileSync } from 'node:fs';\nexport const planted = readFileSync;\n",
    'src/slides/planted.ts':
      "import { Association } from 'dcmjs-dimse';\nexport const planted = Association;\n",
  };
  for (const [path, text] of Object.entries(planted)) writeFileSync(join(copy, path), text);

  const report = await depcruise(copy);

  for (const rule of [
    'rules-imports-only-what-it-may',
    'enter-console-by-the-front-door|enter-spool-by-the-front-door',
    'decisions-are-pure',
    'only-dimse-knows-the-dimse-library',
    'no-dead-files',
  ]) {
    t.regex(report, new RegExp(`error (${rule}): src/(rules|console|dicom|slides)/planted\\.ts`), report);
  }
});

/** The report of a check that must fail. */
function depcruise(cwd: string): Promise<string> {
  const bin = join(project, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [bin, 'src', '--output-type', 'err', '--no-progress'],
      { cwd },
      (error, stdout, stderr) => {
        if (error) resolve(stdout + stderr);
        else reject(new Error(`depcruise found nothing: ${stdout}`));
      },
    );
  });
}
