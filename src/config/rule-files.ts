import type { SettingsProblem } from './errors.ts';
import type { Settings } from './schema.ts';

/** What is wrong with the rules that the settings name, destinations that the settings do not have among it. */
export async function checkRuleFiles(settings: Settings): Promise<readonly SettingsProblem[]> {
  // Imported here, so that whoever only loads settings does not wait for the rules.
  const [{ RuleFileError }, { loadRules }, { checkRuleDestinations }] = await Promise.all([
    import('../rules/errors.ts'),
    import('../rules/load-rules.ts'),
    import('../rules/rule-set.ts'),
  ]);
  try {
    const problems = checkRuleDestinations(
      await loadRules(settings.rules.path),
      Object.keys(settings.destinations),
    );
    return problems.map(asSettingsProblem);
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error;
    return error.problems.map(asSettingsProblem);
  }
}

function asSettingsProblem(problem: {
  file: string;
  line: number;
  column: number;
  message: string;
}): SettingsProblem {
  const { file, line, column, message } = problem;
  return { path: '', message, place: { source: file, line, column } };
}
