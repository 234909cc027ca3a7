import { GatewayError } from '../errors.ts';

/** Where a value stands: a file with line and column counted from 1, or `NODE_CONFIG`. */
export interface Place {
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
}

/** One thing that is wrong with the settings. */
export interface SettingsProblem {
  /** Dotted, as in `destinations.pacs.port`; empty for the settings as a whole. */
  readonly path: string;
  /** What should be, and what is. */
  readonly message: string;
  readonly place?: Place;
}

/** The settings cannot be used. Lists everything that is wrong with them, not the first thing only. */
export class SettingsError extends GatewayError {
  override readonly code = 'SETTINGS_INVALID';
  override readonly disposition = 'hold';
  readonly problems: readonly SettingsProblem[];

  constructor(problems: readonly SettingsProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(
      `Cannot use the settings: ${count}\n${problems.map((one) => `  ${formatProblem(one)}`).join('\n')}`,
      {
        problems: problems.length,
      },
    );
    this.problems = problems;
  }
}

/** `config/site.yaml:4:3 destinations.pacs.prot: there is no such setting; did you mean "port"?` */
export function formatProblem({ path, message, place }: SettingsProblem): string {
  return [...(place ? [formatPlace(place)] : []), ...(path ? [`${path}:`] : []), message].join(' ');
}

function formatPlace({ source, line, column }: Place): string {
  return line === undefined ? source : `${source}:${line}:${column ?? 1}`;
}
