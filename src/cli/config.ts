import { parseArgs } from 'node:util';
import { checkSettings, formatProblem, SettingsError, type SettingsProblem } from '../config/config.ts';
import { describeSettings } from '../config/describe.ts';
import { checkRuleFiles } from '../config/rule-files.ts';
import { checkSecretPlaces } from '../config/secret-places.ts';
import { checkTlsFiles } from '../config/tls-files.ts';
import { type Command, UsageError } from './command.ts';
import { counted } from './text.ts';

/** `slidegate config check | describe`: settings, without a running gateway. */
export const config: Command = {
  name: 'config',
  summary: 'Checks the settings, or tells what can be set.',
  usage: `Usage: slidegate config check [<file>] [--json]
       slidegate config describe [<path>] [--json | --example]

  check            says everything that is wrong with the settings in force: config/default.yaml, then the file
                   named in SLIDEGATE_CONFIG (or <file> in its place), then NODE_CONFIG; and with their rules,
                   certificates and secrets
  describe         what can be set, with meaning, bounds and default, in Markdown; <path> such as "spool" or
                   "destinations" narrows it
    --json         the JSON Schema of a file of settings, for editors
    --example      every setting as YAML, ready to copy from`,

  async run([verb, ...args]) {
    if (verb === 'check') return check(args);
    if (verb === 'describe') return describe(args);
    throw new UsageError(verb === undefined ? 'say check or describe' : `there is no "config ${verb}"`);
  },
};

async function check(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (positionals.length > 1) throw new UsageError('config check takes one file');
  const [file] = positionals;
  try {
    const { settings, sources, warnings: found } = checkSettings(file === undefined ? {} : { file });
    const [rules, secrets] = await Promise.all([checkRuleFiles(settings), checkSecretPlaces(settings)]);
    const problems = [...rules.problems, ...checkTlsFiles(settings), ...secrets.problems];
    const warnings = [...found, ...rules.warnings, ...secrets.warnings];
    if (problems.length > 0) throw new SettingsError(problems);
    if (values.json) printJson({ ok: true, sources, problems: [], warnings });
    else
      console.log(
        [...warnings.map(describeWarning), `Settings and rules are good: ${sources.join(', ')}.`].join('\n'),
      );
    return 0;
  } catch (error) {
    if (!(values.json && error instanceof SettingsError)) throw error;
    printJson({ ok: false, problems: error.problems, warnings: [] });
    return 1;
  }
}

function describeWarning(warning: SettingsProblem): string {
  return `Warning: ${formatProblem(warning)}`;
}

async function describe(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, example: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (positionals.length > 1)
    throw new UsageError(`config describe takes one path, not ${counted(positionals.length, 'path')}`);
  if (values.json && values.example) throw new UsageError('--json and --example exclude each other');
  const [path = ''] = positionals;
  const format = values.example ? 'yaml' : 'markdown';
  const text = describeSettings(values.json ? 'json' : format, path);
  if (text === undefined) throw new UsageError(`there is no setting "${path}"`);
  process.stdout.write(text);
  return 0;
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value));
}
