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
import { basename, join } from 'node:path';
import test from 'ava';
import { commands } from '../src/cli/commands.ts';
import { readErrorCodes } from '../src/config/error-codes.ts';
import { Settings } from '../src/config/schema.ts';
import { type Setting, settingTree } from '../src/config/setting-tree.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

const project = join(import.meta.dirname, '..');
const LINES_MAX = 400;
const STAGES = ['intake', 'spool', 'rules', 'conversion', 'delivery', 'console'];
/** Table of kinds → how a member's file is named. */
const TABLES: Readonly<Record<string, (kind: string) => string>> = {
  'src/intake/inputs.ts': (kind) => `src/intake/${kind}.ts`,
  'src/delivery/destinations.ts': (kind) => `src/delivery/${kind}.ts`,
  'src/conversion/jobs.ts': (kind) => `src/conversion/${kind}.ts`,
  'src/codecs/codecs.ts': (kind) => `src/codecs/${kind}.ts`,
};

function read(path: string): string {
  return readFileSync(join(project, path), 'utf8');
}

function sources(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: project }).sort();
}

for (const [table, fileOf] of Object.entries(TABLES)) {
  test(`every member of ${table} has a file and a test of its name`, (t) => {
    const members = [...read(table).matchAll(/^import \{[^}]*\} from '\.\/([\w-]+)\.ts';/gm)]
      .map(([, name = '']) => name)
      .filter((name) => !/(-kind|^codec|^frame|^errors|^config)$/.test(name));
    t.true(members.length > 0, 'the table imports no member');
    for (const member of members) {
      t.true(existsSync(join(project, fileOf(member))), fileOf(member));
      const testFile = fileOf(member).replace(/^src/, 'test').replace(/\.ts$/, '.test.ts');
      t.true(existsSync(join(project, testFile)), `${testFile} is missing`);
    }
  });
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

test(`no file is longer than ${LINES_MAX} lines`, (t) => {
  const files = [...sources('src/**/*.{ts,js,css,html}'), ...sources('test/**/*.ts')];
  t.true(files.length > 50);
  for (const file of files) {
    if (file.endsWith('.generated.ts')) continue;
    const lines = read(file).split('\n').length - 1;
    t.true(lines <= LINES_MAX, `${file} has ${lines} lines`);
  }
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
    else t.regex(name, /_(seconds|bytes|info|active|running|items|entries|tasks|up|open|input)$/);
  }
});

test('labels are closed sets or names of the settings', async (t) => {
  const { registry } = createMetrics();
  const allowed =
    /^(version|direction|peer|result|reason|source|status|volume|origin|state|stage|rule|code|job|outcome|check|destination|action)$/;
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
