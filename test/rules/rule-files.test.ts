import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { buildRuleSet } from '../../src/rules/build-rule-set.ts';
import { RuleFileError } from '../../src/rules/errors.ts';
import { loadRules } from '../../src/rules/load-rules.ts';
import { checkRuleDestinations } from '../../src/rules/rule-set.ts';
import { ruleSetOf } from '../support/asked-rules.ts';

async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rules-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

async function problemsOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<readonly string[]> {
  const folder = await folderOf(files);
  try {
    await loadRules(folder);
    return [];
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error;
    return error.problems.map(
      ({ file, line, column, message }) =>
        `${file.slice(folder.length + 1)}:${line}:${column}: ${message.replaceAll(`${folder}/`, '')}`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a folder is its *.yaml files by name, and not those of folders in it', async (t) => {
  const folder = await folderOf({
    '20-late.yaml': 'rules: [{ name: late, to: [b] }]',
    '10-early.yaml': 'rules: [{ name: early, when: { from: ct1 }, to: [a] }]',
    'notes.txt': 'rules: nonsense',
    'examples/30-other.yaml': 'rules: nonsense',
  });

  const { rules } = await loadRules(folder);

  t.deepEqual(
    rules.map(({ name }) => name),
    ['early', 'late'],
  );
  await rm(folder, { recursive: true });
});

test('a file that ends in .yml is refused, for its rules would be missed silently', async (t) => {
  const rule = 'rules: [{ name: a, to: [a] }]';

  t.deepEqual(await problemsOf({ 'a.yaml': rule, 'c.yml': rule, 'b.yml': rule }), [
    'b.yml:1:1: is not read, for its name ends in .yml: name it .yaml, or move it out of this folder',
    'c.yml:1:1: is not read, for its name ends in .yml: name it .yaml, or move it out of this folder',
  ]);
});

test('there is one otherwise in all files together', async (t) => {
  const otherwise = 'otherwise: { to: [a] }';

  t.deepEqual(await problemsOf({ 'a.yaml': otherwise, 'b.yaml': otherwise }), [
    'b.yaml:1:1: a second "otherwise": there is one at a.yaml:1',
  ]);
});

test('rules of different files have different names', async (t) => {
  const rule = 'rules: [{ name: same, when: { from: ct1 }, to: [a] }]';

  t.deepEqual(await problemsOf({ 'a.yaml': rule, 'b.yaml': rule }), [
    'b.yaml:1:17: a rule of this name stands at a.yaml:1: names must differ',
  ]);
});

test('problems of all files come at once, in their order', async (t) => {
  const problems = await problemsOf({
    'b.yaml': 'rules: [{ name: b }]\notherwise: []',
    'a.yaml': 'rules: [{ name: a, whenn: x, to: [a] }',
  });

  t.deepEqual(
    problems.map((problem) => problem.split(':').slice(0, 3).join(':')),
    ['a.yaml:1:39', 'b.yaml:1:9', 'b.yaml:2:12'],
  );
});

test('text that is not UTF-8 is refused, for its words would match nothing', async (t) => {
  const bytes = Buffer.from('otherwise: { to: [a], note: "Sch\xe4del" }', 'latin1');

  t.deepEqual(await problemsOf({ 'a.yaml': bytes }), [
    'a.yaml:1:1: is not UTF-8 text: save it in that encoding',
  ]);
});

test('a path that is not there, or a folder without rules, is said so', async (t) => {
  const missing = await t.throwsAsync(loadRules('/nowhere/rules'), { instanceOf: RuleFileError });
  t.is(
    missing?.message,
    'Cannot use the rules of /nowhere/rules: 1 problem\n/nowhere/rules:1:1: there is no such file or folder',
  );

  t.deepEqual(await problemsOf({ 'notes.txt': '' }), [':1:1: there is no *.yaml file in this folder']);
});

test('values are the text that stands in the file', (t) => {
  const text =
    'rules: [{ name: one, do: [{ set: { PatientID: 00123, StudyID: no, PatientComments: 1e3 } }], to: [a] }]';

  const { rules } = buildRuleSet('a.yaml', [{ file: 'a.yaml', text }]);

  t.deepEqual(
    rules[0]?.edits.map((edit) => 'set' in edit && edit.value),
    [['00123'], ['no'], ['1e3']],
  );
});

test('an alias stands for what its anchor names', (t) => {
  const text = [
    'rules:',
    '  - { name: one, when: &ct { attribute: Modality, is: CT }, to: [a] }',
    '  - { name: two, when: { not: *ct }, to: [b] }',
  ].join('\n');

  t.is(buildRuleSet('a.yaml', [{ file: 'a.yaml', text }]).rules.length, 2);
});

test('the version of the rules follows their text', (t) => {
  const version = (name: string) => ruleSetOf({ rules: [{ name, to: ['a'] }] }).version;

  t.is(version('one'), version('one'));
  t.not(version('one'), version('two'));
});

test('destinations that the settings do not have are found where they stand', (t) => {
  const text = [
    'rules:',
    '  - { name: one (lossy), when: { from: a }, do: [{ convert: { to: wsi } }], to: [archive], to-original: [viewr] }',
    '  - { name: two, to: [archiv] }',
    'otherwise: { to: nowhere-near }',
  ].join('\n');
  const ruleSet = buildRuleSet('a.yaml', [{ file: 'a.yaml', text }]);

  t.deepEqual(checkRuleDestinations(ruleSet, ['archive', 'viewer']), [
    {
      file: 'a.yaml',
      line: 2,
      column: 106,
      message: 'unknown destination "viewr"; did you mean "viewer"? the settings have: archive, viewer',
    },
    {
      file: 'a.yaml',
      line: 3,
      column: 23,
      message: 'unknown destination "archiv"; did you mean "archive"? the settings have: archive, viewer',
    },
    {
      file: 'a.yaml',
      line: 4,
      column: 18,
      message: 'unknown destination "nowhere-near"; the settings have: archive, viewer',
    },
  ]);
});

test('no text makes the reader of rules throw anything but RuleFileError', (t) => {
  const words = fc.constantFrom(
    ...[
      'rules:',
      'otherwise:',
      'tests:',
      '- ',
      'name:',
      'when:',
      'all:',
      'not:',
      'attribute:',
      'Modality',
      'is:',
      'in:',
      'to:',
      'do:',
    ],
    ...[
      'set:',
      'convert:',
      'given:',
      'expect:',
      '{',
      '}',
      '[',
      ']',
      ',',
      '\n',
      '  ',
      '&a ',
      '*a',
      '? ',
      '|',
      '>',
      '"',
      "'",
      '#',
      '!!int ',
      '<<: ',
      '\t',
      '%',
      '00',
    ],
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 40 }).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(text, (content) => {
      try {
        buildRuleSet('a.yaml', [{ file: 'a.yaml', text: content }]);
        t.pass();
      } catch (error) {
        t.true(error instanceof RuleFileError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('no value in any place makes the reader of rules throw anything but RuleFileError', (t) => {
  const keys = [
    'name',
    'when',
    'do',
    'to',
    'attribute',
    'is',
    'in',
    'all',
    'any',
    'not',
    'set',
    'convert',
    'given',
    'expect',
    'rule',
    '__proto__',
    'constructor',
  ];
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('CT', '', '7', 'true', 'Modality', 'wsi', null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 3 }), fc.array(value, { maxLength: 3 }), (rules, tests) => {
      try {
        ruleSetOf({ rules, tests });
        t.pass();
      } catch (error) {
        t.true(error instanceof RuleFileError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
