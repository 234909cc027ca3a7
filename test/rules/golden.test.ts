import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RuleFileError } from '../../src/rules/errors.ts';
import { loadRules } from '../../src/rules/load-rules.ts';
import { runRuleTests } from '../../src/rules/rule-tests.ts';

const FOLDER = join(import.meta.dirname, '../golden/rules');
const files = readdirSync(FOLDER);

/** The comments on top of a golden file: `# line:column: message`, one for each problem. */
function expectedProblems(file: string): readonly string[] {
  const lines = readFileSync(join(FOLDER, file), 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('# '));
  return lines.slice(0, end).map((line) => line.slice(2));
}

for (const file of files.filter((name) => name.endsWith('.bad.yaml'))) {
  test(`${file} is refused with every problem it has, where it is`, async (t) => {
    const error = await t.throwsAsync(loadRules(join(FOLDER, file)), { instanceOf: RuleFileError });

    const found = error?.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
    t.deepEqual(
      found?.map((one) => one.replaceAll(`${FOLDER}/`, '')),
      expectedProblems(file),
    );
    t.true(error?.problems.every((problem) => problem.file === join(FOLDER, file)));
  });
}

for (const file of files.filter((name) => name.endsWith('.good.yaml'))) {
  test(`${file} is read, and its tests pass`, async (t) => {
    const results = runRuleTests(await loadRules(join(FOLDER, file)));

    t.true(results.length > 0);
    t.deepEqual(
      results.filter(({ failures }) => failures.length > 0),
      [],
    );
  });
}
