import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { slidegate } from '../support/command-line.ts';
import { part10Of, smallInstance } from '../support/small-instance.ts';

const GOLDEN = join(import.meta.dirname, '../golden/rules');

const rules = (...args: readonly string[]) => slidegate(['rules', ...args]);

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rules-command-'));
  const instance = smallInstance({ sopInstanceUid: '1.2.3.4', patientId: 'P-4711' });
  await writeFile(join(folder, 'image.dcm'), part10Of(instance));
  await writeFile(join(folder, 'broken.dcm'), 'no DICOM file');
  await writeFile(
    join(folder, 'site.yaml'),
    `rules:
  - { name: CT, when: { attribute: Modality, is: CT }, to: [viewer] }
  - { name: a patient, when: { attribute: PatientID, is: P-4711 }, do: [{ set: { StudyID: '7' } }], to: [archive] }
  - { name: the rest, to: [archive] }
tests:
  - { name: passes, given: { Modality: CT }, expect: { to: [viewer] } }
  - { name: fails, given: { Modality: CT }, expect: { to: [archive] } }
`,
  );
});
test.after.always(() => rm(folder, { recursive: true, force: true }));

test('rules check says that rules are good, or lists every problem and exits with 1', async (t) => {
  const good = await rules('check', 'rules');
  t.is(good.code, 0);
  t.regex(good.stdout, /^rules: no problems in 1 rule and 5 tests \(version [0-9a-f]{12}\)\n$/);

  const bad = await rules('check', join(GOLDEN, 'unknown-attribute.bad.yaml'));
  t.is(bad.code, 1);
  t.regex(
    bad.stderr,
    /unknown-attribute\.bad\.yaml:4:24: unknown attribute "Modalty"; did you mean "Modality"\?/,
  );
});

test('rules check --json prints one object with the problems', async (t) => {
  const file = join(GOLDEN, 'unknown-attribute.bad.yaml');

  const { code, stdout } = await rules('check', file, '--json');

  t.is(code, 1);
  const message = 'unknown attribute "Modalty"; did you mean "Modality"?';
  t.deepEqual(JSON.parse(stdout), {
    ok: false,
    path: file,
    problems: [{ file, line: 4, column: 24, message }],
  });
});

test('rules test tells which tests failed, where they stand and why', async (t) => {
  const file = join(folder, 'site.yaml');

  const { code, stdout } = await rules('test', file);

  t.is(code, 1);
  t.is(
    stdout,
    `${file}:7:13: "fails" failed\n    to: expected "archive", found "viewer"\n${file}: 1 test passed, 1 failed\n`,
  );
  t.is((await rules('test', 'rules')).code, 0);
});

test('rules explain says what would become of a file and why, without naming the patient', async (t) => {
  const { code, stdout } = await rules(
    'explain',
    join(folder, 'site.yaml'),
    '--file',
    join(folder, 'image.dcm'),
  );

  t.is(code, 0);
  t.regex(stdout, /matched by "a patient"\n {2}to archive \(set StudyID\)\n/);
  t.regex(stdout, /"CT" does not match\n {2}no {3}Modality is CT {3}saw: OT/);
  t.regex(stdout, /"the rest" was not asked/);
  t.false(stdout.includes('P-4711'));
  const shown = await rules('explain', folder, join(folder, 'image.dcm'), '--show-values');
  t.true(shown.stdout.includes('saw: P-4711'));
});

test('rules explain --json prints plan and reasons as one object', async (t) => {
  const { stdout } = await rules(
    'explain',
    folder,
    '--file',
    join(folder, 'image.dcm'),
    '--from',
    'ct1',
    '--json',
  );

  const explained = JSON.parse(stdout);
  t.like(explained, { decidedBy: 'rules', matched: ['a patient'], deliveries: [{ destination: 'archive' }] });
  t.deepEqual(explained.plan.deliveries[0].edits, [{ set: 'StudyID', value: ['7'] }]);
  t.deepEqual(
    explained.rules.map(({ verdict }: { verdict: string }) => verdict),
    ['failed', 'matched', 'not-asked'],
  );
});

test('a file that is missing or no DICOM exits with 1, wrong use with 2', async (t) => {
  t.is((await rules('explain', folder, '--file', join(folder, 'none.dcm'))).code, 1);
  t.is((await rules('explain', folder, '--file', join(folder, 'broken.dcm'))).code, 1);
  t.is((await rules('explain', folder)).code, 2);
  t.is((await rules('explain', folder, 'x.dcm', '--origin', 'made')).code, 2);
  t.is((await rules('check', 'one', 'two')).code, 2);
  t.is((await rules('decide')).code, 2);
  t.is((await rules('test', '--wrong')).code, 2);
});
