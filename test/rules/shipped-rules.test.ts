import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { buildRuleSet } from '../../src/rules/build-rule-set.ts';
import { loadRules } from '../../src/rules/load-rules.ts';
import { checkRuleDestinations } from '../../src/rules/rule-set.ts';
import { runRuleTests } from '../../src/rules/rule-tests.ts';

const FOLDER = join(import.meta.dirname, '../../rules');

test('the rules that come with the gateway pass their tests and send to its outbox', async (t) => {
  const ruleSet = await loadRules(FOLDER);
  const results = runRuleTests(ruleSet);

  t.true(results.length >= 5);
  t.deepEqual(
    results.flatMap(({ failures }) => failures),
    [],
  );
  t.deepEqual(checkRuleDestinations(ruleSet, ['outbox']), []);
});

const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);

test('the manual has examples of every part of the grammar', (t) => {
  t.true(examples.length >= 5);
  for (const word of [
    'not:',
    'any:',
    'matches:',
    'continue: true',
    'to-original:',
    'origin: converted',
    'spacing-mm:',
  ]) {
    t.true(
      examples.some((example) => example.includes(word)),
      word,
    );
  }
});

for (const [index, text] of examples.entries()) {
  test(`example ${index + 1} of the manual is read, and its tests pass`, (t) => {
    const results = runRuleTests(buildRuleSet('README.md', [{ file: 'README.md', text }]));

    t.true(results.length > 0);
    t.deepEqual(
      results.flatMap(({ failures }) => failures),
      [],
    );
  });
}
