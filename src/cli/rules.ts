import { parseArgs } from 'node:util';
import { formatProblem, RuleFileError } from '../rules/errors.ts';
import { loadRules } from '../rules/load-rules.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { runRuleTests } from '../rules/rule-tests.ts';
import { type Command, UsageError } from './command.ts';
import { explain } from './rules-explain.ts';
import { counted } from './text.ts';

/** The folder of the default settings. */
const RULES_PATH = './rules';

const verbs: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  check,
  test,
  explain: (args) => explain(args, { rulesPath: RULES_PATH, load }),
};

export const rules: Command = {
  name: 'rules',
  summary: 'Checks, tests and explains the rules that route instances.',
  usage: `Usage: slidegate rules check [<file|folder>] [--json]
       slidegate rules test [<file|folder>] [--json]
       slidegate rules explain [<file|folder>] --file image.dcm [options]

check    reads the rules and lists every problem with file, line and column; whether the destinations
         that they name are there, "slidegate config check" says
test     runs the tests: blocks of the rule files
explain  says what the rules would do with a DICOM file and why; nothing is sent

Without a file or folder, the rules are those of ${RULES_PATH}.

Options of explain:
  --file FILE       the DICOM file
  --from NAME       name of the source, as in the settings     [unknown]
  --from-ae TITLE   calling AE title
  --to-ae TITLE     called AE title
  --origin ORIGIN   received or converted                      [received]
  --show-values     show the values of every attribute, also of those that may name a patient
  --json            one JSON object`,
  run([verb, ...args]) {
    const known = Object.keys(verbs).join(', ');
    if (verb === undefined) throw new UsageError(`one of ${known} is missing`);
    const command = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (command === undefined) throw new UsageError(`there is no "rules ${verb}": write one of ${known}`);
    return command(args);
  },
};

async function check(args: readonly string[]): Promise<number> {
  const { path, json } = pathAndJson(args);
  const ruleSet = await load(path, json);
  if (ruleSet === undefined) return 1;
  const counts = { rules: ruleSet.rules.length, tests: ruleSet.tests.length };
  if (json) printJson({ ok: true, path, version: ruleSet.version, ...counts, problems: [] });
  else
    console.log(
      `${path}: no problems in ${counted(counts.rules, 'rule')} and ${counted(counts.tests, 'test')} (version ${ruleSet.version})`,
    );
  return 0;
}

async function test(args: readonly string[]): Promise<number> {
  const { path, json } = pathAndJson(args);
  const ruleSet = await load(path, json);
  if (ruleSet === undefined) return 1;
  const results = runRuleTests(ruleSet);
  const failed = results.filter(({ failures }) => failures.length > 0);
  const passed = results.length - failed.length;
  if (json) {
    const tests = results.map(({ name, place, failures }) => ({
      name,
      ...place,
      passed: failures.length === 0,
      failures,
    }));
    printJson({
      ok: failed.length === 0,
      path,
      version: ruleSet.version,
      passed,
      failed: failed.length,
      tests,
    });
  } else {
    for (const { name, place, failures } of failed) {
      console.log(formatProblem({ ...place, message: `"${name}" failed\n    ${failures.join('\n    ')}` }));
    }
    console.log(`${path}: ${counted(passed, 'test')} passed, ${failed.length} failed`);
  }
  return failed.length === 0 ? 0 : 1;
}

function pathAndJson(args: readonly string[]): { path: string; json: boolean } {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [path = RULES_PATH, more] = positionals;
  if (more !== undefined) throw new UsageError(`one file or folder at a time: "${more}" is too many`);
  return { path, json: values.json };
}

/** The rules, or undefined after their problems have been printed. */
async function load(path: string, json: boolean): Promise<RuleSet | undefined> {
  try {
    return await loadRules(path);
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error;
    if (json) printJson({ ok: false, path, problems: error.problems });
    else console.error(error.message);
    return undefined;
  }
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value));
}
