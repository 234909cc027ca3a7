import type { SettingsProblem } from './errors.ts';
import type { Settings } from './schema.ts';

export interface RuleFindings {
  /** What keeps the gateway from starting, destinations that the settings do not have among it. */
  readonly problems: readonly SettingsProblem[];
  readonly warnings: readonly SettingsProblem[];
}

/** What is wrong with the rules that the settings name, and with the destinations that they do not name. */
export async function checkRuleFiles(settings: Settings): Promise<RuleFindings> {
  // Imported here, so that whoever only loads settings does not wait for the rules.
  const [{ RuleFileError }, { loadRules }, { checkRuleDestinations, destinationsOf }] = await Promise.all([
    import('../rules/errors.ts'),
    import('../rules/load-rules.ts'),
    import('../rules/rule-set.ts'),
  ]);
  try {
    const ruleSet = await loadRules(settings.rules.path);
    const problems = checkRuleDestinations(ruleSet, Object.keys(settings.destinations));
    const named = destinationsOf(ruleSet).map(({ name }) => name);
    return { problems: problems.map(asSettingsProblem), warnings: neverSentTo(settings, new Set(named)) };
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error;
    return { problems: error.problems.map(asSettingsProblem), warnings: [] };
  }
}

function neverSentTo({ destinations }: Settings, named: ReadonlySet<string>): readonly SettingsProblem[] {
  const takingOver = new Set(Object.values(destinations).map(({ failover_to }) => failover_to));
  return Object.keys(destinations)
    .filter((name) => !named.has(name) && !takingOver.has(name))
    .map((name) => ({
      path: `destinations.${name}`,
      message: 'nothing is sent there: no rule names it, and no failover_to of another destination',
    }));
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
